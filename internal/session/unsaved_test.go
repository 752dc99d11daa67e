package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// TestEndRevokesUnsavedToken checks a sign-out while memory has a refresh token that the
// store does not: it is the good one, unless another process has stored a newer one since.
func TestEndRevokesUnsavedToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit func(*store.Record) // another process
		want string
	}{
		"alone":           {nil, "refresh-2"},
		"edited beside":   {func(r *store.Record) { r.Drift++ }, "refresh-2"},
		"signed in again": {func(r *store.Record) { setTokens((&testPool{serial: 6}).newGrant())(r) }, "refresh-7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				kept := newScriptedStore()
				e := unsavedSession(t, kept)
				kept.set(nil, nil)
				if test.edit != nil {
					rewrite(t, kept.Memory, test.edit)
				}
				over, err := e.End(t.Context(), EndOptions{})
				if err != nil || over.Err != nil {
					t.Fatal(err, over.Err)
				}
				if got := over.Refresh.Reveal(); got != test.want {
					t.Errorf("%s is to be revoked, want %s", got, test.want)
				}
				pending := inStore(t, e, kept).Pending
				if len(pending) != 1 || pending[0].Token.Reveal() != test.want {
					t.Errorf("%s: %d tokens are queued, want %s", name, len(pending), test.want)
				}
			})
		})
	}
}

// TestSwitchKeepsUnsavedTokens checks a switch away from a session whose tokens could not
// be stored, or to the same: they are stored first, and nothing changes while they cannot.
func TestSwitchKeepsUnsavedTokens(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"alice", "bob"} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				kept := newScriptedStore()
				e := unsavedSession(t, kept)
				bob := sessionRecord(time.Now(), false)
				bob.Account.Username = "bob"
				if err := kept.Memory.Save(t.Context(), bob, 0); err != nil {
					t.Fatal(err)
				}
				if err := e.Switch(t.Context(), to); !errors.Is(err, fault.Store) {
					t.Errorf("while the store fails: %v", err)
				}
				if got := e.Current().user.Record.Tokens.Refresh.Reveal(); got != "refresh-2" {
					t.Errorf("after the refused switch the session has %s", got)
				}
				kept.set(nil, nil)
				if err := e.Switch(t.Context(), to); err != nil {
					t.Fatal(err)
				}
				r, err := kept.Memory.Load(t.Context(), alice)
				if err != nil || r.Tokens.Refresh.Reveal() != "refresh-2" {
					t.Errorf("the store holds %s (%v), want refresh-2", r.Tokens.Refresh.Reveal(), err)
				}
			})
		})
	}
}

// hangingStore is a store that answers nothing before its context ends.
type hangingStore struct{ *store.Memory }

func (*hangingStore) Load(ctx context.Context, _ store.Account) (store.Record, error) {
	<-ctx.Done()
	return store.Record{}, ctx.Err()
}

func (*hangingStore) List(ctx context.Context, _ store.Scope) ([]store.Account, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (*hangingStore) Active(ctx context.Context, _ store.Scope) (store.Account, error) {
	<-ctx.Done()
	return store.Account{}, ctx.Err()
}

func (*hangingStore) SetActive(ctx context.Context, _ store.Account) error {
	<-ctx.Done()
	return ctx.Err()
}

func (*hangingStore) Lock(ctx context.Context, _ store.Account) (func(), error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// lockedStore is a store whose locks another process holds for ever.
type lockedStore struct{ *store.Memory }

func (*lockedStore) Lock(ctx context.Context, _ store.Account) (func(), error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestStoreThatHangsEndsCalls checks calls without a deadline over a store that hangs: each
// ends in bounded time.
func TestStoreThatHangsEndsCalls(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(ctx context.Context, e *Engine){
		"Switch":   func(ctx context.Context, e *Engine) { _ = e.Switch(ctx, "alice") },
		"Accounts": func(ctx context.Context, e *Engine) { _, _, _ = e.Accounts(ctx) },
		"Device":   func(ctx context.Context, e *Engine) { e.Device(ctx, "alice") },
		"ForgetDevice": func(ctx context.Context, e *Engine) {
			e.ForgetDevice(ctx, &store.Device{Key: "key"})
		},
		"Others": func(ctx context.Context, e *Engine) { _, _ = e.Others(ctx, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { endsInTime(t, &hangingStore{store.NewMemory()}, call) })
		})
	}
	t.Run("Federate", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			endsInTime(t, &lockedStore{store.NewMemory()}, func(ctx context.Context, e *Engine) {
				_, _ = e.Federate(ctx, store.Federation{Provider: "accounts.example"}, func(context.Context) (store.Secret, error) { return store.NewSecret("x"), nil })
			})
		})
	})
}

// endsInTime calls the engine of a store, and fails unless the call ends within a minute.
func endsInTime(t *testing.T, kept store.Store, call func(context.Context, *Engine)) {
	t.Helper()
	e := newEngine(t, withIdentities(kept, &testPool{}, &fakeIdentityPool{}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		call(ctx, e)
	}()
	time.Sleep(time.Minute)
	synctest.Wait()
	select {
	case <-done:
	default:
		t.Error("the call has not returned after a minute")
	}
	cancel()
	<-done
}
