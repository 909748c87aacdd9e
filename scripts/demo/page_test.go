package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// shown is the panel whose tab is chosen.
const shown = `document.querySelector('main > section:not([hidden])')`

func TestPage(t *testing.T) {
	path := findBrowser(t)
	url := startDemo(t)
	b := open(t, path, url, "en-US")

	b.until(`document.querySelector('#ask-send')`)
	b.choose("#ask-scenario", "")
	b.choose("#ask-order", "order1")
	b.click("#ask-files")
	b.click("#ask-send")
	b.until(`document.querySelector('#ask .badge')?.textContent.startsWith('200')`)
	b.until(`[...document.querySelectorAll('#ask figure img')].filter((i) => i.complete && i.naturalWidth > 0).length === 3`)
	b.shot("ask", "")
	b.fits("ask")
	b.size(400, 800)
	b.fits("ask, narrow")
	b.shot("ask-narrow", "")
	b.size(1100, 800)

	b.click("#tab-deliver")
	b.until(`document.querySelector('#deliver-send')`)
	b.click("#deliver-send")
	b.until(`document.querySelector('#inbox .verified')`)
	b.shot("deliver", "")
	b.fits("deliver")
	b.size(400, 800)
	b.fits("deliver, narrow")
	b.shot("deliver-narrow", "")
	b.size(1100, 800)

	b.click("#tab-flow")
	b.until(`document.querySelector('#flow-all')`)
	b.choose("#flow-way", "enhanced")
	b.click("#flow-all")
	b.until(`document.querySelectorAll('#flow .step-result .exchange').length === 6`)
	b.shot("flow", "")
	b.fits("flow")
	b.size(400, 800)
	b.fits("flow, narrow")
	b.shot("flow-narrow", "")
	_ = chromedp.Navigate
	b.quiet()
}
