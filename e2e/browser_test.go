package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// In a real browser, the page reloads itself 50 times and draws a bar for each pod, at the URLs of every way.
// The screenshots are in .lab/e2e/screenshots, or with UPDATE_SCREENSHOTS=1 in docs/images, where the
// documentation shows them.
func TestPage(t *testing.T) {
	parallel(t)
	s := newStack(t, "e2e-page")
	s.set("ingress", "true")
	s.set("exposure", "nodeport")
	s.up()
	o := s.outputs()
	eventually(t, 30*time.Second, func() error {
		if pods := servers(t, o.urls("ingress")[0], node1, 10); len(pods) != 2 {
			return notYet("answered by %v, want two pods", pods)
		}
		return nil
	})
	ways := map[string]string{
		"ingress":  o.urls("ingress")[0],
		"nodeport": o.urls("nodeport")[1],
	}
	for name, url := range ways {
		t.Run(name, func(t *testing.T) { s.showsPage(t, name, url) })
	}
	t.Run("ingress with a slash at the end", func(t *testing.T) { s.showsPage(t, "ingress-slash", ways["ingress"]+"/") })
	t.Run("https", func(t *testing.T) {
		s.t = t
		s.set("tls", "self-signed")
		s.up()
		s.showsPage(t, "https", s.outputs().urls("ingress")[0])
	})
}

// showsPage opens a URL, has the page reload itself, and checks its bars.
func (s *stack) showsPage(t *testing.T, name, url string) {
	// The browser's files are removed with the lab. The path is short, since there is a Unix socket below it.
	const temporary = "/run/webapp-balanced-lab/run/browser"
	if err := os.MkdirAll(temporary, 0o700); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Env("TMPDIR="+temporary),
		chromedp.WindowSize(900, 760),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("ignore-certificate-errors", true), // TestMatrix verifies the certificate
		chromedp.Flag("host-resolver-rules", "MAP "+s.host+" "+node1),
	)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	// The allocator has a profile directory of its own, and removes it when the
	// browser has ended; it writes there until then.
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	browser, stop := chromedp.NewContext(allocator)
	defer stop()

	var title, count string
	var answers []string
	var picture []byte
	err := chromedp.Run(browser,
		chromedp.Navigate(url),
		chromedp.Title(&title),
		chromedp.Click("#reload"),
		chromedp.Poll(`document.getElementById('count').textContent.startsWith('50 of 50')`, nil, chromedp.WithPollingTimeout(0)),
		chromedp.Text("#count", &count),
		chromedp.Evaluate(`[...document.querySelectorAll('.bar')].map(bar => bar.dataset.answers)`, &answers),
		chromedp.FullScreenshot(&picture, 100),
	)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	dir := filepath.Join(root, ".lab", "e2e", "screenshots")
	if os.Getenv("UPDATE_SCREENSHOTS") != "" {
		dir = filepath.Join(root, "docs", "images")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "page-"+name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(title, "Served by webapp-balanced-") {
		t.Errorf("the title is %q", title)
	}
	if count != "50 of 50" {
		t.Errorf("the count says %q", count)
	}
	sum := 0
	for _, a := range answers {
		n, err := strconv.Atoi(a)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if len(answers) != 2 || sum != 50 {
		t.Errorf("the bars say %v, want two that make 50", answers)
	}
}
