package limits_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func taker(store storage.Store, q limits.Quota) func(key string, now time.Time) bool {
	return func(key string, now time.Time) (ok bool) {
		err := store.Update(context.Background(), func(tx storage.Tx) (err error) {
			ok, err = q.Take(tx, key, now)
			return err
		})
		return ok && err == nil
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	store := memory.New()
	defer store.Close()
	take := taker(store, limits.Quota{Events: 5, Per: time.Hour})
	start := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for i := range 5 {
		if !take("ann", start) {
			t.Fatalf("event %d is refused", i+1)
		}
	}
	for _, step := range []struct {
		key   string
		after time.Duration
		want  bool
	}{
		{"ann", 0, false},
		{"bob", 0, true},
		{"ann", 12*time.Minute - time.Second, false},
		{"ann", 12 * time.Minute, true},
		{"ann", 12 * time.Minute, false},
		{"ann", 24 * time.Minute, true},
		{"ann", -3 * time.Hour, true}, // a clock that was put back locks nobody out
	} {
		if got := take(step.key, start.Add(step.after)); got != step.want {
			t.Errorf("%s after %v: %v, want %v", step.key, step.after, got, step.want)
		}
	}
}

// TestQuotaHolds: whenever the events come, no window lets more than twice the
// quota through, and whoever waits long enough gets all of it.
func TestQuotaHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		store := memory.New()
		defer store.Close()
		q := limits.Quota{Events: rapid.IntRange(1, 6).Draw(r, "events"), Per: time.Hour}
		take := taker(store, q)
		now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
		var taken []time.Time
		for range rapid.IntRange(1, 40).Draw(r, "tries") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3600).Draw(r, "wait")) * time.Second)
			if !take("k", now) {
				continue
			}
			taken = append(taken, now)
			within := 0
			for _, at := range taken {
				if now.Sub(at) < q.Per {
					within++
				}
			}
			if within >= 2*q.Events {
				r.Fatalf("%d events in an hour, %d at once", within, q.Events)
			}
		}
		now = now.Add(q.Per)
		for i := range q.Events {
			if !take("k", now) {
				r.Fatalf("event %d after a quiet hour is refused", i+1)
			}
		}
	})
}
