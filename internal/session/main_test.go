package session

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a test leaves goroutines behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
