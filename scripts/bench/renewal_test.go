package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"kyc-ocr-relay/scripts/internal/war"
)

// The picture shows both pairs, where one ends and the other begins, and each query by what became of it.
func TestDrawRenewal(t *testing.T) {
	minute := war.Minute.Milliseconds()
	former := war.Event{Pair: 2, Instance: 0, At: 0, Replaced: 20 * minute, Until: 21 * minute}
	newer := war.Event{Pair: 3, Instance: 1, At: 20 * minute, Until: 80 * minute}
	svg := string(drawRenewal(3, former, newer, []war.Event{
		{Kind: war.Query, Instance: 0, OK: true, Pair: 2, At: 19 * minute},
		{Kind: war.Query, Instance: 1, OK: true, Pair: 2, At: 10 * minute}, // outside
		{Kind: war.Query, Instance: 1, OK: true, Pair: 3, At: 21 * minute},
		{Kind: war.Query, Instance: 2, Why: "400101", Pair: 2, At: 22 * minute},
	}))
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for part, want := range map[string]int{
		`stroke="#B3261E"`:                     1, // failed
		`r="4.5" fill="` + newColour:           2, // with the new pair, and the legend
		`r="3.5" fill="#fff"`:                  2, // with the former, and the legend
		`x="96.0" y="70" width="240.0" height`: 1, // the former pair, from the left edge to the renewal
		`x="336.0" y="70" width="120.0"`:       1, // its last minute
		`x="336.0" y="150" width="360.0"`:      1, // the new one, to the right edge
		`Instance B fetches the new pair`:      1,
	} {
		if n := strings.Count(svg, part); n != want {
			t.Errorf("%s: %d times, want %d\n%s", part, n, want, svg)
		}
	}
}
