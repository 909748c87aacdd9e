package chart

import (
	"image/color"
	"math"

	imagefont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The colours are those of Okabe and Ito, which also people with a colour deficiency tell apart. The
// panel is white on a dark page, too.
var (
	palette = [most]color.Color{
		color.RGBA{0x00, 0x72, 0xB2, 0xFF}, color.RGBA{0xD5, 0x5E, 0x00, 0xFF}, color.RGBA{0x00, 0x9E, 0x73, 0xFF},
		color.RGBA{0xCC, 0x79, 0xA7, 0xFF}, color.RGBA{0xE6, 0x9F, 0x00, 0xFF}, color.RGBA{0x56, 0xB4, 0xE9, 0xFF},
	}
	ink   = color.RGBA{0x24, 0x29, 0x2F, 0xFF}
	faint = color.RGBA{0x59, 0x63, 0x6E, 0xFF}
	grid  = color.RGBA{0xD8, 0xDE, 0xE4, 0xFF}
)

const margin size = 14

// style is a text's.
func style(points font.Length, colour color.Color, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: points}
	if bold {
		f.Weight = imagefont.WeightBold
	}
	return text.Style{Color: colour, Font: f, Handler: plot.DefaultTextHandler, YAlign: draw.YTop}
}

// layout puts title, legend, plot and caption below one another.
func (p Picture) layout(c draw.Canvas, all []series, groups []string) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	inner := draw.Crop(c, margin, -margin, margin, -margin)
	title := style(16, ink, true)
	inner.FillText(title, vg.Point{X: inner.Min.X, Y: inner.Max.Y}, p.Title)
	inner = draw.Crop(inner, 0, 0, 0, -title.Height(p.Title)-8)
	inner = draw.Crop(inner, 0, 0, 0, -legend(inner, all)-8)
	if p.Caption != "" {
		small := style(10, faint, false)
		small.YAlign = draw.YBottom
		inner.FillText(small, inner.Min, p.Caption)
		inner = draw.Crop(inner, 0, 0, small.Height(p.Caption)+8, 0)
	}
	p.plot(all, groups).Draw(inner)
}

// legend draws the names of the series in rows, each beside its mark, and returns the rows' height.
func legend(c draw.Canvas, all []series) size {
	const row, mark, gap = 18, 26, 18
	names := style(12, ink, false)
	x, y := c.Min.X, c.Max.Y
	for _, s := range all {
		width := mark + 6 + names.Width(s.name())
		if x > c.Min.X && x+width > c.Max.X {
			x, y = c.Min.X, y-row
		}
		thumb := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: x, Y: y - 13}, Max: vg.Point{X: x + mark, Y: y - 1}}}
		s.Thumbnail(&thumb)
		c.FillText(names, vg.Point{X: x + mark + 6, Y: y}, s.name())
		x += width + gap
	}
	return c.Max.Y - y + row
}

// plot has the axes and the series.
func (p Picture) plot(all []series, groups []string) *plot.Plot {
	drawn := plot.New()
	drawn.BackgroundColor = nil
	lines := plotter.NewGrid()
	lines.Horizontal.Color, lines.Vertical.Color = grid, grid
	if groups != nil {
		lines.Vertical.Width = 0
	}
	drawn.Add(lines)
	for _, s := range all {
		drawn.Add(s)
	}
	for _, a := range []struct {
		to   *plot.Axis
		from Axis
	}{{&drawn.X, p.X}, {&drawn.Y, p.Y}} {
		a.to.Label.Text = a.from.Label
		a.to.Label.TextStyle.Font = style(12, ink, false).Font
		a.to.Label.TextStyle.Color = ink
		a.to.Label.Padding = 4
		a.to.Tick.Label.Font = style(11, ink, false).Font
		a.to.Tick.Label.Color = ink
		a.to.LineStyle.Color, a.to.Tick.LineStyle.Color = faint, faint
		if a.from.Log {
			a.to.Scale, a.to.Tick.Marker = plot.LogScale{}, plot.TickerFunc(logTicks)
		} else {
			a.to.Tick.Marker = plot.TickerFunc(linearTicks)
		}
	}
	widen(&drawn.Y, p.Y.Log, groups != nil)
	if p.X.Log && drawn.X.Min == drawn.X.Max {
		widen(&drawn.X, true, false)
	}
	if groups != nil {
		drawn.X.Min, drawn.X.Max = -0.5, float64(len(groups))-0.5
		drawn.NominalX(groups...)
		drawn.X.Tick.Label.Font, drawn.X.Width = style(12, ink, false).Font, drawn.Y.Width
	}
	return drawn
}

// widen gives values room: a linear axis begins with 0, and bars on a logarithmic one with a power of
// ten below them all.
func widen(a *plot.Axis, logarithmic, bars bool) {
	switch {
	case !logarithmic:
		a.Min = min(a.Min, 0)
		a.Max += (a.Max - a.Min) / 12
	case bars:
		a.Min = math.Pow(10, math.Floor(math.Log10(a.Min/1.2)))
		a.Max *= 1.8 // room for the value above the bar
	default:
		a.Min, a.Max = a.Min/1.3, a.Max*1.3
	}
	if a.Max <= a.Min {
		a.Max = a.Min + 1
	}
}
