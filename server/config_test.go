package server_test

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

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

// newOf makes a service of the required settings and a change, and closes it.
func newOf(t *testing.T, change func(*server.Config)) error {
	t.Helper()
	store := memory.New()
	defer store.Close()
	config := server.Config{Storage: store, SealingKeys: []server.SealingKey{sealingKey(1)}, PublicURL: "http://127.0.0.1"}
	change(&config)
	s, err := server.New(config)
	if s != nil {
		_ = s.Close()
	}
	return err
}

// TestNewRefusesSettings names each setting that the service cannot obey.
func TestNewRefusesSettings(t *testing.T) {
	t.Parallel()
	key := func(change func(*server.AdminKey)) func(*server.Config) {
		return func(c *server.Config) {
			k := server.AdminKey{ID: "AKIAONE", Secret: plug.NewSecret("secret")}
			change(&k)
			c.AdminKeys = []server.AdminKey{k}
		}
	}
	for _, test := range []struct {
		want   string
		change func(*server.Config)
	}{
		{"KeyLife", func(c *server.Config) { c.KeyLife = -1 }},
		{"GuestLife", func(c *server.Config) { c.GuestLife = -1 }},
		{"GuestLife", func(c *server.Config) { c.GuestLife = time.Hour }},
		{"LostAnswers", func(c *server.Config) { c.LostAnswers = -1 }},
		{"LostAnswers", func(c *server.Config) { c.LostAnswers = 24*time.Hour + 1 }},
		{"CredentialLife", func(c *server.Config) { c.CredentialLife = -1 }},
		{"CredentialLife", func(c *server.Config) { c.CredentialLife = 12*time.Hour + 1 }},
		{"Region", func(c *server.Config) { c.Region = "my region" }},
		{"Region", func(c *server.Config) { c.Region = "us_east_1" }},
		{"Region", func(c *server.Config) { c.Region = "US-EAST-1" }},
		{"Region", func(c *server.Config) { c.Region = "-" }},
		{"Region", func(c *server.Config) { c.Region = strings.Repeat("a", 19) }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "auth.example.com" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "https://" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "https:///path" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "https://:443" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "https://auth.example.com?a=b" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "https://auth.example.com?" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "https://auth.example.com#a" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "https://user@auth.example.com" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "https://auth.example.com //" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "https://auth.example.com//" }},
		{"PublicURL", func(c *server.Config) { c.PublicURL = "ftp://auth.example.com" }},
		{"Limits.PerSource", func(c *server.Config) { c.Limits.PerSource = math.NaN() }},
		{"Limits.PerSource", func(c *server.Config) { c.Limits.PerSource = math.Inf(1) }},
		{"Limits.PerSource", func(c *server.Config) { c.Limits.PerSource = 1e18 }},
		{"Limits.Arithmetic", func(c *server.Config) { c.Limits.Arithmetic = -1 }},
		{"Limits.Queue", func(c *server.Config) { c.Limits.Queue = -1 }},
		{"Limits.Queue", func(c *server.Config) { c.Limits.Queue = math.MaxInt }},
		{"Limits.Connections", func(c *server.Config) { c.Limits.Connections = -1 }},
		{"Limits.Connections", func(c *server.Config) { c.Limits.Connections = math.MaxInt }},
		{"Limits.SessionsPerUser", func(c *server.Config) { c.Limits.SessionsPerUser = -1 }},
		{"Limits.SessionsPerUser", func(c *server.Config) { c.Limits.SessionsPerUser = 10_001 }},
		{"Limits.Proxies[1]", func(c *server.Config) {
			c.Limits.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), {}}
		}},
		{"Providers.Audiences", func(c *server.Config) {
			c.Providers.Audiences = map[string][]string{"https://idp.example.com": {"app"}}
		}},
		{"Providers.Audiences", func(c *server.Config) { c.Providers.Audiences = map[string][]string{"": {"app"}} }},
		{"Providers.Audiences", func(c *server.Config) { c.Providers.Audiences = map[string][]string{"idp.example.com": {}} }},
		{"Providers.Audiences", func(c *server.Config) { c.Providers.Audiences = map[string][]string{"idp.example.com": {""}} }},
		{"Brands", func(c *server.Config) { c.Brands = plug.Brand{Stylesheet: strings.Repeat("a", 128<<10+1)} }},
		{"Brands", func(c *server.Config) { c.Brands = plug.Brand{Logo: []byte("x"), LogoType: "text/html"} }},
		{"Brands", func(c *server.Config) { c.Brands = &plug.Brand{Logo: make([]byte, 100<<10+1), LogoType: "image/png"} }},
		{"SealingKeys[1]", func(c *server.Config) { c.SealingKeys = append(c.SealingKeys, server.SealingKey{}) }},
		{"SealingKeys", func(c *server.Config) { c.SealingKeys = nil }},
		{"SealingKeys", func(c *server.Config) { c.SealingKeys = append(c.SealingKeys, c.SealingKeys[0]) }},
		{"Operations", key(func(k *server.AdminKey) { k.Operations = []string{} })},
		{"Operations", key(func(k *server.AdminKey) { k.Operations = []string{"*"} })},
		{"Operations", key(func(k *server.AdminKey) { k.Operations = []string{"cognito-idp:*"} })},
		{"Operations", key(func(k *server.AdminKey) { k.Operations = []string{"TagResource"} })},
		{"Operations", key(func(k *server.AdminKey) { k.Operations = []string{"AdminGetUser", "GetUser"} })},
		{"Operations", key(func(k *server.AdminKey) { k.Operations = []string{"AdminGetUser", "AdminGetUser"} })},
		{"Operations", key(func(k *server.AdminKey) { k.Operations = []string{"AdminGetUser", "cognito-idp:AdminGetUser"} })},
		{"Secret", key(func(k *server.AdminKey) { k.Secret = plug.Secret{} })},
		{"ID", key(func(k *server.AdminKey) { k.ID = "AKIA/one" })},
		{"Name", key(func(k *server.AdminKey) { k.Name = "a b" })},
		{"duplicate ID", func(c *server.Config) {
			k := server.AdminKey{ID: "AKIAONE", Secret: plug.NewSecret("secret")}
			c.AdminKeys = []server.AdminKey{k, k}
		}},
	} {
		if err := newOf(t, test.change); err == nil || !strings.HasPrefix(err.Error(), "server: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("want a refusal that names %s, got %v", test.want, err)
		}
	}
}

