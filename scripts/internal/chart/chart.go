// Package chart draws lines and grouped bars as SVG, for documents: readable on light and dark pages,
// told apart by more than their colours, with a title and a description for those who do not see them.
// The same values become the same bytes.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"math"
	"os"
	"regexp"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Width and Height are the size of a picture, in pixels.
const (
	Width  = 720
	Height = 420
)

// Picture is what surrounds the values.
type Picture struct {
	Title       string // required
	Description string // required: what the picture shows, in a sentence or two, for who does not see it
	Caption     string // small, below the picture; empty: none
	X, Y        Axis
}

// Axis is one of the two axes.
type Axis struct {
	Label string // with its unit
	Log   bool   // of X: lines only
}

// Line is a series of points, joined in their order.
type Line struct {
	Name   string // for the legend
	Points []Point
}

// Point is a point of a Line.
type Point struct{ X, Y float64 }

// Bar is a series of values, one for each group.
type Bar struct {
	Name   string // for the legend
	Values []float64
}

// most is how many series can be told apart.
const most = 6

// Lines draws lines.
func Lines(p Picture, lines ...Line) ([]byte, error) {
	var problems []error
	var series []series
	for i, l := range lines {
		if len(l.Points) == 0 {
			problems = append(problems, fmt.Errorf("%s: no points", l.Name))
		}
		for _, point := range l.Points {
			problems = append(problems, p.X.check(l.Name, point.X), p.Y.check(l.Name, point.Y))
		}
		series = append(series, &line{l, i % most})
	}
	return p.draw(series, nil, problems)
}

// Bars draws the groups from left to right, each with a bar of every series, which has its value above.
func Bars(p Picture, groups []string, bars ...Bar) ([]byte, error) {
	var problems []error
	var series []series
	if p.X.Log {
		problems = append(problems, errors.New("groups have no logarithm"))
	}
	for i, b := range bars {
		if len(groups) == 0 || len(b.Values) != len(groups) {
			problems = append(problems, fmt.Errorf("%s: %d values for %d groups", b.Name, len(b.Values), len(groups)))
		}
		for _, v := range b.Values {
			problems = append(problems, p.Y.check(b.Name, v))
			if v < 0 {
				problems = append(problems, fmt.Errorf("%s: %g is no height of a bar", b.Name, v))
			}
		}
		series = append(series, &bar{b, i % most, i, len(bars)})
	}
	return p.draw(series, groups, problems)
}

func (a Axis) check(name string, value float64) error {
	if math.IsNaN(value) || math.IsInf(value, 0) || a.Log && value <= 0 {
		return fmt.Errorf("%s: %g has no place on the axis %q", name, value, a.Label)
	}
	return nil
}

// draw draws the series, unless there is a problem.
func (p Picture) draw(all []series, groups []string, problems []error) ([]byte, error) {
	if p.Title == "" || p.Description == "" {
		problems = append(problems, errors.New("title and description are required"))
	}
	if len(all) == 0 || len(all) > most {
		problems = append(problems, fmt.Errorf("%d series: 1 to %d can be told apart", len(all), most))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("chart %q: %w", p.Title, err)
	}
	canvas := vgsvg.NewWith(vgsvg.UseWH(Width, Height))
	p.layout(draw.New(canvas), all, groups)
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("chart %q: %w", p.Title, err)
	}
	return p.finish(out.Bytes()), nil
}

var (
	prelude = regexp.MustCompile(`(?s)^.*?<svg.*?>\n`)
	family  = regexp.MustCompile(`font-family:[^;"]*;font-variant:[^;"]*`)
)

// finish puts what the picture says to who does not see it at its beginning, and names fonts that every
// system has one of.
func (p Picture) finish(svg []byte) []byte {
	head := fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-labelledby="title description">
<title id="title">%s</title>
<desc id="description">%s</desc>
`, Width, Height, html.EscapeString(p.Title), html.EscapeString(p.Description))
	svg = append(head, prelude.ReplaceAll(svg, nil)...)
	return family.ReplaceAll(svg, []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif"))
}

// WriteFile writes a picture for everybody to read.
func WriteFile(path string, svg []byte) error {
	return os.WriteFile(path, svg, 0o644) // #nosec G306 -- a picture of a document
}

// series is what is drawn of a Line or a Bar.
type series interface {
	plot.Plotter
	plot.DataRanger
	plot.Thumbnailer
	name() string
}

// size is a length in pixels.
type size = vg.Length
