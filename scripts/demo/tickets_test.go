package main

import (
	"strconv"
	"strings"
	"testing"
)

// The tab Tickets shows the war of five instances of the obvious handler, and its end with the relay, by
// its own figures.
func TestTickets(t *testing.T) {
	path := findBrowser(t)
	b := open(t, path, startDemo(t), "en-US")
	b.click("#tab-tickets")
	failed, mints := measure(b, "own", 60)
	b.shot("tickets-own")
	b.fits("tickets")
	if failed <= 50 || mints < 8 {
		t.Errorf("each its own: %.1f %% failed, %.1f tokens an hour; more than 50 and 8 are expected", failed, mints)
	}

	b.click("#tickets input[value=naive]")
	measure(b, "naive", 30)
	b.shot("tickets-naive")

	// Where the machine stands still for a fifth of a second, that is a minute for the fleet: then all is
	// done again.
	for attempt := 1; ; attempt++ {
		failed, mints, disturbed := peace(b)
		if failed == 0 && mints <= 6 && disturbed == 0 {
			break
		}
		if attempt == 3 {
			t.Fatalf("the relay: %.1f %% failed, %.1f tokens an hour, and disturbed %.1f %%; none and at most 6 are expected", failed, mints, disturbed)
		}
	}

	b.click("#languages [value=zh]")
	b.prefer("prefers-color-scheme", "dark")
	b.size(400, 800)
	b.until(`document.querySelector('#tickets').innerText.includes('每小时获取的 token')`)
	b.fits("tickets, narrow")
	b.shot("tickets-narrow")
	b.quiet()
}

// peace returns the relay's figures, failed queries in percent also of a fleet that is disturbed, which is
// seen.
func peace(b *browser) (failed, mints, disturbed float64) {
	b.t.Helper()
	b.click("#tickets input[value=own]")
	measure(b, "own", 1)
	b.click("#tickets input[value=relay]")
	failed, mints = measure(b, "relay", 60)
	b.shot("tickets-relay")
	b.click("#war-foreign")
	b.until(`document.querySelector('#war-picture .foreign')`)
	b.click("#war-row1 ~ div .freeze")
	b.until(`document.querySelector('#war-picture .asleep')`)
	b.click("#war-row2 ~ div .kill")
	b.until(`document.querySelector('#war-picture .killed')`)
	b.click("#war-store")
	b.until(`document.querySelector('#war-store').textContent === 'Start the store'`)
	b.click("#war-store")
	b.until(`document.querySelector('#war-store').textContent === 'Stop the store'`)
	b.click("#war-row1 ~ div .freeze")
	b.until(`document.querySelector('#war-row1 .state').textContent === 'runs'`)
	disturbed, _ = measure(b, "relay", 120)
	b.shot("tickets-disturbed")
	return failed, mints, disturbed
}

// measure waits until a policy has been asked often enough, and returns the figures that the page shows:
// failed queries in percent, and tokens fetched an hour.
func measure(b *browser, policy string, queries int) (failed, mints float64) {
	b.t.Helper()
	b.until(`document.querySelector('#war-queries')?.dataset.policy === '` + policy + `'`) // built, if it was not
	b.until(`document.querySelector('#war-queries').dataset.queries >= ` + strconv.Itoa(queries))
	figure := func(selector string) float64 {
		text := read[string](b, `document.querySelector('`+selector+`').textContent`)
		n, err := strconv.ParseFloat(strings.TrimSuffix(text, " %"), 64)
		if err != nil {
			b.t.Error(err)
		}
		return n
	}
	failed, mints = figure("#war-failed"), figure("#war-mints")
	b.t.Logf("%s: %.1f %% failed, %.1f tokens an hour", policy, failed, mints)
	return failed, mints
}
