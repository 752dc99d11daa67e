package server

import (
	"errors"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Error is why [Server.Call] failed: the exception that a client would get over HTTP.
// Use errors.AsType or errors.As to reach it, or compare the code:
//
//	errors.Is(err, &server.Error{Code: "UserNotFoundException"})
type Error struct {
	Operation string // as passed to Call
	Code      string // the exception's name, such as "UserNotFoundException"
	Message   string // the exception's text
	Reason    string // reasonCode of an InvalidParameterException, if it has one
	Status    int    // HTTP status, 400 for most exceptions
	RequestID string // as in the service's log
	cause     error
}

func newError(operation string, e *wire.Exception, requestID string, cause error) *Error {
	return &Error{
		Operation: operation, Code: e.Type, Message: e.Message, Reason: e.Reason, Status: e.Status,
		RequestID: requestID, cause: cause,
	}
}

// Error returns operation, code and message. Of a failure of the service itself, such
// as InternalErrorException, it returns the cause, which clients over HTTP do not get.
func (e *Error) Error() string {
	text := "server: call " + e.Operation + ": "
	if _, refused := errors.AsType[*wire.Exception](e.cause); e.cause == nil || refused {
		exception := wire.Exception{Type: e.Code, Message: e.Message, Status: e.Status}
		return text + exception.Error()
	}
	return text + e.Code + ": " + e.cause.Error()
}

// Is reports whether target is an [*Error] with the same code.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && e.Code != "" && e.Code == other.Code
}

// Unwrap returns the cause, such as context.Canceled or an error of Config.Storage.
func (e *Error) Unwrap() error { return e.cause }
