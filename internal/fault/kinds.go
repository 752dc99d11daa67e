package fault

//lint:file-ignore ST1012 fault.Network reads as fault.ErrNetwork would; the root exports each with Err

import "errors"

// Kinds of failure. The root package exports each as Err and the same name, and
// documents it there.
var (
	SignedOut             = errors.New("signed out")
	SessionExpired        = errors.New("session expired")
	NotAuthorized         = errors.New("not authorized")
	UserNotConfirmed      = errors.New("user is not confirmed")
	PasswordResetRequired = errors.New("password reset required")
	UserNotFound          = errors.New("user not found")
	CodeMismatch          = errors.New("code does not match")
	CodeExpired           = errors.New("code has expired")
	InvalidPassword       = errors.New("password does not conform with the policy")
	InvalidParameter      = errors.New("invalid parameter")
	Network               = errors.New("network failure")
	Throttled             = errors.New("throttled")
	Service               = errors.New("service failure")
	Forbidden             = errors.New("forbidden by policy")
	WrongAccount          = errors.New("tokens belong to another account")
	Config                = errors.New("configuration error")
	Store                 = errors.New("store failure")
	NoIdentityPool        = errors.New("no identity pool is configured")
	GuestsDisabled        = errors.New("guest access is disabled")
	NoUserPoolSession     = errors.New("no user pool session")
	NotFetched            = errors.New("not fetched yet")
	NeedsSignIn           = errors.New("a new sign-in is needed")
	AlreadySignedIn       = errors.New("a user is signed in")
	Flow                  = errors.New("the answer does not belong to this sign-in")
	Denied                = errors.New("the sign-in was canceled")
	Browser               = errors.New("no browser could be opened")
	NotSupported          = errors.New("not supported in this release")
	Closed                = errors.New("client is closed")
)
