package localservice

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/localca"
)

// TestClockBeforeAuthority starts with an authority that a clock two days ahead
// made: the service starts and warns. One that is hours ahead is no reason to.
func TestClockBeforeAuthority(t *testing.T) {
	t.Parallel()
	for ahead, warns := range map[time.Duration]bool{48 * time.Hour: true, 20 * time.Hour: false} {
		o := options(t.TempDir())
		if _, err := localca.Ensure(filepath.Join(o.Dir, "tls"), nil, time.Now().Add(ahead)); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		_, stop := start(t, o)
		stop()
		if got := strings.Contains(log.String(), "the clock is before"); got != warns {
			t.Errorf("%v ahead: %s", ahead, log.String())
		}
	}
}
