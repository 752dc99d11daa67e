package sigv4auth

import (
	"encoding/json"
	"errors"
	"net/http"
)

// Kinds of [Error], for errors.Is.
var (
	ErrMissing     = errors.New("sigv4auth: request is not signed")
	ErrMalformed   = errors.New("sigv4auth: signature or body cannot be read")
	ErrCredentials = errors.New("sigv4auth: credentials are not of this pool")
	ErrExpired     = errors.New("sigv4auth: credentials have expired")
	ErrSignature   = errors.New("sigv4auth: signature does not hold")
	ErrReplayed    = errors.New("sigv4auth: request was received before")
	ErrForbidden   = errors.New("sigv4auth: caller is not let in")
	ErrTooLarge    = errors.New("sigv4auth: body is too large")
	ErrUnavailable = errors.New("sigv4auth: replays cannot be told")
)

// Error is why a request was refused, in the terms of AWS. Code and Message go to
// the caller; they tell no more than AWS does, and no secret.
type Error struct {
	Kind    error  // one of the above
	Code    string // such as "InvalidSignatureException"
	Message string
	Status  int   // of the answer
	Cause   error // of ErrUnavailable; not for the caller
}

// Error is the code and the message.
func (e *Error) Error() string { return "sigv4auth: " + e.Code + ": " + e.Message }

// Unwrap answers the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause != nil {
		return []error{e.Kind, e.Cause}
	}
	return []error{e.Kind}
}

func missing() *Error {
	return &Error{Kind: ErrMissing, Status: http.StatusForbidden, Code: "MissingAuthenticationTokenException", Message: "Request is missing Authentication Token"}
}

func malformed(message string) *Error {
	return &Error{Kind: ErrMalformed, Status: http.StatusBadRequest, Code: "IncompleteSignatureException", Message: message}
}

func notOurs() *Error {
	return &Error{Kind: ErrCredentials, Status: http.StatusForbidden, Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."}
}

func expired() *Error {
	return &Error{Kind: ErrExpired, Status: http.StatusForbidden, Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}
}

func wrongSignature(message string) *Error {
	return &Error{Kind: ErrSignature, Status: http.StatusForbidden, Code: "InvalidSignatureException", Message: message}
}

func mismatch() *Error {
	return wrongSignature("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.")
}

func replayed() *Error {
	return &Error{
		Kind: ErrReplayed, Status: http.StatusForbidden, Code: "InvalidSignatureException",
		Message: "A request with this signature was received before. Sign again; to mean two equal requests in one second, set an X-Amz- header that differs.",
	}
}

func forbidden(message string) *Error {
	return &Error{Kind: ErrForbidden, Status: http.StatusForbidden, Code: "AccessDeniedException", Message: message}
}

func tooLarge() *Error {
	return &Error{Kind: ErrTooLarge, Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException", Message: "The request body is too large."}
}

func unreadable() *Error {
	return &Error{Kind: ErrMalformed, Status: http.StatusBadRequest, Code: "SerializationException", Message: "The request body could not be read."}
}

func unavailable(cause error) *Error {
	return &Error{Kind: ErrUnavailable, Status: http.StatusServiceUnavailable, Code: "ServiceUnavailableException", Message: "Try again later.", Cause: cause}
}

// ServeHTTP answers a request with e, as AWS's JSON APIs do: the code in the
// header X-Amzn-ErrorType and, with the message, in the body.
func (e *Error) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Errortype", e.Code)
	h.Set("Cache-Control", "no-store")
	switch e.Kind {
	case ErrMissing, ErrCredentials, ErrExpired:
		h.Set("Www-Authenticate", "AWS4-HMAC-SHA256") // other credentials would help
	case ErrUnavailable:
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{e.Code, e.Message})
}
