package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var lines = []Line{
	{"the relay", []Point{{1, 3}, {10, 3}, {100, 3}, {1000, 3}}},
	{"each instance for itself, at most", []Point{{1, 3}, {10, 30}, {100, 300}, {1000, 3000}}},
	{"third", []Point{{1, 7}, {10, 70}, {100, 90}, {1000, 900}}},
}

var bars = []Bar{
	{"relay", []float64{350.4, 119, 61}},
	{"obvious handler", []float64{1306, 577, 62.5}},
	{"floor", []float64{36, 77, 0.5}},
}

func sample(log bool) Picture {
	return Picture{Title: `Mints <an hour> & "app"`, Description: "Three lines. One is flat.", Caption: "2 cores, go1.26.8 linux/amd64, 2026-11-28",
		X: Axis{"instances", log}, Y: Axis{"mints an hour", log}}
}

func drawLines(t *testing.T, log bool) []byte {
	t.Helper()
	svg, err := Lines(sample(log), lines...)
	if err != nil {
		t.Fatal(err)
	}
	return svg
}

func drawBars(t *testing.T, log bool) []byte {
	t.Helper()
	p := sample(false)
	p.Y.Log = log
	svg, err := Bars(p, []string{"5 % of a core", "10 %", "100 %"}, bars...)
	if err != nil {
		t.Fatal(err)
	}
	return svg
}

// texts are the texts of an SVG, which has to be well-formed XML.
func texts(t *testing.T, svg []byte) (all []string) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			all = append(all, string(text))
		}
	}
}

func TestEverythingIsSaid(t *testing.T) {
	t.Parallel()
	for _, log := range []bool{false, true} {
		said := "\n" + strings.Join(texts(t, drawLines(t, log)), "\n") + "\n"
		for _, want := range []string{`Mints <an hour> & "app"`, "Three lines. One is flat.", "2 cores, go1.26.8 linux/amd64, 2026-11-28",
			"instances", "mints an hour", "the relay", "each instance for itself, at most", "third", "1 000"} {
			if !strings.Contains(said, "\n"+want+"\n") {
				t.Errorf("log %v: no %q in%s", log, want, said)
			}
		}
		said = "\n" + strings.Join(texts(t, drawBars(t, log)), "\n") + "\n"
		for _, want := range []string{"5 % of a core", "100 %", "obvious handler", "350", "1 306", "62.5", "0.5"} {
			if !strings.Contains(said, "\n"+want+"\n") {
				t.Errorf("log %v: no %q in%s", log, want, said)
			}
		}
	}
}

// A screen reader is told the title and the description, and that this is one image.
func TestPictureIsAccessible(t *testing.T) {
	t.Parallel()
	svg := string(drawLines(t, true))
	for _, want := range []string{`role="img" aria-labelledby="title description"`, `<title id="title">Mints &lt;an hour&gt; &amp; `, `<desc id="description">Three lines.`} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in %.600s", want, svg)
		}
	}
}

// Series differ by more than their colours, and a dark page shows through nowhere.
func TestPictureIsReadable(t *testing.T) {
	t.Parallel()
	svg := string(drawLines(t, true))
	if !strings.Contains(svg, `<path d="M0,0L720,0L720,420L0,420Z" style="fill:#FFFFFF`) {
		t.Errorf("no white panel in %.900s", svg)
	}
	for _, want := range []string{"#0072B2", "#D55E00", "#009E73", "stroke-dasharray:7,3", "stroke-dasharray:2,2"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(svg, "serif;font-weight") == false || strings.Contains(svg, "font-variant") {
		t.Errorf("fonts that not every system has")
	}
}

func TestSameValuesSameBytes(t *testing.T) {
	t.Parallel()
	for range 5 {
		if !bytes.Equal(drawLines(t, true), drawLines(t, true)) || !bytes.Equal(drawBars(t, true), drawBars(t, true)) {
			t.Fatal("two pictures of the same values differ")
		}
	}
	if bytes.Equal(drawLines(t, true), drawLines(t, false)) {
		t.Error("a logarithmic axis changes nothing")
	}
}

// What cannot be drawn is an error that names it, all of it at once.
func TestWrongValues(t *testing.T) {
	t.Parallel()
	p := sample(true)
	for name, f := range map[string]func() ([]byte, error){
		"none: no points":        func() ([]byte, error) { return Lines(p, Line{"none", nil}) },
		"zero: 0 has no place":   func() ([]byte, error) { return Lines(p, Line{"zero", []Point{{1, 0}}}) },
		"x: NaN has no place":    func() ([]byte, error) { return Lines(p, Line{"x", []Point{{math.NaN(), 1}}}) },
		"0 series":               func() ([]byte, error) { return Lines(p) },
		"7 series":               func() ([]byte, error) { return Lines(p, make([]Line, 7)...) },
		"title and description":  func() ([]byte, error) { return Lines(Picture{}, lines...) },
		"relay: 3 values for 2":  func() ([]byte, error) { return Bars(sample(false), []string{"a", "b"}, bars...) },
		"groups have no":         func() ([]byte, error) { return Bars(p, []string{"a", "b", "c"}, bars...) },
		"low: -1 is no height":   func() ([]byte, error) { return Bars(sample(false), []string{"a"}, Bar{"low", []float64{-1}}) },
		"relay: 3 values for 0 ": func() ([]byte, error) { return Bars(sample(false), nil, bars...) },
	} {
		if svg, err := f(); err == nil || svg != nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := Bars(sample(false), []string{"a"}, Bar{"one", nil}, Bar{"other", nil})
	if err == nil || !strings.Contains(err.Error(), "one") || !strings.Contains(err.Error(), "other") {
		t.Errorf("not all problems: %v", err)
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{0: "0", 0.05: "0.05", 0.12345: "0.123", 1: "1", 62.54: "62.5", 999.9: "1000", 1000: "1 000", 1234567: "1 234 567", -2500: "-2 500"} {
		if got := label(value); got != want {
			t.Errorf("%g: %q, want %q", value, got, want)
		}
	}
	for _, c := range []struct {
		low, high float64
		want      string
	}{{1, 1000, "1 10 100 1 000"}, {2, 60, "2 5 10 20 50"}, {0.1, 5, "0.1 0.2 0.5 1 2 5"}} {
		var labels []string
		for _, tick := range logTicks(c.low, c.high) {
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%g to %g: %s, want %s", c.low, c.high, got, c.want)
		}
	}
}

// A single value, or the same one everywhere, has an axis as well.
func TestFlat(t *testing.T) {
	t.Parallel()
	for _, log := range []bool{false, true} {
		svg, err := Lines(sample(log), Line{"flat", []Point{{1, 3}}})
		if err != nil || bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("log %v: %v\n%s", log, err, svg)
		}
	}
	svg, err := Bars(sample(false), []string{"a"}, Bar{"none", []float64{0}})
	if err != nil || bytes.Contains(svg, []byte("NaN")) {
		t.Errorf("%v\n%s", err, svg)
	}
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.svg")
	for _, want := range []string{"one", "other"} {
		if err := WriteFile(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s, %v", got, err)
		}
	}
}
