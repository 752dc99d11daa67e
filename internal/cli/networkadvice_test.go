package cli

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/fault"
)

// TestNetworkAdvice checks what each kind of configuration is told about each kind of failure.
func TestNetworkAdvice(t *testing.T) {
	t.Setenv("LATCHKEY_HOME", t.TempDir())
	refused := errors.New("connection refused")
	for name, test := range map[string]struct {
		config latchkey.Config
		err    error
		hint   string
		want   string
	}{
		"local service":    {latchkey.Config{UserPoolID: "a", UserPoolEndpoint: "http://127.0.0.1:9229"}, refused, fault.HintNetwork, "is the service running? `lk up` starts a local one"},
		"localhost":        {latchkey.Config{UserPoolID: "a", UserPoolEndpoint: "https://pool.localhost:9230"}, refused, fault.HintNetwork, "is the service running? `lk up` starts a local one"},
		"identity pool":    {latchkey.Config{IdentityPoolEndpoint: "https://ids.example.com"}, refused, fault.HintNetwork, "is the service at ids.example.com running? Check latchkey.identity_pool_endpoint and the network connection"},
		"own service":      {latchkey.Config{UserPoolID: "a", UserPoolEndpoint: "https://id.example.com/"}, refused, fault.HintNetwork, "is the service at id.example.com running? Check latchkey.user_pool_endpoint and the network connection"},
		"real pool":        {latchkey.Config{UserPoolID: "a"}, refused, fault.HintNetwork, "check the network connection"},
		"unknown region":   {latchkey.Config{UserPoolID: "a"}, &net.DNSError{IsNotFound: true}, fault.HintNetwork, "check the network connection, and the region in the user pool id"},
		"known cause":      {latchkey.Config{UserPoolID: "a"}, refused, fault.HintPortal, fault.HintPortal},
		"members, not Go":  {latchkey.Config{UserPoolID: "a"}, refused, "set Config.CAFile", "set latchkey.ca_file"},
		"no configuration": {latchkey.Config{}, refused, "", "check the network connection"},
	} {
		c := commandLine{program: "lk", target: targetOf(test.config)}
		if got := c.adviseNetwork(test.err, test.hint); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// realPool is the configuration of a user pool of Amazon Cognito.
func realPool(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "amplify_outputs.json")
	const text = `{"version":"1.4","auth":{"user_pool_id":"us-east-1_abcDEF123","user_pool_client_id":"client"}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestProxyFailuresHaveHints calls a real pool through proxies that do not let it pass.
func TestProxyFailuresHaveHints(t *testing.T) {
	t.Parallel()
	answering := func(status int) string {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(proxy.Close)
		return proxy.URL
	}
	p := newPlace(t)
	config := realPool(t)
	for name, test := range map[string]struct{ proxy, text, hint string }{
		"wants a login": {answering(http.StatusProxyAuthRequired), "the proxy answered 407 Proxy Authentication Required", "the proxy requires a user name and a password: set HTTPS_PROXY and HTTP_PROXY to http://USER:PASSWORD@HOST:PORT"},
		"forbids":       {answering(http.StatusForbidden), "the proxy answered 403 Forbidden", "the proxy that HTTPS_PROXY or HTTP_PROXY names does not connect to the service"},
		"is not there":  {"http://127.0.0.1:1", "proxyconnect", "the proxy that HTTPS_PROXY or HTTP_PROXY names does not connect to the service"},
	} {
		for _, command := range []string{"login demo --password-stdin", "verify " + unsignedToken} {
			cmd := p.command(append(strings.Fields(command), "--config", config)...)
			cmd.Env = append(cmd.Env, "HTTPS_PROXY="+test.proxy, "NO_PROXY=", "no_proxy=", "https_proxy=")
			cmd.Stdin = strings.NewReader("Some-Password-1")
			said, _ := cmd.CombinedOutput() // the code says it
			if code := cmd.ProcessState.ExitCode(); code != exitNetwork || !strings.Contains(string(said), test.text) || !strings.Contains(string(said), "\nhint: "+test.hint) || strings.Contains(string(said), "latchkey up") {
				t.Errorf("a proxy that %s, %s: exit %d, %s", name, command, code, said)
			}
		}
	}
}

// unsignedToken has a key id, so that verify fetches keys, and a signature of rubbish.
const unsignedToken = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiJhIn0." +
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// TestUntrustedAuthorityHasHint uses the service over https without its authority.
func TestUntrustedAuthorityHasHint(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	config := s.configWith(t, s.Endpoint, s.HTTPSEndpoint, `"ca_file":"`+s.CAFile+`"`, `"ca_file":""`)
	for _, command := range []string{"login demo --password-stdin", "verify " + unsignedToken} {
		_, said, code := p.run(t, s.Password, append(strings.Fields(command), "--config", config)...)
		if code != exitNetwork || !strings.Contains(said, "\nhint: the service's certificate is not trusted; set latchkey.ca_file to") || strings.Contains(said, "running?") {
			t.Errorf("%s: exit %d, %s", command, code, said)
		}
	}
	named := s.configWith(t, s.Endpoint, strings.Replace(s.HTTPSEndpoint, "127.0.0.1", "127.0.0.7", 1))
	if _, said, code := p.run(t, s.Password, "login", "demo", "--password-stdin", "--config", named); code != exitNetwork || !strings.Contains(said, "hint: ") {
		t.Errorf("of another host: exit %d, %s", code, said)
	}
	p.must(t, s.Password, 0, "login", "demo", "--password-stdin", "--config",
		s.configWith(t, `"user_pool_endpoint":"`+s.Endpoint, `"user_pool_endpoint":"`+s.HTTPSEndpoint))
}

// TestOwnServiceHasHint names the address of a service of one's own that does not run.
func TestOwnServiceHasHint(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	address := net.JoinHostPort(networkAddress(t), "1")
	path := filepath.Join(t.TempDir(), "outputs.json")
	text := `{"version":"1.4","auth":{"user_pool_id":"us-east-1_a","user_pool_client_id":"c"},"latchkey":{"user_pool_endpoint":"http://` + address + `","insecure_http":true}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"login demo --password-stdin", "verify " + unsignedToken} {
		_, said, code := p.run(t, "Some-Password-1", append(strings.Fields(command), "--config", path)...)
		if code != exitNetwork || !strings.Contains(said, "\nhint: is the service at "+address+" running? Check latchkey.user_pool_endpoint") {
			t.Errorf("%s: exit %d, %s", command, code, said)
		}
	}
}

// TestVerifyDerivesIssuer verifies tokens with a configuration that has no issuer.
func TestVerifyDerivesIssuer(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	p.must(t, s.Password, 0, "login", "demo", "--password-stdin", "--config", s.ConfigFile)
	token, _ := p.must(t, "", 0, "token", "--config", s.ConfigFile)
	without := s.configWith(t, `"issuer":"`+s.Endpoint+"/"+s.UserPoolID+`"`, `"issuer":""`)
	p.must(t, token, 0, "verify", "-", "--config", without)
	slash := s.configWith(t, `"issuer":"`+s.Endpoint+"/"+s.UserPoolID+`"`, `"issuer":""`, `"user_pool_endpoint":"`+s.Endpoint+`"`, `"user_pool_endpoint":"`+s.Endpoint+`/"`)
	p.must(t, token, 0, "verify", "-", "--config", slash)

	// Errors have a hint, and no name of a package.
	other := s.configWith(t, s.ClientID, "1example2client3id4example")
	wrongPool := s.configWith(t, s.UserPoolID, "us-east-1_abcDEF123")
	for name, test := range map[string]struct {
		config, stdin, hint string
		code                int
	}{
		"another client":  {other, token, "name the configuration of that app client with --config", 1},
		"no such pool":    {wrongPool, token, "check latchkey.issuer and the user pool id in the configuration", 4},
		"malformed":       {without, "Bearer " + token, "give the whole token, and nothing else", 1},
		"unsigned":        {without, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "do not trust this token", 1},
		"other algorithm": {without, unsignedToken, "the token is of another user pool or service", 1},
		"issuer no URL":   {s.configWith(t, `"issuer":"`+s.Endpoint+"/"+s.UserPoolID+`"`, `"issuer":"nowhere"`), token, "check latchkey.issuer", 2},
	} {
		_, said := p.must(t, test.stdin, test.code, "verify", "-", "--config", test.config)
		if !strings.Contains(said, "\nhint: "+test.hint) || strings.Contains(said, "jwt:") {
			t.Errorf("%s: %s", name, said)
		}
	}
	noPool := filepath.Join(t.TempDir(), "nopool.json")
	if err := os.WriteFile(noPool, []byte(`{"version":"1.4","auth":{"identity_pool_id":"us-east-1:1"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said := p.must(t, token, 2, "verify", "-", "--config", noPool); !strings.Contains(said, "hint: set auth.user_pool_id") {
		t.Errorf("without a pool: %s", said)
	}
}

// TestIssuer checks whose keys count where the configuration names no issuer.
func TestIssuer(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]latchkey.Config{
		"https://i":               {Issuer: "https://i", UserPoolEndpoint: "https://e", UserPoolID: "us-east-1_a"},
		"https://e/us-east-1_a":   {UserPoolEndpoint: "https://e", UserPoolID: "us-east-1_a"},
		"https://e/x/us-east-1_a": {UserPoolEndpoint: "https://e/x/", UserPoolID: "us-east-1_a"},
		"https://cognito-idp.us-east-1.amazonaws.com/us-east-1_a":      {UserPoolID: "us-east-1_a"},
		"https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_a": {UserPoolID: "cn-north-1_a"},
	} {
		if got := issuer(config); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
