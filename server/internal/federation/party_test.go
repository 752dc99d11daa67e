package federation_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/openid"
	"github.com/latchkey-auth/latchkey/server/internal/openid/openidtest"
)

// remote is a provider over real HTTP: Provider has its documents, and this the endpoints
// that a sign-in needs.
type remote struct {
	*openidtest.Provider
	endpoints   *httptest.Server
	token, info atomic.Pointer[http.HandlerFunc]
	form        atomic.Pointer[url.Values] // the last request for tokens
	basic       atomic.Value               // its Authorization header
	metadata    map[string]any             // more of the discovery document
}

func newRemote(t *testing.T) *remote {
	t.Helper()
	r := &remote{Provider: openidtest.New(t, false), metadata: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, q *http.Request) {
		_ = q.ParseForm()
		r.form.Store(&q.PostForm)
		r.basic.Store(q.Header.Get("Authorization"))
		(*r.token.Load())(w, q)
	})
	mux.HandleFunc("/info", func(w http.ResponseWriter, q *http.Request) { (*r.info.Load())(w, q) })
	r.endpoints = httptest.NewServer(mux)
	t.Cleanup(r.endpoints.Close)
	r.Discovery.Store(handle(func(w http.ResponseWriter, _ *http.Request) {
		document := map[string]any{
			"issuer": r.Issuer, "jwks_uri": r.Web.URL + "/keys", "authorization_endpoint": "https://login.example.com/authorize?tenant=1",
			"token_endpoint": r.endpoints.URL + "/token",
		}
		maps.Copy(document, r.metadata)
		_ = json.NewEncoder(w).Encode(document)
	}))
	return r
}

// at is the remote as an administrator configured it.
func (r *remote) at(t *testing.T, mapping map[string]string) federation.Provider {
	t.Helper()
	details, err := federation.Complete(wire.ProviderOIDC, wire.Parameters{
		"client_id": "app", "client_secret": "s3cret", "oidc_issuer": r.Issuer, "authorize_scopes": "openid email",
	})
	if err != nil {
		t.Fatal(err)
	}
	return federation.Provider{Name: "Other", Kind: wire.ProviderOIDC, Details: details, Mapping: mapping}
}

// says makes the token endpoint answer with an ID token.
func (r *remote) says(idToken string) {
	r.token.Store(replies(http.StatusOK, `{"access_token":"at-1","token_type":"Bearer","id_token":"`+idToken+`"}`))
}

func handle(h http.HandlerFunc) *http.HandlerFunc { return &h }

