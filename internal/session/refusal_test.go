package session

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// spoiled is an answer that is refused though it has spent the refresh token.
var spoiled = fault.OfClass(cognito.OpRefresh, fault.WrongIssuer, "the tokens come from another issuer")

// fetchErr is the error of the tokens of a forced fetch; nil without one.
func fetchErr(t *testing.T, e *Engine) error {
	t.Helper()
	v, err := e.Fetch(t.Context(), Want{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Tokens()
	return err
}

// TestSuccessorOfRefusedAnswer checks a refused answer that holds the next refresh token:
// that one is sent first from then on, and the one before until there is a success.
func TestSuccessorOfRefusedAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		takes string // the token that the service takes afterwards
		save  func(store.Record) error
		sent  []string
		err   error
	}{
		"the next is good":             {"next", nil, []string{"refresh-1", "next"}, nil},
		"the one before is good":       {"refresh-1", nil, []string{"refresh-1", "next", "refresh-1"}, nil},
		"neither is good":              {"", nil, []string{"refresh-1", "next", "refresh-1"}, fault.SessionExpired},
		"and the store fails":          {"next", always(errDisk), []string{"refresh-1", "next"}, nil},
		"and the record is always new": {"next", always(store.ErrConflict), []string{"refresh-1", "next"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, newScriptedStore()
				e := signedIn(t, p, kept)
				kept.set(nil, test.save)
				var sent []string
				p.refuse = func(r store.Record) (cognito.Grant, error) {
					refresh := r.Tokens.Refresh.Reveal()
					sent = append(sent, refresh)
					switch {
					case len(sent) == 1:
						return cognito.Grant{Refresh: store.NewSecret("next")}, spoiled
					case refresh != test.takes:
						return cognito.Grant{}, refusal
					}
					p.refresh = refresh
					return cognito.Grant{}, nil
				}
				if err := fetchErr(t, e); !errors.Is(err, fault.WrongAccount) {
					t.Errorf("the refused answer: %v", err)
				}
				kept.set(nil, nil)
				time.Sleep(2 * time.Minute) // until the background save
				if r := inStore(t, e, kept); r.Tokens.Refresh.Reveal() != "next" || r.Tokens.Former.Reveal() != "refresh-1" {
					t.Errorf("the store holds %q before %q", r.Tokens.Refresh.Reveal(), r.Tokens.Former.Reveal())
				}
				if err := fetchErr(t, e); !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
					t.Errorf("the next refresh: %v, want %v", err, test.err)
				}
				if diff := cmp.Diff(test.sent, sent); diff != "" {
					t.Errorf("refresh tokens that were sent (-want +got):\n%s", diff)
				}
				if r := inStore(t, e, kept); r.Tokens != nil && (!r.Tokens.Former.IsZero() || r.Tokens.Refresh.Reveal() != p.refresh) {
					t.Errorf("after the success the store holds %q before %q", r.Tokens.Refresh.Reveal(), r.Tokens.Former.Reveal())
				}
				if got := p.revocations(); len(got) != 0 {
					t.Errorf("revoked %q", got)
				}
			})
		})
	}
}

// TestSuccessorOfOvertakenAnswer checks that the next refresh token of a refused answer
// replaces none that another process has stored meanwhile.
func TestSuccessorOfOvertakenAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		e := signedIn(t, p, &unwatched{kept})
		p.refuse = func(store.Record) (cognito.Grant, error) {
			rewrite(t, kept, setTokens(p.grant()))
			return cognito.Grant{Refresh: store.NewSecret("next")}, spoiled
		}
		if err := fetchErr(t, e); !errors.Is(err, fault.WrongAccount) {
			t.Errorf("the refused answer: %v", err)
		}
		if r := inStore(t, e, kept); r.Tokens.Refresh.Reveal() != p.refresh || !r.Tokens.Former.IsZero() {
			t.Errorf("the store holds %q before %q, want another's %q", r.Tokens.Refresh.Reveal(), r.Tokens.Former.Reveal(), p.refresh)
		}
	})
}

