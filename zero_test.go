package latchkey

import (
	"errors"
	"fmt"
	"testing"

	"github.com/latchkey-auth/latchkey/jwt"
)

// TestZeroSession checks that the facets of a session that no call returned are errors.
func TestZeroSession(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*Session{"nil": nil, "zero": {}} {
		_, sub := s.UserSub()
		_, tokens := s.Tokens()
		_, identity := s.IdentityID()
		_, credentials := s.Credentials()
		for facet, err := range map[string]error{"UserSub": sub, "Tokens": tokens, "IdentityID": identity, "Credentials": credentials} {
			if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, ErrSignedOut) || e.Hint == "" {
				t.Errorf("%s: %s: %v", name, facet, err)
			}
		}
		if s.SignedIn() || s.Username() != "" || s.Provider() != "" || s.ClockDrift() != 0 || s.String() == "" || s.LogValue().String() == "" {
			t.Errorf("%s: %v", name, s)
		}
		if _, err := s.MarshalJSON(); err != nil {
			t.Errorf("%s: MarshalJSON: %v", name, err)
		}
	}
}

// TestZeroStep checks that a step that no call returned is neither done nor answered.
func TestZeroStep(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*Step{"nil": nil, "zero": {}, "own challenge": {Challenge: &Challenge{Name: "SMS_MFA"}}} {
		step, err := s.Respond(t.Context(), AnswerCode("123456"))
		if s.Done() || step != nil || !errors.Is(err, ErrInvalidParameter) {
			t.Errorf("%s: done %t; Respond: %v, %v", name, s.Done(), step, err)
		}
	}
}

// TestZeroValues checks that the zero values of the other types print and are refused or do
// nothing.
func TestZeroValues(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	c := p.newClient(t, withIdentityPool(true))
	for name, call := range map[string]func() error{
		"Login":      func() error { _, err := c.SignIn(t.Context(), Login{}); return err },
		"Federation": func() error { _, err := c.Federate(t.Context(), Federation{}); return err },
		"Answer": func() error {
			p.users["alice"].newPassword = true
			step, err := c.SignIn(t.Context(), Password("alice", testSecret))
			if err == nil {
				_, err = step.Respond(t.Context(), Answer{})
			}
			return err
		},
	} {
		if err := call(); !errors.Is(err, ErrInvalidParameter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, call := range map[string]func() error{
		"FetchOption":     func() error { _, err := c.FetchSession(t.Context(), FetchOption{}); return err },
		"SubscribeOption": func() error { stop, err := c.Subscribe(func(Event) {}, SubscribeOption{}); stop(); return err },
		"SignOutOption":   func() error { _, err := c.SignOut(t.Context(), SignOutOption{}); return err },
		"SignOutReport":   func() error { return SignOutReport{}.Err() },
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	pages := newOf(t, pagesConfig())
	if err := pages.Exchange(t.Context(), &RedirectFlow{}, "code=x&state=y"); !errors.Is(err, ErrFlow) {
		t.Errorf("RedirectFlow: %v", err)
	}
	for _, value := range []any{
		Login{}, Answer{}, Step{}, &Step{}, Session{}, &Session{}, RedirectFlow{}, &RedirectFlow{}, Event{}, EventKind(0), Cause(""), Tokens{}, &Error{}, Config{}, Secret{}, &jwt.Unverified{}, SignOutReport{},
	} {
		if text := fmt.Sprintf("%v %+v %#v", value, value, value); text == "" {
			t.Errorf("%T prints nothing", value)
		}
	}
	tokens := &jwt.Unverified{}
	if tokens.Raw() != "" || tokens.Username() != "" || !tokens.Expiry().IsZero() || tokens.Groups() != nil {
		t.Error("a zero token has values")
	}
}

// TestZeroClient checks that methods of a nil or zero Client fail, or panic in the caller's
// goroutine, where a program can recover.
func TestZeroClient(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*Client{"nil": nil, "zero": {}} {
		for method, call := range calls {
			failed := func() (failed bool) {
				defer func() { failed = failed || recover() != nil }()
				return call(t.Context(), c) != nil
			}()
			if !failed {
				t.Errorf("%s: %s succeeded", name, method)
			}
		}
	}
}