func replies(status int, body string) *http.HandlerFunc {
	return handle(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func newParty() *federation.Party {
	return federation.NewParty(openid.Reach{AllowLoopback: true}, nil, nil)
}

var attempt = federation.Attempt{
	Redirect: "https://auth.example.com/pool/oauth2/idpresponse/Other", State: "state-1", Nonce: "nonce-1",
	Verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", LoginHint: "ann@example.com", Prompt: []string{"login", "none"}, MaxAge: "300",
}

// wantError checks an error's description and whether another attempt may succeed.
func wantError(t *testing.T, err error, description string, temporary bool) {
	t.Helper()
	e, ok := errors.AsType[*federation.Error](err)
	if !ok || !strings.HasPrefix(e.Description, description) || e.Temporary != temporary {
		t.Errorf("error %v, want %s (temporary %v)", err, description, temporary)
	}
}

// TestBegin: the browser leaves with the client's wishes, a challenge and a nonce.
func TestBegin(t *testing.T) {
	t.Parallel()
	r := newRemote(t)
	address, err := newParty().Begin(t.Context(), r.at(t, nil), attempt)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"tenant": {"1"}, "response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {attempt.Redirect}, "scope": {"openid email"}, "state": {"state-1"},
		"nonce": {"nonce-1"}, "login_hint": {"ann@example.com"}, "prompt": {"login"}, "max_age": {"300"}, "code_challenge_method": {"S256"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
	}
	if diff := cmp.Diff(want, to.Query()); diff != "" || to.Host != "login.example.com" {
		t.Errorf("to %s (-want +got):\n%s", to.Host, diff)
	}
}

// TestBeginRefuses: a provider that cannot end the sign-in is refused before it begins.
func TestBeginRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil     func(r *remote)
		want      string
		temporary bool
	}{
		"down":        {func(r *remote) { r.Discovery.Store(replies(503, "")) }, "Other Error - its configuration cannot be read", true},
		"ES256":       {func(r *remote) { r.metadata["id_token_signing_alg_values_supported"] = []string{"ES256", "none"} }, "Other Error - it does not sign ID tokens with RS256", false},
		"no endpoint": {func(r *remote) { r.metadata["token_endpoint"] = "" }, "Other Error", false},
		"an endpoint that is not admitted": {func(r *remote) { r.metadata["token_endpoint"] = "http://idp.example.com/token" },
			"Other Error", false},
	} {
		r := newRemote(t)
		test.spoil(r)
		_, err := newParty().Begin(t.Context(), r.at(t, nil), attempt)
		e, ok := errors.AsType[*federation.Error](err)
		if !ok || !strings.HasPrefix(e.Description, test.want) || test.want != "Other Error" && e.Temporary != test.temporary {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	r := newRemote(t)
	r.metadata["id_token_signing_alg_values_supported"] = []string{"ES256", "RS256"}
	if _, err := newParty().Begin(t.Context(), r.at(t, nil), attempt); err != nil {
		t.Errorf("RS256 among others: %v", err)
	}
}

// TestFinishRefuses: what a provider may not say.
func TestFinishRefuses(t *testing.T) {
	t.Parallel()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	says := func(sub string, change map[string]any) func(r *remote) {
		return func(r *remote) {
			claims := map[string]any{"nonce": "nonce-1"}
			maps.Copy(claims, change)
			r.says(r.Token(sub, claims))
		}
	}
	answers := func(status int, body string) func(r *remote) {
		return func(r *remote) { r.token.Store(replies(status, body)) }
	}
	for name, test := range map[string]struct {
		spoil     func(r *remote)
		issuer    string
		want      string
		temporary bool
	}{
		"forged":           {func(r *remote) { r.says(r.Signed(other, "u-1", map[string]any{"nonce": "nonce-1"})) }, "", "Bad id_token", false},
		"unsigned":         {func(r *remote) { r.says(openidtest.Unsigned(r.Token("u-1", map[string]any{"nonce": "nonce-1"}))) }, "", "Bad id_token", false},
		"expired":          {says("u-1", map[string]any{"exp": time.Now().Unix() - 60}), "", "Bad id_token", false},
		"another audience": {says("u-1", map[string]any{"aud": "other"}), "", "Bad id_token", false},
		"another issuer":   {says("u-1", map[string]any{"iss": "https://accounts.google.com"}), "", "Bad id_token", false},
		"another nonce":    {says("u-1", map[string]any{"nonce": "n-2"}), "", "Bad id_token", false},
		"no nonce":         {says("u-1", map[string]any{"nonce": nil}), "", "Bad id_token", false},
		"no subject":       {says("u-1", map[string]any{"sub": nil}), "", "Bad id_token", false},
		"a long subject":   {says(strings.Repeat("x", 256), nil), "", "Other Error - it does not say who signed in", false},
		"no ID token":      {answers(200, `{"access_token":"a"}`), "", "Bad id_token", false},
		"HTML":             {answers(200, `<html>`), "", "Other Error - its token endpoint did not answer with tokens", false},
		"a list":           {answers(200, `[]`), "", "Other Error - its token endpoint did not answer with tokens", false},
		"a huge answer":    {answers(200, strings.Repeat(" ", 300<<10)), "", "Other Error - the answer of its token endpoint is too long", false},
		"refused":          {answers(400, `{"error":"invalid_grant"}`), "", "Other Error - 400 error getting token", false},
		"a redirect": {func(r *remote) {
			r.token.Store(handle(func(w http.ResponseWriter, q *http.Request) {
				http.Redirect(w, q, "http://169.254.169.254/", http.StatusTemporaryRedirect)
			}))
		}, "", "Other Error - 307 error getting token", false},
		"broken": {answers(503, ``), "", "Other Error - 503 error getting token", true},
		"down":   {func(r *remote) { r.endpoints.Close() }, "", "Timeout occurred in calling IdP token endpoint", true},
		"keys down": {func(r *remote) {
			r.Keys.Store(replies(503, ``))
			says("u-1", nil)(r)
		}, "", "Other Error - its keys cannot be read", true},
		"a key that is not published": {func(r *remote) {
			r.Keys.Store(replies(200, `{"keys":[]}`))
			says("u-1", nil)(r)
		}, "", "Other Error", true},
		"another's answer":      {says("u-1", nil), "https://evil.example", "Other Error - the answer is another provider's", false},
		"nearly its own issuer": {says("u-1", nil), "SELF/", "Other Error - the answer is another provider's", false},
		"no issuer, though it sends one": {func(r *remote) {
			r.metadata["authorization_response_iss_parameter_supported"] = true
			says("u-1", nil)(r)
		}, "", "Other Error - the answer is another provider's", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRemote(t)
			test.spoil(r)
			person, err := newParty().Finish(t.Context(), r.at(t, nil), attempt, federation.Answer{Code: "c-1", Issuer: strings.Replace(test.issuer, "SELF", r.Issuer, 1)})
			if person != nil {
				t.Errorf("signed in %+v", person)
			}
			wantError(t, err, test.want, test.temporary)
		})
	}
}

// TestFinish: the code is redeemed with the attempt's secrets, by the way of authentication
// that the provider has.
func TestFinish(t *testing.T) {
	t.Parallel()
	for name, methods := range map[string][]string{"": nil, "client_secret_basic": {"client_secret_basic"}} {
		r := newRemote(t)
		if methods != nil {
			r.metadata["token_endpoint_auth_methods_supported"] = methods
		}
		r.says(r.Token("u-1", map[string]any{"nonce": "nonce-1", "email": "ann@example.com"}))
		person, err := newParty().Finish(t.Context(), r.at(t, nil), attempt, federation.Answer{Code: "c-1", Issuer: r.Issuer})
		if err != nil || person.Issuer != r.Issuer || person.Subject != "u-1" || person.Claims["email"] != "ann@example.com" {
			t.Fatalf("%s: %+v, %v", name, person, err)
		}
		want := url.Values{
			"grant_type": {"authorization_code"}, "code": {"c-1"}, "redirect_uri": {attempt.Redirect}, "client_id": {"app"},
			"code_verifier": {attempt.Verifier}, "client_secret": {"s3cret"},
		}
		header := ""
		if methods != nil {
			want.Del("client_secret")
			header = "Basic " + base64.StdEncoding.EncodeToString([]byte("app:s3cret"))
		}
		if diff := cmp.Diff(want, *r.form.Load()); diff != "" || r.basic.Load() != header {
			t.Errorf("%s: header %q (-want +got):\n%s", name, r.basic.Load(), diff)
		}
	}
}

// TestUserInfoOfAProvider: userinfo fills in the claims that the ID token lacks, about the
// same person.
func TestUserInfoOfAProvider(t *testing.T) {
	t.Parallel()
	mapping := map[string]string{"name": "name", "email": "email"}
	for name, test := range map[string]struct {
		status    int
		body      string
		good      bool
		temporary bool
	}{
		"fills in":      {200, `{"sub":"u-1","name":"Ann","email":"x@example.com"}`, true, false},
		"somebody else": {200, `{"sub":"u-2","name":"Ann"}`, false, false},
		"no subject":    {200, `{"name":"Ann"}`, false, false},
		"HTML":          {200, `<html>`, false, false},
		"a name twice":  {200, `{"sub":"u-2","sub":"u-1"}`, false, false},
		"refused":       {401, ``, false, false},
		"broken":        {500, ``, false, true},
	} {
		r := newRemote(t)
		r.metadata["userinfo_endpoint"] = r.endpoints.URL + "/info"
		r.info.Store(handle(func(w http.ResponseWriter, q *http.Request) {
			if q.Header.Get("Authorization") != "Bearer at-1" || q.Method != http.MethodGet {
				t.Errorf("%s: %s with %q", name, q.Method, q.Header.Get("Authorization"))
			}
			(*replies(test.status, test.body))(w, q)
		}))
		r.says(r.Token("u-1", map[string]any{"nonce": "nonce-1", "email": "ann@example.com"}))
		person, err := newParty().Finish(t.Context(), r.at(t, mapping), attempt, federation.Answer{Code: "c-1"})
		if test.good {
			if err != nil || person.Claims["name"] != "Ann" || person.Claims["email"] != "ann@example.com" {
				t.Errorf("%s: %+v, %v", name, person, err)
			}
			continue
		}
		wantError(t, err, "", test.temporary)
	}
}

// TestProvidersWithoutIDToken: Facebook and Amazon say who signed in at userinfo only.
func TestProvidersWithoutIDToken(t *testing.T) {
	t.Parallel()
	for kind, subject := range map[string]string{wire.ProviderFacebook: "id", wire.ProviderAmazon: "user_id"} {
		r := newRemote(t)
		details, err := federation.Complete(kind, wire.Parameters{
			"client_id": "app", "client_secret": "s3cret", "authorize_url": "https://social.example.com/authorize",
			"token_url": r.endpoints.URL + "/token", "attributes_url": r.endpoints.URL + "/info",
		})
		if err != nil {
			t.Fatal(err)
		}
		at := federation.Provider{Name: kind, Kind: kind, Details: details, Mapping: map[string]string{"email": "email"}}
		address, err := newParty().Begin(t.Context(), at, attempt)
		if err != nil || !strings.HasPrefix(address, "https://social.example.com/") || strings.Contains(address, "nonce") {
			t.Errorf("%s: %s, %v", kind, address, err)
		}
		r.token.Store(replies(200, `{"access_token":"at-2","token_type":"bearer","expires_in":3600}`))
		for value, good := range map[string]bool{`"10159"`: true, `10159`: true, `true`: false, `{"a":1}`: false, `1e3`: false, `null`: false} {
			r.info.Store(replies(200, `{"`+subject+`":`+value+`,"email":"ann@example.com"}`))
			person, err := newParty().Finish(t.Context(), at, attempt, federation.Answer{Code: "c-1"})
			if (err == nil) != good || good && (person.Subject != "10159" || person.Issuer != federation.Issuer(kind, details)) {
				t.Errorf("%s, %s: %+v, %v", kind, value, person, err)
			}
		}
	}
}

// TestProviderWithoutRS256: a provider that signs ID tokens otherwise is refused before the
// browser leaves.
func TestProviderWithoutRS256(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		algs any
		want string
	}{
		"ES256":            {[]string{"ES256"}, "Other Error - it does not sign ID tokens with RS256"},
		"HS256 and none":   {[]string{"HS256", "none"}, "Other Error - it does not sign ID tokens with RS256"},
		"RS256 among them": {[]string{"ES256", "RS256"}, ""},
		"not said":         {nil, ""},
	} {
		r := newRemote(t)
		if test.algs != nil {
			r.metadata["id_token_signing_alg_values_supported"] = test.algs
		}
		_, err := newParty().Begin(t.Context(), r.at(t, nil), attempt)
		if test.want == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		} else if test.want != "" {
			wantError(t, err, test.want, false)
		}
	}
}

