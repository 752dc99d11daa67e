package account

import (
	"context"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey"
)

// SignedUp is the result of a sign-up.
type SignedUp struct {
	UserID string // the sub claim of the new user
	// Confirmed is true if the user can sign in at once. Otherwise the user has to confirm
	// with a code, see Account.ConfirmSignUp.
	Confirmed bool
	// Delivery says where the code was sent; nil if the pool verifies nothing.
	Delivery *Delivery
	// Session leads on to ConfirmSignUp and from there to a sign-in without a password. It
	// is empty if the pool or the app client does not offer that (USER_AUTH).
	Session latchkey.Secret
}

// named is an attribute as Cognito's API has it.
type named struct{ Name, Value string }

// list returns a map as a list of attributes, in the order of their names.
func list(attributes map[string]string) []named {
	var all []named
	for name, value := range attributes {
		all = append(all, named{name, value})
	}
	slices.SortFunc(all, func(a, b named) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// SignUp registers a user (SignUp). Attributes have the names of the pool, such as
// "email" and "custom:plan". Passwords can be empty in pools without passwords. The user
// is not signed in by it.
//
// Errors: [latchkey.ErrInvalidPassword], [latchkey.ErrInvalidParameter], UsernameExistsException
// as Error.Code for a name that is taken, and CodeDeliveryFailureException if the user exists
// now but the code could not be sent: see ResendCode.
func (a *Account) SignUp(ctx context.Context, username, password string, attributes map[string]string, opts ...Option) (SignedUp, error) {
	o := combine(opts)
	in := struct {
		Username       string
		Password       latchkey.Secret
		UserAttributes []named
		ValidationData []named
		ClientMetadata map[string]string
	}{username, latchkey.NewSecret(password), list(attributes), list(o.validation), o.metadata}
	var out struct {
		UserSub             string
		UserConfirmed       bool
		CodeDeliveryDetails *delivery
		Session             latchkey.Secret
	}
	if err := a.client.Call(ctx, "SignUp", in, &out); err != nil {
		return SignedUp{}, err
	}
	return SignedUp{UserID: out.UserSub, Confirmed: out.UserConfirmed, Delivery: out.CodeDeliveryDetails.public(), Session: out.Session}, nil
}

// ConfirmSignUp confirms a user with the code of the sign-up (ConfirmSignUp). Errors:
// [latchkey.ErrCodeMismatch], [latchkey.ErrCodeExpired], and AliasExistsException as
// Error.Code if another user has confirmed the same e-mail address or phone number.
//
// With the option [ContinueSession] it returns a session that signs the user in at once:
//
//	session, err := own.ConfirmSignUp(ctx, "ann", code, account.ContinueSession(signedUp.Session))
//	...
//	step, err := client.SignIn(ctx, latchkey.AutoSignIn("ann", session))
//
// The session is empty without the option and where the pool does not offer it; then sign in
// with the password.
func (a *Account) ConfirmSignUp(ctx context.Context, username, code string, opts ...Option) (session latchkey.Secret, err error) {
	o := combine(opts)
	in := struct {
		Username, ConfirmationCode string
		Session                    latchkey.Secret
		ClientMetadata             map[string]string
	}{username, code, o.session, o.metadata}
	var out struct{ Session latchkey.Secret }
	err = a.client.Call(ctx, "ConfirmSignUp", in, &out)
	return out.Session, err
}

// ResendCode sends the code of a sign-up again (ResendConfirmationCode).
func (a *Account) ResendCode(ctx context.Context, username string, opts ...Option) (*Delivery, error) {
	in := struct {
		Username       string
		ClientMetadata map[string]string
	}{username, combine(opts).metadata}
	return a.sendCode(ctx, "ResendConfirmationCode", in)
}
