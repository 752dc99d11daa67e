package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// TestRefreshAdoptsAnothersTokens checks two engines over one store: what one refreshes
// the other takes, and a refresh that is forced spends the token that was just read.
func TestRefreshAdoptsAnothersTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		// Without a watch it learns of the other's tokens from the store alone.
		first, second := signedIn(t, p, kept), newEngine(t, Config{Store: &unwatched{kept}, UserPool: p})
		wantTokens(t, second, Want{})
		events := collect(t, second)
		time.Sleep(30 * time.Minute)
		renewed := wantTokens(t, first, Want{Force: true})
		time.Sleep(45 * time.Minute)
		got := wantTokens(t, second, Want{})
		if got.Access.Raw() != renewed.Access.Raw() || p.count() != 1 {
			t.Errorf("%d refreshes", p.count())
		}
		if diff := cmp.Diff([]Event{{Kind: Refreshed, Cause: CauseRemote}}, brief(events())); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		wantTokens(t, first, Want{Force: true})
		time.Sleep(time.Second)
		wantTokens(t, second, Want{Force: true}) // it sends the token of the first's refresh
		if p.count() != 3 {
			t.Errorf("%d refreshes, want three", p.count())
		}
	})
}

// refusal is the service's answer to a refresh token that it does not take.
var refusal = &fault.Fault{
	Kind: fault.NotAuthorized, Code: "NotAuthorizedException", Message: "Refresh Token has been revoked", Class: fault.Ended, EndsSession: true,
}

// TestRefusalIsCheckedAgainstStore checks what is made of a refusal, for all that another
// process may have done to the record while the service was asked.
func TestRefusalIsCheckedAgainstStore(t *testing.T) {
	t.Parallel()
	expire := func(*store.Record) {} // the record is changed and its tokens stay
	for name, test := range map[string]struct {
		change  func(*testPool) func(*store.Record) // nil for none
		load    error
		refused int // refusals before the token is taken
		err     error
		live    bool
		calls   int
		event   Event
	}{
		"nothing":      {nil, nil, 9, fault.SessionExpired, false, 1, Event{Kind: SessionExpired, Reason: "NotAuthorizedException"}},
		"edited":       {func(*testPool) func(*store.Record) { return expire }, nil, 9, fault.SessionExpired, false, 1, Event{Kind: SessionExpired, Reason: "NotAuthorizedException"}},
		"refreshed":    {func(p *testPool) func(*store.Record) { return setTokens(p.grant()) }, nil, 9, nil, true, 1, Event{Kind: Refreshed, Cause: CauseRemote}},
		"newer, taken": {newerToken, nil, 1, nil, true, 2, Event{Kind: Refreshed}},
		"newer, refused too": {
			newerToken, nil, 9, fault.SessionExpired, false, 2, Event{Kind: SessionExpired, Reason: "NotAuthorizedException"},
		},
		"newer after each try": {newestToken, nil, 9, fault.NotAuthorized, true, 2, Event{Kind: RefreshFailed}},
		"signed out": {
			func(*testPool) func(*store.Record) {
				return func(r *store.Record) { *r = tombstone(*r, SignedOutReason, "") }
			}, nil, 9, fault.SignedOut, false, 1, Event{Kind: SignedOut, Cause: CauseRemote},
		},
		"ended": {
			func(*testPool) func(*store.Record) {
				return func(r *store.Record) { *r = tombstone(*r, "UserNotFoundException", "") }
			}, nil, 9, fault.SessionExpired, false, 1, Event{Kind: SessionExpired, Reason: "UserNotFoundException"},
		},
		"unreadable": {nil, errDisk, 9, fault.NotAuthorized, true, 1, Event{Kind: RefreshFailed}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, newScriptedStore()
				e := signedIn(t, p, &unwatched{kept})
				events := collect(t, e)
				time.Sleep(2 * time.Hour)
				p.refuse = func(store.Record) (cognito.Grant, error) {
					if test.change != nil && (p.calls == 1 || name == "newer after each try") {
						rewrite(t, kept.Memory, test.change(p))
					}
					kept.set(loading(test.load), nil)
					if p.calls > test.refused {
						return cognito.Grant{}, nil
					}
					return cognito.Grant{}, refusal
				}
				v, err := e.Fetch(t.Context(), Want{})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := v.Tokens(); !errors.Is(err, test.err) || (err == nil) != (test.err == nil) || v.SignedIn() != test.live {
					t.Errorf("%s: signed in %t, %v; want %v", name, v.SignedIn(), err, test.err)
				}
				if p.count() != test.calls {
					t.Errorf("%s: %d calls, want %d", name, p.count(), test.calls)
				}
				if diff := cmp.Diff([]Event{test.event}, brief(events())); diff != "" {
					t.Errorf("%s: events (-want +got):\n%s", name, diff)
				}
				if r, err := kept.Memory.Load(t.Context(), alice); err != nil || live(r) != test.live {
					t.Errorf("%s: the store holds %+v (%v)", name, r, err)
				}
			})
		})
	}
}

