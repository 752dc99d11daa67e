package identitypool_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/identitypool"
	"github.com/latchkey-auth/latchkey/server/internal/openid/openidtest"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// openIDHarness takes the provider's users, as a login provider or by an ARN of IAM.
func openIDHarness(t *testing.T, p *openidtest.Provider, byARN bool, providers plug.Providers) *harness {
	t.Helper()
	h := newService(t, func(c *identitypool.Config) { c.Providers = providers })
	h.identities = h.addIdentityPool(func(s *wire.IdentityPoolSettings) {
		if byARN {
			s.OpenIdConnectProviderARNs = []string{p.ARN()}
		} else {
			s.SupportedLoginProviders = map[string]string{p.Name(): "other,app"}
		}
	})
	return h
}

// TestOpenIDLogin: another provider's user has one identity, linked and merged as a
// user pool's, with a role by the provider's mapping.
func TestOpenIDLogin(t *testing.T) {
	t.Parallel()
	for _, byARN := range []bool{false, true} {
		p := openidtest.New(t, false)
		h := openIDHarness(t, p, byARN, plug.Providers{AllowLoopback: true, Audiences: map[string][]string{p.Name(): {"app"}}})
		login := func(sub string) wire.Parameters { return wire.Parameters{p.Name(): p.Token(sub, nil)} }
		guest := h.mustID(nil)
		if got := h.mustCredentials(guest, login("u-1")); got.IdentityId != guest || string(got.Credentials.SessionToken) != guest+" "+p.Name()+" u-1" {
			t.Errorf("ARN %v: credentials for %s", byARN, string(got.Credentials.SessionToken))
		}
		if got := h.mustID(login("u-1")); got != guest {
			t.Errorf("ARN %v: identity %s, want %s", byARN, got, guest)
		}
		if h.mustID(login("u-2")) == guest {
			t.Errorf("ARN %v: two users have one identity", byARN)
		}
		if asked := p.Requests.Load(); asked != 2 {
			t.Errorf("ARN %v: the provider was asked %d times, want 2", byARN, asked)
		}
		name := p.Name()
		if byARN {
			name = p.ARN()
		}
		h.setRoles(h.identities, map[string]wire.RoleMapping{name: {
			Type: wire.RoleMappingRules, AmbiguousRoleResolution: wire.AmbiguousRoleDeny,
			RulesConfiguration: &wire.RulesConfigurationType{Rules: []wire.MappingRule{
				{Claim: "team", MatchType: wire.MatchEquals, Value: "blue", RoleARN: roleNamed("blue")},
			}},
		}})
		if got := string(h.mustCredentials(guest, login("u-1")).Credentials.SecretKey); got != roleNamed("blue") {
			t.Errorf("ARN %v: role %s", byARN, got)
		}

		// A user pool's login joins the same identity; a second user of the provider cannot.
		both := login("u-1")
		both[h.awsKey()] = h.signIn("ann", nil)[h.awsKey()]
		if got := h.mustID(both); got != guest {
			t.Errorf("ARN %v: with two logins %s, want %s", byARN, got, guest)
		}
		if got := h.mustID(wire.Parameters{h.awsKey(): both[h.awsKey()]}); got != guest {
			t.Errorf("ARN %v: by the other login %s, want %s", byARN, got, guest)
		}
		mixed := login("u-2")
		mixed[h.awsKey()] = both[h.awsKey()]
		_, err := h.getID(mixed)
		wantException(t, err, wire.ResourceConflictException, wire.MessageLoginsLinkedElsewhere)
		mixed = login("u-3")
		mixed[h.awsKey()] = both[h.awsKey()]
		_, err = h.getID(mixed)
		wantException(t, err, wire.ResourceConflictException, wire.MessageLoginsLinkedElsewhere)
	}
}

func TestBadOpenIDLogins(t *testing.T) {
	t.Parallel()
	p := openidtest.New(t, false)
	h := openIDHarness(t, p, false, here)
	now := time.Now().Unix()
	for name, c := range map[string]struct{ token, want string }{
		"nonsense":                {"a.b", wire.MessageLoginNotOpenID},
		"unsigned":                {openidtest.Unsigned(p.Token("u", nil)), wire.MessageLoginSignature},
		"forged":                  {openidtest.WithSubject(p.Token("u", nil), "x"), wire.MessageLoginSignature},
		"another's key":           {p.Signed(testKeys()[0], "u", nil), wire.MessageLoginSignature},
		"another issuer":          {p.Token("u", map[string]any{"iss": "https://idp.example.com"}), wire.MessageLoginIssuerMismatch},
		"longer issuer":           {p.Token("u", map[string]any{"iss": p.Issuer + "/"}), wire.MessageLoginIssuerMismatch},
		"issuer of a scheme":      {p.Token("u", map[string]any{"iss": strings.Replace(p.Issuer, "http", "ftp", 1)}), wire.MessageLoginIssuerMismatch},
		"issuer in capitals":      {p.Token("u", map[string]any{"iss": strings.Replace(p.Issuer, "http://", "HTTP://", 1)}), wire.MessageLoginIssuerMismatch},
		"scheme half in capitals": {p.Token("u", map[string]any{"iss": strings.Replace(p.Issuer, "http://", "Https://", 1)}), wire.MessageLoginIssuerMismatch},
		"issuer with a user":      {p.Token("u", map[string]any{"iss": strings.Replace(p.Issuer, "//", "//x@", 1)}), wire.MessageLoginIssuerMismatch},
		"no issuer":               {p.Token("u", map[string]any{"iss": nil}), wire.MessageLoginIssuerMismatch},
		"another client":          {p.Token("u", map[string]any{"aud": "stranger"}), wire.MessageUnsupportedProvider},
		"clients of others":       {p.Token("u", map[string]any{"aud": []string{"app", "stranger"}}), wire.MessageUnsupportedProvider},
		"no client":               {p.Token("u", map[string]any{"aud": nil}), wire.MessageUnsupportedProvider},
		"access token":            {p.Token("u", map[string]any{"token_use": "access"}), wire.MessageLoginMissingAudience},
		"no subject":              {p.Token("", nil), wire.MessageLoginSignature},
		"not yet":                 {p.Token("u", map[string]any{"nbf": now + 100}), wire.MessageLoginNotYetValid},
	} {
		_, err := h.getID(wire.Parameters{p.Name(): c.token})
		wantRefusal(t, name, err, c.want)
	}
	_, err := h.getID(wire.Parameters{p.Name(): p.Token("u", map[string]any{"exp": now - 60})})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf(" >= %d", now-60)) {
		t.Errorf("expired: %v", err)
	}
	if n := h.countIdentities(); n != 0 {
		t.Errorf("%d identities were made", n)
	}
	unlisted := openIDHarness(t, p, true, here)
	_, err = unlisted.getID(wire.Parameters{p.Name(): p.Token("u", nil)})
	wantRefusal(t, "no audience is configured", err, wire.MessageUnsupportedProvider)
}

