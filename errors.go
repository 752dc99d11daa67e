package latchkey

import (
	"errors"
	"strings"
	"time"
)

// Kinds of failure, for errors.Is. Every error of this package that a caller
// may want to tell apart is an [*Error] with one of these kinds; only a context
// that ended comes back as it is (context.Canceled, context.DeadlineExceeded).
var (
	// ErrSignedOut means that nobody is signed in: sign in, then try again.
	ErrSignedOut = errors.New("signed out")
	// ErrSessionExpired means that the service ended the session. It stays so
	// until the next sign-in. [Error.Code] is the exception that ended it, and
	// errors.Is also finds that exception's own kind, such as ErrUserNotFound.
	ErrSessionExpired = errors.New("session expired")
	// ErrNotAuthorized is NotAuthorizedException: a wrong password, a disabled
	// user, a token that is refused.
	ErrNotAuthorized = errors.New("not authorized")
	// ErrUserNotConfirmed is UserNotConfirmedException: the code that was sent
	// at sign-up has not been given yet.
	ErrUserNotConfirmed = errors.New("user is not confirmed")
	// ErrPasswordResetRequired is PasswordResetRequiredException: an
	// administrator has asked for a new password.
	ErrPasswordResetRequired = errors.New("password reset required")
	// ErrUserNotFound is UserNotFoundException.
	ErrUserNotFound = errors.New("user not found")
	// ErrCodeMismatch is CodeMismatchException: the code is wrong, and the same
	// [Step] may be answered again.
	ErrCodeMismatch = errors.New("code does not match")
	// ErrCodeExpired is ExpiredCodeException: ask for another code.
	ErrCodeExpired = errors.New("code has expired")
	// ErrInvalidPassword means that a new password breaks the pool's policy.
	ErrInvalidPassword = errors.New("password does not conform with the policy")
	// ErrInvalidParameter means that a request was malformed; trying it again
	// cannot help.
	ErrInvalidParameter = errors.New("invalid parameter")
	// ErrNetwork means that the service was not reached, or that something
	// between it and us answered (a proxy, a captive portal). It ends nothing.
	ErrNetwork = errors.New("network failure")
	// ErrThrottled means that the service asks for patience; see
	// [Error.RetryAfter].
	ErrThrottled = errors.New("throttled")
	// ErrService means that the service failed, or answered what this client
	// does not understand.
	ErrService = errors.New("service failure")
	// ErrForbidden means that a policy refused the request: a firewall in front
	// of the service, or a Lambda trigger of the pool.
	ErrForbidden = errors.New("forbidden by policy")
	// ErrWrongAccount means that tokens came back that belong to another pool,
	// app client or user. They are thrown away.
	ErrWrongAccount = errors.New("tokens belong to another account")
	// ErrConfig means that the configuration of this client, or of the pool, is
	// wrong.
	ErrConfig = errors.New("configuration error")
	// ErrStore means that the store failed. A record that cannot be read is in
	// the chain as a *store.DamagedError, which names the file.
	ErrStore = errors.New("store failure")
	// ErrNoIdentityPool means that Config names no identity pool.
	ErrNoIdentityPool = errors.New("no identity pool is configured")
	// ErrGuestsDisabled means that nobody is signed in and guests are off.
	ErrGuestsDisabled = errors.New("guest access is disabled")
	// ErrNoUserPoolSession means that the session comes from the identity pool
	// alone and has no user pool part.
	ErrNoUserPoolSession = errors.New("no user pool session")
	// ErrNotRefreshable means that the tokens have expired and the session has
	// no refresh token, as after an implicit grant (response_type token): use the
	// code grant, as [Client.AuthCodeURL] does.
	ErrNotRefreshable = errors.New("session has no refresh token")
	// ErrNotFetched means that nothing is known of the identity pool's facets yet
	// and that it was not asked, as with TokensOnly.
	ErrNotFetched = errors.New("not fetched yet")
	// ErrNeedsSignIn means that a session of another provider can only be renewed
	// with a new token of that provider, and that none could be had.
	// [Error.Provider] names it.
	ErrNeedsSignIn = errors.New("a new sign-in with the provider is needed")
	// ErrAlreadySignedIn means that a user is signed in and has to sign out first.
	ErrAlreadySignedIn = errors.New("a user is signed in")
	// ErrFlow means that the answer of a sign-in by redirect is not to be trusted:
	// it belongs to another sign-in or issuer, comes too late or twice, or its ID
	// token is refused. Nothing was stored.
	ErrFlow = errors.New("the answer does not belong to this sign-in")
	// ErrDenied means that the person at the sign-in pages gave up or refused
	// (access_denied).
	ErrDenied = errors.New("the sign-in was cancelled")
	// ErrBrowser means that no browser could be opened.
	ErrBrowser = errors.New("no browser could be opened")
	// ErrNotSupported means that this release cannot do what was asked.
	ErrNotSupported = errors.New("not supported in this release")
	// ErrClosed means that the Client was closed.
	ErrClosed = errors.New("client is closed")
)

// Error is what went wrong, and where. Its text names the operation, the kind,
// the service's exception and its message; it never holds a token, a password,
// an answer's body or a URL.
type Error struct {
	Op        string // the operation: Cognito's name, or the method of this package
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

	verdict verdict
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

// fault is an error that this client itself finds.
func fault(op string, kind error, hint string) *Error {
	return &Error{Op: op, Kind: kind, Hint: hint}
}

// storeFault wraps what a store answered.
func storeFault(op string, err error) *Error {
	return &Error{Op: op, Kind: ErrStore, Err: err}
}

// verdictOf is what the service's answer meant; the zero verdict for errors
// that did not come from a call.
func verdictOf(err error) verdict {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.verdict
	}
	return verdict{}
}

// ended is the error of a session that is over. It is made from the stored
// reason, so that it reads the same after a restart.
func ended(reason, detail string) *Error {
	return &Error{
		Op:   "FetchSession",
		Kind: ErrSessionExpired, Code: reason, Message: detail,
		Hint: "sign in again",
		Err:  kindOfCode(reason),
	}
}

// Hints that several places give.
const (
	hintSignIn  = "sign in, then call again"
	hintGrant   = "sign in again; the implicit grant brings no refresh token: use the code grant"
	hintGuests  = "sign in, or allow guests in the identity pool and in Config.AllowGuests"
	hintFetched = "call FetchSession without TokensOnly"
)
