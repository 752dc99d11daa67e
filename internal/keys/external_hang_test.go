package keys_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// hangingModule is a module whose calls ignore their contexts and block until release.
type hangingModule struct {
	*module
	released chan struct{}
	hang     sync.Map // names of methods
}

func newHangingModule() *hangingModule {
	return &hangingModule{module: newModule(), released: make(chan struct{})}
}

func (m *hangingModule) wait(method string) {
	if _, hangs := m.hang.Load(method); hangs {
		<-m.released
	}
}

func (m *hangingModule) CreateKey(ctx context.Context, r plug.KeyRequest) (plug.SigningKey, error) {
	m.wait("CreateKey")
	return m.module.CreateKey(ctx, r)
}

func (m *hangingModule) Sign(ctx context.Context, handle string, digest [32]byte) ([]byte, error) {
	m.wait("Sign")
	return m.module.Sign(ctx, handle, digest)
}

func (m *hangingModule) RemoveKey(ctx context.Context, handle string) error {
	m.wait("RemoveKey")
	return m.module.RemoveKey(ctx, handle)
}

// signerOf returns the signer of ID tokens.
func signerOf(t *testing.T, ring *keys.Ring) *keys.Signer {
	t.Helper()
	signer, err := ring.Signer(t.Context(), poolID, keys.ID)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// TestSignerThatIgnoresItsContext gives up calls of a Signer that never looks at its context:
// at the end of the caller's context, and after five seconds without one.
func TestSignerThatIgnoresItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, m := newStore(t), newHangingModule()
		ring := newRing(t, store, keys.Options{Signer: m})
		createPool(t, store, ring, poolID)
		signer := signerOf(t, ring)
		m.hang.Store("Sign", true)

		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := signer.Sign(ctx, [32]byte{1}); err != context.DeadlineExceeded || time.Since(start) != 500*time.Millisecond {
			t.Errorf("a caller with 500 ms: %v after %v", err, time.Since(start))
		}
		start = time.Now()
		_, err := signer.Sign(t.Context(), [32]byte{1})
		if err == nil || !strings.Contains(err.Error(), "no answer within 5s") || time.Since(start) != 5*time.Second {
			t.Errorf("a caller without a deadline: %v after %v", err, time.Since(start))
		}
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		if _, err := signer.Sign(ctx, [32]byte{1}); err != context.Canceled {
			t.Errorf("a caller who leaves: %v, want its own error", err)
		}
		close(m.released)
		synctest.Wait()
	})
}

// TestSignerSeesItsDeadline passes a context to each call that ends after five seconds, also if
// the caller's has none.
func TestSignerSeesItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, m := newStore(t), newModule()
		ring := newRing(t, store, keys.Options{Signer: m})
		createPool(t, store, ring, poolID)
		signer, start := signerOf(t, ring), time.Now()
		ended := make(chan time.Duration, 1)
		m.set(func(m *module) {
			m.sign = func(ctx context.Context, _ string) ([]byte, error) {
				<-ctx.Done()
				ended <- time.Since(start)
				return nil, ctx.Err()
			}
		})
		if _, err := signer.Sign(t.Context(), [32]byte{1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if took := <-ended; took != 5*time.Second {
			t.Errorf("the context ended after %v", took)
		}
	})
}

// TestHangingSignerLeavesOtherPoolsAndClose lets 64 calls hang, as many as the Ring makes at
// once: the keys in storage of another pool still sign, and Close returns.
func TestHangingSignerLeavesOtherPoolsAndClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const stored = "us-east-1_Stored123"
		store, m := newStore(t), newHangingModule()
		createPool(t, store, newRing(t, store, keys.Options{}), stored)
		ring := newRing(t, store, keys.Options{Signer: m})
		createPool(t, store, ring, poolID)
		signer := signerOf(t, ring)
		other, err := ring.Signer(t.Context(), stored, keys.ID)
		if err != nil {
			t.Fatal(err)
		}
		m.hang.Store("Sign", true)
		var callers sync.WaitGroup
		for range 64 {
			callers.Go(func() { signer.Sign(t.Context(), [32]byte{1}) })
		}
		synctest.Wait()
		start := time.Now()
		if _, err := other.Sign(t.Context(), [32]byte{2}); err != nil || time.Since(start) > 5*time.Second {
			t.Errorf("a key in storage: %v after %v", err, time.Since(start))
		}
		callers.Wait()

		go signer.Sign(context.Background(), [32]byte{1})
		synctest.Wait()
		start = time.Now()
		ring.Close()
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("Close took %v", took)
		}
		close(m.released)
		synctest.Wait()
	})
}

