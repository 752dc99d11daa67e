package fault

import (
	"errors"
	"strings"
	"time"
)

// Fault is one failure. It never holds a token, a password, the body of an answer
// or a URL. A Fault is not changed after it was returned.
type Fault struct {
	Op        string // Cognito's operation, or the method of the client
	Kind      error  // one of the kinds of this package
	Code      string // Cognito's exception name; empty when the service sent none
	Message   string // the service's text, on one line
	RequestID string // the service's id of the request
	Provider  string // of NeedsSignIn: the provider to sign in with
	Hint      string // what to do about it
	// RetryAfter is how long the service asked to wait, at most five minutes.
	RetryAfter time.Duration
	Err        error // the cause; nil when there is none

	Class Class
	// EndsSession says that the answer ends a session, once the store was read again.
	EndsSession bool
	// Retryable says that the same call may succeed if it is repeated shortly.
	Retryable bool
}

// New is a failure that the client itself finds.
func New(op string, kind error, hint string) *Fault { return &Fault{Op: op, Kind: kind, Hint: hint} }

// OfStore wraps the error of a store.
func OfStore(op string, err error) *Fault { return &Fault{Op: op, Kind: Store, Err: err} }

// OfClass is a fault whose kind and hint follow from its class.
func OfClass(op string, class Class, message string) *Fault {
	return &Fault{Op: op, Kind: class.Kind(""), Message: message, Hint: class.Hint(), Class: class}
}

// Find is the first Fault in an error's chain; the zero Fault if there is none.
func Find(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{}
}

// Error returns "operation: kind: exception: message; hint".
func (f *Fault) Error() string {
	parts := make([]string, 0, 6)
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(f.Op)
	if f.Kind != nil {
		add(f.Kind.Error())
	}
	add(f.Provider)
	add(f.Code)
	add(f.Message)
	if _, nested := f.Err.(*Fault); f.Err != nil && (!nested || f.Code == "") {
		add(f.Err.Error())
	}
	text := strings.Join(parts, ": ")
	if f.Hint != "" {
		text += "; " + f.Hint
	}
	return text
}

// Unwrap gives errors.Is and errors.As the kind and the cause.
func (f *Fault) Unwrap() []error {
	causes := make([]error, 0, 2)
	if f.Kind != nil {
		causes = append(causes, f.Kind)
	}
	if f.Err != nil {
		causes = append(causes, f.Err)
	}
	return causes
}
