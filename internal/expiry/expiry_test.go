package expiry_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/expiry"
)

// TestTwoClocks: a machine that slept shows on the wall clock alone, a clock that
// was set back on the monotonic clock alone. Either counts.
func TestTwoClocks(t *testing.T) {
	t.Parallel()
	base := time.Now()
	w := expiry.New(base, time.Hour, time.Hour, 0)
	if !w.Fresh(base.Add(time.Minute)) {
		t.Fatal("what is new is not fresh")
	}
	slept := base.Round(0).Add(8 * time.Hour) // no monotonic reading: wall clock only
	if w.Fresh(slept) || w.Left(slept) > 0 || w.UntilDue(slept) > 0 {
		t.Error("it is fresh after eight hours of sleep")
	}
	setBack := w
	setBack.DueWall += int64(24 * time.Hour)
	setBack.ExpiryWall += int64(24 * time.Hour)
	if late := base.Add(2 * time.Hour); setBack.Fresh(late) || setBack.Left(late) > 0 || setBack.UntilDue(late) > 0 {
		t.Error("it is fresh because the clock was set back")
	}
}

// TestNew: what is due comes before what has expired, in every life.
func TestNew(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := time.Now()
		life := rapid.Int64Range(1, int64(expiry.MaxLife)).Draw(t, "life")
		remaining := rapid.Int64Range(-life, 2*life).Draw(t, "remaining")
		ahead := rapid.Int64Range(0, 2*life).Draw(t, "ahead")
		w := expiry.New(base, time.Duration(life), time.Duration(remaining), time.Duration(ahead))
		left := min(remaining, life)
		if w.Due > w.Expiry || int64(w.Expiry) > left {
			t.Fatalf("due %v, expires %v of %v", w.Due, w.Expiry, time.Duration(left))
		}
		if least := left - max(life/2, int64(5*time.Second)); int64(w.Due) < least {
			t.Fatalf("due %v, more than half a life ahead of %v", w.Due, time.Duration(left))
		}
		if got := w.End().UnixNano() - base.UnixNano(); got != left {
			t.Fatalf("ends %v after it was made, of %v", time.Duration(got), time.Duration(left))
		}
		at := base.Add(time.Duration(rapid.Int64Range(0, 2*life).Draw(t, "at")))
		if w.Fresh(at) != (w.UntilDue(at) > 0) || w.Fresh(at) && w.Left(at) <= 0 {
			t.Fatalf("fresh %t, due in %v, left %v", w.Fresh(at), w.UntilDue(at), w.Left(at))
		}
	})
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const never = -1
	for name, test := range map[string]struct {
		received, expires time.Duration // from now
		fresh, usable     bool
	}{
		"new":                        {0, time.Hour, true, true},
		"half used":                  {-30 * time.Minute, 30 * time.Minute, true, true},
		"due":                        {-59 * time.Minute, time.Minute, false, true},
		"on its last seconds":        {-time.Hour, 4 * time.Second, false, false},
		"expired":                    {-2 * time.Hour, -time.Hour, false, false},
		"from a clock set back":      {3 * time.Minute, time.Hour, false, true},
		"from a clock a little late": {time.Minute, time.Hour, true, true},
		"expired when it came":       {0, -time.Hour, false, false},
		"of an earlier schema":       {never, time.Hour, true, true},
		"of one, and expired":        {never, -time.Second, false, false},
		"of centuries":               {0, 250 * 365 * 24 * time.Hour, false, true},
		"of two days":                {-time.Minute, 48 * time.Hour, false, true},
		"of two days, an hour ago":   {-time.Hour, 47 * time.Hour, false, false},
		"of twelve hours":            {0, 12 * time.Hour, true, true},
		"of two days, and no origin": {never, 48 * time.Hour, false, false},
	} {
		var received time.Time
		if test.received != never {
			received = now.Round(0).Add(test.received)
		}
		w := expiry.Credentials(now, received, now.Round(0).Add(test.expires), 0)
		if w.Fresh(now) != test.fresh || (w.Left(now) > 0) != test.usable {
			t.Errorf("%s: fresh %t, left %v", name, w.Fresh(now), w.Left(now))
		}
	}
}

func TestCredentialsLife(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]time.Duration{
		time.Second: time.Second, time.Hour: time.Hour, 12 * time.Hour: 12 * time.Hour, 12*time.Hour + time.Minute: 12 * time.Hour,
		0: time.Hour, -time.Second: time.Hour, 13 * time.Hour: time.Hour, 20 * 365 * 24 * time.Hour: time.Hour, 1<<63 - 1: time.Hour,
	} {
		if got := expiry.CredentialsLife(life); got != want {
			t.Errorf("a life of %v counts as %v, want %v", life, got, want)
		}
	}
	now := time.Now()
	for life, want := range map[time.Duration]time.Duration{12 * time.Hour: 12 * time.Hour, 20 * time.Hour: time.Hour, -time.Hour: -time.Hour} {
		if got := expiry.CredentialsEnd(now, now.Add(life)).Sub(now); got != want {
			t.Errorf("stored for %v: ends after %v, want %v", life, got, want)
		}
	}
}

