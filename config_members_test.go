package latchkey

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigErrorsNameMissingMembers checks that an id that is missing or malformed is called
// by its member and the file's name, or by the field if the program set it.
func TestConfigErrorsNameMissingMembers(t *testing.T) {
	t.Parallel()
	const gen1 = `{"aws_project_region":"us-east-1"`
	for name, test := range map[string]struct {
		text   string
		change func(*Config)
		want   string // after the path
		hint   string
	}{
		"no pool":       {text: `{"version":"1.4","auth":{}}`, want: ": auth.user_pool_id is missing", hint: "set auth.user_pool_id and auth.user_pool_client_id"},
		"no client":     {text: `{"version":"1.4","auth":{"user_pool_id":"us-east-1_a"}}`, want: ": auth.user_pool_client_id is missing", hint: "set auth.user_pool_client_id"},
		"pool's form":   {text: `{"version":"1.4","auth":{"user_pool_id":"a"}}`, want: `: auth.user_pool_id "a" must have the form region_id`},
		"identity pool": {text: `{"version":"1.4","auth":{"identity_pool_id":"a"}}`, want: `: auth.identity_pool_id "a" must have the form region:uuid`},
		"gen 1, no pool": {
			text: gen1 + `}`, want: ": aws_user_pools_id is missing", hint: "set aws_user_pools_id and aws_user_pools_web_client_id",
		},
		"gen 1, identity pool": {text: gen1 + `,"aws_cognito_identity_pool_id":"a"}`, want: `: aws_cognito_identity_pool_id "a" must`},
		"set by the program": {
			text: `{"version":"1.4","auth":{}}`, change: func(c *Config) { c.UserPoolID = "b" }, want: `Config.UserPoolID "b" must have the form`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "outputs.json")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := LoadConfig(path)
			if err != nil {
				t.Fatal(err)
			}
			want := path + test.want
			if test.change != nil {
				test.change(&c)
				want = test.want
			}
			_, err = New(c)
			e, ok := errors.AsType[*Error](err)
			if !ok || !errors.Is(err, ErrConfig) || !strings.HasPrefix(e.Message, want) || e.Hint != test.hint {
				t.Errorf("%v, want %q with the hint %q", err, want, test.hint)
			}
		})
	}
}

// TestCallbackErrorsNameTheMember checks errors about callback URLs of a file.
func TestCallbackErrorsNameTheMember(t *testing.T) {
	t.Parallel()
	const member = "auth.oauth.redirect_sign_in_uri"
	for uri, want := range map[string]struct{ redirect, browser string }{
		"nowhere":                  {"the first URL of " + member + " must be absolute", "add it to " + member},
		"https://app.example.com/": {"", "add it to " + member},
	} {
		c, err := ParseConfig([]byte(`{"version":"1.4","auth":{"user_pool_id":"` + testPool + `","user_pool_client_id":"c","oauth":{"domain":"d.example.com","redirect_sign_in_uri":["` + uri + `"]}}}`))
		if err != nil {
			t.Fatal(err)
		}
		client, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := client.AuthCodeURL(); (err == nil) != (want.redirect == "") || err != nil && !strings.Contains(err.Error(), want.redirect) {
			t.Errorf("%s: AuthCodeURL: %v, want %q", uri, err, want.redirect)
		}
		if err := client.SignInBrowser(t.Context()); err == nil || !strings.Contains(err.Error(), want.browser) {
			t.Errorf("%s: SignInBrowser: %v, want %q", uri, err, want.browser)
		}
		if _, _, err := client.AuthCodeURL(RedirectTo("nowhere")); err == nil || !strings.Contains(err.Error(), "RedirectTo") && uri == "nowhere" {
			t.Errorf("%s: RedirectTo: %v", uri, err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestCallsNameMembersOfTheFile checks errors of calls, which come after New.
func TestCallsNameMembersOfTheFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"version":"1.4","auth":{"identity_pool_id":"` + testIdentityPool + `"}}`:                             "auth.user_pool_id is missing",
		`{"version":"1.4","auth":{"user_pool_id":"` + testPool + `","user_pool_client_id":"c"}}`:               "set auth.oauth.domain to",
		`{"aws_project_region":"x","aws_user_pools_id":"` + testPool + `","aws_user_pools_web_client_id":"c"}`: "set oauth.domain to",
	} {
		c, err := ParseConfig([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		client, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err = client.AuthCodeURL(); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
}
