package server_test

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/internal/openid/openidtest"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// here allows providers on this machine.
var here = plug.Providers{AllowLoopback: true}

// federatedWorld is a service whose client signs people in at a provider named Other
// as well.
func federatedWorld(t *testing.T, change func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest)) *world {
	t.Helper()
	return newWorldOf(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		withOAuth(p, c)
		if change != nil {
			change(p, c)
		}
	}, func(c *server.Config) { c.Providers = here })
}

// trust makes a provider known to the pool, and to its client.
func (w *world) trust(name, kind string, details wire.Parameters, mapping map[string]string) {
	w.t.Helper()
	must[wire.CreateIdentityProviderResponse](w, "CreateIdentityProvider", &wire.CreateIdentityProviderRequest{
		UserPoolId: w.pool, ProviderName: name, ProviderType: kind, ProviderDetails: details, AttributeMapping: mapping,
		IdpIdentifiers: []string{strings.ToLower(name) + ".example.com"},
	})
	w.changeClient(func(c *wire.UserPoolClientSettings) {
		c.SupportedIdentityProviders = append(c.SupportedIdentityProviders, name)
	})
}

// changeClient edits the client's settings.
func (w *world) changeClient(change func(*wire.UserPoolClientSettings)) {
	w.t.Helper()
	client := must[wire.DescribeUserPoolClientResponse](w, "DescribeUserPoolClient", &wire.DescribeUserPoolClientRequest{UserPoolId: w.pool, ClientId: w.client}).UserPoolClient
	in := &wire.UpdateUserPoolClientRequest{UserPoolId: w.pool, ClientId: w.client, ClientName: client.ClientName}
	in.UserPoolClientSettings = client.UserPoolClientSettings
	change(&in.UserPoolClientSettings)
	must[wire.UpdateUserPoolClientResponse](w, "UpdateUserPoolClient", in)
}

// users lists the pool's users by name.
func (w *world) users() map[string]wire.UserType {
	w.t.Helper()
	found := map[string]wire.UserType{}
	for _, u := range must[wire.ListUsersResponse](w, "ListUsers", &wire.ListUsersRequest{UserPoolId: w.pool}).Users {
		found[u.Username] = u
	}
	return found
}

func valueOf(u wire.UserType, name string) string {
	for _, a := range u.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// elsewhere is a provider over real HTTP: Provider signs
// its tokens, and this has the endpoints that a sign-in needs.
type elsewhere struct {
	*openidtest.Provider
	endpoints *httptest.Server
	token     atomic.Pointer[http.HandlerFunc]
	info      atomic.Pointer[http.HandlerFunc]
	form      atomic.Pointer[url.Values] // the last request for tokens
	metadata  map[string]any             // more of the configuration; before the first sign-in
}

func newElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	e := &elsewhere{Provider: openidtest.New(t, false), metadata: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		e.form.Store(&r.PostForm)
		(*e.token.Load())(w, r)
	})
	mux.HandleFunc("/info", func(w http.ResponseWriter, r *http.Request) { (*e.info.Load())(w, r) })
	e.endpoints = httptest.NewServer(mux)
	t.Cleanup(e.endpoints.Close)
	e.Discovery.Store(handle(func(w http.ResponseWriter, _ *http.Request) {
		document := map[string]any{
			"issuer": e.Issuer, "jwks_uri": e.Web.URL + "/keys", "authorization_endpoint": "https://login.example.com/authorize?tenant=1",
			"token_endpoint": e.endpoints.URL + "/token",
		}
		for name, value := range e.metadata {
			document[name] = value
		}
		_ = json.NewEncoder(w).Encode(document)
	}))
	return e
}

// details are ProviderDetails of it.
func (e *elsewhere) details() wire.Parameters {
	return wire.Parameters{
		"client_id": "app", "client_secret": "s3cret", "attributes_request_method": "GET",
		"oidc_issuer": e.Issuer, "authorize_scopes": "openid email",
	}
}

// says makes the token endpoint answer with an ID token of these claims.
func (e *elsewhere) says(idToken string) {
	e.token.Store(replies(http.StatusOK, `{"access_token":"at-1","token_type":"Bearer","id_token":"`+idToken+`"}`))
}

func handle(h http.HandlerFunc) *http.HandlerFunc { return &h }

func replies(status int, body string) *http.HandlerFunc {
	return handle(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// leave begins a sign-in at a provider and gives where the browser is sent.
func (v *visitor) leave(name string, over map[string]string) *url.URL {
	v.w.t.Helper()
	all := map[string]string{"identity_provider": name}
	for key, value := range over {
		all[key] = value
	}
	answer, body := v.authorize(all)
	if answer.StatusCode != http.StatusFound {
		v.w.t.Fatalf("to %s: %d %s", name, answer.StatusCode, body)
	}
	to := location(v.w.t, answer)
	v.back = to.Query().Get("redirect_uri")
	return to
}

// comeBack is the browser's return from the provider that it left for last.
func (v *visitor) comeBack(query url.Values) (*http.Response, string) {
	v.w.t.Helper()
	return v.get(cmp.Or(v.back, v.w.base()+"/oauth2/idpresponse/Other") + "?" + query.Encode())
}

// outcome is where the return leads: to the client.
func (v *visitor) outcome(query url.Values) url.Values {
	v.w.t.Helper()
	answer, body := v.comeBack(query)
	to := location(v.w.t, answer)
	if !strings.HasPrefix(to.String(), callback) {
		v.w.t.Fatalf("back to %s: %s", to, body)
	}
	return to.Query()
}

// visit is a whole sign-in at a provider whose user has these claims.
func (v *visitor) visit(e *elsewhere, sub string, claims map[string]any) url.Values {
	v.w.t.Helper()
	to := v.leave("Other", nil)
	all := map[string]any{"nonce": to.Query().Get("nonce")}
	for name, value := range claims {
		all[name] = value
	}
	e.says(e.Token(sub, all))
	return v.outcome(url.Values{"code": {"c-1"}, "state": {to.Query().Get("state")}})
}
