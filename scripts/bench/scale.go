package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"

	"kyc-ocr-relay/scripts/internal/chart"
)

// scaled is the tests of ./internal/ticket that measure fleets, and the timer, in virtual time.
const scaled = "^TestScale(OfTheTimer)?$"

// fleet is what TestScale says of a number of apps and instances.
type fleet struct {
	Apps, Instances int
	Cold            float64 // seconds until each instance has every app's pair
	Mints           float64 // an hour
	Store           float64 // calls an hour
	Memory          float64 // KB an app, in each instance
}

// timer is how long TestScaleOfTheTimer says that it takes without any pair, in seconds.
type timer struct {
	Apps       int
	Redis, COS float64
}

var said = regexp.MustCompile(`(?m)scale (fleet|timer) (\{.*\})$`)

// fleets runs the tests up to a number of apps and instances.
func fleets(ctx context.Context, folder string, most int) (all []fleet, timers []timer, err error) {
	test := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-run", scaled, "./internal/ticket", "-scale", strconv.Itoa(most)) // #nosec G204 -- constants
	test.Dir = folder
	out, err := test.CombinedOutput()
	if err != nil {
		return nil, nil, fmt.Errorf("%w\n%s", err, out)
	}
	for _, m := range said.FindAllSubmatch(out, -1) {
		if string(m[1]) == "fleet" {
			all = append(all, fleet{})
			err = errors.Join(err, json.Unmarshal(m[2], &all[len(all)-1]))
		} else {
			timers = append(timers, timer{})
			err = errors.Join(err, json.Unmarshal(m[2], &timers[len(timers)-1]))
		}
	}
	if len(all) == 0 || len(timers) == 0 {
		err = errors.Join(err, fmt.Errorf("%s in ./internal/ticket said nothing", scaled))
	}
	return all, timers, err
}

// scale prints what 1 to 1000 apps and instances come to.
func (b *bench) scale() error {
	fmt.Println("\nfleets, in virtual time: upstream 150 ms, store 3 ms a call")
	all, timers, err := fleets(b.ctx, ".", 1000)
	if err != nil {
		return err
	}
	var rows, timerRows [][]string
	for _, f := range all {
		fmt.Printf("  %4d apps, %4d instances: %5.0f mints and %6.0f store calls an hour, %.1f KB an app, cold fleet served in %.1f s\n",
			f.Apps, f.Instances, f.Mints, f.Store, f.Memory, f.Cold)
		rows = append(rows, []string{strconv.Itoa(f.Apps), strconv.Itoa(f.Instances), fmt.Sprintf("%.0f", f.Mints), fmt.Sprintf("%.0f", f.Store),
			fmt.Sprintf("%.1f KB", f.Memory), fmt.Sprintf("%.1f s", f.Cold)})
	}
	for _, t := range timers {
		fmt.Printf("  %4d apps: a timer that finds no pair takes %.1f s, %.1f s with a store that takes 40 ms\n", t.Apps, t.Redis, t.COS)
		timerRows = append(timerRows, []string{strconv.Itoa(t.Apps), fmt.Sprintf("%.1f s", t.Redis), fmt.Sprintf("%.1f s", t.COS)})
	}
	return errors.Join(b.rows("scale", rows), b.rows("timer", timerRows), b.scalePictures(all, timers))
}

func (b *bench) scalePictures(all []fleet, timers []timer) error {
	apps := func(f fleet) (int, bool) { return f.Apps, f.Instances == 1 }
	instances := func(f fleet) (int, bool) { return f.Instances, f.Apps == 1 }
	line := func(name string, x func(fleet) (int, bool), y func(fleet) float64) chart.Line {
		l := chart.Line{Name: name}
		for _, f := range all {
			if n, of := x(f); of {
				l.Points = append(l.Points, chart.Point{X: float64(n), Y: y(f)})
			}
		}
		return l
	}
	mints, store, cold := func(f fleet) float64 { return f.Mints }, func(f fleet) float64 { return f.Store }, func(f fleet) float64 { return f.Cold }
	redis, cos := chart.Line{Name: "timer, by apps, store 3 ms a call"}, chart.Line{Name: "timer, by apps, store 40 ms a call"}
	for _, t := range timers {
		redis.Points = append(redis.Points, chart.Point{X: float64(t.Apps), Y: t.Redis})
		cos.Points = append(cos.Points, chart.Point{X: float64(t.Apps), Y: t.COS})
	}
	number := chart.Axis{Label: "apps with one instance, or instances with one app", Log: true}
	return errors.Join(
		b.lines("scale.svg", chart.Picture{
			Title: "Mints and store calls an hour",
			Description: "Mints an hour grow with the apps, three for each, and stay three however many instances there are. Calls of the store " +
				"grow with the apps and with the instances, at most nine an hour for each.",
			X: number, Y: chart.Axis{Label: "an hour", Log: true},
		}, line("mints, by instances", instances, mints), line("mints, by apps", apps, mints),
			line("store calls, by instances", instances, store), line("store calls, by apps", apps, store)),
		b.lines("scale-time.svg", chart.Picture{
			Title: "How long until every pair is there",
			Description: "Seconds until each of the instances that start at once has the pair of every app, and the seconds that the timer takes to " +
				"mint the pairs of all apps, with a store that takes 3 or 40 ms a call. A function has 60 seconds.",
			X: number, Y: chart.Axis{Label: "seconds", Log: true},
		}, line("cold fleet, by instances", instances, cold), line("cold fleet, by apps", apps, cold), redis, cos),
	)
}
