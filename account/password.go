package account

import (
	"context"

	"github.com/latchkey-auth/latchkey"
)

// ForgotPassword sends a code to a user who has forgotten the password (ForgotPassword).
// If the app client hides whether users exist, the Delivery for an unknown name looks
// like that of a user.
func (a *Account) ForgotPassword(ctx context.Context, username string, opts ...Option) (*Delivery, error) {
	in := struct {
		Username       string
		ClientMetadata map[string]string
	}{username, combine(opts).metadata}
	return a.sendCode(ctx, "ForgotPassword", in)
}

// ConfirmForgotPassword sets a new password with the code that ForgotPassword sent
// (ConfirmForgotPassword). Errors: [latchkey.ErrCodeMismatch], [latchkey.ErrCodeExpired],
// [latchkey.ErrInvalidPassword].
func (a *Account) ConfirmForgotPassword(ctx context.Context, username, code, newPassword string, opts ...Option) error {
	in := struct {
		Username, ConfirmationCode string
		Password                   latchkey.Secret
		ClientMetadata             map[string]string
	}{username, code, latchkey.NewSecret(newPassword), combine(opts).metadata}
	return a.client.Call(ctx, "ConfirmForgotPassword", in, nil)
}

// ChangePassword replaces the password of the signed-in user (ChangePassword). The session
// goes on. A wrong old password is [latchkey.ErrNotAuthorized], a new one that breaks the
// pool's policy [latchkey.ErrInvalidPassword].
func (a *Account) ChangePassword(ctx context.Context, old, new string) error {
	in := struct{ PreviousPassword, ProposedPassword latchkey.Secret }{latchkey.NewSecret(old), latchkey.NewSecret(new)}
	return a.client.Call(ctx, "ChangePassword", in, nil)
}
