package latchkey

import (
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
)

// Kinds of failure, for errors.Is. Every error of this package that a caller
// may want to tell apart is an [*Error] with one of these kinds; only a context
// that ended comes back as it is (context.Canceled, context.DeadlineExceeded).
var (
	// ErrSignedOut means that no user is signed in: sign in, then try again.
	ErrSignedOut = fault.SignedOut
	// ErrSessionExpired means that the service ended the session. It stays so
	// until the next sign-in. [Error.Code] is the exception that ended it, and
	// errors.Is also finds that exception's own kind, such as ErrUserNotFound.
	ErrSessionExpired = fault.SessionExpired
	// ErrNotAuthorized is NotAuthorizedException: a wrong password, a disabled
	// user, a token that is refused.
	ErrNotAuthorized = fault.NotAuthorized
	// ErrUserNotConfirmed is UserNotConfirmedException: the user has not confirmed
	// the sign-up with the code that was sent; see ConfirmSignUp of package account.
	ErrUserNotConfirmed = fault.UserNotConfirmed
	// ErrPasswordResetRequired is PasswordResetRequiredException: an administrator
	// requires a new password; see ForgotPassword of package account.
	ErrPasswordResetRequired = fault.PasswordResetRequired
	// ErrUserNotFound is UserNotFoundException.
	ErrUserNotFound = fault.UserNotFound
	// ErrCodeMismatch is CodeMismatchException: the code is wrong, and the same
	// [Step] may be answered again.
	ErrCodeMismatch = fault.CodeMismatch
	// ErrCodeExpired is ExpiredCodeException: ask for another code.
	ErrCodeExpired = fault.CodeExpired
	// ErrInvalidPassword means that a new password breaks the pool's policy. One that
	// the service refuses before it looks at the policy, such as one of fewer than six
	// characters, is ErrInvalidParameter.
	ErrInvalidPassword = fault.InvalidPassword
	// ErrInvalidParameter means that a request was malformed; trying it again
	// cannot help.
	ErrInvalidParameter = fault.InvalidParameter
	// ErrNetwork means that the service was not reached, or that something
	// between it and us answered (a proxy, a captive portal). It ends nothing.
	ErrNetwork = fault.Network
	// ErrThrottled means that the service asks for patience; see
	// [Error.RetryAfter].
	ErrThrottled = fault.Throttled
	// ErrService means that the service failed, or answered what this client
	// does not understand.
	ErrService = fault.Service
	// ErrForbidden means that a policy refused the request: a firewall in front
	// of the service, or a Lambda trigger of the pool.
	ErrForbidden = fault.Forbidden
	// ErrWrongAccount means that tokens came back that belong to another pool,
	// app client or user. They are thrown away.
	ErrWrongAccount = fault.WrongAccount
	// ErrConfig means that the configuration of this client, or of the pool, is
	// wrong.
	ErrConfig = fault.Config
	// ErrStore means that the store failed. A record that cannot be read is in
	// the chain as a *store.DamagedError, which names the file.
	ErrStore = fault.Store
	// ErrNoIdentityPool means that Config names no identity pool.
	ErrNoIdentityPool = fault.NoIdentityPool
	// ErrGuestsDisabled means that no user is signed in and that guests are off, in the
	// configuration or in the pool, or have no role in the pool (then it is ErrConfig too).
	ErrGuestsDisabled = fault.GuestsDisabled
	// ErrNoUserPoolSession means that the session comes from the identity pool
	// alone and has no user pool part.
	ErrNoUserPoolSession = fault.NoUserPoolSession
	// ErrNotFetched means that nothing is known of the identity pool's facets yet
	// and that it was not asked, as in the [Session] of an event.
	ErrNotFetched = fault.NotFetched
	// ErrNeedsSignIn means that the session continues but only a new sign-in can renew it.
	// Either it came from another provider and needs a new token of that provider, which
	// [Error.Provider] names; or the user pool does not accept the refresh token from this
	// device; or the session has no refresh token, as after an implicit grant
	// (response_type token), and its tokens have expired.
	ErrNeedsSignIn = fault.NeedsSignIn
	// ErrAlreadySignedIn means that a user is signed in and has to sign out first.
	ErrAlreadySignedIn = fault.AlreadySignedIn
	// ErrFlow means that the answer of a sign-in by redirect is not to be trusted:
	// it belongs to another sign-in or issuer, comes too late or twice, or its ID
	// token is refused. Nothing was stored.
	ErrFlow = fault.Flow
	// ErrDenied means that the person at the sign-in pages gave up or refused
	// (access_denied).
	ErrDenied = fault.Denied
	// ErrBrowser means that no browser could be opened.
	ErrBrowser = fault.Browser
	// ErrNotSupported means that this release cannot do what was asked.
	ErrNotSupported = fault.NotSupported
	// ErrClosed means that the Client was closed.
	ErrClosed = fault.Closed
)

// Error is what went wrong, and where. Its text names the operation, the kind,
// the service's exception and its message; it never holds a token, a password,
// an answer's body or a URL.
type Error struct {
	Op        string // the service's operation that failed, or else the method of this package
	Kind      error  // one of the Err… variables
	Code      string // Cognito's exception name; empty when the service sent none
	Message   string // the service's text, on one line
	RequestID string // the service's id of the request; empty when it sent none
	Provider  string // of ErrNeedsSignIn: the provider to sign in with
	Hint      string // what to do about it
	// RetryAfter is how long the service asked to wait, at most five minutes;
	// zero when it did not say.
	RetryAfter time.Duration
	Err        error // the cause; nil when there is none
}

// Error returns "latchkey: operation: kind: exception: message; hint".
func (e *Error) Error() string {
	parts := []string{"latchkey"}
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(e.Op)
	if e.Kind != nil {
		add(e.Kind.Error())
	}
	add(e.Provider)
	add(e.Code)
	add(e.Message)
	if cause, ok := e.Err.(*Error); e.Err != nil && !ok {
		add(e.Err.Error())
	} else if ok && e.Code == "" {
		add(strings.TrimPrefix(cause.Error(), "latchkey: "))
	}
	text := strings.Join(parts, ": ")
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap gives errors.Is and errors.As the kind and the cause.
func (e *Error) Unwrap() []error {
	causes := make([]error, 0, 2)
	if e.Kind != nil {
		causes = append(causes, e.Kind)
	}
	if e.Err != nil {
		causes = append(causes, e.Err)
	}
	return causes
}

// asError is the public form of an error that a room of internal returned: the one place
// where an *Error is made of a fault. op is the call of this package; a fault that names
// an operation keeps it. Errors of other kinds, such as a context's, stay as they are.
func asError(op string, err error) error {
	f, ok := err.(*fault.Fault)
	if !ok {
		return err
	}
	e := &Error{
		Op: f.Op, Kind: f.Kind, Code: f.Code, Message: f.Message, RequestID: f.RequestID,
		Provider: f.Provider, Hint: f.Hint, RetryAfter: f.RetryAfter, Err: asError("", f.Err),
	}
	if e.Op == "" {
		e.Op = op
	}
	return e
}

// problem is an error that this package itself finds.
func problem(op string, kind error, hint string) *Error {
	return &Error{Op: op, Kind: kind, Hint: hint}
}
