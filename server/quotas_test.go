package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// messagesTo counts the messages that one address got.
// lowerMask is a masked e-mail address as made-up users have it.
var lowerMask = regexp.MustCompile(`^[a-z]\*\*\*@[a-z]\*\*\*$`)

func (w *world) messagesTo(address string) (n int) {
	for _, entry := range w.outbox.Entries() {
		if entry.Address == address {
			n++
		}
	}
	return n
}

// TestSignUpsToOneAddress checks that sign-ups with another person's address send few
// messages, and use up none of the owner's quotas for resets and repeated codes.
func TestSignUpsToOneAddress(t *testing.T) {
	t.Parallel()
	const address = "ann@example.com"
	for name, setting := range map[string]string{
		"hides": wire.PreventUserExistenceErrorsEnabled, "tells": wire.PreventUserExistenceErrorsLegacy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
				pooltest.Hiding(p, c)
				c.PreventUserExistenceErrors = setting
			})
			w.stopClock()
			w.addUser("ann", pooltest.Verified(address)...)
			w.signUp("new", address) // the owner's second account
			for i := range 30 {
				_, err := call[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{
					ClientId: w.client, Username: fmt.Sprintf("stranger-%d", i), Password: password, UserAttributes: pooltest.Email(address),
				})
				if name == "tells" && i >= 9 {
					wantException(t, err, wire.LimitExceededException, wire.MessageAttemptLimitExceeded)
				} else if err != nil {
					t.Fatalf("sign-up %d: %v", i, err)
				}
			}
			if n := w.messagesTo(address); n != 10 {
				t.Errorf("31 sign-ups sent %d messages, want 10", n)
			}
			w.signUp("bob", "bob@example.com")
			if n := w.messagesTo("bob@example.com"); n != 1 {
				t.Errorf("another address got %d messages", n)
			}
			if _, err := w.forgot("ann"); err != nil {
				t.Fatal(err)
			}
			if err := w.recover("ann", "Another-Horse-7", w.code(address)); err != nil {
				t.Errorf("the owner's forgotten password: %v", err)
			}
			if _, err := w.resend("new"); err != nil {
				t.Fatal(err)
			}
			if err := w.confirm("new", w.code(address), true); err != nil {
				t.Errorf("the owner's code, sent again: %v", err)
			}
			w.advance(time.Hour)
			if w.signUp("later", address); w.messagesTo(address) != 13 {
				t.Errorf("an hour later: %d messages, want 13", w.messagesTo(address))
			}
		})
	}
}

// TestQuotasFollowTypedName checks that an exhausted quota of one name of a user causes no
// error under another name, and that nothing more is sent.
func TestQuotasFollowTypedName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Hiding)
	w.stopClock()
	w.addUser("ann", pooltest.Verified("ann@example.com")...)
	answers := func(names ...string) (all []string) {
		for _, name := range names {
			for range 6 {
				out, err := w.forgot(name)
				if err == nil {
					all = append(all, out.CodeDeliveryDetails.DeliveryMedium)
					continue
				}
				all = append(all, err.Error())
			}
			for range 16 {
				all = append(all, w.recover(name, "New-Password-1", "not-it").Error())
			}
		}
		return all
	}
	if diff := cmp.Diff(answers("bob", "bob@example.com"), answers("ann", "ann@example.com")); diff != "" {
		t.Errorf("answers for two unknown names and for two names of one user (-unknown +user):\n%s", diff)
	}
	if n := w.messagesTo("ann@example.com"); n != 5 {
		t.Errorf("%d messages, want 5", n)
	}
}

// TestForgottenPasswordsTellNothing: to a client that hides who exists, media and
// masks are those of the typed name, whatever the user's contact is.
func TestForgottenPasswordsTellNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		pooltest.Hiding(p, c)
		p.AliasAttributes = []string{"email", "phone_number"}
	})
	phone := func(number string) []wire.AttributeType {
		return []wire.AttributeType{{Name: "phone_number", Value: number}, {Name: "phone_number_verified", Value: "true"}}
	}
	w.addUser("mailed", pooltest.Verified("mailed@example.com")...)
	w.addUser("called", phone("+15550001234")...)
	w.addUser("both", append(pooltest.Verified("both@example.org"), phone("+15550005678")...)...)
	w.addUser("Upper", pooltest.Verified("Upper@Example.com")...)
	forgot := func(name string) wire.CodeDeliveryDetailsType {
		t.Helper()
		out, err := w.forgot(name)
		if err != nil {
			t.Fatal(err)
		}
		return *out.CodeDeliveryDetails
	}
	mail := wire.CodeDeliveryDetailsType{AttributeName: "email", DeliveryMedium: "EMAIL"}
	text := wire.CodeDeliveryDetailsType{AttributeName: "phone_number", DeliveryMedium: "SMS"}
	for _, test := range []struct {
		typed, mask string
		want        wire.CodeDeliveryDetailsType
	}{
		{"mailed@example.com", "m***@e***", mail}, {"nobody@example.com", "n***@e***", mail},
		{"both@example.org", "b***@e***", mail}, {"Upper@Example.com", "U***@E***", mail},
		{"+15550001234", "+*******1234", text}, {"+15550009999", "+*******9999", text}, {"+15550005678", "+*******5678", text},
	} {
		want := test.want
		want.Destination = test.mask
		if diff := cmp.Diff(want, forgot(test.typed)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.typed, diff)
		}
	}
	for _, typed := range []string{"mailed", "called", "both", "Upper", "nobody"} {
		got := forgot(typed)
		if got != forgot(typed) {
			t.Errorf("%s: another answer the second time", typed)
		}
		mask := got.Destination
		if got.Destination = ""; got != mail || !lowerMask.MatchString(mask) {
			t.Errorf("%s: %+v with %s", typed, got, mask)
		}
	}
	// The code still goes to the user's own contact.
	var media []string
	for _, entry := range w.outbox.Entries() {
		media = append(media, entry.Address)
	}
	slices.Sort(media)
	want := []string{"+15550001234", "+15550005678", "Upper@Example.com", "mailed@example.com"}
	if diff := cmp.Diff(want, slices.Compact(media)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// mute is a Messenger that fails.
type mute struct{ err error }

func (m mute) Send(context.Context, plug.Message) error { return m.err }

// TestUndeliverableCodesTellNothing checks that only a client that does not hide who exists
// gets an error for a failed delivery.
func TestUndeliverableCodesTellNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pool  func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest)
		fails bool
	}{"hides": {pooltest.Hiding, false}, "tells": {pooltest.Verifying, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, test.pool, func(c *server.Config) { c.Messenger = mute{errors.New("the queue is full")} })
			w.addUser("ann", pooltest.Verified("ann@example.com")...)
			_, err := w.forgot("ann")
			if test.fails {
				wantException(t, err, wire.CodeDeliveryFailureException, wire.MessageCodeNotDelivered)
			} else if err != nil {
				t.Errorf("forgot: %v", err)
			}
			if _, err := w.forgot("nobody"); !test.fails && err != nil {
				t.Errorf("forgot nobody: %v", err)
			}
		})
	}
}

