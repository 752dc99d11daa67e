package jwt

import (
	"errors"
	"strconv"
	"strings"
)

// The kinds of failure. Every error of this package that concerns a token is
// an [*Error] and matches exactly one of these with errors.Is.
//
// ErrExpired is reported only for a token that is right in every other way:
// it always means "refresh", never "forged".
var (
	// ErrMalformed: the text is not a JWT, or a part of it breaks a rule of
	// RFC 7515, RFC 7519 or RFC 8259. Error.Part says which part. Answer 401; sending
	// the same token again will not help.
	ErrMalformed = errors.New("token is malformed")
	// ErrAlgorithm: the token is not signed with RS256 (RFC 8725 section 3.1). It
	// was not made by Cognito, or was changed on purpose.
	ErrAlgorithm = errors.New("token uses an algorithm that is not allowed")
	// ErrUnknownKey: the issuer publishes no usable key with the token's key id. The
	// token is from another pool, or its key was withdrawn. A key added less than
	// ten seconds ago may also be reported so; see [RemoteKeys].
	ErrUnknownKey = errors.New("token is signed with an unknown key")
	// ErrKeysUnavailable: the keys could not be fetched, so nothing is known
	// about the token. Answer 503, not 401, and do not end a session for it.
	ErrKeysUnavailable = errors.New("signing keys are not available")
	// ErrSignature: the signature does not belong to this header and payload. It
	// takes precedence over all that the payload says, expiry included.
	ErrSignature = errors.New("token signature is wrong")
	// ErrIssuer: the iss claim is not the configured issuer, compared exactly (RFC
	// 7519 section 4.1.1). A pool can have one of two issuer URLs; look at what its
	// tokens carry.
	ErrIssuer = errors.New("token is from another issuer")
	// ErrUse: an ID token where an access token is due, or the reverse, by token_use;
	// or a typ for something else altogether.
	ErrUse = errors.New("token is for another use")
	// ErrClient: the token was issued to an app client that is not configured.
	ErrClient = errors.New("token is for another app client")
	// ErrAudience: the access token is not bound to Config.Resource.
	ErrAudience = errors.New("token is for another resource")
	// ErrExpired: the exp claim is in the past. Answer 401; the client refreshes.
	ErrExpired = errors.New("token has expired")
	// ErrNotYetValid: the nbf or iat claim is in the future. Nearly always one of
	// the two clocks is wrong; a small difference is what Config.Leeway is for.
	ErrNotYetValid = errors.New("token is not valid yet")
	// ErrRevoked: the session the token belongs to has ended, by a sign-out or by an
	// administrator. Answer 401; refreshing will not help, signing in again does.
	ErrRevoked = errors.New("token was revoked")
	// ErrRevocationsUnavailable: the token is good, but whether its session has
	// ended could not be found out. Answer 503, not 401, and do not end a session
	// for it. See [RevocationOptions].
	ErrRevocationsUnavailable = errors.New("revocations are not available")
	// ErrNonce: the ID token does not answer this sign-in attempt. It may have been
	// replayed or injected; begin the sign-in anew.
	ErrNonce = errors.New("token carries another nonce")
)

// The values of [Error.Part].
const (
	partToken     = "token"
	partHeader    = "header"
	partPayload   = "payload"
	partSignature = "signature"
)

// Error says what is wrong with a token and with which part of it. Its text ends with the
// hint, if there is one, and never contains the token.
type Error struct {
	// Part is "header", "payload" or "signature", or "token" when the text as
	// a whole is wrong.
	Part string
	// Kind is one of the Err variables of this package; errors.Is finds it.
	Kind error
	// Detail says what was found and, after a semicolon, what to do about it.
	// It may quote short values that the token's sender chose, escaped.
	Detail string
	// Err is the cause, such as a network error; nil when there is none.
	Err error
}

// Error returns "jwt: part: kind: detail: cause".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("jwt: ")
	if e.Part != "" {
		b.WriteString(e.Part)
		b.WriteString(": ")
	}
	if e.Kind != nil {
		b.WriteString(e.Kind.Error())
	}
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap gives errors.Is and errors.As the kind and the cause.
func (e *Error) Unwrap() []error {
	switch {
	case e.Err == nil && e.Kind == nil:
		return nil
	case e.Err == nil:
		return []error{e.Kind}
	case e.Kind == nil:
		return []error{e.Err}
	}
	return []error{e.Kind, e.Err}
}

func malformed(part, detail string) *Error {
	return &Error{Part: part, Kind: ErrMalformed, Detail: detail}
}

// quote shows a value from outside in an error or a log line: escaped, so that
// it cannot forge lines, and short, so that a token put there does not fit.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "..."
	}
	return strconv.QuoteToASCII(s)
}