// TestAppleClientSecret: Apple gets a token that is signed with the administrator's key as
// client secret, and is asked to post its answer.
func TestAppleClientSecret(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	r := newRemote(t)
	details, err := federation.Complete(wire.ProviderApple, wire.Parameters{
		"client_id": "app", "team_id": "TEAM", "key_id": "KEY", "authorize_scopes": "email", "oidc_issuer": r.Issuer,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	at := federation.Provider{Name: "SignInWithApple", Kind: wire.ProviderApple, Details: details}
	address, err := newParty().Begin(t.Context(), at, attempt)
	if err != nil || !strings.Contains(address, "response_mode=form_post") || !strings.Contains(address, "scope=openid+email") {
		t.Errorf("to %s, %v", address, err)
	}
	r.says(r.Token("001.abc", map[string]any{"nonce": "nonce-1"}))
	if person, err := newParty().Finish(t.Context(), at, attempt, federation.Answer{Code: "c-1"}); err != nil || person.Subject != "001.abc" {
		t.Fatalf("%+v, %v", person, err)
	}
	parts := strings.Split(r.form.Load().Get("client_secret"), ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var said map[string]any
	if err := json.Unmarshal(payload, &said); err != nil || said["iss"] != "TEAM" || said["sub"] != "app" || said["aud"] != r.Issuer {
		t.Errorf("client secret says %s", payload)
	}
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if len(signature) != 64 || !ecdsa.Verify(&key.PublicKey, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Error("the client secret is not signed with the key")
	}
}

// TestDetailsRefused: ProviderDetails that cannot work are refused by name.
func TestDetailsRefused(t *testing.T) {
	t.Parallel()
	for want, test := range map[string]struct {
		kind   string
		change wire.Parameters
	}{
		"not supported":                     {wire.ProviderOIDC + "2", nil},
		"is not known":                      {wire.ProviderOIDC, wire.Parameters{"surprise": "x"}},
		"longer than":                       {wire.ProviderOIDC, wire.Parameters{"former_issuers": strings.Repeat("x", 9<<10)}},
		"oidc_issuer is missing":            {wire.ProviderOIDC, wire.Parameters{"oidc_issuer": ""}},
		"client_id must be":                 {wire.ProviderOIDC, wire.Parameters{"client_id": "a b"}},
		"must contain openid":               {wire.ProviderOIDC, wire.Parameters{"authorize_scopes": "email"}},
		"must begin with https":             {wire.ProviderOIDC, wire.Parameters{"oidc_issuer": "HTTPS://idp.example.com"}},
		"must be there together":            {wire.ProviderOIDC, wire.Parameters{"token_url": "https://idp.example.com/token"}},
		"must be GET or POST":               {wire.ProviderOIDC, wire.Parameters{"attributes_request_method": "PUT"}},
		"which is not an http or https URL": {wire.ProviderOIDC, wire.Parameters{"former_issuers": "https://a.example.com ftp://b.example.com"}},
		"more than 10 issuers":              {wire.ProviderOIDC, wire.Parameters{"former_issuers": strings.Repeat("https://a.example.com,", 11)}},
		"does not apply":                    {wire.ProviderFacebook, wire.Parameters{"oidc_issuer": "", "former_issuers": "https://a.example.com"}},
		"private_key":                       {wire.ProviderApple, wire.Parameters{"team_id": "T", "key_id": "K", "private_key": "x"}},
	} {
		details := wire.Parameters{"client_id": "app", "client_secret": "s3cret", "oidc_issuer": "https://idp.example.com", "authorize_scopes": "openid"}
		maps.Copy(details, test.change)
		if got, err := federation.Complete(test.kind, details); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", want, got, err)
		}
	}
}

// TestDetailsInUse: which details lead somewhere, name issuers, and bind an answer.
func TestDetailsInUse(t *testing.T) {
	t.Parallel()
	details, err := federation.Complete(wire.ProviderOIDC, wire.Parameters{
		"client_id": "app", "oidc_issuer": "https://idp.example.com", "former_issuers": "https://a.example.com, https://b.example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"https://a.example.com", "https://b.example.com"}, federation.FormerIssuers(details)); diff != "" {
		t.Errorf("former issuers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"oidc_issuer": "https://idp.example.com"}, federation.URLs(details)); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	bound := federation.Provider{Name: "Other", Kind: wire.ProviderOIDC, Details: details}.Binding()
	for name, same := range map[string]bool{"client_id": false, "oidc_issuer": false, "token_url": false, "client_secret": true, "authorize_scopes": true} {
		changed := maps.Clone(details)
		changed[name] += "x"
		if got := (federation.Provider{Name: "Other", Kind: wire.ProviderOIDC, Details: changed}).Binding(); (got == bound) != same {
			t.Errorf("%s: binding %s, before %s", name, got, bound)
		}
	}
	for segment, path := range map[string]string{"": "/oauth2/idpresponse", "Corp": "/oauth2/idpresponse/Corp"} {
		if got := federation.RedirectPath(segment); got != path {
			t.Errorf("%q: %s", segment, got)
		}
	}
}

// TestAmbiguous: of providers that share a redirect URI, two that name no issuer in their
// answers can be mixed up.
func TestAmbiguous(t *testing.T) {
	t.Parallel()
	kind := func(change func(r *remote)) func() federation.Provider {
		return func() federation.Provider {
			r := newRemote(t)
			change(r)
			return r.at(t, nil)
		}
	}
	silent := kind(func(*remote) {})
	named := kind(func(r *remote) { r.metadata["authorization_response_iss_parameter_supported"] = true })
	down := kind(func(r *remote) { r.Discovery.Store(replies(503, "")) })
	for name, test := range map[string]struct {
		sharing   []func() federation.Provider
		ambiguous bool
		unknown   bool
	}{
		"alone":              {[]func() federation.Provider{silent}, false, false},
		"one is silent":      {[]func() federation.Provider{silent, named}, false, false},
		"two are silent":     {[]func() federation.Provider{silent, silent, down}, true, false},
		"one may be silent":  {[]func() federation.Provider{named, down}, false, false},
		"it cannot be known": {[]func() federation.Provider{silent, down}, false, true},
	} {
		var sharing []federation.Provider
		for _, make := range test.sharing {
			sharing = append(sharing, make())
		}
		got, err := newParty().Ambiguous(t.Context(), sharing)
		if test.unknown {
			wantError(t, err, "Other Error - its configuration cannot be read", true)
			continue
		}
		if e, _ := err.(*federation.Error); got != test.ambiguous || e != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
