package server_test

import (
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/mail"
	"github.com/latchkey-auth/latchkey/server/ownbroker"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// nilSigner is a Signer as a pointer.
type nilSigner struct{ plug.Signer }

// TestNewRefusesNilParts checks that parts with a nil pointer are named when the service
// is made, instead of a panic in a request.
func TestNewRefusesNilParts(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*server.Config){
		"Storage":   func(c *server.Config) { c.Storage = (*memory.Store)(nil) },
		"Signer":    func(c *server.Config) { c.Signer = (*nilSigner)(nil) },
		"Broker":    func(c *server.Config) { c.Broker = (*ownbroker.Broker)(nil) },
		"Messenger": func(c *server.Config) { c.Messenger = (*mail.Sender)(nil) },
		"Brands":    func(c *server.Config) { c.Brands = (*plug.Brand)(nil) },
	} {
		store := memory.New()
		config := server.Config{Storage: store, SealingKeys: []server.SealingKey{sealingKey(1)}, PublicURL: "http://127.0.0.1"}
		change(&config)
		if s, err := server.New(config); err == nil || !strings.Contains(err.Error(), "Config."+field+" is a nil") {
			t.Errorf("%s: %v", field, err)
			if s != nil {
				_ = s.Close()
			}
		}
		_ = store.Close()
	}
}

func TestNewRefusesNegativeKeyLife(t *testing.T) {
	t.Parallel()
	store := memory.New()
	defer store.Close()
	_, err := server.New(server.Config{Storage: store, SealingKeys: []server.SealingKey{sealingKey(1)}, PublicURL: "http://127.0.0.1", KeyLife: -1})
	if err == nil || !strings.Contains(err.Error(), "KeyLife") {
		t.Errorf("error %v", err)
	}
}
