package fault

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestErrorText checks the text of a fault: operation, kind, provider, exception, message,
// cause and hint, each once and none without content.
func TestErrorText(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault *Fault
		want  string
	}{
		"empty":    {&Fault{}, ""},
		"kind":     {New("", Closed, ""), "client is closed"},
		"hint":     {New("Fetch", SignedOut, "sign in"), "Fetch: signed out; sign in"},
		"all":      {&Fault{Op: "GetId", Kind: NeedsSignIn, Provider: "p", Code: "X", Message: "m", Hint: "h", Err: io.EOF}, "GetId: a new sign-in is needed: p: X: m: EOF; h"},
		"store":    {OfStore("Save", io.EOF), "Save: store failure: EOF"},
		"class":    {OfClass("GetId", TooManyCalls, "slow"), "GetId: throttled: slow; wait before trying again"},
		"no kind":  {&Fault{Message: "m"}, "m"},
		"of fault": {&Fault{Op: "Outer", Kind: Network, Err: New("Inner", Service, "h")}, "Outer: network failure: Inner: service failure; h"},
		// What the service said stands in the outer fault already.
		"of fault with a code": {&Fault{Op: "Outer", Kind: GuestsDisabled, Code: "X", Err: &Fault{Op: "Inner", Code: "X"}}, "Outer: guest access is disabled: X"},
	} {
		if got := test.fault.Error(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestFaultIsItsKindAndCause checks what errors.Is and errors.As find in a fault, also
// through the wrapping of others.
func TestFaultIsItsKindAndCause(t *testing.T) {
	t.Parallel()
	inner := &Fault{Kind: Config, Err: io.EOF, Class: Misconfigured}
	outer := &Fault{Kind: GuestsDisabled, Err: inner, Class: NoGuests}
	for name, err := range map[string]error{"itself": outer, "wrapped": fmt.Errorf("fetch: %w", outer), "joined": errors.Join(io.ErrClosedPipe, outer)} {
		for _, want := range []error{GuestsDisabled, Config, io.EOF, outer, inner} {
			if !errors.Is(err, want) {
				t.Errorf("%s: is not %v", name, want)
			}
		}
		for _, other := range []error{Service, SignedOut, io.ErrUnexpectedEOF, &Fault{Kind: GuestsDisabled}} {
			if errors.Is(err, other) {
				t.Errorf("%s: is %v", name, other)
			}
		}
		if got := Find(err); got != outer {
			t.Errorf("%s: Find returns %+v", name, got)
		}
	}
	if errors.Is(&Fault{}, Service) || len((&Fault{}).Unwrap()) != 0 {
		t.Error("an empty fault has causes")
	}
	for _, err := range []error{nil, io.EOF} {
		if got := Find(err); got == nil || *got != (Fault{}) {
			t.Errorf("Find(%v): %+v, want the zero fault", err, got)
		}
	}
}

// TestKindsAreDistinct checks that no kind is another, and that each has a text of its own.
func TestKindsAreDistinct(t *testing.T) {
	t.Parallel()
	kinds := []error{
		SignedOut, SessionExpired, NotAuthorized, UserNotConfirmed, PasswordResetRequired, UserNotFound, CodeMismatch, CodeExpired,
		InvalidPassword, InvalidParameter, Network, Throttled, Service, Forbidden, WrongAccount, Config, Store, NoIdentityPool, GuestsDisabled,
		NoUserPoolSession, NotFetched, NeedsSignIn, AlreadySignedIn, Flow, Denied, Browser, NotSupported, Closed,
	}
	texts := map[string]bool{}
	for i, kind := range kinds {
		for j, other := range kinds {
			if errors.Is(New("", kind, ""), other) != (i == j) {
				t.Errorf("%v is %v: %t", kind, other, i != j)
			}
		}
		text := kind.Error()
		if texts[text] || text == "" || text != strings.TrimRight(text, ".") {
			t.Errorf("the text %q", text)
		}
		texts[text] = true
	}
}

// TestFaultsOfClients checks the constructors, whose faults end no session by themselves
// and are not repeated.
func TestFaultsOfClients(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*Fault{"New": New("Op", Config, "h"), "OfStore": OfStore("Op", io.EOF), "OfClass": OfClass("Op", Ended, "m")} {
		if f.EndsSession || f.Retryable || f.RetryAfter != 0 || f.Op != "Op" || f.Kind == nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := (&Fault{RetryAfter: time.Minute}); f.Retryable {
		t.Errorf("%+v", f)
	}
}

// TestElsewhere checks the cause of a SignedOut fault that names another service.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	f := New("FetchSession", SignedOut, "sign in")
	f.Err = &Elsewhere{Service: "https://auth.example"}
	err := error(f)
	elsewhere, ok := errors.AsType[*Elsewhere](err)
	if !ok || elsewhere.Service != "https://auth.example" || !errors.Is(err, SignedOut) || !strings.Contains(err.Error(), "https://auth.example") {
		t.Errorf("%v", err)
	}
}
