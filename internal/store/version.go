package store

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// A directory and a bucket keep each version under a name of its own, which can be
// created only once: that is the whole exclusion. It would fail if a version were
// removed, and an instance that was frozen in its Swap then created it again. So a
// Swap looks for the newest version before it creates the next, old versions stay for
// longer than a Swap can take, and a Swap that took longer fails with errOvertaken.
const (
	// keep is how many of the newest versions stay, whatever their age.
	keep = 8
	// retain is how long every version stays, by the store's clock. A renewal
	// writes two versions, so there are about ten an hour.
	retain = time.Hour
	// slowest is how long a Swap may take and still know its outcome: it leaves
	// room for clocks that are minutes apart.
	slowest = retain / 2
)

// errOvertaken says that a Swap took so long, its instance being frozen, that the
// version it created may have been there and removed before.
var errOvertaken = errors.New("the write took too long to know its outcome")

// stopwatch measures a Swap, also across a freeze: by the wall clock, and by the
// monotonic one in case that was set back.
type stopwatch struct{ start time.Time }

func (s stopwatch) overtaken() bool {
	now := time.Now()
	return now.Sub(s.start) > slowest || now.Round(0).Sub(s.start.Round(0)) > slowest
}

// A register begins at a version made of the moment, and counts on from there. So one that
// lost what it had, a Redis that was restarted or a directory that was emptied, never comes
// to a version that it had before, and who was about to replace an old one does not replace
// a new one of the same number.
//
// countBits are for counting: a million versions, or ten years. More just go on into the
// milliseconds above, which are long past by then.
const countBits = 20

func begin(now time.Time) uint64 { return uint64(now.UnixMilli()) << countBits }

// originName is where a directory and a bucket keep at which version the register begins.
// It is created only once, like a version, and comes after all versions in a listing.
const originName = "origin"

// formatVersion and parseVersion are for names: their order is that of the numbers.
func formatVersion(v uint64) string { return fmt.Sprintf("%016x", v) }

func parseVersion(name string) (v uint64, ok bool) {
	v, err := strconv.ParseUint(name, 16, 64)
	return v, err == nil && formatVersion(v) == name
}
