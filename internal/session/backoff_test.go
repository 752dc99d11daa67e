package session

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/fault"
)

var (
	errDown = fault.OfClass("op", fault.ServerFailed, "down")
	errBusy = &fault.Fault{Class: fault.TooManyCalls, RetryAfter: 3 * time.Minute}
)

// TestPauses checks that pauses double up to a minute and are shortened by less than a
// quarter, for any number of failures.
func TestPauses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		failures := rapid.IntRange(0, 1<<40).Draw(t, "failures")
		whole := lastBackoff
		if failures < 6 {
			whole = firstBackoff << failures
		}
		if got := pauseAfter(failures); got > whole || got <= whole*3/4 {
			t.Fatalf("after %d failures: %v, want at most %v and more than three quarters of it", failures, got, whole)
		}
	})
}

// TestBackoffBars checks who has to wait after a failure, and for how long.
func TestBackoffBars(t *testing.T) {
	t.Parallel()
	start := time.Now()
	for name, test := range map[string]struct {
		err    error
		after  time.Duration
		force  bool
		barred bool
	}{
		"at once":                           {errDown, 0, false, true},
		"at once, forced":                   {errDown, 0, true, false},
		"before the pause is over":          {errDown, firstBackoff/2 + firstBackoff/8, false, true},
		"after the pause":                   {errDown, firstBackoff, false, false},
		"while the service asks to wait":    {errBusy, 2 * time.Minute, false, true},
		"forced, while the service asks":    {errBusy, 2 * time.Minute, true, true},
		"after the time the service asked":  {errBusy, 3 * time.Minute, false, false},
		"forced, after the service's time":  {errBusy, 3 * time.Minute, true, false},
		"an error that is no fault":         {errors.New("other"), 0, false, true},
		"an error that is no fault, forced": {errors.New("other"), 0, true, false},
	} {
		var b backoff
		b.add(1, test.err, start)
		if got := b.bars(1, start.Add(test.after), test.force); (got != nil) != test.barred || got != nil && !errors.Is(got, test.err) {
			t.Errorf("%s: %v, want barred %t", name, got, test.barred)
		}
	}
}

// TestBackoffIsOfOneEpoch checks that failures of an earlier login hold off nothing, and
// that its late success does not forget the failures of the present one.
func TestBackoffIsOfOneEpoch(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var b backoff
	if !b.add(1, errDown, now) {
		t.Error("the first failure is no change")
	}
	if b.bars(2, now, false) != nil || b.left(2, now) != 0 {
		t.Error("a failure of an earlier login bars a later one")
	}
	if !b.add(2, errDown, now) {
		t.Error("the first failure of another login is no change")
	}
	b.reset(1)
	if b.bars(2, now, false) == nil {
		t.Error("a success of an earlier login was taken for the present one's")
	}
	b.reset(2)
	if b.bars(2, now, false) != nil || b.left(2, now) != 0 {
		t.Error("a success does not end the pause")
	}
	if !b.add(2, errDown, now) {
		t.Error("the first failure after a success is no change")
	}
	if got := b.left(2, now); got > firstBackoff || got <= 0 {
		t.Errorf("the pause after a success and a failure: %v, want at most %v", got, firstBackoff)
	}
}

// TestBackoffTellsOfChanges checks that a repeated failure is a change only if it is of
// another class.
func TestBackoffTellsOfChanges(t *testing.T) {
	t.Parallel()
	var b backoff
	now := time.Now()
	for i, step := range []struct {
		err  error
		want bool
	}{{errDown, true}, {errDown, false}, {errBusy, true}, {errBusy, false}, {errDown, true}} {
		if got := b.add(1, step.err, now); got != step.want {
			t.Errorf("failure %d: change %t, want %t", i, got, step.want)
		}
	}
	if got := b.left(1, now); got <= firstBackoff<<3 {
		t.Errorf("after five failures: %v, want the pauses to grow over all classes", got)
	}
}
