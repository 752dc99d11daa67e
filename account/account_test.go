package account_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/account"
	"github.com/latchkey-auth/latchkey/latchkeytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	password = "Correct-Horse-9"
	next     = "Another-Horse-7"
)

// newAccount is the account of a client of a new service, where nobody is signed in.
func newAccount(t *testing.T, opts ...latchkeytest.Option) (*latchkeytest.Server, *latchkey.Client, *account.Account) {
	t.Helper()
	srv := latchkeytest.NewServer(t, append(opts, latchkeytest.VerifyEmail())...)
	client, err := latchkey.New(srv.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv, client, account.Of(client)
}

// signedIn is newAccount with the user ann signed in.
func signedIn(t *testing.T) (*latchkeytest.Server, *latchkey.Client, *account.Account) {
	t.Helper()
	srv, client, own := newAccount(t)
	srv.AddUser(latchkeytest.User{Username: "ann", Password: password, Attributes: map[string]string{"email": "ann@example.com", "email_verified": "true"}})
	if _, err := client.SignIn(t.Context(), latchkey.Password("ann", password)); err != nil {
		t.Fatal(err)
	}
	return srv, client, own
}

// code is the code of the newest message.
func code(t *testing.T, srv *latchkeytest.Server) string {
	t.Helper()
	sent := srv.Messages()
	if len(sent) == 0 {
		t.Fatal("no message was sent")
	}
	return sent[len(sent)-1].Code.Reveal()
}

// wantCode checks an error's exception.
func wantCode(t *testing.T, err error, exception string) {
	t.Helper()
	if e, ok := errors.AsType[*latchkey.Error](err); !ok || e.Code != exception {
		t.Errorf("error %v, want %s", err, exception)
	}
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	srv, client, own := newAccount(t)
	ctx := t.Context()
	got, err := own.SignUp(ctx, "ann", password, map[string]string{"email": "ann@example.com", "name": "Ann"},
		account.Metadata(map[string]string{"campaign": "spring"}), account.ValidationData(map[string]string{"captcha": "ok"}))
	if err != nil {
		t.Fatal(err)
	}
	want := account.SignedUp{UserID: got.UserID, Delivery: &account.Delivery{Attribute: "email", Medium: "EMAIL", Destination: "a***@e***"}}
	if diff := cmp.Diff(want, got); diff != "" || len(got.UserID) != 36 {
		t.Errorf("signed up (-want +got):\n%s", diff)
	}
	if sent := srv.Messages(); len(sent) != 1 || sent[0].Address != "ann@example.com" || sent[0].ClientMetadata["campaign"] != "spring" {
		t.Errorf("messages: %+v", sent)
	}
	_, err = own.SignUp(ctx, "ann", password, map[string]string{"email": "ann@example.com"})
	wantCode(t, err, "UsernameExistsException")
	if _, err := client.SignIn(ctx, latchkey.Password("ann", password)); !errors.Is(err, latchkey.ErrUserNotConfirmed) {
		t.Errorf("before the confirmation: %v", err)
	}
	if _, err := own.ConfirmSignUp(ctx, "ann", "000000"); !errors.Is(err, latchkey.ErrCodeMismatch) {
		t.Errorf("wrong code: %v", err)
	}
	again, err := own.ResendCode(ctx, "ann")
	if err != nil || cmp.Diff(want.Delivery, again) != "" || len(srv.Messages()) != 2 {
		t.Errorf("resent: %+v, %v", again, err)
	}
	if _, err := own.ConfirmSignUp(ctx, "ann", code(t, srv)); err != nil {
		t.Fatal(err)
	}
	step, err := client.SignIn(ctx, latchkey.Password("ann", password))
	if err != nil || !step.Done() {
		t.Fatalf("after the confirmation: %+v, %v", step, err)
	}
	attributes, err := own.Attributes(ctx)
	if diff := cmp.Diff(map[string]string{"sub": got.UserID, "email": "ann@example.com", "email_verified": "true", "name": "Ann"}, attributes); diff != "" || err != nil {
		t.Errorf("attributes (-want +got):\n%s%v", diff, err)
	}
}

func TestSignUpRefusals(t *testing.T) {
	t.Parallel()
	_, _, own := newAccount(t)
	for name, test := range map[string]struct {
		username, password string
		attributes         map[string]string
		kind               error
	}{
		"weak password":     {"ann", "no-capitals-8", nil, latchkey.ErrInvalidPassword},
		"no name":           {"", password, nil, latchkey.ErrInvalidParameter},
		"unknown attribute": {"ann", password, map[string]string{"custom:x": "1"}, latchkey.ErrInvalidParameter},
	} {
		_, err := own.SignUp(t.Context(), test.username, test.password, test.attributes)
		if !errors.Is(err, test.kind) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v, want %v", name, err, test.kind)
		}
	}
}

