package cli

import (
	"errors"

	"github.com/latchkey-auth/latchkey"
)

// signOutErrors are the errors of a sign-out by what they kept from being done.
type signOutErrors struct{ local, global, revoke, page error }

// signOutErrorsOf divides the error of a report.
func signOutErrorsOf(report latchkey.SignOutReport) signOutErrors {
	var all signOutErrors
	joined, ok := report.Err().(interface{ Unwrap() []error })
	if !ok {
		return all
	}
	for _, err := range joined.Unwrap() {
		failed, _ := errors.AsType[*latchkey.Error](err)
		switch {
		case errors.Is(err, latchkey.ErrStore):
			all.local = err
		case failed != nil && failed.Op == "Logout":
			all.page = err
		case failed != nil && failed.Op == "RevokeToken", failed == nil && report.Queued:
			all.revoke = err // failed is nil if the command was interrupted
		default:
			all.global = err
		}
	}
	return all
}
