package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"kyc-ocr-relay/scripts/internal/chart"
)

// caption says what a figure was measured with.
func caption() string {
	return fmt.Sprintf("%d cores, %s %s/%s, %s", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, time.Now().Format(time.DateOnly))
}

// lines writes a picture of lines, where pictures are wanted. Its caption says what it was measured with.
func (b *bench) lines(name string, p chart.Picture, lines ...chart.Line) error {
	p.Caption = caption()
	return b.picture(name, func() ([]byte, error) { return chart.Lines(p, lines...) })
}

// bars is lines, for bars.
func (b *bench) bars(name string, p chart.Picture, groups []string, bars ...chart.Bar) error {
	p.Caption = caption()
	return b.picture(name, func() ([]byte, error) { return chart.Bars(p, groups, bars...) })
}

func (b *bench) picture(name string, draw func() ([]byte, error)) error {
	if b.pictures == "" {
		return nil
	}
	svg, err := draw()
	if err != nil {
		return err
	}
	path := filepath.Join(b.pictures, name)
	fmt.Printf("  written: %s\n", path)
	return chart.WriteFile(path, svg)
}
