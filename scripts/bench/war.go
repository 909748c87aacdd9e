package main

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"kyc-ocr-relay/scripts/internal/chart"
	"kyc-ocr-relay/scripts/internal/war"
)

// armies are the numbers of instances that the war is measured with.
var armies = []int{1, 2, 3, 5, 8}

// contestants are the policies, and how they are asked.
var contestants = []struct {
	name    string
	setting war.Setting
}{
	{"each instance its own ticket", war.Setting{Policy: war.Own}},
	{"a shared cache without a lock", war.Setting{Policy: war.Naive}},
	{"the same, asked at random moments", war.Setting{Policy: war.Naive, Spread: true}},
	{"the relay", war.Setting{Policy: war.Relay}},
}

// war measures what becomes of an app's one ticket in fleets of real processes, for as many lives of a
// pair as there are rounds. The policies run at the same time, each before an upstream of its own.
func (b *bench) war() error {
	fmt.Printf("\nticket war: failed queries, and tokens fetched an hour; %d lives of a pair, a minute takes %v\n", b.rounds, war.Minute)
	programs := war.Programs{Own: b.program("obvious"), Relay: b.program(".")}
	if err := programs.Build(b.dir); err != nil {
		return err
	}
	failed, mints := make([]chart.Bar, len(contestants)), make([]chart.Bar, len(contestants))
	var rows [][]string
	var groups []string
	for _, n := range armies {
		figures, err := b.fight(programs, n)
		if err != nil {
			return err
		}
		row := []string{fmt.Sprint(n)}
		for i, f := range figures {
			name := contestants[i].name
			failed[i].Name, mints[i].Name = name, name
			failed[i].Values = append(failed[i].Values, math.Round(100*f.FailedShare))
			mints[i].Values = append(mints[i].Values, math.Round(f.MintsPerHour))
			row = append(row, fmt.Sprintf("%.0f %%, %.1f", 100*f.FailedShare, f.MintsPerHour))
			mark := ' '
			if contestants[i].setting.Policy == war.Relay && f.Failed > 0 {
				mark = '!'
			}
			fmt.Printf("%c %8.1f %%  %5.1f an hour   %d instances, %s (%d of %d queries)\n", mark, 100*f.FailedShare, f.MintsPerHour, n, name, f.Failed, f.Queries)
		}
		rows, groups = append(rows, row), append(groups, row[0])
	}
	return errors.Join(
		b.rows("war", rows),
		b.bars("ticket-war.svg", chart.Picture{
			Title:       "Failed queries, by how instances come by the ticket",
			Description: "With a ticket of its own in each instance more queries fail the more instances there are. With the relay none fails.",
			X:           chart.Axis{Label: "instances"}, Y: chart.Axis{Label: "failed queries, %"},
		}, groups, failed...),
		b.bars("ticket-war-mints.svg", chart.Picture{
			Title:       "Tokens fetched an hour, by how instances come by the ticket",
			Description: "With a ticket of its own in each instance, tokens are fetched in proportion to the instances. With the relay it is three an hour.",
			X:           chart.Axis{Label: "instances"}, Y: chart.Axis{Label: "tokens fetched an hour"},
		}, groups, mints...),
		b.renewal(programs),
	)
}

// fight measures all policies with n instances.
func (b *bench) fight(programs war.Programs, n int) ([]war.Figures, error) {
	figures, problems := make([]war.Figures, len(contestants)), make([]error, len(contestants))
	var wars sync.WaitGroup
	for i, c := range contestants {
		wars.Go(func() {
			w := war.New(programs, b.dir)
			defer w.Close()
			c.setting.Instances = n
			if problems[i] = w.Run(c.setting); problems[i] != nil {
				return
			}
			lives := float64(b.rounds) * 22 // minutes: asked every two, an expired ticket is noticed late
			for figures[i].Minutes < lives && b.ctx.Err() == nil {
				time.Sleep(war.Minute)
				figures[i] = w.Figures()
			}
		})
	}
	wars.Wait()
	return figures, errors.Join(append(problems, b.ctx.Err())...)
}
