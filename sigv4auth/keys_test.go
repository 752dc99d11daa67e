package sigv4auth_test

import (
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/sigv4auth"
)

func TestNewWithoutKeysNamesReadKey(t *testing.T) {
	t.Parallel()
	_, err := sigv4auth.New(sigv4auth.Config{Regions: []string{region}, Services: []string{service}})
	if err == nil || !strings.HasPrefix(err.Error(), "sigv4auth: Keys is empty") || !strings.Contains(err.Error(), "ReadKey") {
		t.Errorf("New without keys: %v, want an error that names Keys and ReadKey", err)
	}
	if _, err := sigv4auth.New(sigv4auth.Config{Keys: [][]byte{key}, Regions: []string{region}, Services: []string{service}}); err != nil {
		t.Errorf("New with a key: %v", err)
	}
}
