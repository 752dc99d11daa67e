package jwt

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// PanicError is a panic in code that a program supplied, such as an HTTP transport,
// while a goroutine of this package ran it. Errors that are due to it wrap it. Its
// text has no stack.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // of the goroutine, as [debug.Stack] formats it
}

// Error returns "panic: " and the value.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is what a goroutine of this package reports when foreign code has ended it
// with runtime.Goexit.
var errGoexit = errors.New("jwt: the HTTP transport ended the goroutine with runtime.Goexit")

// protect runs f and returns its panic as a [*PanicError]. The goroutines of this
// package run foreign code through it, because a panic there would end the process and
// no caller could recover it.
func protect(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return f()
}

// report calls an OnError function, which may be nil. A panic of the function goes to
// the default logger, because there is no other place left to report it.
func report(onError func(error), err error) {
	if onError == nil {
		return
	}
	failed := protect(func() error { onError(err); return nil })
	if failed, ok := failed.(*PanicError); ok {
		slog.Error("jwt: OnError panicked", "panic", failed.Value, "stack", string(failed.Stack))
	}
}
