package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// watchTime is what a Watcher promises, and machineTime what a busy machine may
// add to it.
const (
	watchTime   = 500 * time.Millisecond
	machineTime = 4 * time.Second
)

// watch is one Watch under way.
type watch struct {
	calls chan struct{} // one for each call of changed, as far as there is room
	done  chan error
	end   context.CancelFunc
	ended atomic.Bool // Watch has returned
	late  atomic.Bool // changed was called after that
}

// startWatch watches scope, if the store can. during runs in every call of changed.
func startWatch(t *testing.T, s store.Store, scope store.Scope, during func()) *watch {
	t.Helper()
	watcher, ok := s.(store.Watcher)
	if !ok {
		t.Skip("the store cannot be watched")
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := &watch{calls: make(chan struct{}, 1000), done: make(chan error, 2), end: cancel}
	go func() {
		err := watcher.Watch(ctx, scope, func() {
			w.late.Store(w.late.Load() || w.ended.Load())
			during()
			select {
			case w.calls <- struct{}{}:
			default:
			}
		})
		w.ended.Store(true)
		w.done <- err
	}()
	t.Cleanup(func() { w.stop(t) })
	w.expect(t, "the beginning")
	return w
}

// expect waits for one call of changed.
func (w *watch) expect(t testing.TB, what string) {
	t.Helper()
	select {
	case <-w.calls:
	case err := <-w.done:
		t.Fatalf("Watch returned before it told of %s: %v", what, err)
	case <-time.After(watchTime + machineTime):
		t.Fatalf("Watch did not tell of %s", what)
	}
}

// quiet waits until Watch makes no more calls.
func (w *watch) quiet() {
	for {
		select {
		case <-w.calls:
		case <-time.After(watchTime + watchTime/5):
			return
		}
	}
}

// stop ends the watch and checks how it ended. It may be called twice.
func (w *watch) stop(t testing.TB) {
	t.Helper()
	w.end()
	select {
	case err := <-w.done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v, want context.Canceled", err)
		}
		w.done <- err
	case <-time.After(watchTime + machineTime):
		w.done <- context.Canceled // so that the second stop need not wait as long
		t.Fatal("Watch goes on after its context has ended")
	}
}

// testWatchTells makes every kind of change, each after the previous one was reported.
func testWatchTells(t *testing.T, s store.Store) {
	alice := Account("alice")
	w := startWatch(t, s, alice.Scope, func() {})
	changes := []struct {
		name string
		make func() error
	}{
		{"the first record", func() error { return s.Save(t.Context(), Sample(alice, 1), 0) }},
		{"the pointer", func() error { return s.SetActive(t.Context(), alice) }},
		{"a new generation", func() error { return s.Save(t.Context(), Sample(alice, 2), 1) }},
		{"another account", func() error { return s.Save(t.Context(), Sample(Account("bob"), 1), 0) }},
		{"another pointer", func() error { return s.SetActive(t.Context(), Account("bob")) }},
		{"a sign-out", func() error { return s.Save(t.Context(), ended(Sample(alice, 3)), 2) }},
		{"a deletion", func() error { return s.Delete(t.Context(), Account("bob")) }},
	}
	for _, change := range changes {
		w.quiet()
		if err := change.make(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		w.expect(t, change.name)
	}
}

// testWatchService watches a scope with a service.
func testWatchService(t *testing.T, s store.Store) {
	there := at(Account("alice"), services[1])
	w := startWatch(t, s, there.Scope, func() {})
	w.quiet()
	mustSave(t, s, Sample(there, 1), 0)
	w.expect(t, "the first record")
	w.quiet()
	if err := s.SetActive(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "the pointer")
}

// testWatchCatchesUp changes a record while changed still runs for an earlier change: that
// must be reported too.
func testWatchCatchesUp(t *testing.T, s store.Store) {
	alice := Account("alice")
	mustSave(t, s, Sample(alice, 1), 0)
	const last = 5
	var seen atomic.Uint64
	w := startWatch(t, s, alice.Scope, func() {
		record, err := s.Load(t.Context(), alice)
		if err != nil {
			return
		}
		if seen.Store(record.Generation); record.Generation < last {
			_ = s.Save(t.Context(), Sample(alice, record.Generation+1), record.Generation) // a failure ends the news
		}
	})
	for seen.Load() != last {
		w.expect(t, "the last generation")
	}
}

// testWatchEnds ends some watches while others go on.
func testWatchEnds(t *testing.T, s store.Store) {
	alice := Account("alice")
	first := startWatch(t, s, alice.Scope, func() {})
	second := startWatch(t, s, alice.Scope, func() {})
	first.stop(t)
	second.quiet()
	mustSave(t, s, Sample(alice, 1), 0)
	second.expect(t, "a change after another watch has ended")
	if first.late.Load() {
		t.Error("changed was called after Watch had returned")
	}
}
