package chart

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// What tells series apart besides their colours: a line's marks and dashes, a bar's stripes.
var (
	marks   = [most]draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, diamond, arrow, beam}
	dashes  = [most][]vg.Length{nil, {7, 3}, {2, 2}, {9, 3, 2, 3}, {4, 4}, {12, 4}}
	stripes = [most]size{0, 5, 3, 8, 2, 11} // apart; 0: none
)

// shape is a filled mark, by its corners in radii.
type shape []vg.Point

var (
	diamond = shape{{X: 0, Y: 1.3}, {X: 1.3, Y: 0}, {X: 0, Y: -1.3}, {X: -1.3, Y: 0}}
	arrow   = shape{{X: -1.1, Y: 0.9}, {X: 1.1, Y: 0.9}, {X: 0, Y: -1.1}}
	beam    = shape{{X: -0.5, Y: 1.4}, {X: 0.5, Y: 1.4}, {X: 0.5, Y: -1.4}, {X: -0.5, Y: -1.4}}
)

// DrawGlyph implements draw.GlyphDrawer.
func (s shape) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	corners := make([]vg.Point, len(s))
	for i, corner := range s {
		corners[i] = corner.Scale(style.Radius).Add(at)
	}
	c.FillPolygon(style.Color, corners)
}

// manyPoints is from how many on a line has marks only here and there.
const manyPoints = 25

type line struct {
	Line
	index int
}

func (l *line) name() string { return l.Name }

func (l *line) stroke() draw.LineStyle {
	return draw.LineStyle{Color: palette[l.index], Width: 2, Dashes: dashes[l.index]}
}

func (l *line) mark() draw.GlyphStyle {
	return draw.GlyphStyle{Color: palette[l.index], Radius: 4, Shape: marks[l.index]}
}

// DataRange implements plot.DataRanger.
func (l *line) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, p := range l.Points {
		xmin, xmax, ymin, ymax = min(xmin, p.X), max(xmax, p.X), min(ymin, p.Y), max(ymax, p.Y)
	}
	return xmin, xmax, ymin, ymax
}

// Plot implements plot.Plotter.
func (l *line) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	points := make([]vg.Point, len(l.Points))
	for i, v := range l.Points {
		points[i] = vg.Point{X: x(v.X), Y: y(v.Y)}
	}
	c.StrokeLines(l.stroke(), points)
	for i := 0; i < len(points); i += 1 + len(points)/manyPoints {
		c.DrawGlyphNoClip(l.mark(), points[i])
	}
}

// Thumbnail implements plot.Thumbnailer.
func (l *line) Thumbnail(c *draw.Canvas) {
	y := c.Center().Y
	c.StrokeLine2(l.stroke(), c.Min.X, y, c.Max.X, y)
	c.DrawGlyph(l.mark(), c.Center())
}

type bar struct {
	Bar
	index, place, of int
}

func (b *bar) name() string { return b.Name }

// DataRange implements plot.DataRanger.
func (b *bar) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = 0, 0, math.Inf(1), math.Inf(-1)
	for _, v := range b.Values {
		ymin, ymax = min(ymin, v), max(ymax, v)
	}
	return xmin, xmax, ymin, ymax
}

// Plot implements plot.Plotter: a bar stands on the axis, with its value above.
func (b *bar) Plot(c draw.Canvas, p *plot.Plot) {
	const room = 0.8 // of a group's width
	x, y := p.Transforms(&c)
	values := style(10, ink, false)
	values.XAlign, values.YAlign = draw.XCenter, draw.YBottom
	for i, v := range b.Values {
		left := float64(i) - room/2 + room*float64(b.place)/float64(b.of)
		r := vg.Rectangle{Min: vg.Point{X: x(left), Y: c.Min.Y}, Max: vg.Point{X: x(left+room/float64(b.of)) - 2, Y: y(v)}}
		b.fill(&c, r)
		c.FillText(values, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: r.Max.Y + 2}, label(v))
	}
}

// Thumbnail implements plot.Thumbnailer.
func (b *bar) Thumbnail(c *draw.Canvas) { b.fill(c, c.Rectangle) }

func (b *bar) fill(c *draw.Canvas, r vg.Rectangle) {
	c.SetColor(palette[b.index])
	c.Fill(r.Path())
	if apart := stripes[b.index]; apart > 0 {
		for y := r.Min.Y + apart; y < r.Max.Y-1; y += apart + 1 {
			c.StrokeLine2(draw.LineStyle{Color: grid, Width: 1}, r.Min.X+1, y, r.Max.X-1, y)
		}
	}
}
