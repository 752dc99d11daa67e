package latchkey

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/latchkey-auth/latchkey/internal/amplifyconfig"
)

func TestLoadConfig(t *testing.T) {
	t.Parallel()
	tests := map[string]Config{
		"amplify_outputs.json": {
			UserPoolID: "eu-central-1_Ab3dEf6hI", ClientID: "7kq0example0client0id00001",
			IdentityPoolID: "eu-central-1:5b1f0c1e-7d0a-4c55-9a57-8f6c2d1f0a11", AllowGuests: true,
			UserPoolEndpoint: "https://127.0.0.1:9230/", IdentityPoolEndpoint: "https://127.0.0.1:9230/",
			OAuthBaseURL: "https://127.0.0.1:9230", Issuer: "https://127.0.0.1:9230/eu-central-1_Ab3dEf6hI",
			CAFile: filepath.Join("testdata", "config", "ca.pem"),
			OAuth: &OAuthConfig{
				Domain: "signin.example.com", Scopes: []string{"openid", "email"}, RedirectSignIn: []string{"http://localhost:3000/in"},
				RedirectSignOut: []string{"http://localhost:3000/out"}, ResponseType: "code", IdentityProviders: []string{"GOOGLE"},
			},
		},
		"aws-exports.js": {
			UserPoolID: "us-west-2_Zy9xWv8uT", ClientID: "1example2client3id4example",
			IdentityPoolID: "us-west-2:2c9d7f10-3c3e-4a0f-8a37-0b9a1f8f2b22", AllowGuests: true,
			OAuth: &OAuthConfig{
				Domain: "shop.auth.us-west-2.amazoncognito.com", Scopes: []string{"openid", "profile"},
				RedirectSignIn:  []string{"http://localhost:3000/", "https://shop.example.com/"},
				RedirectSignOut: []string{"http://localhost:3000/"}, ResponseType: "code", IdentityProviders: []string{"FACEBOOK"},
			},
		},
	}
	for name, want := range tests {
		got, err := LoadConfig(filepath.Join("testdata", "config", name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(Secret.Equal), cmpopts.IgnoreUnexported(Config{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseConfigForms(t *testing.T) {
	t.Parallel()
	const gen1 = `{"aws_project_region":"us-east-1","aws_user_pools_id":"us-east-1_a","aws_user_pools_web_client_id":"c"`
	const gen2 = `{"version":"1","auth":{"user_pool_id":"us-east-1_a","user_pool_client_id":"c"`
	tests := []struct {
		name, text string
		guests     bool
	}{
		{"gen 2, guests by default", gen2 + `}}`, false},
		{"gen 2, guests off", gen2 + `,"unauthenticated_identities_enabled":false}}`, false},
		{"gen 2, guests on", gen2 + `,"unauthenticated_identities_enabled":true}}`, true},
		{"gen 2, guests null", gen2 + `,"unauthenticated_identities_enabled":null}}`, false},
		{"gen 1, guests by default", gen1 + `}`, true},
		{"gen 1, mandatory sign-in", gen1 + `,"aws_mandatory_sign_in":"enable"}`, false},
		{"gen 1, mandatory sign-in off", gen1 + `,"aws_mandatory_sign_in":"disable"}`, true},
		{"gen 1, empty oauth", gen1 + `,"oauth":{}}`, true},
		{"byte order mark", "\ufeff" + gen2 + `}}`, false},
		{"export default", "export default " + gen1 + `};`, true},
		{"exported const", "export const config = " + gen1 + `}`, true},
		{"var", "var awsmobile=" + gen1 + `};`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := ParseConfig([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if c.UserPoolID != "us-east-1_a" || c.ClientID != "c" || c.AllowGuests != tt.guests || c.OAuth != nil {
				t.Errorf("%+v", c)
			}
			if _, err := New(c); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestParseConfigErrors: the text says where.
func TestParseConfigErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"wrong type", "{\n \"version\": \"1\",\n \"auth\": {\n  \"user_pool_id\": 7}}", "line 4: auth.user_pool_id"},
		{"wrong type in a list", "{\"version\":\"1\",\n\"auth\":{\"mfa_methods\":[\"SMS\",\n{}]}}", "line 3: auth.mfa_methods.1"},
		{"guests as text", `{"version":"1","auth":{"unauthenticated_identities_enabled":"true"}}`, "line 1: auth.unauthenticated_identities_enabled"},
		{"permission as text", "{\"version\":\"1\",\"auth\":{},\n\"latchkey\":{\"insecure_http\":\"true\"}}", "line 2: latchkey.insecure_http"},
		{"wrong type of ours", "{\"version\":\"1\",\"auth\":{},\n\"latchkey\":{\"issuer\":true}}", "line 2: latchkey.issuer"},
		{"gen 1, wrong type", "const a = {\n\"aws_project_region\": \"x\",\n\"aws_user_pools_id\": []};", "line 3: aws_user_pools_id"},
		{"gen 1, length", `{"aws_project_region":"x","aws_cognito_password_protection_settings":{"passwordPolicyMinLength":"ten"}}`, "passwordPolicyMinLength"},
		{"gen 1, no region", `{"aws_user_pools_id":"us-east-1_a"}`, "aws_project_region"},
		{"twice", "{\"version\":\"1\",\n\"version\":\"1\"}", "line 2: version: duplicate member"},
		{"cut", "{\"version\":\"1\",\n\"auth\":{", "line 2: auth"},
		{"version 2", `{"version":"2","auth":{}}`, `version "2" is not 1.x`},
		{"no auth", `{"version":"1.4","data":{}}`, `it has no "auth"`},
		{"something else", `{"name":"latchkey"}`, "neither an amplify_outputs.json nor an aws-exports.js"},
		{"native plugins", `{"auth":{"plugins":{}}}`, `"auth" but no "version"`},
		{"empty", "", "no JSON object"},
		{"code before", "process.exit(); x = {}", "stands before the object"},
		{"code after", "{\"version\":\"1\"}\nboom()", `line 2: "boom()" follows`},
		{"huge", strings.Repeat(" ", amplifyconfig.MaxSize+1), "more than 1 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseConfig([]byte(tt.text))
			if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("ParseConfig: %v, want %q", err, tt.want)
			}
			path := filepath.Join(t.TempDir(), "outputs.json")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := LoadConfig(path); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), path) {
				t.Errorf("LoadConfig: %v", err)
			}
		})
	}
}

func TestNewChecks(t *testing.T) {
	t.Parallel()
	good := Config{UserPoolID: testPool, ClientID: testClient}
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string // in the error; empty for none
	}{
		"good":                  {func(*Config) {}, ""},
		"identity pool alone":   {func(c *Config) { *c = Config{IdentityPoolID: testIdentityPool} }, ""},
		"nothing":               {func(c *Config) { *c = Config{} }, "UserPoolID"},
		"pool without _":        {func(c *Config) { c.UserPoolID = "us-east-1" }, "us-east-1_abc123DEF"},
		"pool without region":   {func(c *Config) { c.UserPoolID = "_abc" }, "region_id"},
		"pool with a path":      {func(c *Config) { c.UserPoolID = "evil.example/_x" }, "region_id"},
		"no client":             {func(c *Config) { c.ClientID = "" }, "ClientID"},
		"identity pool":         {func(c *Config) { c.IdentityPoolID = "us-east-1" }, "region:uuid"},
		"endpoint":              {func(c *Config) { c.UserPoolEndpoint = "localhost:9229" }, "UserPoolEndpoint"},
		"endpoint with a query": {func(c *Config) { c.UserPoolEndpoint = "https://a/?token=secret" }, "neither user, query"},
		"endpoint with a user":  {func(c *Config) { c.UserPoolEndpoint = "https://u:secret@a/" }, "neither user, query"},
		"file endpoint":         {func(c *Config) { c.OAuthBaseURL = "file:///etc" }, "OAuthBaseURL"},
		"negative":              {func(c *Config) { c.Timeout = -1 }, "negative"},
		"no CA file":            {func(c *Config) { c.CAFile = filepath.Join("testdata", "missing.pem") }, "CAFile"},
		"empty CA file":         {func(c *Config) { c.CAFile = filepath.Join("testdata", "config", "aws-exports.js") }, "PEM"},
	} {
		cfg := good
		tt.change(&cfg)
		c, err := New(cfg)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.want == "":
			_ = c.Close()
		case !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	for pool, want := range map[string]string{
		"us-east-1_a":  "https://cognito-idp.us-east-1.amazonaws.com/",
		"cn-north-1_a": "https://cognito-idp.cn-north-1.amazonaws.com.cn/",
	} {
		if got := (Config{UserPoolID: pool}).userPoolURL(); got != want {
			t.Errorf("%s: %s", pool, got)
		}
	}
	own := Config{UserPoolID: "us-east-1_a", UserPoolEndpoint: "http://127.0.0.1:9229/up", Issuer: "https://issuer.example"}
	if own.userPoolURL() != "http://127.0.0.1:9229/up" || own.Region() != "us-east-1" || !own.acceptsIssuer("https://issuer.example") ||
		own.acceptsIssuer("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_a") {
		t.Errorf("%+v", own)
	}
	if got := (Config{UserPoolID: "us-east-1_a", UserPoolEndpoint: "http://127.0.0.1:9229"}).userPoolURL(); got != "http://127.0.0.1:9229/" {
		t.Errorf("an endpoint without a path is called at %s", got)
	}
	if (Config{UserPoolID: "us-east-1_a"}).acceptsIssuer("https://evil.example/xus-east-1_a") {
		t.Error("a pool id that merely ends in ours is accepted")
	}
}

// FuzzParseConfig: no file makes the parser panic, and what it accepts it
// accepts again without the latchkey object's help.
func FuzzParseConfig(f *testing.F) {
	for _, name := range []string{"amplify_outputs.json", "aws-exports.js"} {
		data, err := os.ReadFile(filepath.Join("testdata", "config", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("/*"))
	f.Add([]byte("// x\nexport default {\"aws_\":0}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil && !errors.Is(err, ErrConfig) {
			t.Errorf("error without a kind: %v", err)
		}
		if err == nil {
			_ = c.check()
		}
	})
}

// TestConfigFile checks that programs can read the members that Config has no field for.
func TestConfigFile(t *testing.T) {
	t.Parallel()
	var members struct {
		Auth struct {
			Policy struct {
				Length int `json:"min_length"`
			} `json:"password_policy"`
		} `json:"auth"`
		Policy struct {
			Length int `json:"passwordPolicyMinLength"`
		} `json:"aws_cognito_password_protection_settings"`
	}
	for name, text := range map[string]string{
		"gen 2": `{"version":"1","auth":{"user_pool_id":"us-east-1_a","user_pool_client_id":"c","password_policy":{"min_length":9}}}`,
		"gen 1": "/* made by a tool */\nconst awsmobile = {\n" + `"aws_project_region":"us-east-1","aws_user_pools_id":"us-east-1_a",
			"aws_user_pools_web_client_id":"c","aws_cognito_password_protection_settings":{"passwordPolicyMinLength":9}};` + "\nexport default awsmobile;",
	} {
		config, err := ParseConfig([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		config.File()[0] = 'x' // it is the caller's own copy
		members.Auth.Policy.Length, members.Policy.Length = 0, 0
		if err := json.Unmarshal(config.File(), &members); err != nil || members.Auth.Policy.Length+members.Policy.Length != 9 {
			t.Errorf("%s: %v, %s", name, err, config.File())
		}
	}
	if got := (Config{UserPoolID: "us-east-1_a"}).File(); got != nil {
		t.Errorf("a Config of the program: %s", got)
	}
}
