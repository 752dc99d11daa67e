// Package openidtest is an OpenID provider for tests, over real HTTP.
package openidtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/strictbase64"
)

// key makes one RSA key for all providers of a test binary, since making a key takes long.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	made, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return made
})

// Provider publishes a discovery document and its keys, and signs ID tokens for the client
// "app".
type Provider struct {
	t      *testing.T
	Web    *httptest.Server
	Issuer string
	// Discovery and Keys answer instead of the usual documents unless they are nil.
	Discovery, Keys atomic.Pointer[http.HandlerFunc]
	// Requests counts the requests for both documents.
	Requests atomic.Int64
	kid      atomic.Pointer[string]
}

// New starts a provider, by https if secure is set, until the test ends.
func New(t *testing.T, secure bool) *Provider {
	t.Helper()
	p := &Provider{t: t}
	p.UseKeyID("provider-key")
	mux := http.NewServeMux()
	mux.HandleFunc("/realms/x/.well-known/openid-configuration", p.serve(&p.Discovery, func() any {
		return map[string]any{"issuer": p.Issuer, "jwks_uri": p.Web.URL + "/keys", "extra": []int{1}}
	}))
	mux.HandleFunc("/keys", p.serve(&p.Keys, func() any {
		public := key().PublicKey
		return map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "kid": p.keyID(), "use": "sig", "alg": "RS256",
			"n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
		}}}
	}))
	p.Web = httptest.NewUnstartedServer(mux)
	if secure {
		p.Web.StartTLS()
	} else {
		p.Web.Start()
	}
	t.Cleanup(p.Web.Close)
	p.Issuer = p.Web.URL + "/realms/x"
	return p
}

func (p *Provider) serve(special *atomic.Pointer[http.HandlerFunc], document func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p.Requests.Add(1)
		if h := special.Load(); h != nil {
			(*h)(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(document())
	}
}

// UseKeyID changes the id under which the provider publishes its key and signs.
func (p *Provider) UseKeyID(id string) { p.kid.Store(&id) }

func (p *Provider) keyID() string { return *p.kid.Load() }

// Name is the issuer without its scheme, the provider's key of Logins.
func (p *Provider) Name() string {
	_, name, _ := strings.Cut(p.Issuer, "://")
	return name
}

// ARN names the provider as IAM does.
func (p *Provider) ARN() string { return "arn:aws:iam::000000000000:oidc-provider/" + p.Name() }

// Token signs an ID token. Change replaces claims, and removes those that it sets to nil.
func (p *Provider) Token(sub string, change map[string]any) string {
	p.t.Helper()
	return p.Signed(key(), sub, change)
}

// Signed is Token with another key, under the id of the provider's own.
func (p *Provider) Signed(key *rsa.PrivateKey, sub string, change map[string]any) string {
	p.t.Helper()
	now := time.Now().Unix()
	claims := map[string]any{"iss": p.Issuer, "sub": sub, "aud": "app", "iat": now, "exp": now + 600, "team": "blue"}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return Sign(p.t, key, p.keyID(), claims)
}

// Sign makes a token (RFC 7519) of any claims, signed with RS256.
func Sign(t *testing.T, key *rsa.PrivateKey, kid string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT","kid":"`+kid+`"}`)) + "." + b64.EncodeToString(payload)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64.EncodeToString(signature)
}

// Unsigned is a token with the algorithm "none" and no signature.
func Unsigned(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + payload + "."
}

// WithSubject is a token whose payload has prefix before its subject; its signature is that
// of the original.
func WithSubject(token, prefix string) string {
	parts := strings.Split(token, ".")
	payload, _ := strictbase64.DecodeURL(parts[1])
	changed := strings.Replace(string(payload), `"sub":"`, `"sub":"`+prefix, 1)
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(changed)) + "." + parts[2]
}