func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	srv, client, own := signedIn(t)
	ctx := t.Context()
	got, err := own.ForgotPassword(ctx, "ann")
	if diff := cmp.Diff(&account.Delivery{Attribute: "email", Medium: "EMAIL", Destination: "a***@e***"}, got); diff != "" || err != nil {
		t.Fatalf("delivery (-want +got):\n%s%v", diff, err)
	}
	if err := own.ConfirmForgotPassword(ctx, "ann", "000000", next); !errors.Is(err, latchkey.ErrCodeMismatch) {
		t.Errorf("wrong code: %v", err)
	}
	if err := own.ConfirmForgotPassword(ctx, "ann", code(t, srv), "no-capitals-8"); !errors.Is(err, latchkey.ErrInvalidPassword) {
		t.Errorf("weak password: %v", err)
	}
	if err := own.ConfirmForgotPassword(ctx, "ann", code(t, srv), next); err != nil {
		t.Fatal(err)
	}
	if _, err := client.SignIn(ctx, latchkey.Password("ann", next)); err != nil {
		t.Errorf("with the new password: %v", err)
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	srv, _, own := signedIn(t)
	ctx := t.Context()
	if sent, err := own.UpdateAttributes(ctx, map[string]string{"name": "Ann", "family_name": "Example"}); sent != nil || err != nil {
		t.Errorf("without a code: %v, %v", sent, err)
	}
	sent, err := own.UpdateAttributes(ctx, map[string]string{"email": "new@example.com"})
	if diff := cmp.Diff([]account.Delivery{{Attribute: "email", Medium: "EMAIL", Destination: "n***@e***"}}, sent); diff != "" || err != nil {
		t.Fatalf("deliveries (-want +got):\n%s%v", diff, err)
	}
	if err := own.VerifyAttribute(ctx, "email", "000000"); !errors.Is(err, latchkey.ErrCodeMismatch) {
		t.Errorf("wrong code: %v", err)
	}
	if again, err := own.SendAttributeCode(ctx, "email"); err != nil || again.Destination != "n***@e***" {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	if err := own.VerifyAttribute(ctx, "email", code(t, srv)); err != nil {
		t.Fatal(err)
	}
	if err := own.DeleteAttributes(ctx, "family_name"); err != nil {
		t.Fatal(err)
	}
	got, err := own.Attributes(ctx)
	want := map[string]string{"sub": got["sub"], "email": "new@example.com", "email_verified": "true", "name": "Ann"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("attributes (-want +got):\n%s%v", diff, err)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	_, client, own := signedIn(t)
	ctx := t.Context()
	if err := own.ChangePassword(ctx, "Wrong-Horse-8", next); !errors.Is(err, latchkey.ErrNotAuthorized) {
		t.Errorf("wrong old password: %v", err)
	}
	if err := own.ChangePassword(ctx, password, "no-capitals-8"); !errors.Is(err, latchkey.ErrInvalidPassword) {
		t.Errorf("weak new password: %v", err)
	}
	if err := own.ChangePassword(ctx, "", ""); !errors.Is(err, latchkey.ErrInvalidParameter) {
		t.Errorf("no passwords: %v", err)
	}
	if err := own.ChangePassword(ctx, password, next); err != nil {
		t.Fatal(err)
	}
	if tokens, err := client.FetchTokens(ctx); err != nil || tokens.Access == nil {
		t.Errorf("the session did not go on: %v", err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	_, client, own := signedIn(t)
	ctx := t.Context()
	if err := own.Delete(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CurrentUser(ctx); !errors.Is(err, latchkey.ErrSignedOut) {
		t.Errorf("after the deletion: %v", err)
	}
	if _, err := client.SignIn(ctx, latchkey.Password("ann", password)); err == nil {
		t.Error("a deleted user signed in")
	}
}

// TestDeleteFails keeps the session, because the user still exists.
func TestDeleteFails(t *testing.T) {
	t.Parallel()
	srv, client, own := signedIn(t)
	srv.Fail("DeleteUser", 1, latchkeytest.Exception("InternalErrorException", "no"))
	if err := own.Delete(t.Context()); !errors.Is(err, latchkey.ErrService) {
		t.Errorf("error %v, want ErrService", err)
	}
	if user, err := client.CurrentUser(t.Context()); err != nil || user.Username != "ann" {
		t.Errorf("after the failure: %+v, %v", user, err)
	}
}

// TestSignedOut: what is about the signed-in user fails where there is none, without a call.
func TestSignedOut(t *testing.T) {
	t.Parallel()
	srv, _, own := newAccount(t)
	ctx := t.Context()
	for name, err := range map[string]error{
		"Attributes":        second(own.Attributes(ctx)),
		"UpdateAttributes":  second(own.UpdateAttributes(ctx, map[string]string{"name": "Ann"})),
		"DeleteAttributes":  own.DeleteAttributes(ctx, "name"),
		"SendAttributeCode": second(own.SendAttributeCode(ctx, "email")),
		"VerifyAttribute":   own.VerifyAttribute(ctx, "email", "123456"),
		"ChangePassword":    own.ChangePassword(ctx, password, next),
		"Delete":            own.Delete(ctx),
	} {
		if !errors.Is(err, latchkey.ErrSignedOut) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, operation := range []string{"GetUser", "DeleteUser", "ChangePassword"} {
		if n := srv.Calls(operation); n != 0 {
			t.Errorf("%s was called %d times", operation, n)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// pages answers every request with the same body and keeps what was sent.
type pages struct{ body, sent string }

func (p *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	p.sent = string(sent)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(p.body)),
	}, err
}

// TestSessionOfSignUp checks that the session of a sign-up is passed on, with the answers of a
// pool that has USER_AUTH, and that there is none at a pool without.
func TestSessionOfSignUp(t *testing.T) {
	t.Parallel()
	pool := &pages{body: `{"UserSub":"s","UserConfirmed":false,"Session":"first"}`}
	client, err := latchkey.New(latchkey.Config{UserPoolID: "us-east-1_a", ClientID: "c", HTTPClient: &http.Client{Transport: pool}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	own := account.Of(client)
	signedUp, err := own.SignUp(t.Context(), "ann", password, nil)
	if err != nil || signedUp.Session.Reveal() != "first" {
		t.Fatalf("SignUp: %+v, %v", signedUp, err)
	}
	pool.body = `{"Session":"second"}`
	session, err := own.ConfirmSignUp(t.Context(), "ann", "123456", account.ContinueSession(signedUp.Session))
	if err != nil || session.Reveal() != "second" || !strings.Contains(pool.sent, `"Session":"first"`) {
		t.Errorf("ConfirmSignUp: %q, %v; sent %s", session.Reveal(), err, pool.sent)
	}
	if _, err := own.ConfirmSignUp(t.Context(), "ann", "123456"); err != nil || strings.Contains(pool.sent, "Session") {
		t.Errorf("without a session: %v; sent %s", err, pool.sent)
	}
}
