package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPage uses every tab of the page in a real browser, and looks at it in both languages, light and
// dark, wide and narrow.
func TestPage(t *testing.T) {
	path := findBrowser(t)
	url := startDemo(t)
	b := open(t, path, url, "en-US")
	t.Run("ask", func(t *testing.T) { b.t = t; testAsk(b) })
	t.Run("routes", func(t *testing.T) { b.t = t; testRoutes(b) })
	t.Run("code", func(t *testing.T) { b.t = t; testSnippets(b) })
	t.Run("after the OCR", func(t *testing.T) { b.t = t; testDeliver(b) })
	t.Run("whole flow", func(t *testing.T) { b.t = t; testFlow(b) })
	t.Run("keyboard", func(t *testing.T) { b.t = t; testKeyboard(b) })
	t.Run("languages", func(t *testing.T) { b.t = t; testLanguages(b) })
	t.Run("dark", func(t *testing.T) { b.t = t; testDark(b) })
	b.t = t
	b.quiet()
}

// TestPictures makes the pictures of the README, in both languages:
//
//	KYC_PICTURES=docs/pictures go test -count=1 -run TestPictures ./scripts/demo
//
// Those in Chinese want a font, such as that of Debian's fonts-noto-cjk.
func TestPictures(t *testing.T) {
	path := findBrowser(t)
	if os.Getenv(picturesFolder) == "" {
		t.Skip(picturesFolder + " names no folder for the pictures")
	}
	for language, suffix := range map[string]string{"en-US": "", "zh-CN": ".zh-CN"} {
		b := open(t, path, startDemo(t), language)
		for _, tab := range []struct {
			name   string
			height int64
			act    string
			done   string
		}{
			{"ask", 800, "#ask-send", pictures("#ask figure") + ` === 3`},
			{"deliver", 900, "#deliver-send", pictures("#archive") + ` === 3 && document.querySelector('#inbox .verified')`},
			{"flow", 800, "#flow-all", `document.querySelectorAll('#flow .steps > li.done').length === 5`},
		} {
			b.size(1100, tab.height)
			b.click("#tab-" + tab.name)
			b.until(`document.querySelector('` + tab.act + `')`)
			b.click(tab.act)
			b.until(tab.done)
			b.until(`!document.querySelector('[aria-busy]')`)
			b.run(`document.activeElement.blur()`)
			b.save("page-"+tab.name+suffix, chromedp.CaptureScreenshot())
		}
		b.quiet()
	}
}

