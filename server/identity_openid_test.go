package server_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// provider is another OpenID provider, over real HTTP.
type provider struct {
	t      *testing.T
	web    *httptest.Server
	issuer string
	// discovery and keys answer in place of the usual documents.
	discovery, keys atomic.Pointer[http.HandlerFunc]
	asked           atomic.Int64
	kid             atomic.Value // of the usual keys and tokens; a string
}

// keyID is the id of the key that signs now.
func (p *provider) keyID() string {
	if kid, ok := p.kid.Load().(string); ok {
		return kid
	}
	return "provider-key"
}

func newProvider(t *testing.T, secure bool) *provider {
	t.Helper()
	p := &provider{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("/realms/x/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		if special := p.discovery.Load(); special != nil {
			(*special)(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.issuer, "jwks_uri": p.web.URL + "/keys", "extra": []int{1}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		if special := p.keys.Load(); special != nil {
			(*special)(w, r)
			return
		}
		key := testKeys()[0].PublicKey
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "kid": p.keyID(), "use": "sig", "alg": "RS256",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	p.web = httptest.NewUnstartedServer(mux)
	if secure {
		p.web.StartTLS()
	} else {
		p.web.Start()
	}
	t.Cleanup(p.web.Close)
	p.issuer = p.web.URL + "/realms/x"
	return p
}

// name is the Logins key.
func (p *provider) name() string {
	_, name, _ := strings.Cut(p.issuer, "://")
	return name
}

// token is an ID token; change edits its claims, of which nil is taken out.
func (p *provider) token(sub string, change map[string]any) string {
	return p.signed(testKeys()[0], sub, change)
}

func (p *provider) signed(key *rsa.PrivateKey, sub string, change map[string]any) string {
	p.t.Helper()
	now := time.Now().Unix()
	claims := map[string]any{"iss": p.issuer, "sub": sub, "aud": "app", "iat": now, "exp": now + 600, "team": "blue"}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT","kid":"`+p.keyID()+`"}`)) + "." + b64.EncodeToString(payload)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		p.t.Fatal(err)
	}
	return text + "." + b64.EncodeToString(signature)
}

// openIDWorld takes the provider's users, as a login provider or by an ARN of IAM.
func openIDWorld(t *testing.T, p *provider, byARN bool, providers plug.Providers) *world {
	t.Helper()
	w := newWorldOf(t, nil, func(c *server.Config) { c.Providers = providers })
	w.identities = w.addIdentityPool(func(s *wire.IdentityPoolSettings) {
		if byARN {
			s.OpenIdConnectProviderARNs = []string{openIDARN(p)}
		} else {
			s.SupportedLoginProviders = map[string]string{p.name(): "other,app"}
		}
	})
	return w
}

func openIDARN(p *provider) string {
	return "arn:aws:iam::000000000000:oidc-provider/" + p.name()
}

var here = plug.Providers{AllowLoopback: true}

// TestOpenIDLogin: another provider's user has one identity, linked and merged as a
// user pool's, with a role by the provider's mapping.
func TestOpenIDLogin(t *testing.T) {
	t.Parallel()
	for _, byARN := range []bool{false, true} {
		p := newProvider(t, false)
		w := openIDWorld(t, p, byARN, plug.Providers{AllowLoopback: true, Audiences: map[string][]string{p.name(): {"app"}}})
		login := func(sub string) wire.Parameters { return wire.Parameters{p.name(): p.token(sub, nil)} }
		guest := w.mustID(nil)
		if got := w.mustCredentials(guest, login("u-1")); got.IdentityId != guest || string(got.Credentials.SessionToken) != guest+" "+p.name()+" u-1" {
			t.Errorf("ARN %v: credentials for %s", byARN, string(got.Credentials.SessionToken))
		}
		if got := w.mustID(login("u-1")); got != guest {
			t.Errorf("ARN %v: identity %s, want %s", byARN, got, guest)
		}
		if w.mustID(login("u-2")) == guest {
			t.Errorf("ARN %v: two users have one identity", byARN)
		}
		if asked := p.asked.Load(); asked != 2 {
			t.Errorf("ARN %v: the provider was asked %d times, want 2", byARN, asked)
		}
		name := p.name()
		if byARN {
			name = openIDARN(p)
		}
		w.setRoles(w.identities, map[string]wire.RoleMapping{name: {
			Type: wire.RoleMappingRules, AmbiguousRoleResolution: wire.AmbiguousRoleDeny,
			RulesConfiguration: &wire.RulesConfigurationType{Rules: []wire.MappingRule{
				{Claim: "team", MatchType: wire.MatchEquals, Value: "blue", RoleARN: roleNamed("blue")},
			}},
		}})
		if got := string(w.mustCredentials(guest, login("u-1")).Credentials.SecretKey); got != roleNamed("blue") {
			t.Errorf("ARN %v: role %s", byARN, got)
		}

		// A user pool's login joins the same identity; a second user of the provider cannot.
		w.addUser("ann")
		both := login("u-1")
		both[w.awsKey()] = string(w.signIn("ann").IdToken)
		if got := w.mustID(both); got != guest {
			t.Errorf("ARN %v: with two logins %s, want %s", byARN, got, guest)
		}
		if got := w.mustID(wire.Parameters{w.awsKey(): both[w.awsKey()]}); got != guest {
			t.Errorf("ARN %v: by the other login %s, want %s", byARN, got, guest)
		}
		mixed := login("u-2")
		mixed[w.awsKey()] = both[w.awsKey()]
		_, err := w.getID(mixed)
		wantException(t, err, wire.ResourceConflictException, wire.MessageLoginsLinkedElsewhere)
		mixed = login("u-3")
		mixed[w.awsKey()] = both[w.awsKey()]
		_, err = w.getID(mixed)
		wantException(t, err, wire.ResourceConflictException, wire.MessageLoginsLinkedElsewhere)
	}
}

func TestBadOpenIDLogins(t *testing.T) {
	t.Parallel()
	p := newProvider(t, false)
	w := openIDWorld(t, p, false, here)
	now := time.Now().Unix()
	for name, c := range map[string]struct{ token, want string }{
		"nonsense":                {"a.b", wire.MessageLoginNotOpenID},
		"unsigned":                {unsigned(p.token("u", nil)), wire.MessageLoginSignature},
		"forged":                  {withSub(p.token("u", nil), "x"), wire.MessageLoginSignature},
		"another's key":           {p.signed(testKeys()[1], "u", nil), wire.MessageLoginSignature},
		"another issuer":          {p.token("u", map[string]any{"iss": "https://idp.example.com"}), wire.MessageLoginIssuerMismatch},
		"longer issuer":           {p.token("u", map[string]any{"iss": p.issuer + "/"}), wire.MessageLoginIssuerMismatch},
		"issuer of a scheme":      {p.token("u", map[string]any{"iss": strings.Replace(p.issuer, "http", "ftp", 1)}), wire.MessageLoginIssuerMismatch},
		"issuer in capitals":      {p.token("u", map[string]any{"iss": strings.Replace(p.issuer, "http://", "HTTP://", 1)}), wire.MessageLoginIssuerMismatch},
		"scheme half in capitals": {p.token("u", map[string]any{"iss": strings.Replace(p.issuer, "http://", "Https://", 1)}), wire.MessageLoginIssuerMismatch},
		"issuer with a user":      {p.token("u", map[string]any{"iss": strings.Replace(p.issuer, "//", "//x@", 1)}), wire.MessageLoginIssuerMismatch},
		"no issuer":               {p.token("u", map[string]any{"iss": nil}), wire.MessageLoginIssuerMismatch},
		"another client":          {p.token("u", map[string]any{"aud": "stranger"}), wire.MessageUnsupportedProvider},
		"clients of others":       {p.token("u", map[string]any{"aud": []string{"app", "stranger"}}), wire.MessageUnsupportedProvider},
		"no client":               {p.token("u", map[string]any{"aud": nil}), wire.MessageUnsupportedProvider},
		"access token":            {p.token("u", map[string]any{"token_use": "access"}), wire.MessageLoginMissingAudience},
		"no subject":              {p.token("", nil), wire.MessageLoginSignature},
		"not yet":                 {p.token("u", map[string]any{"nbf": now + 100}), wire.MessageLoginNotYetValid},
	} {
		_, err := w.getID(wire.Parameters{p.name(): c.token})
		wantRefusal(t, name, err, c.want)
	}
	_, err := w.getID(wire.Parameters{p.name(): p.token("u", map[string]any{"exp": now - 60})})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf(" >= %d", now-60)) {
		t.Errorf("expired: %v", err)
	}
	if n := w.countIdentities(); n != 0 {
		t.Errorf("%d identities were made", n)
	}
	unlisted := openIDWorld(t, p, true, here)
	_, err = unlisted.getID(wire.Parameters{p.name(): p.token("u", nil)})
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
	for name, sabotage := range map[string]func(p *provider){
		"discovery down": func(p *provider) { p.discovery.Store(answers(503, "")) },
		"discovery moved": func(p *provider) {
			p.discovery.Store(handler(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) }))
		},
		"another issuer": func(p *provider) {
			p.discovery.Store(answers(200, `{"issuer":"`+p.issuer+`/","jwks_uri":"`+p.web.URL+`/keys"}`))
		},
		"issuer twice": func(p *provider) {
			p.discovery.Store(answers(200, `{"issuer":"x","issuer":"`+p.issuer+`","jwks_uri":"`+p.web.URL+`/keys"}`))
		},
		"keys elsewhere": func(p *provider) {
			p.discovery.Store(answers(200, `{"issuer":"`+p.issuer+`","jwks_uri":"http://idp.example.com/keys"}`))
		},
		"keys in a file": func(p *provider) {
			p.discovery.Store(answers(200, `{"issuer":"`+p.issuer+`","jwks_uri":"file:///etc/passwd"}`))
		},
		"no document":      func(p *provider) { p.discovery.Store(answers(200, `<html>`)) },
		"endless document": func(p *provider) { p.discovery.Store(answers(200, `{"issuer":"`+strings.Repeat("x", 300<<10)+`"}`)) },
		"keys down":        func(p *provider) { p.keys.Store(answers(500, "")) },
		"keys moved": func(p *provider) {
			p.keys.Store(handler(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }))
		},
		"keys cut": func(p *provider) {
			p.keys.Store(handler(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, false)
			sabotage(p)
			w := openIDWorld(t, p, false, here)
			guest := w.mustID(nil)
			login := wire.Parameters{p.name(): p.token("u", nil)}
			_, err := w.getID(login)
			wantException(t, err, wire.ExternalServiceException, wire.MessageProviderUnavailable)
			_, err = w.getCredentials(guest, login)
			wantException(t, err, wire.ExternalServiceException, wire.MessageProviderUnavailable)
			if n := w.countIdentities(); n != 1 {
				t.Errorf("%d identities, want the guest's alone", n)
			}
			w.mustCredentials(guest, nil)
			if asked := p.asked.Load(); asked > 3 {
				t.Errorf("the provider was asked %d times for two sign-ins", asked)
			}
		})
	}
}

