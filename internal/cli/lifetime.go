package cli

import (
	"fmt"
	"time"
)

// year is how long ago a time may be for its distance in days to mean something.
const year = 365 * 24 * time.Hour

// left says how long something still lasts, or when it ended.
func left(d time.Duration) string {
	if d <= 0 {
		return "expired " + ago(-d)
	}
	return span(d) + " left"
}

// ago says how far back a time is.
func ago(d time.Duration) string {
	if d >= year {
		return "long ago"
	}
	return span(d) + " ago"
}

// span is a duration in its two largest units: "59m 30s", "4h 5m", "29d 23h".
func span(d time.Duration) string {
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, unit := range units[:len(units)-1] {
		if d < unit.size {
			continue
		}
		next := units[i+1]
		if rest := d % unit.size / next.size; rest > 0 {
			return fmt.Sprintf("%d%s %d%s", d/unit.size, unit.name, rest, next.name)
		}
		return fmt.Sprintf("%d%s", d/unit.size, unit.name)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// moment is a point in time as people read it, in UTC like the claims.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
