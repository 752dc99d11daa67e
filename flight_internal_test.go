package latchkey

import (
	"context"
	"errors"
	"testing"
)

// TestEndedContextIsAnError checks a caller whose context has ended when the flight lands.
func TestEndedContextIsAnError(t *testing.T) {
	t.Parallel()
	f := &flight{done: make(chan struct{})}
	close(f.done)
	if err := f.wait(t.Context()); err != nil {
		t.Errorf("a context that goes on: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // a select of two ready cases chooses at random
		if err := f.wait(ended); !errors.Is(err, context.Canceled) {
			t.Fatalf("an ended context: %v, want context.Canceled", err)
		}
	}
}
