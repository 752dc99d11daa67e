package localservice

import (
	"context"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestChangedPasswordIsNotShown starts again after the demo user's password was
// changed, after it was changed back, after the user was disabled, and after an
// administrator gave it a temporary password.
func TestChangedPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir())
	again := func(change func(context.Context, *Service) error) Ready {
		t.Helper()
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		if change != nil {
			if err := change(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		return s.Ready()
	}
	set := func(password string) func(context.Context, *Service) error {
		return func(ctx context.Context, s *Service) error {
			err := s.server.Call(ctx, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
				UserPoolId: s.state.UserPoolID, Username: "demo", Password: wire.Sensitive(password), Permanent: true,
			}, nil)
			return err
		}
	}
	enable := func(enabled bool) func(context.Context, *Service) error {
		return func(ctx context.Context, s *Service) (err error) {
			if enabled {
				err = s.server.Call(ctx, "AdminEnableUser", &wire.AdminEnableUserRequest{UserPoolId: s.state.UserPoolID, Username: "demo"}, nil)
			} else {
				err = s.server.Call(ctx, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: s.state.UserPoolID, Username: "demo"}, nil)
			}
			return err
		}
	}
	temporary := func(ctx context.Context, s *Service) error {
		err := s.server.Call(ctx, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
			UserPoolId: s.state.UserPoolID, Username: "demo", Password: "Temporary-Horse-9",
		}, nil)
		return err
	}
	first := again(set("Another-Horse-9"))
	if first.Password == "" || first.PasswordChanged {
		t.Fatalf("the first start: %+v", first)
	}
	for i, step := range []struct {
		change  func(context.Context, *Service) error // after the start
		changed bool                                  // at the start
	}{
		{set(first.Password), true}, {enable(false), false}, {enable(true), true}, {temporary, false}, {nil, true},
	} {
		ready := again(step.change)
		want := first.Password
		if step.changed {
			want = ""
		}
		if ready.Password != want || ready.PasswordChanged != step.changed {
			t.Errorf("start %d: password %q, changed %v", i, ready.Password, ready.PasswordChanged)
		}
	}
}