// TestMessagesPerSource: one source gets a bounded number of messages out of the
// service, whatever names and addresses it uses; others, administrators and programs
// on this machine are not concerned.
func TestMessagesPerSource(t *testing.T) {
	t.Parallel()
	proxied := func(c *server.Config) {
		c.Limits = server.Limits{MessagesPerSource: 3, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	}
	w := newWorldOf(t, pooltest.Hiding, proxied)
	w.stopClock()
	w.addUser("ann", pooltest.Verified("ann@example.com")...)
	from := func(source, operation string, request any) error {
		t.Helper()
		body, err := wire.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", wire.ContentType)
		r.Header.Set(wire.HeaderTarget, wire.Target(wire.UserPools, operation))
		if source != "" {
			r.Header.Set("X-Forwarded-For", source)
		}
		answer, data := w.do(r)
		if answer.StatusCode == http.StatusOK {
			return nil
		}
		return wire.ReadException(answer.StatusCode, answer.Header, data)
	}
	n := 0
	signUp := func(source string) error {
		n++
		name := fmt.Sprintf("user-%d", n)
		return from(source, "SignUp", &wire.SignUpRequest{ClientId: w.client, Username: name, Password: password, UserAttributes: pooltest.Email(name + "@example.com")})
	}
	forgot := func(source, name string) error {
		return from(source, "ForgotPassword", &wire.ForgotPasswordRequest{ClientId: w.client, Username: name})
	}
	const one = "2001:db8::1"
	if err := errors.Join(signUp(one), signUp(one), forgot(one, "nobody")); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{signUp(one), forgot(one, "nobody-else"), forgot(one, "ann"), signUp("2001:db8::2")} {
		wantException(t, err, wire.LimitExceededException, wire.MessageAttemptLimitExceeded)
	}
	for _, source := range []string{"2001:db8:0:1::1", "192.0.2.1", "", "", "", ""} {
		if err := signUp(source); err != nil {
			t.Errorf("source %q: %v", source, err)
		}
	}
	for range 6 {
		must[wire.AdminResetUserPasswordResponse](w, "AdminResetUserPassword", &wire.AdminResetUserPasswordRequest{UserPoolId: w.pool, Username: "ann"})
	}
	w.advance(time.Hour)
	if err := signUp(one); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// TestOneSourceLeavesAddressToItsOwner: one source cannot use up what an address may
// be sent for one purpose.
func TestOneSourceLeavesAddressToItsOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Hiding)
	w.stopClock()
	pools, address := server.UserPools(w.server), "ann@example.com"
	stranger := pool.WithSource(t.Context(), netip.MustParseAddr("192.0.2.1"))
	owner := pool.WithSource(t.Context(), netip.MustParseAddr("192.0.2.2"))
	w.signUp("ann", address)
	for i := range 4 {
		name := fmt.Sprintf("stranger-%d", i)
		w.signUp(name, address)
		for range 5 {
			if _, err := pools.Accounts.ResendConfirmationCode(stranger, &wire.ResendConfirmationCodeRequest{ClientId: w.client, Username: name}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := w.messagesTo(address); n != 10 { // 5 sign-ups and 5 again
		t.Errorf("%d messages, want 10", n)
	}
	if _, err := pools.Accounts.ResendConfirmationCode(owner, &wire.ResendConfirmationCodeRequest{ClientId: w.client, Username: "ann"}); err != nil {
		t.Fatal(err)
	}
	if err := w.confirm("ann", w.code(address), false); err != nil {
		t.Errorf("the owner's code, sent again: %v", err)
	}
}

// TestAdministratorsResetWhatStrangersUsedUp: an administrator can reset a password
// however often strangers asked for a code.
func TestAdministratorsResetWhatStrangersUsedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Hiding)
	w.stopClock()
	w.addUser("ann", pooltest.Verified("ann@example.com")...)
	for range 5 {
		if _, err := w.forgot("ann"); err != nil {
			t.Fatal(err)
		}
	}
	must[wire.AdminResetUserPasswordResponse](w, "AdminResetUserPassword", &wire.AdminResetUserPasswordRequest{UserPoolId: w.pool, Username: "ann"})
	if err := w.recover("ann", "Another-Horse-7", w.code("ann@example.com")); err != nil {
		t.Error(err)
	}
}