// TestNewAcceptsSettings makes services with the least and the most of what settings allow.
func TestNewAcceptsSettings(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*server.Config){
		"the least": func(*server.Config) {},
		"spans": func(c *server.Config) {
			c.KeyLife, c.GuestLife, c.LostAnswers, c.CredentialLife = 1, 48*time.Hour, 24*time.Hour, 12*time.Hour
		},
		"one second of credentials": func(c *server.Config) { c.CredentialLife = time.Second },
		"a region":                  func(c *server.Config) { c.Region = "us-gov-west-1" },
		"another region":            func(c *server.Config) { c.Region = "local" },
		"a path":                    func(c *server.Config) { c.PublicURL = "https://example.com/auth/" },
		"an address":                func(c *server.Config) { c.PublicURL = "http://[::1]:9229" },
		"no bounds": func(c *server.Config) {
			c.Limits = server.Limits{PerSource: -1, MessagesPerSource: -1, ConnectionsPerSource: -1}
		},
		"bounds": func(c *server.Config) {
			c.Limits = server.Limits{PerSource: 0.1, Arithmetic: 1, Queue: 1, SessionsPerUser: 10_000}
		},
		"audiences": func(c *server.Config) {
			c.Providers.Audiences = map[string][]string{"idp.example.com/tenant": {"app", "other"}}
		},
		"a look": func(c *server.Config) { c.Brands = plug.Brand{Logo: []byte("x"), LogoType: "image/png"} },
		"two keys of one administrator": func(c *server.Config) {
			c.AdminKeys = []server.AdminKey{
				{Name: "ops", ID: "one", Secret: plug.NewSecret("a")},
				{Name: "ops", ID: "two", Secret: plug.NewSecret("a"), Operations: []string{"cognito-idp:TagResource", "cognito-identity:TagResource"}},
			}
		},
	} {
		if err := newOf(t, change); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