// TestHangingCallsAreBounded refuses further calls of a Signer at once while 64 calls that
// were given up have not returned, and makes them again when those have.
func TestHangingCallsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, m := newStore(t), newHangingModule()
		ring := newRing(t, store, keys.Options{Signer: m})
		createPool(t, store, ring, poolID)
		signer := signerOf(t, ring)
		m.hang.Store("Sign", true)
		before := runtime.NumGoroutine()
		for range 10 {
			var callers sync.WaitGroup
			for range 100 {
				callers.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					signer.Sign(ctx, [32]byte{1})
				})
			}
			callers.Wait()
		}
		if count := runtime.NumGoroutine() - before; count > 150 {
			t.Errorf("%d goroutines wait for the signer", count)
		}
		start := time.Now()
		if _, err := signer.Sign(t.Context(), [32]byte{1}); err == nil || !strings.Contains(err.Error(), "have not returned") || time.Since(start) != 0 {
			t.Errorf("one more call: %v after %v", err, time.Since(start))
		}
		if _, err := ring.Create(t.Context(), "us-east-1_Other1234", keys.ID); err == nil || !strings.Contains(err.Error(), "have not returned") {
			t.Errorf("a new key: %v", err)
		}
		m.hang.Clear()
		close(m.released)
		synctest.Wait()
		if _, err := signer.Sign(t.Context(), [32]byte{1}); err != nil {
			t.Errorf("after the calls returned: %v", err)
		}
	})
}

// TestHangingCreateAndRemove gives up the other two calls of a Signer. A key whose removal was
// given up is removed the next time.
func TestHangingCreateAndRemove(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, m := newStore(t), newHangingModule()
		ring := newRing(t, store, keys.Options{Signer: m})
		createPool(t, store, ring, poolID)
		m.hang.Store("CreateKey", true)
		start := time.Now()
		if err := ring.Rotate(t.Context(), poolID); err == nil || !strings.Contains(err.Error(), "no answer within 5s") || time.Since(start) != 5*time.Second {
			t.Errorf("a rotation: %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ring.Create(ctx, "us-east-1_Other1234", keys.ID); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a new pool: %v", err)
		}
		m.hang.Clear()
		if err := ring.Rotate(t.Context(), poolID); err != nil {
			t.Fatal(err)
		}
		m.hang.Store("RemoveKey", true)
		time.Sleep(30 * time.Hour)
		if err := ring.RotateDue(t.Context()); err == nil || !strings.Contains(err.Error(), "no answer within 5s") {
			t.Errorf("a removal: %v", err)
		}
		m.hang.Clear()
		if err := ring.RotateDue(t.Context()); err != nil {
			t.Error(err)
		}
		if rows := storedKeys(t, store, poolID); len(rows) != 2 {
			t.Errorf("%d keys in storage, want 2", len(rows))
		}
		close(m.released)
		synctest.Wait()
	})
}

// brokenModule panics or ends its goroutine in the named methods.
type brokenModule struct {
	*module
	method string
	fail   func()
}

func (m *brokenModule) failIn(method string) {
	if m.method == method {
		m.fail()
	}
}

func (m *brokenModule) CreateKey(ctx context.Context, r plug.KeyRequest) (plug.SigningKey, error) {
	m.failIn("CreateKey")
	return m.module.CreateKey(ctx, r)
}

func (m *brokenModule) Sign(ctx context.Context, handle string, digest [32]byte) ([]byte, error) {
	m.failIn("Sign")
	return m.module.Sign(ctx, handle, digest)
}

func (m *brokenModule) RemoveKey(ctx context.Context, handle string) error {
	m.failIn("RemoveKey")
	return m.module.RemoveKey(ctx, handle)
}

// TestSignerThatPanics makes an error of a panic, and of the end of the goroutine, in each
// method of a Signer. The next call works.
func TestSignerThatPanics(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(){"panicked: oops": func() { panic("oops") }, "goroutine": runtime.Goexit, "nil": func() { panic(nil) }} {
		for method, use := range map[string]func(*keys.Ring) error{
			"CreateKey": func(r *keys.Ring) error { return r.Rotate(t.Context(), poolID) },
			"RemoveKey": func(r *keys.Ring) error { return r.RotateDue(t.Context()) },
			"Sign": func(r *keys.Ring) error {
				_, err := signerOf(t, r).Sign(t.Context(), [32]byte{1})
				return err
			},
		} {
			store, clock := newStore(t), &stoppedClock{at: time.Now()}
			m := &brokenModule{module: newModule(), fail: fail}
			ring := newRing(t, store, keys.Options{Signer: m, Now: clock.now})
			createPool(t, store, ring, poolID)
			if err := ring.Rotate(t.Context(), poolID); err != nil {
				t.Fatal(err)
			}
			clock.advance(30 * time.Hour) // the first keys have retired
			m.method = method
			if err := use(ring); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s, %s: %v", method, name, err)
			}
			m.method = ""
			if err := use(ring); err != nil {
				t.Errorf("%s after %s: %v", method, name, err)
			}
		}
	}
}
