package docs

import (
	"testing"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestMain(m *testing.M) { local.Main(m) }
