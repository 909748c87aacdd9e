package main

import (
	"errors"
	"fmt"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/scripts/internal/chart"
)

// latency is what was measured at one share of a processor, in milliseconds.
type latency struct {
	share int // percent
	first table
	warm  map[string]table // by the size of the answer
}

// megabytes is the memory of a function that has a share of a processor: 1280 MB are one core, and 128 MB a tenth, 64 MB a twentieth.
func megabytes(share int) float64 { return 12.8 * float64(share) }

// latencyPicture draws what the shares of tier had.
func (b *bench) latencyPicture(all []latency) error {
	var groups []string
	var rows [][]string
	bars := []chart.Bar{{Name: "the relay"}, {Name: "the obvious handler"}}
	for _, l := range all {
		row := []string{fmt.Sprintf("%d %% (%.0f MB)", l.share, megabytes(l.share))}
		for _, c := range []struct {
			name string
			of   table
		}{{"cold", l.first}, {"1 KB", l.warm["1 KB"]}, {"1 MB", l.warm["1 MB"]}} {
			groups = append(groups, fmt.Sprintf("%s\n%d %%", c.name, l.share))
			relay, obvious := c.of.median("relay"), c.of.median("obvious")
			bars[0].Values, bars[1].Values = append(bars[0].Values, relay), append(bars[1].Values, obvious)
			row = append(row, digits(relay), digits(obvious))
		}
		rows = append(rows, row)
	}
	return errors.Join(b.rows("latency", rows), b.bars("latency.svg", chart.Picture{
		Title: "How long an answer takes, by share of a processor",
		Description: "Medians in milliseconds of the relay and of the handler that most people would write first, over TLS: from exec to the first answer (cold), " +
			"and answers of 1 KB and of 1 MB with photos from a warm instance, at each share of a processor that was measured.",
		X: chart.Axis{Label: "answer, and share of a processor: 5 % has a function of 64 MB, 10 % one of 128 MB"},
		Y: chart.Axis{Label: "milliseconds", Log: true},
	}, groups, bars...))
}

// The list prices (document 583/12281), in CNY.
const (
	pricePerGBSecond   = 0.00011108
	pricePerInvocation = 0.0133 / 10_000
)

// perMillion is what a million invocations cost that are billed for so many milliseconds each. A GB has 1024 MB.
func perMillion(memory, milliseconds float64) float64 {
	return 1e6 * (memory/1024*milliseconds/1000*pricePerGBSecond + pricePerInvocation)
}

// billed are the shares that cost measures: 64, 128, 256, 512 and 1280 MB.
var billed = []int{5, 10, 20, 40, 100}

// waits are how long the upstream takes for a result of costSize, in milliseconds.
var waits = []int{50, 200, 500}

const costSize = 1 << 20

// cost measures how long an invocation is billed at each share, with an upstream that takes its time, and
// says what a million of them cost. An invocation is billed from its event to its answer.
func (b *bench) cost(env map[string]string) error {
	fmt.Printf("\na million invocations with answers of %s, in CNY\n", size(costSize))
	var lines []chart.Line
	var rows [][]string
	for _, share := range billed {
		rows = append(rows, []string{fmt.Sprintf("%.0f MB", megabytes(share))})
	}
	for _, name := range []string{"relay", "obvious"} {
		for range waits {
			lines = append(lines, chart.Line{})
		}
		for i, share := range billed {
			if err := b.underQuota(name, share, env, func(f *gateway.Event, _ time.Time) error {
				for k, wait := range waits {
					took, err := b.waiting(f, wait)
					if err != nil {
						return err
					}
					cost := perMillion(megabytes(share), took)
					l := &lines[len(lines)-len(waits)+k]
					l.Name = fmt.Sprintf("%s, upstream %d ms", name, wait)
					l.Points = append(l.Points, chart.Point{X: megabytes(share), Y: cost})
					fmt.Printf("  %8.2f          %s, %.0f MB, upstream %d ms: billed for %.0f ms\n", cost, name, megabytes(share), wait, took)
					rows[i] = append(rows[i], fmt.Sprintf("%.2f", cost))
				}
				return nil
			}); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return errors.Join(b.rows("cost", rows), b.lines("cost.svg", chart.Picture{
		Title: "What a million answers of 1 MB cost",
		Description: "List price in CNY of a million invocations of an event function, against its memory, for the relay and the obvious handler and an upstream that " +
			"takes 50, 200 or 500 ms. With the least memory it costs the least; the obvious handler takes longer there, and costs more.",
		X: chart.Axis{Label: "memory of the function, MB", Log: true},
		Y: chart.Axis{Label: "CNY per million", Log: true},
	}, lines...))
}

// waiting is the median of some warm invocations, in milliseconds, with an upstream that takes so long.
func (b *bench) waiting(f *gateway.Event, wait int) (float64, error) {
	times := table{}
	for i := range 6 {
		took, err := b.ask(f, fmt.Sprintf("s%dd%d", costSize, wait))
		if err != nil {
			return 0, err
		}
		if i > 0 { // the first one warms up
			times.add("", took)
		}
	}
	return times.median(""), nil
}
