package main

import "testing"

// Whoever renames the tests, or what they say, renames it here as well.
func TestFleetsAreMeasured(t *testing.T) {
	if testing.Short() {
		t.Skip("lets fleets live for hours")
	}
	all, timers, err := fleets(t.Context(), "../..", 1)
	if err != nil {
		t.Fatal(err)
	}
	one := all[0]
	if one.Apps != 1 || one.Instances != 1 || one.Mints != 3 || one.Store < 3 || one.Memory <= 0 || one.Cold <= 0 {
		t.Errorf("%+v", one)
	}
	if timers[0].Apps != 1 || timers[0].Redis <= 0 || timers[0].COS <= timers[0].Redis {
		t.Errorf("%+v", timers[0])
	}
	if err := (&bench{pictures: t.TempDir()}).scalePictures(all, timers); err != nil {
		t.Error(err)
	}
}
