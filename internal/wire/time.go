package wire

import (
	"errors"
	"math"
	"strconv"
	"time"
)

// The years 1 to 9999, which RFC 3339 can write and time.Time can print.
const (
	minEpochSeconds = -62135596800
	maxEpochSeconds = 253402300799
)

var errTime = errors.New("timestamp is not a number of seconds since 1970 within the years 1 to 9999")

// Time is a point in time as AWS JSON 1.1 writes it: a JSON number of seconds
// since the Unix epoch with up to three decimals. The zero value is absent.
type Time struct{ time.Time }

// NewTime wraps t, cut to the millisecond that the wire can carry, in UTC.
func NewTime(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Millisecond)}
}

// MarshalJSON writes the number, such as 1792454400.117. The zero value is null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	// A float64 holds the milliseconds of four thousand years exactly enough
	// that its shortest form has no more decimals than the time has.
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads a number, also in the form 1.792454400117E9 that AWS
// writes, rounded to the millisecond. Null is the zero value. Times outside
// the years 1 to 9999 are refused.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = Time{}
		return nil
	}
	seconds, err := strconv.ParseFloat(string(data), 64)
	if err != nil || seconds < minEpochSeconds || seconds > maxEpochSeconds {
		return errTime
	}
	*t = Time{time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()}
	return nil
}