// TestAge checks that the clock that says more counts, within the life.
func TestAge(t *testing.T) {
	t.Parallel()
	base := time.Now()
	for name, test := range map[string]struct {
		at   time.Time
		want time.Duration
	}{
		"received":        {base, 10 * time.Minute},
		"later":           {base.Add(20 * time.Minute), 30 * time.Minute},
		"over":            {base.Add(2 * time.Hour), time.Hour},
		"clock set back":  {base.Add(-time.Hour).Round(0), 0},
		"by wall clock":   {base.Add(30 * time.Minute).Round(0), 40 * time.Minute},
		"before the base": {base.Add(-5 * time.Minute), 5 * time.Minute},
	} {
		w := expiry.New(base, time.Hour, 50*time.Minute, 0)
		if got := w.Age(test.at); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestEarlier(t *testing.T) {
	t.Parallel()
	base := time.Now()
	long := expiry.New(base, time.Hour, time.Hour, time.Minute)
	short := expiry.New(base.Add(time.Second), 10*time.Minute, 10*time.Minute, time.Minute)
	for _, w := range []expiry.Window{long.Earlier(short), short.Earlier(long)} {
		if got, want := w.UntilDue(base), short.UntilDue(base); got != want {
			t.Errorf("due in %v, want %v", got, want)
		}
	}
	if w := long.Earlier(short); w.Left(base) != long.Left(base) {
		t.Error("it expires at another time than it did")
	}
}

func TestZeroWindowHasExpired(t *testing.T) {
	t.Parallel()
	var w expiry.Window
	if w.Fresh(time.Now()) || w.Left(time.Now()) > 0 {
		t.Error("nothing is usable")
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const never = -1
	for name, test := range map[string]struct {
		received, drift time.Duration // received from now on
		issued          time.Duration // by the service's clock, from ours on
		fresh, usable   bool
	}{
		"new":                             {0, 0, 0, true, true},
		"new, the service ahead":          {0, 3 * time.Hour, 3 * time.Hour, true, true},
		"new, the service behind":         {0, -3 * time.Hour, -3 * time.Hour, true, true},
		"due":                             {-57 * time.Minute, 0, -57 * time.Minute, false, true},
		"expired":                         {-time.Hour, 0, -time.Hour, false, false},
		"the service two days ahead":      {0, expiry.MaxDrift, 48 * time.Hour, true, true},
		"the same, an hour ago":           {-time.Hour, expiry.MaxDrift, 47 * time.Hour, false, false},
		"the service two days behind":     {0, -expiry.MaxDrift, -48 * time.Hour, true, true},
		"our clock was set back since":    {time.Hour, 0, time.Hour, false, true},
		"of a record without the receipt": {never, 0, 0, true, true},
	} {
		var received time.Time
		if test.received != never {
			received = now.Round(0).Add(test.received)
		}
		w := expiry.Tokens(now, received, now.Round(0).Add(test.issued), time.Hour, test.drift, 0)
		if w.Fresh(now) != test.fresh || (w.Left(now) > 0) != test.usable {
			t.Errorf("%s: fresh %t, left %v", name, w.Fresh(now), w.Left(now))
		}
	}
}

func TestLife(t *testing.T) {
	t.Parallel()
	issued := time.Unix(1767225600, 0)
	for name, test := range map[string]struct {
		issued, expires time.Time
		life            time.Duration
		ok              bool
	}{
		"an hour":                  {issued, issued.Add(time.Hour), time.Hour, true},
		"a century":                {issued, issued.Add(100 * expiry.MaxLife), expiry.MaxLife, true},
		"expired when issued":      {issued, issued, 0, false},
		"expired before":           {issued, issued.Add(-1), -1, false},
		"nobody knows when issued": {time.Time{}, issued, expiry.MaxLife, false},
	} {
		if life, ok := expiry.Life(test.issued, test.expires); life != test.life || ok != test.ok {
			t.Errorf("%s: %v, %t", name, life, ok)
		}
	}
	for _, expires := range [][]time.Time{{issued.Add(time.Hour), issued.Add(time.Minute)}, {issued.Add(time.Minute), issued.Add(time.Hour)}} {
		if life, ok := expiry.Life(issued, expires...); life != time.Minute || !ok {
			t.Errorf("an hour and a minute: %v, %t", life, ok)
		}
	}
	if life, ok := expiry.Life(issued); ok {
		t.Errorf("no token: %v", life)
	}
}
