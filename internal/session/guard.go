package session

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/latchkey-auth/latchkey/internal/fault"
)

// Foreign code runs in the engine's goroutines: stores, transports, token sources and
// subscribers. No caller can recover from a panic there, so that each goroutine calls
// it through guard.

// errPanic is the cause of a call that a panic or runtime.Goexit has ended.
var errPanic = errors.New("the call was ended by a panic in a store, a transport or a token source")

// panicked is the fault of a flight that ended so.
func panicked() error {
	return &fault.Fault{Kind: fault.Service, Err: errPanic, Hint: "see the log for the stack"}
}

// guard runs call. A panic in it is logged with its stack, and the error is errPanic.
func guard(log *slog.Logger, call func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = errPanic
			logPanic(log, reason)
		}
	}()
	return call()
}

// logPanic logs a panic with the stack of the goroutine. The logger's handler is foreign
// code too, and its panic would end the process.
func logPanic(log *slog.Logger, reason any) {
	defer func() { _ = recover() }()
	log.Error("latchkey: recovered from a panic", "panic", fmt.Sprint(reason), "stack", string(debug.Stack()))
}