// pictures is the number of pictures below a CSS selector that are shown.
func pictures(selector string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('%s img')].filter((i) => i.complete && i.naturalWidth > 0).length`, selector)
}

func testAsk(b *browser) {
	// The first request is there without a click.
	b.until(`document.querySelector('#ask .badge')?.textContent === '200 OK'`)
	b.until(pictures("#ask figure") + ` === 3`)
	for _, want := range []string{"GET /ocr/bankcard/order1?get_file=1", "the upstream", "bankCardNo", "request_id", "ticket renewed", "2420 characters"} {
		if !read[bool](b, fmt.Sprintf(`document.querySelector('#ask .result').textContent.includes(%q)`, want)) {
			b.t.Errorf("the answer does not show %q", want)
		}
	}
	b.fits("ask")
	b.shot("ask")

	// An order that does not exist, by the event function, without photos.
	b.run(`document.querySelector('#ask input[value=event]').click()`)
	b.choose("#ask-scenario", "notfound")
	b.click("#ask-files")
	b.click("#ask-send")
	b.until(`document.querySelector('#ask .badge')?.textContent === '404 Not Found'`)
	if read[bool](b, `document.querySelector('#ask .result').textContent.includes('get_file')`) {
		b.t.Error("asked for photos")
	}
	// Without a token.
	b.click("#ask-token")
	b.click("#ask-send")
	b.until(`document.querySelector('#ask .badge')?.textContent === '401 Unauthorized'`)
	b.click("#ask-token")
	// Another server voids the ticket: the relay mints, and the caller notices nothing.
	b.choose("#ask-order", "order2")
	b.click("#ask-void")
	b.click("#ask-send")
	b.until(`document.querySelector('#ask .badge')?.textContent === '200 OK'`)
	if !read[bool](b, `document.querySelector('#ask .log').textContent.includes('ticket renewed')`) {
		b.t.Error("the log does not show a renewal")
	}
	b.click("#ask-void")
	b.click("#ask-files")
}

// testRoutes asks every route of the list for an order that is there.
func testRoutes(b *browser) {
	routes := read[[]string](b, `[...document.querySelectorAll('#ask-route option')].map((o) => o.value)`)
	if len(routes) < 18 {
		b.t.Fatalf("routes: %q", routes)
	}
	b.choose("#ask-order", "order7")
	for _, route := range routes {
		b.choose("#ask-route", route)
		b.run(`document.querySelector('#ask .result').replaceChildren()`)
		b.click("#ask-send")
		b.until(`document.querySelector('#ask .badge')`)
		if got := read[string](b, `document.querySelector('#ask .badge').textContent`); got != "200 OK" {
			b.t.Errorf("%s: %s", route, got)
		}
	}
	b.choose("#ask-route", "/ocr/idcard/{}/photos/frontPhoto")
	b.click("#ask-send")
	b.until(pictures("#ask figure") + ` === 1`)
	b.choose("#ask-route", "/ocr/bankcard/{}")
}

func testDeliver(b *browser) {
	b.click("#tab-deliver")
	b.until(`document.querySelector('#deliver-send')`)
	order := read[string](b, `document.querySelector('#deliver-orders').value`)
	b.click("#deliver-send")
	b.until(`document.querySelectorAll('#inbox .verified').length === 1`)
	b.until(pictures("#archive") + ` === 3`)
	b.until(`!document.querySelector('#deliver-send').disabled`)
	for _, name := range []string{"bankcardCropPhoto.jpg", "bankcardNoPhoto.jpg", "originBankcardPhoto.jpg", "result.json"} {
		if !read[bool](b, fmt.Sprintf(`document.querySelector('#archive').textContent.includes('IDAdemo1/bankcard/%s/%s')`, order, name)) {
			b.t.Errorf("the archive has no %s", name)
		}
	}
	if !read[bool](b, `document.querySelector('#archive .json').textContent.includes('sha256')`) {
		b.t.Error("result.json is not shown")
	}
	b.fits("after the OCR")
	b.shot("deliver")
	// A letter that was changed on the way.
	b.click("#inbox .tamper")
	b.until(`document.querySelector('#inbox .badge.bad')`)
	// Again, and a batch with two more and a malformed message.
	b.click("#deliver-send")
	b.until(`document.querySelector('#deliver .exchange .log')?.textContent.includes('skipped 1')`)
	b.choose("#deliver-kind", "ckafka")
	b.click("#deliver-bad")
	b.choose("#deliver-orders", "order31 order32")
	b.click("#deliver-send")
	b.until(`document.querySelectorAll('#inbox .verified').length === 4`)
	b.until(`document.querySelector('#archive').textContent.includes('rejected/')`)
	b.until(`document.querySelector('#inbox').textContent.includes('ocr.rejected')`)
	if marks := read[bool](b, `document.querySelector('#archive').textContent.includes('undelivered/')`); marks {
		b.t.Error("a mark is left")
	}
}

func testFlow(b *browser) {
	b.click("#tab-flow")
	b.until(`document.querySelector('#flow-all')`)
	const done = `document.querySelectorAll('#flow .steps > li.done').length`
	for _, way := range read[[]string](b, `[...document.querySelectorAll('#flow-way option')].map((o) => o.value)`) {
		b.choose("#flow-way", way)
		b.click("#flow-all")
		b.until(done + ` === document.querySelectorAll('#flow .steps > li').length`)
		if !read[bool](b, `document.querySelectorAll('#flow .steps > li')[2].textContent.includes('"valid": true')`) {
			b.t.Errorf("%s: the check does not say valid", way)
		}
		b.until(pictures("#flow") + ` > 0`)
	}
	// Step by step, with a user who is another person.
	b.choose("#flow-way", "enhanced")
	b.choose("#flow-scenario", "mismatch")
	for i := range 4 {
		b.run(fmt.Sprintf(`document.querySelectorAll('#flow .steps > li button.primary')[%d].click()`, i))
		b.until(fmt.Sprintf(done+` === %d`, i+1))
		if i == 0 {
			b.fits("whole flow")
			b.shot("flow")
		}
	}
	if !read[bool](b, `document.querySelectorAll('#flow .steps > li')[3].textContent.includes('66669004')`) {
		b.t.Error("the verdict is not that of another person")
	}
}

// testKeyboard goes through the tabs without a mouse.
func testKeyboard(b *browser) {
	const active = `document.activeElement.id + ' ' + document.activeElement.getAttribute('aria-selected') + ' ' + document.querySelector('main > section:not([hidden])').id`
	b.do(chromedp.Focus(chromedp.CSS("#tab-flow")))
	for _, c := range []struct{ key, want string }{
		{kb.ArrowRight, "tab-ask true ask"}, {kb.ArrowLeft, "tab-flow true flow"}, {kb.Home, "tab-ask true ask"}, {kb.ArrowRight, "tab-tickets true tickets"},
		{kb.End, "tab-flow true flow"}, {kb.Home, "tab-ask true ask"},
	} {
		b.do(chromedp.KeyEvent(c.key))
		if got := read[string](b, active); got != c.want {
			b.t.Errorf("%s, want %s", got, c.want)
		}
	}
	// One step from the tabs is their panel, and behind it the first control.
	b.do(chromedp.KeyEvent(kb.Tab))
	if got := read[string](b, `document.activeElement.id`); got != "ask" {
		b.t.Errorf("Tab leads to %q", got)
	}
	b.do(chromedp.KeyEvent(kb.Tab))
	if got := read[string](b, `document.activeElement.value`); got != "event" {
		b.t.Errorf("Tab leads to %q", got)
	}
	// Every control has a name.
	nameless := read[[]string](b, `[...document.querySelectorAll('button, select, input, a')].filter((e) => e.checkVisibility() &&
		!(e.ariaLabel || e.labels?.length || e.textContent.trim() && e.tagName !== 'SELECT')).map((e) => e.outerHTML)`)
	if len(nameless) > 0 {
		b.t.Errorf("without a name: %q", nameless)
	}
	b.choose("#ask-order", "order9")
	b.do(chromedp.Focus(chromedp.CSS("#ask-order")), chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelector('#announcement').textContent.startsWith('Answered 200')`)
}

