// Package account is the user's own account over a [latchkey.Client]: signing up,
// recovering a forgotten password, and the attributes and password of the user who is
// signed in.
//
//	own := account.Of(client)
//	signedUp, err := own.SignUp(ctx, "ann", password, map[string]string{"email": "ann@example.com"})
//	...
//	_, err = own.ConfirmSignUp(ctx, "ann", code)
//
// Every method performs one operation of Cognito's user pool API, which its comment names,
// through [latchkey.Client.Call]. SignUp, ConfirmSignUp, ResendCode, ForgotPassword and
// ConfirmForgotPassword work without a session. The others act on the user of the active
// session, refresh its tokens if necessary, and fail with
// [latchkey.ErrSignedOut] or [latchkey.ErrSessionExpired] where there is none. The session
// must have the scope aws.cognito.signin.user.admin, which sessions of
// [latchkey.Client.SignIn] have, and those of the sign-in pages if the client asks for it.
//
// Errors are a [*latchkey.Error] with Cognito's exception name, or the context's error. No
// method is repeated on its own after a failure.
package account
