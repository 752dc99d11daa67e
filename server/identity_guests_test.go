package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func TestGuestLifeRefused(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]bool{0: true, -1: false, time.Hour: false, 48 * time.Hour: true} {
		s, err := server.New(server.Config{Storage: memory.New(), SealingKeys: []server.SealingKey{sealingKey(0)}, PublicURL: "http://127.0.0.1", GuestLife: life})
		if got := err == nil; got != want || err != nil && !strings.Contains(err.Error(), "GuestLife") {
			t.Errorf("GuestLife %v: %v", life, err)
		}
		if err == nil {
			_ = s.Close()
		}
	}
}