func testLanguages(b *browser) {
	const text = `document.querySelector('#tab-deliver').textContent + ' ' + document.documentElement.lang`
	if got := read[string](b, text); got != "After the OCR en" {
		b.t.Error(got)
	}
	b.click("#languages [value=zh]")
	if got := read[string](b, text); got != "识别之后 zh-CN" {
		b.t.Error(got)
	}
	// Nothing of a sentence in English is left.
	english := read[[]string](b, `[...document.querySelectorAll('[data-en]')].filter((e) => e.dataset.en === e.dataset.zh && e.dataset.en.includes(' ')).map((e) => e.dataset.en)`)
	for _, text := range english {
		if text != "OCR SDK" && text != "EventBridge" {
			b.t.Errorf("has no Chinese: %q", text)
		}
	}
	for _, tab := range []string{"ask", "tickets", "deliver", "flow"} {
		b.click("#tab-" + tab)
		b.fits(tab + " in Chinese")
		b.shot(tab + "-zh")
	}
	b.do(chromedp.Reload())
	if got := read[string](b, text); got != "识别之后 zh-CN" {
		b.t.Errorf("after a reload: %s", got)
	}
	b.run(`localStorage.clear()`)
	b.do(chromedp.Navigate(b.url + "/"))
	if got := read[string](b, text); got != "After the OCR en" {
		b.t.Errorf("by the browser's language: %s", got)
	}
}

func testDark(b *browser) {
	const ground = `getComputedStyle(document.body).backgroundColor`
	b.prefer("prefers-color-scheme", "light")
	light := read[string](b, ground)
	b.prefer("prefers-color-scheme", "dark")
	if dark := read[string](b, ground); dark == light {
		b.t.Errorf("dark and light have %s", dark)
	}
	b.until(pictures("#ask figure") + ` === 3`)
	b.shot("ask-dark")
	b.size(400, 800)
	// Answers of every kind, with all that is folded unfolded.
	for prefix, status := range map[string]string{"odd": "200", "huge": "502", "html": "502", "throttled": "503", "notfound": "404", "rejected": "502"} {
		b.choose("#ask-scenario", prefix)
		b.click("#ask-send")
		b.until(`document.querySelector('#ask .line code').textContent.includes('/` + prefix + `') && document.querySelector('#ask .badge').textContent.startsWith('` + status + `')`)
		b.run(`document.querySelectorAll('#ask .result details').forEach((d) => { d.open = true; })`)
		b.fits(prefix + ", narrow")
	}
	for _, tab := range []string{"ask", "deliver", "flow"} {
		b.click("#tab-" + tab)
		b.until(`document.querySelector('#` + tab + ` button')`)
		b.fits(tab + ", narrow")
		b.shot(tab + "-narrow")
	}
}
