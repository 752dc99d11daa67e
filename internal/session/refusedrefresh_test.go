package session

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

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
		"nothing":      {nil, nil, 9, fault.SessionExpired, false, 1, Event{Kind: SessionExpired, Err: fault.NotAuthorized}},
		"edited":       {func(*testPool) func(*store.Record) { return expire }, nil, 9, fault.SessionExpired, false, 1, Event{Kind: SessionExpired, Err: fault.NotAuthorized}},
		"refreshed":    {func(p *testPool) func(*store.Record) { return setTokens(p.grant()) }, nil, 9, nil, true, 1, Event{Kind: Refreshed, Cause: CauseRemote}},
		"newer, taken": {newerToken, nil, 1, nil, true, 2, Event{Kind: Refreshed}},
		"newer, refused too": {
			newerToken, nil, 9, fault.SessionExpired, false, 2, Event{Kind: SessionExpired, Err: fault.NotAuthorized},
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
			}, nil, 9, fault.SessionExpired, false, 1, Event{Kind: SessionExpired, Err: fault.UserNotFound},
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
				if diff := cmp.Diff([]Event{test.event}, brief(events()), cmpopts.EquateErrors()); diff != "" {
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

// TestEndMeetsAnotherWriter checks the end of a session that the service has refused, while
// another process changes the record in the same moment: only the record that was refused
// ends.
func TestEndMeetsAnotherWriter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*testPool) func(*store.Record)
		always bool // at every attempt
		err    error
		live   bool
	}{
		"refreshed":         {func(p *testPool) func(*store.Record) { return setTokens(p.newGrant()) }, false, nil, true},
		"a newer token":     {func(*testPool) func(*store.Record) { return newerToken(&testPool{}) }, false, fault.NotAuthorized, true},
		"edited":            {func(*testPool) func(*store.Record) { return func(r *store.Record) { r.Drift++ } }, false, fault.SessionExpired, false},
		"edited every time": {func(*testPool) func(*store.Record) { return func(r *store.Record) { r.Drift++ } }, true, fault.NotAuthorized, true},
		"signed out meantime": {func(*testPool) func(*store.Record) {
			return func(r *store.Record) { *r = tombstone(*r, SignedOutReason, "") }
		}, false, fault.SignedOut, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, newScriptedStore()
				e := signedIn(t, p, &unwatched{kept})
				time.Sleep(2 * time.Hour)
				p.refuse = func(store.Record) (cognito.Grant, error) { return cognito.Grant{}, refusal }
				saves := 0
				kept.set(nil, func(store.Record) error {
					if saves++; saves == 1 || test.always {
						rewrite(t, kept.Memory, test.change(p))
					}
					return nil
				})
				v, err := e.Fetch(t.Context(), Want{})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := v.Tokens(); !errors.Is(err, test.err) || (err == nil) != (test.err == nil) || v.SignedIn() != test.live {
					t.Errorf("signed in %t, %v; want %t, %v", v.SignedIn(), err, test.live, test.err)
				}
				if r := inStore(t, e, kept); live(r) != test.live {
					t.Errorf("the store holds %+v", r)
				}
				if p.count() != 1 {
					t.Errorf("%d calls", p.count())
				}
			})
		})
	}
}
