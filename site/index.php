<?php
$pod = gethostname();
$address = $_SERVER['SERVER_ADDR'] ?? '';
header('X-Served-By: ' . $pod);
header('Cache-Control: no-store');
// The same pod always gets the same colour, so that a reload is seen at once.
$hue = crc32($pod) % 360;
?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Served by <?= htmlspecialchars($pod) ?></title>
<style>
:root { --pod: hsl(<?= $hue ?> 65% 45%); color-scheme: light dark; }
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center;
  font: 1rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText;
}
main { width: min(36rem, 92vw); }
.card { border: 1px solid color-mix(in srgb, CanvasText 15%, transparent); border-radius: 1rem; overflow: hidden; }
.card header { background: var(--pod); color: #fff; padding: 1.5rem; }
h1 { margin: 0; font-size: 1rem; font-weight: 500; opacity: .9; }
.pod { font: 600 clamp(1.1rem, 4.5vw, 1.6rem)/1.3 ui-monospace, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.5rem; margin: 0; padding: 1.5rem; }
dt { opacity: .7; }
dd { margin: 0; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
p { opacity: .7; text-align: center; }
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
      <dt>Pod address</dt><dd><?= htmlspecialchars($address) ?></dd>
      <dt>Asked for</dt><dd><?= htmlspecialchars(($_SERVER['HTTP_HOST'] ?? '') . ($_SERVER['REQUEST_URI'] ?? '')) ?></dd>
      <dt>Came from</dt><dd><?= htmlspecialchars($_SERVER['REMOTE_ADDR'] ?? '') ?></dd>
    </dl>
  </div>
  <p>Reload: another pod answers, from the same files on the NFS share.</p>
</main>
</body>
</html>
