package main

import (
	"context"
	"fmt"
	"html"
	"strings"
	"time"

	"kyc-ocr-relay/scripts/internal/war"
)

// The picture of a renewal, in pixels, and what it shows, in minutes of the vendor's time.
const (
	renewalWidth = 720
	renewalLeft  = 96
	renewalTop   = 62
	renewalRow   = 64
	before       = 2.0
	after        = 3.0
)

// The colours of the old pair and the new one, as those of the charts.
const (
	oldColour = "#0072B2"
	newColour = "#D55E00"
)

// renewal draws one renewal as it happened to three instances of the relay: which of them fetched the
// new pair, and which pair signed each query.
func (b *bench) renewal(programs war.Programs) error {
	w := war.New(programs, b.dir)
	defer w.Close()
	const instances = 3
	if err := w.Run(war.Setting{Policy: war.Relay, Instances: instances, Pause: war.Minute / 4, Spread: true}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(b.ctx, 4*time.Minute)
	defer cancel()
	past, events := w.Subscribe(ctx)
	pairs, queries := map[int]war.Event{}, past[:0:0]
	moment, last := int64(-1), int64(0) // of the renewal, and so far
	for _, e := range past {
		if e.Kind == war.PairLife {
			pairs[e.Pair] = e
		}
	}
	for moment < 0 || last < moment+int64(after*float64(war.Minute.Milliseconds())) {
		e, open := <-events
		if !open {
			return fmt.Errorf("no renewal was seen: %w", ctx.Err())
		}
		last = max(last, e.At)
		switch e.Kind {
		case war.PairLife:
			pairs[e.Pair] = e
			if e.Pair == 3 { // the second renewal: by then all instances are there
				moment = pairs[3].At
			}
		case war.Query:
			queries = append(queries, e)
		}
	}
	lent := 0
	for _, e := range queries {
		if !e.OK {
			lent++
		}
	}
	fmt.Printf("  one renewal: %s fetched the pair; %d of %d queries failed\n", letter(pairs[3].Instance), lent, len(queries))
	return b.picture("renewal.svg", func() ([]byte, error) {
		return drawRenewal(instances, pairs[2], pairs[3], queries), nil
	})
}

func letter(instance int) string { return string(rune('A' + instance)) }

// drawRenewal draws the time from two minutes before a pair was replaced by another to three after.
func drawRenewal(instances int, former, newer war.Event, queries []war.Event) []byte {
	var s strings.Builder
	height := renewalTop + instances*renewalRow + 78
	x := func(at int64) float64 {
		minutes := float64(at-newer.At)/float64(war.Minute.Milliseconds()) + before
		return renewalLeft + max(0, min(minutes/(before+after), 1))*(renewalWidth-renewalLeft-24)
	}
	put := func(format string, args ...any) { fmt.Fprintf(&s, format+"\n", args...) }
	label := func(x float64, y int, anchor, colour, text string) {
		put(`<text x="%.1f" y="%d" text-anchor="%s" fill="%s" font-size="13">%s</text>`, x, y, anchor, colour, html.EscapeString(text))
	}
	bar := func(e war.Event, colour string) {
		y := renewalTop + e.Instance*renewalRow + 8
		if e.Pair == newer.Pair {
			y += 16
		}
		ends := e.Until
		if e.Replaced != 0 {
			ends = e.Replaced
			put(`<rect x="%.1f" y="%d" width="%.1f" height="12" fill="%s" opacity="0.4"/>`, x(ends), y, x(e.Until)-x(ends), colour)
		}
		put(`<rect x="%.1f" y="%d" width="%.1f" height="12" fill="%s"/>`, x(e.At), y, x(ends)-x(e.At), colour)
	}
	const title = "One renewal, as it happened to three instances of the relay"
	put(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-labelledby="title description" font-family="Liberation Sans,Arial,Helvetica,sans-serif">`, renewalWidth, height)
	put(`<title id="title">%s</title>`, title)
	put(`<desc id="description">Instance %s fetches the new pair. The former one lives on for a minute, and within it all instances have gone over. No query waits or fails.</desc>`, letter(newer.Instance))
	put(`<rect width="%d" height="%d" fill="#fff"/>`, renewalWidth, height)
	put(`<text x="%d" y="28" font-size="16" font-weight="bold" fill="#24292F">%s</text>`, 24, title)
	bottom := renewalTop + instances*renewalRow
	for minute := -int64(before); minute <= int64(after); minute++ {
		at := x(newer.At + minute*war.Minute.Milliseconds())
		put(`<path d="M%.1f %dV%d" stroke="#D8DEE4"/>`, at, renewalTop, bottom)
		label(at, bottom+18, "middle", "#59636E", strings.NewReplacer("+0 min", "0", "-", "−").Replace(fmt.Sprintf("%+d min", minute)))
	}
	for i := range instances {
		y := renewalTop + i*renewalRow
		put(`<path d="M24 %dH%d" stroke="#D8DEE4"/>`, y, renewalWidth-24)
		label(24, y+38, "start", "#24292F", "instance "+letter(i))
	}
	put(`<path d="M24 %dH%d" stroke="#D8DEE4"/>`, bottom, renewalWidth-24)
	bar(former, oldColour)
	bar(newer, newColour)
	for _, q := range queries {
		at, y := x(q.At), renewalTop+q.Instance*renewalRow+50
		switch {
		case at <= renewalLeft || at >= renewalWidth-24:
		case !q.OK:
			put(`<path d="M%.1f %dl8 8m0 -8l-8 8" stroke="#B3261E" stroke-width="2"/>`, at-4, y-4)
		case q.Pair == newer.Pair:
			put(`<circle cx="%.1f" cy="%d" r="4.5" fill="%s"/>`, at, y, newColour)
		default:
			put(`<circle cx="%.1f" cy="%d" r="3.5" fill="#fff" stroke="%s" stroke-width="2"/>`, at, y, oldColour)
		}
	}
	legend := bottom + 42
	put(`<rect x="24" y="%d" width="16" height="10" fill="%s"/><rect x="40" y="%[1]d" width="12" height="10" fill="%s" opacity="0.4"/>`, legend-9, oldColour, oldColour)
	label(58, legend, "start", "#24292F", "former pair, and its last minute")
	put(`<rect x="266" y="%d" width="16" height="10" fill="%s"/>`, legend-9, newColour)
	label(288, legend, "start", "#24292F", "new pair")
	put(`<circle cx="362" cy="%d" r="3.5" fill="#fff" stroke="%s" stroke-width="2"/>`, legend-4, oldColour)
	label(372, legend, "start", "#24292F", "query with the former")
	put(`<circle cx="528" cy="%d" r="4.5" fill="%s"/>`, legend-4, newColour)
	label(538, legend, "start", "#24292F", "query with the new one")
	put(`<text x="24" y="%d" font-size="11" fill="#59636E">%s</text>`, legend+24, html.EscapeString(caption()))
	put(`</svg>`)
	return []byte(s.String())
}
