// Package wiretest has checks of exceptions for the tests of the service.
package wiretest

import (
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// WantException fails the test unless err is an exception of a type whose message
// contains text.
func WantException(t testing.TB, err error, typ, text string) {
	t.Helper()
	if !wire.IsException(err, typ) || !strings.Contains(err.Error(), text) {
		t.Errorf("error = %v, want %s with %q", err, typ, text)
	}
}
