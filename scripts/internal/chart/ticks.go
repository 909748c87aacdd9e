package chart

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// linearTicks are the library's, with their labels as label writes them.
func linearTicks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if !ticks[i].IsMinor() {
			ticks[i].Label = label(ticks[i].Value)
		}
	}
	return ticks
}

// logTicks has a label at each power of ten, and over two decades or less at 2 and 5 times one.
func logTicks(low, high float64) (ticks []plot.Tick) {
	narrow := high/low <= 100
	for power := math.Floor(math.Log10(low)); power <= math.Log10(high); power++ {
		for digit := 1.0; digit < 10; digit++ {
			value := digit * math.Pow(10, power)
			if value < low*(1-1e-9) || value > high*(1+1e-9) {
				continue
			}
			tick := plot.Tick{Value: value}
			if digit == 1 || narrow && (digit == 2 || digit == 5) {
				tick.Label = label(value)
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// label writes a value with three digits, and those of a whole number in groups.
func label(value float64) string {
	if math.Abs(value) < 1000 {
		return strconv.FormatFloat(roundTo(value, 3), 'f', -1, 64)
	}
	digits := strconv.FormatFloat(math.Abs(value), 'f', 0, 64)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	text := strings.Join(append([]string{digits}, groups...), " ")
	if value < 0 {
		return "-" + text
	}
	return text
}

// roundTo rounds to a number of significant digits.
func roundTo(value float64, digits int) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(value, 'e', digits-1, 64), 64)
	return rounded
}