// TestProviderDown: what cannot be found out is a temporary error, makes no
// identity, and passes.
func TestProviderDown(t *testing.T) {
	t.Parallel()
	handler := func(h http.HandlerFunc) *http.HandlerFunc { return &h }
	answers := func(status int, body string) *http.HandlerFunc {
		return handler(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); fmt.Fprint(w, body) })
	}
	for name, sabotage := range map[string]func(p *openidtest.Provider){
		"discovery down": func(p *openidtest.Provider) { p.Discovery.Store(answers(503, "")) },
		"discovery moved": func(p *openidtest.Provider) {
			p.Discovery.Store(handler(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) }))
		},
		"another issuer": func(p *openidtest.Provider) {
			p.Discovery.Store(answers(200, `{"issuer":"`+p.Issuer+`/","jwks_uri":"`+p.Web.URL+`/keys"}`))
		},
		"issuer twice": func(p *openidtest.Provider) {
			p.Discovery.Store(answers(200, `{"issuer":"x","issuer":"`+p.Issuer+`","jwks_uri":"`+p.Web.URL+`/keys"}`))
		},
		"keys elsewhere": func(p *openidtest.Provider) {
			p.Discovery.Store(answers(200, `{"issuer":"`+p.Issuer+`","jwks_uri":"http://idp.example.com/keys"}`))
		},
		"keys in a file": func(p *openidtest.Provider) {
			p.Discovery.Store(answers(200, `{"issuer":"`+p.Issuer+`","jwks_uri":"file:///etc/passwd"}`))
		},
		"no document": func(p *openidtest.Provider) { p.Discovery.Store(answers(200, `<html>`)) },
		"endless document": func(p *openidtest.Provider) {
			p.Discovery.Store(answers(200, `{"issuer":"`+strings.Repeat("x", 300<<10)+`"}`))
		},
		"keys down": func(p *openidtest.Provider) { p.Keys.Store(answers(500, "")) },
		"keys moved": func(p *openidtest.Provider) {
			p.Keys.Store(handler(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }))
		},
		"keys cut": func(p *openidtest.Provider) {
			p.Keys.Store(handler(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openidtest.New(t, false)
			sabotage(p)
			h := openIDHarness(t, p, false, here)
			guest := h.mustID(nil)
			login := wire.Parameters{p.Name(): p.Token("u", nil)}
			_, err := h.getID(login)
			wantException(t, err, wire.ExternalServiceException, wire.MessageProviderUnavailable)
			_, err = h.getCredentials(guest, login)
			wantException(t, err, wire.ExternalServiceException, wire.MessageProviderUnavailable)
			if n := h.countIdentities(); n != 1 {
				t.Errorf("%d identities, want the guest's alone", n)
			}
			h.mustCredentials(guest, nil)
			if asked := p.Requests.Load(); asked > 3 {
				t.Errorf("the provider was asked %d times for two sign-ins", asked)
			}
		})
	}
}

// TestProviderAddresses: without leave nobody is asked on this machine, by whatever
// name; with it https works too.
func TestProviderAddresses(t *testing.T) {
	t.Parallel()
	p := openidtest.New(t, true)
	roots := x509.NewCertPool()
	roots.AddCert(p.Web.Certificate())
	var seen atomic.Int64
	p.Web.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		seen.Add(1)
		return nil, nil
	}
	login := wire.Parameters{p.Name(): p.Token("u", nil)}
	closed := openIDHarness(t, p, false, plug.Providers{Roots: roots})
	_, err := closed.getID(login)
	wantException(t, err, wire.ExternalServiceException, wire.MessageProviderUnavailable)
	if n := seen.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
	plain := openidtest.New(t, false)
	closed = openIDHarness(t, plain, false, plug.Providers{})
	_, err = closed.getID(wire.Parameters{plain.Name(): plain.Token("u", nil)})
	wantRefusal(t, "http without leave", err, wire.MessageLoginIssuerMismatch)
	if n := plain.Requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
	open := openIDHarness(t, p, false, plug.Providers{AllowLoopback: true, Roots: roots})
	open.mustID(login)
	if seen.Load() == 0 {
		t.Error("no connection is seen")
	}
	untrusted := openIDHarness(t, p, false, here)
	_, err = untrusted.getID(login)
	wantException(t, err, wire.ExternalServiceException, wire.MessageProviderUnavailable)
}