// TestProviderAddresses: without leave nobody is asked on this machine, by whatever
// name; with it https works too.
func TestProviderAddresses(t *testing.T) {
	t.Parallel()
	p := newProvider(t, true)
	roots := x509.NewCertPool()
	roots.AddCert(p.web.Certificate())
	var seen atomic.Int64
	p.web.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		seen.Add(1)
		return nil, nil
	}
	login := wire.Parameters{p.name(): p.token("u", nil)}
	closed := openIDWorld(t, p, false, plug.Providers{Roots: roots})
	_, err := closed.getID(login)
	wantException(t, err, wire.ExternalServiceException, wire.MessageProviderUnavailable)
	if n := seen.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
	plain := newProvider(t, false)
	closed = openIDWorld(t, plain, false, plug.Providers{})
	_, err = closed.getID(wire.Parameters{plain.name(): plain.token("u", nil)})
	wantRefusal(t, "http without leave", err, wire.MessageLoginIssuerMismatch)
	if n := plain.asked.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
	open := openIDWorld(t, p, false, plug.Providers{AllowLoopback: true, Roots: roots})
	open.mustID(login)
	if seen.Load() == 0 {
		t.Error("no connection is seen")
	}
	untrusted := openIDWorld(t, p, false, here)
	_, err = untrusted.getID(login)
	wantException(t, err, wire.ExternalServiceException, wire.MessageProviderUnavailable)
}
