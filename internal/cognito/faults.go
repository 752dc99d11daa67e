package cognito

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/trust"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// refusal is the fault of an answer that is not a success.
func refusal(op string, got answer) *fault.Fault {
	v, exception := classify(op, got)
	f := &fault.Fault{
		Op: op, Kind: v.class.Kind(exception.Type), Code: exception.Type, Message: fault.Sanitize(exception.Message),
		RequestID: exception.RequestID, Hint: v.class.Hint(), RetryAfter: v.wait,
		Class: v.class, EndsSession: v.ends, Retryable: v.retry,
	}
	if v.class == fault.Misconfigured && (op == OpIdentity || op == OpCredentials) {
		f.Hint = "check the identity pool's id, its login providers and its roles"
		if strings.HasPrefix(exception.Message, "Invalid login token") || exception.Message == wire.MessageUnsupportedProvider {
			f.Hint = "check the login's token, the provider's name, and that the identity pool trusts the provider"
		}
	}
	if exception.Type == wire.UnknownOperationException {
		f.Hint = "the service at this endpoint does not have the operation"
	}
	if v.class == fault.Unreached {
		f.Hint = fault.StatusHint(got.status, fault.HintNetwork)
	}
	if exception.Type == "" {
		f.Message = fmt.Sprintf("HTTP status %d", got.status)
	}
	return f
}

// unusable is the fault of a success that cannot be read. In another format than
// JSON it did not come from the service: that is a captive portal's page.
func unusable(op string, got answer, err error) *fault.Fault {
	class := fault.Malformed
	if errors.Is(err, errForeign) {
		class = fault.Unreached
	}
	f := fault.OfClass(op, class, "cannot read the answer")
	f.RequestID, f.Err, f.Retryable = got.header.Get(wire.HeaderRequestID), err, true
	if class == fault.Unreached {
		f.Hint = fault.HintPortal
	}
	return f
}

// Malformed is the fault of a success that lacks what the operation promises.
func Malformed(op, message string, cause error) *fault.Fault {
	f := fault.OfClass(op, fault.Malformed, message)
	f.Err, f.Retryable = cause, true
	if errors.Is(cause, errTokenTooLong) {
		f.Hint, f.Retryable = "the user has too many groups, role ARNs or attributes; remove some, or limit the attributes that the app client can read", false
	}
	return f
}

// transportFault is the fault of a call without an answer. The end of the caller's
// own context is returned as it is.
func transportFault(ctx, bounded context.Context, op string, err error) error {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), ErrTimeout) {
		return ctx.Err()
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err // the URL may hold what must not be printed
	}
	if errors.Is(context.Cause(bounded), ErrTimeout) {
		err = ErrTimeout
	}
	f := &fault.Fault{Op: op, Kind: fault.Network, Hint: fault.NetworkHint(err), Err: err, Class: fault.Unreached, Retryable: true}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		f.Retryable = false // the same certificate comes again
	}
	if _, ok := errors.AsType[*trust.FileError](err); ok {
		f.Class, f.Kind, f.Retryable, f.Hint = fault.Misconfigured, fault.Config, false, hintCAFile
	}
	if errors.Is(err, context.Canceled) {
		f.Class, f.Retryable = fault.Canceled, false
	}
	return f
}
