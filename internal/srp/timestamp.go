package srp

import "time"

const (
	// timestampLayout is Java's "EEE MMM d HH:mm:ss 'UTC' yyyy" in English.
	timestampLayout = "Mon Jan 2 15:04:05 UTC 2006"
	paddedLayout    = "Mon Jan 02 15:04:05 UTC 2006"
)

// Timestamp formats t as TIMESTAMP of RespondToAuthChallenge, in UTC, the day
// without a leading zero: "Tue Feb 3 04:05:06 UTC 2026". Cognito answers other
// forms with "Incorrect username or password."
func Timestamp(t time.Time) string { return t.UTC().Format(timestampLayout) }

// ParseTimestamp reads a TIMESTAMP for a check of its age. It accepts what
// [Timestamp] writes and, since clients of that kind exist, a day with a
// leading zero; the weekday must fit the date. The proof covers the text as the client wrote it:
// hand [Server.Check] that text, never the time formatted anew. Some clients
// write the hour of a 12-hour clock, so a time may be 12 hours early.
func ParseTimestamp(s string) (time.Time, error) {
	if err := required("TIMESTAMP", s); err != nil {
		return time.Time{}, err
	}
	if len(s) > len(paddedLayout) {
		return time.Time{}, fieldError("TIMESTAMP", ErrTooLong)
	}
	t, err := time.Parse(timestampLayout, s)
	// time.Parse passes fractions, any weekday and any case; formatting does not.
	if err != nil || t.Format(timestampLayout) != s && t.Format(paddedLayout) != s {
		return time.Time{}, fieldError("TIMESTAMP", ErrMalformed)
	}
	return t, nil
}
