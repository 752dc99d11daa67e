package cli

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestFollowProcessors: a limit that has changed counts half a minute later, unless
// the person has set one. Not parallel: it changes the limit of the whole process.
func TestFollowProcessors(t *testing.T) {
	allowed := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(allowed)
	other := allowed + 1
	for set, want := range map[string]int{"": allowed, "7": other} {
		t.Setenv("GOMAXPROCS", set)
		runtime.GOMAXPROCS(other)
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go followProcessors(ctx)
			time.Sleep(processorPause + time.Second)
			if got := runtime.GOMAXPROCS(0); got != want {
				t.Errorf("with GOMAXPROCS=%q: %d processors, want %d", set, got, want)
			}
		})
	}
}