// newerToken is the change of a process that stored a newer refresh token with access
// tokens that have expired since.
func newerToken(p *testPool) func(*store.Record) {
	p.refresh = "newer"
	return func(r *store.Record) { r.Tokens.Refresh = store.NewSecret("newer") }
}

// newestToken is newerToken with another token at each try.
func newestToken(p *testPool) func(*store.Record) {
	token := store.NewSecret(fmt.Sprint("newest of try ", p.calls))
	return func(r *store.Record) { r.Tokens.Refresh = token }
}

// TestLateGrant checks tokens that are issued after the record was changed: those of a
// session that is over are revoked, and those of the session that is there are not.
func TestLateGrant(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change  func(*testing.T, *testPool, *scriptedStore)
		live    bool
		revoked int
		event   Event
	}{
		"signed out": {
			func(t *testing.T, _ *testPool, kept *scriptedStore) {
				rewrite(t, kept, func(r *store.Record) { *r = tombstone(*r, SignedOutReason, "") })
			}, false, 1, Event{Kind: SignedOut, Cause: CauseRemote},
		},
		"deleted": {
			func(t *testing.T, _ *testPool, kept *scriptedStore) {
				if err := kept.Delete(t.Context(), alice); err != nil {
					t.Error(err)
				}
			}, false, 1, Event{Kind: SignedOut, Cause: CauseRemote},
		},
		"signed in anew": {
			func(t *testing.T, p *testPool, kept *scriptedStore) {
				p.origin = "another"
				rewrite(t, kept, setTokens(p.grant()))
				p.origin = ""
			}, true, 1, Event{Kind: Refreshed, Cause: CauseRemote},
		},
		"refreshed by another": {
			func(t *testing.T, p *testPool, kept *scriptedStore) { rewrite(t, kept, setTokens(p.grant())) }, true, 0, Event{Kind: Refreshed, Cause: CauseRemote},
		},
		"edited": {
			func(t *testing.T, _ *testPool, kept *scriptedStore) {
				rewrite(t, kept, func(r *store.Record) { r.Device = &store.Device{Key: "d"} })
			}, true, 0, Event{Kind: Refreshed},
		},
		"edited, and unreadable for a while": {
			func(t *testing.T, _ *testPool, kept *scriptedStore) {
				rewrite(t, kept, func(r *store.Record) { r.Device = &store.Device{Key: "d"} })
				kept.set(loading(errDisk), nil)
			}, true, 0, Event{Kind: Refreshed},
		},
		"edited again and again": {
			func(_ *testing.T, _ *testPool, kept *scriptedStore) { kept.set(nil, always(store.ErrConflict)) }, true, 0, Event{Kind: Refreshed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, newScriptedStore()
				e := signedIn(t, p, &unwatched{kept})
				events := collect(t, e)
				p.answer = func(cognito.Grant) (cognito.Grant, error) {
					test.change(t, p, kept)
					return p.grant(), nil
				}
				v, err := e.Fetch(t.Context(), Want{Force: true})
				if err != nil {
					t.Fatal(err)
				}
				if v.SignedIn() != test.live {
					t.Errorf("%s: signed in %t", name, v.SignedIn())
				}
				if diff := cmp.Diff([]Event{test.event}, brief(events())); diff != "" {
					t.Errorf("%s: events (-want +got):\n%s", name, diff)
				}
				if got := p.revocations(); len(got) != test.revoked {
					t.Errorf("%s: revoked %q, want %d", name, got, test.revoked)
				}
				if !test.live {
					return
				}
				// The token that the service takes now is in the store once that works again.
				kept.set(nil, nil)
				time.Sleep(time.Minute)
				wantTokens(t, e, Want{})
				if got := inStore(t, e, kept).Tokens.Refresh.Reveal(); test.event.Cause == "" && got != p.refresh {
					t.Errorf("%s: the store holds %s, the service takes %s", name, got, p.refresh)
				}
			})
		})
	}
}

// TestHangingServiceHidesNothing checks a service that does not answer: a caller stops
// waiting at its own deadline, the refresh goes on, and its tokens are kept.
func TestHangingServiceHidesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		e := signedIn(t, p, kept)
		time.Sleep(2 * time.Hour)
		p.before = func() { time.Sleep(5 * time.Second) }
		bounded, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := e.Fetch(bounded, Want{}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		wantTokens(t, e, Want{})
		if p.count() != 1 || time.Since(began) != 5*time.Second || inStore(t, e, kept).Tokens.Refresh.Reveal() != p.refresh {
			t.Errorf("%d refreshes, after %v", p.count(), time.Since(began))
		}
	})
}
