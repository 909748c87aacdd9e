package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// picturesFolder is the variable that names the folder of the screenshots; one that is not absolute is
// below the module's. With it a browser is a must: without one the test fails, and does not skip.
const picturesFolder = "KYC_PICTURES"

// browser is a tab of a real browser, before the page of a running demo.
type browser struct {
	t        *testing.T
	ctx      context.Context
	url      string
	pictures string

	mu        sync.Mutex
	requested []string // URLs
	wrong     []string // errors of the console, exceptions, requests that failed
}

// findBrowser returns the path of a browser. The test skips without one.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv(picturesFolder) != "" {
		t.Fatalf("%s asks for screenshots, and there is no chromium: apt-get install chromium", picturesFolder)
	}
	t.Skip("no chromium in PATH: apt-get install chromium")
	return ""
}

// startDemo starts the demo with its page, and returns its address.
func startDemo(t *testing.T) string {
	t.Helper()
	// The go command then knows that a cached outcome does not hold for changed sources.
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := start(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url, end := serve(listener, d.page())
	t.Cleanup(end)
	return url
}

// open opens the page in a browser with this language.
func open(t *testing.T, path, url, language string) *browser {
	t.Helper()
	b := &browser{t: t, url: url, pictures: t.TempDir()}
	if folder := os.Getenv(picturesFolder); folder != "" {
		if b.pictures = folder; !filepath.IsAbs(folder) {
			b.pictures = filepath.Join("..", "..", folder)
		}
		if err := os.MkdirAll(b.pictures, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // as root there is none
		chromedp.Flag("lang", language),
		chromedp.Flag("accept-lang", language),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.WSURLReadTimeout(time.Minute), // a busy machine
	)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	b.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	b.size(1100, 800)
	// Proof that the ear hears: an error of the console, and a request.
	b.do(chromedp.Navigate(url + "/"))
	b.run(`console.error('canary')`)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.wrong) != 1 || !strings.Contains(b.wrong[0], "canary") || len(b.requested) == 0 {
		t.Fatalf("heard %q of the console, and %d requests", b.wrong, len(b.requested))
	}
	b.wrong = nil
	return b
}

// listen notes what goes wrong in the browser, and what it asks for.
func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wrong := func(format string, args ...any) { b.wrong = append(b.wrong, fmt.Sprintf(format, args...)) }
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requested = append(b.requested, e.Request.URL)
	case *network.EventLoadingFailed:
		if !e.Canceled {
			wrong("a request failed: %s %s", e.ErrorText, e.BlockedReason)
		}
	case *runtime.EventExceptionThrown:
		wrong("exception: %v", e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			for _, arg := range e.Args {
				wrong("console.%s: %s%s", e.Type, arg.Value, arg.Description)
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			wrong("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
}

// quiet fails the test where anything went wrong, or came from elsewhere than the page.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, wrong := range b.wrong {
		b.t.Error(wrong)
	}
	for _, url := range b.requested {
		if !strings.HasPrefix(url, b.url+"/") && !strings.HasPrefix(url, "blob:"+b.url+"/") && !strings.HasPrefix(url, "data:image/") {
			b.t.Errorf("the page asked for %s", url)
		}
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// run runs JavaScript.
func (b *browser) run(script string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](script))
}

// read returns what a JavaScript expression is.
func read[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits for a condition in JavaScript.
func (b *browser) until(condition string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("Boolean("+condition+")", chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(time.Minute)))
	if err != nil {
		b.shot("failed")
		b.t.Fatalf("%s: %v\n%s", condition, err, read[string](b, `document.querySelector('main > section:not([hidden])').innerText.slice(-2500)`))
	}
}

// click clicks the one element that a CSS selector finds.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// choose takes an option of a list, or fills a field in, as a user does.
func (b *browser) choose(selector, value string) {
	b.t.Helper()
	quoted, err := json.Marshal([2]string{selector, value})
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(fmt.Sprintf(`{ const [selector, value] = %s; const control = document.querySelector(selector); control.value = value;
		if (control.value !== value) throw new Error(selector + ' has no ' + value);
		control.dispatchEvent(new Event('input', {bubbles: true})); control.dispatchEvent(new Event('change', {bubbles: true})); }`, quoted))
}

func (b *browser) size(width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
}

// prefer sets a media feature, such as prefers-color-scheme.
func (b *browser) prefer(feature, value string) {
	b.t.Helper()
	params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, params); err != nil {
		b.t.Fatal(err)
	}
}

// fits fails the test where the page is wider than the window.
func (b *browser) fits(what string) {
	b.t.Helper()
	const wide = `[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, .code, .preview'))
		.map((e) => e.tagName + '.' + e.className).slice(0, 3).join(' ')`
	if read[int](b, `document.documentElement.scrollWidth - innerWidth`) > 0 {
		b.t.Errorf("%s is too wide: %s", what, read[string](b, wide))
	}
}

// shot writes a screenshot of the whole page.
func (b *browser) shot(name string) {
	b.t.Helper()
	b.save(name, chromedp.FullScreenshot(100))
}

// save writes a screenshot into the folder of the pictures.
func (b *browser) save(name string, action chromedp.Action[[]byte]) {
	b.t.Helper()
	b.run(`document.getAnimations().forEach((a) => a.finish())`)
	picture, err := chromedp.Run(b.ctx, action)
	if err == nil {
		err = os.WriteFile(filepath.Join(b.pictures, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}
