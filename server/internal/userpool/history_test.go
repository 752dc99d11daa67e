package userpool_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// remembering makes pools with a password history of that size.
func remembering(size int32) func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest) {
	return func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		pooltest.Verifying(p, c)
		p.Policies = &wire.UserPoolPolicyType{PasswordPolicy: &wire.PasswordPolicyType{PasswordHistorySize: &size}}
	}
}

// nth is one of many passwords.
func nth(n int) string { return fmt.Sprintf("Password-%d", n) }

// An operation that sets a password of ann's, who has the password of before.
type passwordChange func(w *world, before, after string) error

var passwordChanges = map[string]passwordChange{
	"AdminSetUserPassword": func(w *world, _, after string) error {
		_, err := call[wire.AdminSetUserPasswordResponse](w, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
			UserPoolId: w.pool, Username: "ann", Password: wire.Sensitive(after), Permanent: true,
		})
		return err
	},
	"ChangePassword": func(w *world, before, after string) error {
		out, err := w.withPassword("ann", before)
		if err != nil {
			return err
		}
		_, err = call[wire.ChangePasswordResponse](w, "ChangePassword", &wire.ChangePasswordRequest{
			AccessToken: out.AuthenticationResult.AccessToken, PreviousPassword: wire.Sensitive(before), ProposedPassword: wire.Sensitive(after),
		})
		return err
	},
	"ConfirmForgotPassword": func(w *world, _, after string) error {
		w.advance(3600e9) // codes are sent so often an hour
		if _, err := w.forgot("ann"); err != nil {
			return err
		}
		return w.recover("ann", after, w.code("ann@example.com"))
	},
}

func (w *world) addAnn() {
	w.t.Helper()
	w.addUser("ann", pooltest.Attributes("email", "ann@example.com", "email_verified", "true")...)
	if err := passwordChanges["AdminSetUserPassword"](w, "", nth(0)); err != nil {
		w.t.Fatal(err)
	}
}

// TestPasswordHistory: the last three passwords, the present one included, are refused by
// every operation, and the one before them is not.
func TestPasswordHistory(t *testing.T) {
	t.Parallel()
	for name, change := range passwordChanges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, remembering(3))
			w.addAnn()
			for n := 1; n <= 4; n++ {
				if err := change(w, nth(n-1), nth(n)); err != nil {
					t.Fatalf("password %d: %v", n, err)
				}
			}
			for _, n := range []int{4, 3, 2} {
				wantException(t, change(w, nth(4), nth(n)), wire.PasswordHistoryPolicyViolationException, wire.MessagePasswordUsedBefore)
			}
			if _, err := w.withPassword("ann", nth(4)); err != nil {
				t.Errorf("after refused changes: %v", err)
			}
			if err := change(w, nth(4), nth(1)); err != nil {
				t.Errorf("a password that is no longer remembered: %v", err)
			}
			if _, err := w.withPassword("ann", nth(1)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTemporaryPasswordIsRemembered: a user cannot keep the temporary password, and can try
// another in the same session.
func TestTemporaryPasswordIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, remembering(1))
	asked := w.invite("new")
	wantException(t, w.renew("new", asked, "Temporary-1"), wire.PasswordHistoryPolicyViolationException, wire.MessagePasswordUsedBefore)
	if err := w.renew("new", asked, "Permanent-1"); err != nil {
		t.Error(err)
	}
}

func TestNoPasswordHistory(t *testing.T) {
	t.Parallel()
	for name, change := range passwordChanges {
		for what, size := range map[string]func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest){"absent": pooltest.Verifying, "zero": remembering(0)} {
			w := newWorld(t, size)
			w.addAnn()
			if err := change(w, nth(0), nth(0)); err != nil {
				t.Errorf("%s, history %s: the same password again: %v", name, what, err)
			}
			w.wantFormer(0)
		}
	}
}

// wantFormer checks how many former passwords of ann's are stored.
func (w *world) wantFormer(want int) {
	w.t.Helper()
	err := w.store.View(w.t.Context(), func(tx storage.Tx) error {
		list, err := tx.History.List(w.pool, attribute(w.user("ann"), "sub"), 100)
		if err == nil && len(list) != want {
			err = fmt.Errorf("%d former passwords are stored, want %d", len(list), want)
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
}

// TestPasswordHistorySizeChanges: a history that is switched on knows the present password,
// and one that is switched off is forgotten with the next change.
func TestPasswordHistorySizeChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Verifying)
	w.addAnn()
	change := passwordChanges["ChangePassword"]
	resize := func(size int32) {
		t.Helper()
		in := &wire.UpdateUserPoolRequest{UserPoolId: w.pool}
		in.Policies = &wire.UserPoolPolicyType{PasswordPolicy: &wire.PasswordPolicyType{PasswordHistorySize: &size}}
		must[wire.UpdateUserPoolResponse](w, "UpdateUserPool", in)
	}
	resize(24)
	wantException(t, change(w, nth(0), nth(0)), wire.PasswordHistoryPolicyViolationException, wire.MessagePasswordUsedBefore)
	for n := 1; n <= 3; n++ {
		if err := change(w, nth(n-1), nth(n)); err != nil {
			t.Fatal(err)
		}
	}
	w.wantFormer(3)
	resize(2)
	if err := change(w, nth(3), nth(1)); err != nil {
		t.Errorf("a password that the smaller history does not reach: %v", err)
	}
	w.wantFormer(1)
	resize(0)
	if err := change(w, nth(1), nth(1)); err != nil {
		t.Error(err)
	}
	w.wantFormer(0)
}

// TestHistoryIsToldWithTheCodeOnly: a wrong code gets the same answer for a password of
// before and for any other, and counts.
func TestHistoryIsToldWithTheCodeOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, remembering(5))
	w.addAnn()
	if _, err := w.forgot("ann"); err != nil {
		t.Fatal(err)
	}
	code := w.code("ann@example.com")
	for range 4 {
		wantException(t, w.recover("ann", nth(0), other(code)), wire.CodeMismatchException, wire.MessageCodeMismatch)
	}
	wantException(t, w.recover("ann", nth(0), code), wire.PasswordHistoryPolicyViolationException, wire.MessagePasswordUsedBefore)
	wantException(t, w.recover("ann", nth(0), other(code)), wire.CodeMismatchException, wire.MessageCodeMismatch)
	wantException(t, w.recover("ann", nth(1), code), wire.ExpiredCodeException, wire.MessageCodeExpired)
}

// TestHistoryKeepsParallelChanges: of changes at once that are judged by the same history,
// one is made.
func TestHistoryKeepsParallelChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, remembering(5))
	w.addAnn()
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { errs[i] = passwordChanges["AdminSetUserPassword"](w, "", nth(7)) })
	}
	group.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		e, ok := errors.AsType[*wire.Exception](err)
		if !ok || e.Type != wire.ConcurrentModificationException && e.Type != wire.PasswordHistoryPolicyViolationException {
			t.Errorf("a change at the same time: %v", err)
		}
	}
	if made != 1 {
		t.Errorf("%d changes to one password were made, want 1", made)
	}
}
