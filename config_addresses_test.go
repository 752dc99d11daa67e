package latchkey

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// addressFields set one address of a configuration, by the field's name.
var addressFields = map[string]func(*Config, string){
	"UserPoolEndpoint":     func(c *Config, address string) { c.UserPoolEndpoint = address },
	"IdentityPoolEndpoint": func(c *Config, address string) { c.IdentityPoolEndpoint = address },
	"OAuthBaseURL":         func(c *Config, address string) { c.OAuthBaseURL = address },
	"Issuer": func(c *Config, address string) {
		c.Issuer, c.OAuth = address, &OAuthConfig{Domain: "signin.example.com"}
	},
}

// TestNewRefusesInsecureHTTP: plain http to another machine needs a permission, in every
// field that is called. Spellings are covered by the tests of package localhost.
func TestNewRefusesInsecureHTTP(t *testing.T) {
	t.Parallel()
	for field, set := range addressFields {
		for address, exposed := range map[string]bool{
			"http://pool.example.com": true, "HTTP://192.168.1.7:9229/up": true, "http://[fd00::7]:9229": true,
			"http://0.0.0.0:9229": true, "http://127.0.0.1.evil.example": true, "http://2130706433/": true,
			"https://pool.example.com": false, "http://127.0.0.1:9229": false, "http://127.8.8.8": false, "http://[::1]:9229/": false,
			"http://localhost:9229": false, "http://LOCALHOST.": false, "http://pool.localhost:9229/up": false, "http://[::ffff:127.0.0.1]/": false,
		} {
			c := Config{UserPoolID: testPool, ClientID: testClient}
			set(&c, address)
			client, err := New(c)
			if err == nil {
				_ = client.Close()
			}
			if exposed && (!errors.Is(err, ErrConfig) || !strings.Contains(fmt.Sprint(err), "Config."+field) || !strings.Contains(fmt.Sprint(err), "Config.InsecureHTTP")) {
				t.Errorf("%s %s: %v", field, address, err)
			}
			if !exposed && err != nil {
				t.Errorf("%s %s: %v", field, address, err)
			}
			c.InsecureHTTP = true
			if client, err = New(c); err != nil {
				t.Errorf("%s %s with InsecureHTTP: %v", field, address, err)
				continue
			}
			_ = client.Close()
		}
	}
}

// TestNewTakesComparedIssuer: an issuer whose keys the client never fetches is a text
// to compare, and callback URLs are the program's own affair.
func TestNewTakesComparedIssuer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"http issuer":      {Issuer: "http://pool.example.com/p"},
		"issuer is no URL": {Issuer: "http://%zz"},
		"former":           {FormerEndpoints: []string{"http://pool.example.com"}},
		"no URL, pages":    {Issuer: "http://%zz", OAuthBaseURL: "https://signin.example.com"},
		"callback": {OAuth: &OAuthConfig{
			Domain: "signin.example.com", RedirectSignIn: []string{"http://intranet.example/cb"}, RedirectSignOut: []string{"http://intranet.example/"},
		}},
	} {
		c.UserPoolID, c.ClientID = testPool, testClient
		client, err := New(c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = client.Close()
	}
}

// TestConfigErrorsNameTheMember: an address that came from a file is called by the
// file's member, one that the program set by the field.
func TestConfigErrorsNameTheMember(t *testing.T) {
	t.Parallel()
	for generation, format := range map[string]string{
		"gen 1": `{"aws_project_region":"us-east-1","aws_user_pools_id":%q,"aws_user_pools_web_client_id":%q,"oauth":{"domain":"signin.example.com"},"latchkey":{%s}}`,
		"gen 2": `{"version":"1","auth":{"user_pool_id":%q,"user_pool_client_id":%q,"oauth":{"domain":"signin.example.com"}},"latchkey":{%s}}`,
	} {
		for member, field := range map[string]string{
			"user_pool_endpoint": "UserPoolEndpoint", "identity_pool_endpoint": "IdentityPoolEndpoint", "oauth_base_url": "OAuthBaseURL", "issuer": "Issuer",
		} {
			path := filepath.Join(t.TempDir(), "outputs.json")
			load := func(members string) Config {
				t.Helper()
				if err := os.WriteFile(path, fmt.Appendf(nil, format, testPool, testClient, members), 0o600); err != nil {
					t.Fatal(err)
				}
				c, err := LoadConfig(path)
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			refused := func(c Config, wants ...string) {
				t.Helper()
				_, err := New(c)
				for _, want := range wants {
					if !errors.Is(err, ErrConfig) || !strings.Contains(fmt.Sprint(err), want) {
						t.Errorf("%s, %s: %v, want %q", generation, member, err, want)
					}
				}
			}
			exposed := fmt.Sprintf(`%q:"http://pool.example.com:9229"`, member)
			c := load(exposed)
			refused(c, path+": latchkey."+member, "latchkey.insecure_http", `"pool.example.com"`)
			addressFields[field](&c, "http://other.example.com")
			refused(c, "Config."+field)
			if member != "issuer" { // of which any text is taken
				refused(load(fmt.Sprintf(`%q:"https://u:p@pool.example.com"`, member)), "latchkey."+member+" must have neither")
			}
			for _, members := range []string{exposed + `,"insecure_http":true`, fmt.Sprintf(`%q:"http://127.0.0.1:9229","insecure_http":false`, member)} {
				client, err := New(load(members))
				if err != nil {
					t.Errorf("%s, %s: %v", generation, members, err)
					continue
				}
				_ = client.Close()
			}
			refused(load(exposed+`,"insecure_http":false`), member)
			refused(load(exposed+`,"insecure_http":null`), member)
		}
	}
}
