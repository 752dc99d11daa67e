package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestCloseWaitsForWork checks that close returns when the work in progress has ended, that
// its context ends at once, and that no work begins after.
func TestCloseWaitsForWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		life := newLifecycle(slog.New(slog.DiscardHandler))
		var told, ended bool
		life.start(func() {
			told = !sleep(life.ctx, time.Hour)
			time.Sleep(time.Minute) // its last steps
			ended = true
		})
		began := time.Now()
		time.Sleep(time.Second)
		life.close()
		if !told || !ended || time.Since(began) != time.Minute+time.Second {
			t.Errorf("told %t, ended %t, close took %v", told, ended, time.Since(began))
		}
		if life.start(func() { t.Error("work after close") }) || !life.isClosed() {
			t.Error("start after close reports success")
		}
		life.close() // a second one does nothing
	})
}

// TestWorkPanics checks that a panic of work is logged and holds up no close.
func TestWorkPanics(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	life := newLifecycle(slog.New(slog.NewTextHandler(&text, nil)))
	life.start(func() { panic("a mistake") })
	life.close()
	if got := text.String(); !strings.Contains(got, "a mistake") || !strings.Contains(got, "TestWorkPanics") {
		t.Errorf("the log has no panic with its stack: %s", got)
	}
}

// TestGuard checks what becomes of the outcome of foreign code.
func TestGuard(t *testing.T) {
	t.Parallel()
	other := errors.New("other")
	bad := slog.New(panickingHandler{slog.DiscardHandler})
	for name, test := range map[string]struct {
		log  *slog.Logger
		call func() error
		want error
	}{
		"success":                  {bad, func() error { return nil }, nil},
		"error":                    {bad, func() error { return other }, other},
		"panic":                    {slog.New(slog.DiscardHandler), func() error { panic(other) }, errPanic},
		"panic and logger's panic": {bad, func() error { panic("a mistake") }, errPanic},
	} {
		if err := guard(test.log, test.call); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// panickingHandler is a log handler with a mistake.
type panickingHandler struct{ slog.Handler }

func (panickingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingHandler) Handle(context.Context, slog.Record) error { panic("the logger's mistake") }

// TestTurn checks the lock of sign-ins and sign-outs: one holds it, the next waits, and a
// context that ends gives up, also where the lock is free.
func TestTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newTurn()
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		bounded, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := l.acquire(bounded); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("a held lock: %v after %v", err, time.Since(began))
		}
		go func() { time.Sleep(time.Minute); l.release() }()
		if err := l.acquire(t.Context()); err != nil || time.Since(began) != time.Minute+time.Second {
			t.Errorf("a released lock: %v after %v", err, time.Since(began))
		}
		l.release()
		for range 100 { // a select of two ready cases chooses at random
			if err := l.acquire(bounded); err == nil {
				t.Fatal("a context that has ended acquires the lock")
			}
		}
	})
}
