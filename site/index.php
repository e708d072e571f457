<?php
// The page that shows which pod served it. With ?who it answers with that
// alone, as JSON, and closes the connection, so that the next request may go to
// another pod also where connections are balanced and not requests.
$pod = gethostname();
// The same pod always has the same colour, so that a reload is seen at once.
$hue = crc32($pod) % 360;
header('X-Served-By: ' . $pod);
header('Cache-Control: no-store');
if (isset($_GET['who'])) {
    header('Content-Type: application/json');
    header('Connection: close');
    echo json_encode(['pod' => $pod, 'hue' => $hue]);
    exit;
}
?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Served by <?= htmlspecialchars($pod) ?></title>
<style>
:root { --pod: hsl(<?= $hue ?> 65% 42%); --line: color-mix(in srgb, CanvasText 15%, transparent); color-scheme: light dark; }
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center;
  font: 1rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText;
}
main { width: min(38rem, 92vw); padding: 2rem 0; }
.card { border: 1px solid var(--line); border-radius: 1rem; overflow: hidden; }
.card header { background: var(--pod); color: #fff; padding: 1.5rem; }
h1 { margin: 0; font-size: 1rem; font-weight: 500; opacity: .9; }
.pod { font: 600 clamp(1.1rem, 4.5vw, 1.6rem)/1.3 ui-monospace, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.5rem; margin: 0; padding: 1.5rem; }
dt { opacity: .7; }
dd { margin: 0; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.balance { border-top: 1px solid var(--line); padding: 1.5rem; }
button {
  font: inherit; padding: .5rem 1rem; border-radius: .5rem; cursor: pointer;
  border: 1px solid var(--line); background: var(--pod); color: #fff;
}
button:disabled { opacity: .6; cursor: progress; }
output { margin-left: 1rem; font-variant-numeric: tabular-nums; }
.bar { margin-top: 1rem; }
.bar .name { font: .85rem ui-monospace, monospace; overflow-wrap: anywhere; }
.bar .track { display: flex; align-items: center; gap: .6rem; }
.bar .fill { height: 1.1rem; border-radius: .3rem; }
</style>
</head>
<body>
<main>
  <div class="card">
    <header>
      <h1>This page was served by</h1>
      <div class="pod"><?= htmlspecialchars($pod) ?></div>
    </header>
    <dl>
      <dt>Pod address</dt><dd><?= htmlspecialchars($_SERVER['SERVER_ADDR'] ?? '') ?></dd>
      <dt>Asked for</dt><dd><?= htmlspecialchars(($_SERVER['HTTP_HOST'] ?? '') . ($_SERVER['REQUEST_URI'] ?? '')) ?></dd>
      <dt>Came from</dt><dd><?= htmlspecialchars($_SERVER['REMOTE_ADDR'] ?? '') ?></dd>
    </dl>
    <section class="balance">
      <button id="reload" type="button">Reload 50 times</button><output id="count" for="reload"></output>
      <div id="bars"></div>
    </section>
  </div>
</main>
<script>
const total = 50, button = document.getElementById('reload'), count = document.getElementById('count');
const bars = document.getElementById('bars');
button.addEventListener('click', async () => {
  const answers = new Map();
  button.disabled = true;
  bars.replaceChildren();
  let failed = 0;
  for (let i = 1; i <= total; i++) {
    try {
      // Relative to the page itself, with and without a slash at its end.
      const who = await (await fetch('?who', {cache: 'no-store'})).json();
      draw(answers, who);
    } catch {
      failed++;
    }
    count.textContent = `${i} of ${total}` + (failed ? `, ${failed} failed` : '');
  }
  button.disabled = false;
});

function draw(answers, who) {
  let bar = answers.get(who.pod);
  if (!bar) {
    bar = {n: 0, root: document.createElement('div')};
    bar.root.className = 'bar';
    bar.root.innerHTML = '<div class="name"></div><div class="track"><div class="fill"></div><span></span></div>';
    bar.root.querySelector('.name').textContent = who.pod;
    bar.root.querySelector('.fill').style.background = `hsl(${who.hue} 65% 42%)`;
    answers.set(who.pod, bar);
    bars.append(bar.root);
  }
  bar.n++;
  bar.root.dataset.answers = bar.n;
  bar.root.querySelector('.fill').style.width = `${bar.n / total * 85}%`;
  bar.root.querySelector('span').textContent = bar.n;
}
</script>
</body>
</html>
