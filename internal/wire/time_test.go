package wire_test

import (
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"pgregory.net/rapid"
)

var someTime = wire.NewTime(time.Date(2026, 10, 19, 22, 0, 0, 117_654_321, time.UTC))

func TestTimeReadsAndWrites(t *testing.T) {
	t.Parallel()
	type shape struct{ At wire.Time }
	for _, c := range []struct{ sent, want, written string }{
		{`1792447200.117`, "2026-10-19T22:00:00.117Z", `1792447200.117`},
		{`1.792454400117E9`, "2026-10-20T00:00:00.117Z", `1792454400.117`}, // as AWS writes it
		{`1.7E9`, "2023-11-14T22:13:20Z", `1700000000`},
		{`1700000000`, "2023-11-14T22:13:20Z", `1700000000`},
		{`0.5`, "1970-01-01T00:00:00.5Z", `0.5`},
		{`-0.25`, "1969-12-31T23:59:59.75Z", `-0.25`},
		{`253402300799`, "9999-12-31T23:59:59Z", `253402300799`},
		{`null`, "0001-01-01T00:00:00Z", `null`},
	} {
		var s shape
		if err := wire.Unmarshal([]byte(`{"At":`+c.sent+`}`), &s); err != nil {
			t.Errorf("%s: %v", c.sent, err)
			continue
		}
		if got := s.At.Format(time.RFC3339Nano); got != c.want {
			t.Errorf("%s is %s, want %s", c.sent, got, c.want)
		}
		if body, err := wire.Marshal(s); err != nil || string(body) != `{"At":`+c.written+`}` {
			t.Errorf("%s is written %s, %v; want %s", c.sent, body, err, c.written)
		}
	}
}

func TestTimeRefuses(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{`"2026-10-19T22:00:00Z"`, `"1700000000"`, `1e300`, `253402300800`, `-62135596801`, `true`, `[]`, `{}`} {
		var s struct{ At wire.Time }
		if err := wire.Unmarshal([]byte(`{"At":`+sent+`}`), &s); !wire.IsException(err, wire.SerializationException) {
			t.Errorf("%s: %v, want a SerializationException", sent, err)
		}
	}
}

func TestTimeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := wire.NewTime(time.UnixMilli(rapid.Int64Range(-62135596799_000, 253402300799_000).Draw(t, "ms")))
		body, err := at.MarshalJSON()
		var read wire.Time
		if err == nil {
			err = read.UnmarshalJSON(body)
		}
		if err != nil || !read.Equal(at.Time) {
			t.Fatalf("%v written %s read %v, %v", at, body, read, err)
		}
	})
}