// TestSuccessorAfterSignOutIsRevoked checks a sign-out during a refresh whose answer is
// refused: the next refresh token in it belongs to no session any more.
func TestSuccessorAfterSignOutIsRevoked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		e := signedIn(t, p, &unwatched{kept})
		p.refuse = func(store.Record) (cognito.Grant, error) {
			rewrite(t, kept, func(r *store.Record) { *r = tombstone(*r, SignedOutReason, "") })
			return cognito.Grant{Refresh: store.NewSecret("next")}, spoiled
		}
		_ = fetchErr(t, e)
		synctest.Wait()
		if diff := cmp.Diff([]string{"next"}, p.revocations()); diff != "" {
			t.Errorf("revoked (-want +got):\n%s", diff)
		}
	})
}

// TestRefusedForTheDevice checks a refresh token that is not accepted from this device: it
// is sent once more without the device's key, and then not again until the user signs in.
func TestRefusedForTheDevice(t *testing.T) {
	t.Parallel()
	unknown, notAccepted := fault.OfClass("", fault.DeviceUnknown, ""), fault.OfClass("", fault.Device, "")
	for name, test := range map[string]struct {
		device  bool
		answers []error // in turn; nil is a success
		sent    []string
		err     error
		kept    bool // the device is in the record at the end
	}{
		"unknown, and none was sent": {false, []error{unknown}, []string{""}, fault.NeedsSignIn, false},
		"unknown, then good":         {true, []error{unknown, nil}, []string{"d", ""}, nil, false},
		"unknown twice":              {true, []error{unknown, unknown}, []string{"d", ""}, fault.NeedsSignIn, false},
		"not accepted, then good":    {true, []error{notAccepted, nil}, []string{"d", ""}, nil, false},
		"not accepted twice":         {true, []error{notAccepted, notAccepted}, []string{"d", ""}, fault.NeedsSignIn, true},
		"not accepted, then over":    {true, []error{notAccepted, refusal}, []string{"d", ""}, fault.SessionExpired, true},
		"not accepted, then unknown": {true, []error{notAccepted, unknown}, []string{"d", ""}, fault.NeedsSignIn, false},
		"unknown, then not accepted": {true, []error{unknown, notAccepted}, []string{"d", ""}, fault.NeedsSignIn, false},
		"not accepted, without one":  {false, []error{notAccepted}, []string{""}, fault.SessionExpired, false},
		"the service fails in between": {
			true, []error{notAccepted, errDown}, []string{"d", ""}, errDown, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, newScriptedStore()
				e := newEngine(t, Config{Store: kept, UserPool: p})
				g := p.newGrant()
				if test.device {
					g.Device = &store.Device{Key: "d"}
				}
				if err := e.Establish(t.Context(), g, How{}); err != nil {
					t.Fatal(err)
				}
				var sent []string
				p.refuse = func(r store.Record) (cognito.Grant, error) {
					key := ""
					if r.Device != nil {
						key = r.Device.Key
					}
					sent = append(sent, key)
					return cognito.Grant{}, test.answers[min(len(sent), len(test.answers))-1]
				}
				if err := fetchErr(t, e); !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
					t.Errorf("%v, want %v", err, test.err)
				}
				if diff := cmp.Diff(test.sent, sent); diff != "" {
					t.Errorf("device keys that were sent (-want +got):\n%s", diff)
				}
				if r := inStore(t, e, kept); (r.Device != nil) != test.kept || live(r) == errors.Is(test.err, fault.SessionExpired) {
					t.Errorf("the store holds %+v", r)
				}
				if !errors.Is(test.err, fault.NeedsSignIn) {
					return
				}
				if err := fetchErr(t, e); !errors.Is(err, fault.NeedsSignIn) || len(sent) != len(test.sent) {
					t.Errorf("the next call sends it again: %q, %v", sent, err)
				}
				p.refuse = nil
				establish(t, e, p)
				if err := fetchErr(t, e); err != nil {
					t.Errorf("after the user has signed in: %v", err)
				}
			})
		})
	}
}

// TestTokenlessSessions checks sessions that cannot be refreshed: nothing is sent.
func TestTokenlessSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &testPool{}
		e := newEngine(t, Config{Store: store.NewMemory(), UserPool: p})
		g := p.newGrant()
		g.Refresh = store.Secret{}
		if err := e.Establish(t.Context(), g, How{}); err != nil {
			t.Fatal(err)
		}
		if tokens := wantTokens(t, e, Want{}); tokens.Refreshable {
			t.Error("the session says that it can be refreshed")
		}
		if err := fetchErr(t, e); !errors.Is(err, fault.NeedsSignIn) || p.count() != 0 {
			t.Errorf("%v after %d calls", err, p.count())
		}
	})
}
