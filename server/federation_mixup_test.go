package server_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// shareRedirect makes providers what an earlier version left: they share one redirect URI.
func (w *world) shareRedirect(names ...string) {
	w.t.Helper()
	err := w.store.Update(w.t.Context(), func(tx storage.Tx) error {
		for _, name := range names {
			p, err := tx.Providers.IdentityProvider(w.pool, name)
			if err != nil {
				return err
			}
			var settings map[string]json.RawMessage
			if err := json.Unmarshal(p.Settings, &settings); err != nil {
				return err
			}
			delete(settings, "OwnRedirect")
			if p.Settings, err = json.Marshal(settings); err != nil {
				return err
			}
			if err := tx.Providers.Update(p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// twoProviders are an honest provider and one that an attacker runs, both known to the
// pool. Both sign people in as u-1, so that a code of one would do at the other.
func twoProviders(t *testing.T) (w *world, honest, evil *elsewhere) {
	t.Helper()
	w, honest, evil = federatedWorld(t, nil), newElsewhere(t), newElsewhere(t)
	w.trust("Honest", wire.ProviderOIDC, honest.details(), nil)
	w.trust("Evil", wire.ProviderOIDC, evil.details(), nil)
	return w, honest, evil
}

// mixUp begins a sign-in at a provider and returns the answer of another one with its
// state. stolen reports whether the code of the other one was sent to the first.
func (w *world) mixUp(begun, to string, e *elsewhere, answer url.Values) (refused, stolen bool) {
	w.t.Helper()
	v := w.visitor()
	left := v.leave(begun, nil)
	e.says(e.Token("u-1", map[string]any{"nonce": left.Query().Get("nonce")}))
	e.form.Store(nil)
	query := url.Values{"code": {"code-of-the-other"}, "state": {left.Query().Get("state")}}
	maps.Copy(query, answer)
	response, _ := v.get(w.base() + to + "?" + query.Encode())
	form := e.form.Load()
	return !strings.Contains(response.Header.Get("Location"), "code="), form != nil && form.Get("code") == "code-of-the-other"
}

// TestMixUpIsRefused: the honest provider's answer with the state of a sign-in at the
// attacker's counts neither at the honest one's redirect URI nor at the shared one.
func TestMixUpIsRefused(t *testing.T) {
	t.Parallel()
	w, _, evil := twoProviders(t)
	for _, to := range []string{"/oauth2/idpresponse/Honest", "/oauth2/idpresponse", "/oauth2/idpresponse/evil", "/oauth2/idpresponse/Nobody", "/oauth2/idpresponse/%3Cx%3E"} {
		if refused, stolen := w.mixUp("Evil", to, evil, nil); !refused || stolen {
			t.Errorf("at %s: refused %v, the code was stolen %v", to, refused, stolen)
		}
	}
	if refused, _ := w.mixUp("Evil", "/oauth2/idpresponse/Evil", evil, nil); refused {
		t.Error("an answer at the provider's own redirect URI is refused")
	}
}

// TestOwnRedirectEverywhere: a provider's own redirect URI works below the pool's path,
// at a domain of the pool and at an https listener, for answers by GET and by POST, and
// another provider's is refused there.
func TestOwnRedirectEverywhere(t *testing.T) {
	t.Parallel()
	w, honest, evil := twoProviders(t)
	must[wire.CreateUserPoolDomainResponse](w, "CreateUserPoolDomain", &wire.CreateUserPoolDomainRequest{UserPoolId: w.pool, Domain: "acme"})
	secure := httptest.NewTLSServer(w.server)
	t.Cleanup(secure.Close)
	public, _ := url.Parse(w.url)
	for name, place := range map[string]struct{ base, host, want string }{
		"path":   {w.base(), "", w.base()},
		"domain": {w.url, "acme.localhost:" + public.Port(), "http://acme.localhost:" + public.Port()},
		"https":  {secure.URL + "/" + w.pool, "", secure.URL + "/" + w.pool},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for provider, good := range map[string]bool{"Honest": true, "Evil": false} {
				v := w.visitor()
				if name == "https" {
					v.client.Transport = secure.Client().Transport
				}
				ask := func(method, to string, form url.Values) (*http.Response, string) {
					r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
					if err != nil {
						t.Fatal(err)
					}
					r.Host = place.host
					if method == http.MethodPost {
						r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					}
					return v.read(r)
				}
				answer, _ := ask(http.MethodGet, place.base+"/oauth2/authorize?"+w.query(map[string]string{"identity_provider": "Honest"}).Encode(), nil)
				left := location(t, answer).Query()
				if got := left.Get("redirect_uri"); got != place.want+"/oauth2/idpresponse/Honest" {
					t.Errorf("%s: redirect URI %s", name, got)
				}
				honest.says(honest.Token("u-1", map[string]any{"nonce": left.Get("nonce")}))
				query := url.Values{"code": {"c-1"}, "state": {left.Get("state")}}
				back := place.base + "/oauth2/idpresponse/" + provider
				if method == http.MethodPost {
					answer, _ = ask(method, back, query)
					back = place.base + strings.TrimPrefix(location(t, answer).Path, "/"+w.pool)
					query = location(t, answer).Query()
				}
				answer, _ = ask(http.MethodGet, back+"?"+query.Encode(), nil)
				if got := strings.HasPrefix(answer.Header.Get("Location"), callback+"?code="); got != good {
					t.Errorf("%s, %s, at the redirect URI of %s: %d to %s", name, method, provider, answer.StatusCode, answer.Header.Get("Location"))
				}
			}
		}
	}
	if evil.form.Load() != nil {
		t.Error("the other provider was asked for tokens")
	}
}

// TestUpgradedPoolKeepsSharedRedirect: the one provider of a pool from before signs
// people in at the redirect URI that is registered there, until it is moved.
func TestUpgradedPoolKeepsSharedRedirect(t *testing.T) {
	t.Parallel()
	w, e := federatedWorld(t, nil), newElsewhere(t)
	details := e.details()
	delete(details, "attributes_request_method")
	w.trust(wire.ProviderGoogle, wire.ProviderGoogle, details, nil)
	signIn := func(path string) {
		t.Helper()
		for _, post := range []bool{false, true} {
			v := w.visitor()
			left := v.leave(wire.ProviderGoogle, nil)
			if v.back != w.base()+path {
				t.Errorf("redirect URI %s", v.back)
			}
			e.says(e.Token("u-1", map[string]any{"nonce": left.Query().Get("nonce")}))
			query := url.Values{"code": {"c-1"}, "state": {left.Query().Get("state")}}
			if post {
				answer, _ := v.post(v.back, query)
				if query = location(t, answer).Query(); location(t, answer).Path != "/"+w.pool+path {
					t.Errorf("a POST goes on to %s", location(t, answer))
				}
			}
			if got := v.outcome(query); !got.Has("code") || len(w.users()) != 1 {
				t.Errorf("post %v: %v", post, got)
			}
		}
	}
	shown := func() string {
		return must[wire.DescribeIdentityProviderResponse](w, "DescribeIdentityProvider", &wire.DescribeIdentityProviderRequest{UserPoolId: w.pool, ProviderName: wire.ProviderGoogle}).IdentityProvider.ProviderDetails["redirect_uri"]
	}
	update := func(details wire.Parameters) error {
		_, err := call[wire.UpdateIdentityProviderResponse](w, "UpdateIdentityProvider", &wire.UpdateIdentityProviderRequest{UserPoolId: w.pool, ProviderName: wire.ProviderGoogle, ProviderDetails: details})
		return err
	}
	const shared, own = "/oauth2/idpresponse", "/oauth2/idpresponse/Google"
	w.shareRedirect(wire.ProviderGoogle)
	signIn(shared)
	if err := update(details); err != nil || shown() != w.base()+shared {
		t.Errorf("an update without redirect_uri: %v, %s", err, shown())
	}
	signIn(shared)
	moved := maps.Clone(details)
	for redirect, path := range map[string]string{w.base() + own: own, own: own, w.base() + shared: shared, shared: shared} {
		moved["redirect_uri"] = redirect
		if err := update(moved); err != nil || shown() != w.base()+path {
			t.Errorf("redirect_uri %s: %v, %s", redirect, err, shown())
		}
		signIn(path)
	}
	for _, bad := range []string{"x", "https://evil.example" + own, w.base() + own + "/", own + "?x=1", "/oauth2/idpresponse/Other"} {
		moved["redirect_uri"] = bad
		if err := update(moved); !wire.IsException(err, wire.InvalidParameterException) || !strings.Contains(err.Error(), w.base()+own) {
			t.Errorf("redirect_uri %s: %v", bad, err)
		}
	}
}

// TestNewProviderHasOwnRedirect: it is shown, may be sent back, and cannot be shared.
func TestNewProviderHasOwnRedirect(t *testing.T) {
	t.Parallel()
	w, e := federatedWorld(t, nil), newElsewhere(t)
	for name, segment := range map[string]string{"Corp": "Corp", "corp-2": "corp-2", "Müller&Co": "_TcO8bGxlciZDbw", "a/../b": "_YS8uLi9i"} {
		details := e.details()
		create := func() (*wire.CreateIdentityProviderResponse, error) {
			return call[wire.CreateIdentityProviderResponse](w, "CreateIdentityProvider", &wire.CreateIdentityProviderRequest{UserPoolId: w.pool, ProviderName: name, ProviderType: wire.ProviderOIDC, ProviderDetails: details})
		}
		details["redirect_uri"] = "/oauth2/idpresponse"
		if _, err := create(); !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("%s at the shared redirect URI: %v", name, err)
		}
		details["redirect_uri"] = w.base() + "/oauth2/idpresponse/" + segment
		made, err := create()
		if err != nil || made.IdentityProvider.ProviderDetails["redirect_uri"] != details["redirect_uri"] {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w.changeClient(func(c *wire.UserPoolClientSettings) { c.SupportedIdentityProviders = []string{name} })
		v := w.visitor()
		left := v.leave(name, nil)
		e.says(e.Token("u-1", map[string]any{"nonce": left.Query().Get("nonce")}))
		if got := v.outcome(url.Values{"code": {"c-1"}, "state": {left.Query().Get("state")}}); !got.Has("code") {
			t.Errorf("%s: %v", name, got)
		}
		if v.back != w.base()+"/oauth2/idpresponse/"+segment {
			t.Errorf("%s: redirect URI %s", name, v.back)
		}
	}
}

// TestSharedRedirectOfSeveral: providers of a pool from before may share the redirect
// URI if all but one announce that their answers name them.
func TestSharedRedirectOfSeveral(t *testing.T) {
	t.Parallel()
	const announce = "authorization_response_iss_parameter_supported"
	begin := func(w *world, name string) url.Values {
		answer, _ := w.visitor().authorize(map[string]string{"identity_provider": name})
		return location(w.t, answer).Query()
	}
	t.Run("none announces", func(t *testing.T) {
		t.Parallel()
		w, _, _ := twoProviders(t)
		w.shareRedirect("Honest", "Evil")
		for _, name := range []string{"Honest", "Evil"} {
			got := begin(w, name)
			if got.Get("error") != "invalid_request" || !strings.Contains(got.Get("error_description"), w.base()+"/oauth2/idpresponse/"+name) {
				t.Errorf("%s: %v", name, got)
			}
		}
		// One that is moved leaves the other alone at the shared redirect URI.
		must[wire.UpdateIdentityProviderResponse](w, "UpdateIdentityProvider", &wire.UpdateIdentityProviderRequest{
			UserPoolId: w.pool, ProviderName: "Evil", ProviderDetails: movedDetails(w, "Evil"),
		})
		for _, name := range []string{"Honest", "Evil"} {
			if got := begin(w, name); got.Get("client_id") != "app" {
				t.Errorf("%s, after the move: %v", name, got)
			}
		}
	})
	t.Run("the attacker's announces", func(t *testing.T) {
		t.Parallel()
		w, honest, evil := twoProviders(t)
		evil.metadata[announce] = true
		w.shareRedirect("Honest", "Evil")
		for _, answer := range []url.Values{nil, {"iss": {honest.Issuer}}} {
			if refused, stolen := w.mixUp("Evil", "/oauth2/idpresponse", evil, answer); !refused || stolen {
				t.Errorf("%v: refused %v, stolen %v", answer, refused, stolen)
			}
		}
		if refused, _ := w.mixUp("Evil", "/oauth2/idpresponse", evil, url.Values{"iss": {evil.Issuer}}); refused {
			t.Error("its own answer is refused")
		}
		if refused, _ := w.mixUp("Honest", "/oauth2/idpresponse", honest, nil); refused {
			t.Error("the answer of the one that does not announce is refused")
		}
	})
	t.Run("the honest one announces", func(t *testing.T) {
		t.Parallel()
		w, honest, evil := twoProviders(t)
		honest.metadata[announce] = true
		w.shareRedirect("Honest", "Evil")
		if refused, stolen := w.mixUp("Evil", "/oauth2/idpresponse", evil, url.Values{"iss": {honest.Issuer}}); !refused || stolen {
			t.Errorf("refused %v, stolen %v", refused, stolen)
		}
	})
	t.Run("a kind without an issuer", func(t *testing.T) {
		t.Parallel()
		w, honest, evil := federatedWorld(t, nil), newElsewhere(t), newElsewhere(t)
		honest.metadata[announce] = true
		w.trust("Honest", wire.ProviderOIDC, honest.details(), nil)
		w.trust(wire.ProviderFacebook, wire.ProviderFacebook, wire.Parameters{
			"client_id": "app", "client_secret": "s3cret", "authorize_url": "https://social.example.com/authorize", "oidc_issuer": evil.Issuer,
			"token_url": evil.endpoints.URL + "/token", "attributes_url": evil.endpoints.URL + "/info",
		}, nil)
		evil.info.Store(replies(200, `{"id":"10159"}`))
		for _, shared := range []bool{false, true} {
			to := "/oauth2/idpresponse/Facebook"
			if shared {
				w.shareRedirect("Honest", wire.ProviderFacebook)
				to = "/oauth2/idpresponse"
				if refused, stolen := w.mixUp(wire.ProviderFacebook, to, evil, url.Values{"iss": {honest.Issuer}}); !refused || stolen {
					t.Errorf("the answer of another provider: refused %v, stolen %v", refused, stolen)
				}
			}
			for _, issuer := range []string{"", "https://www.facebook.com", evil.Issuer + "/x"} {
				if refused, _ := w.mixUp(wire.ProviderFacebook, to, evil, url.Values{"iss": {issuer}}); refused {
					t.Errorf("shared %v: an answer with the iss %q is refused", shared, issuer)
				}
			}
		}
	})
	t.Run("one cannot be asked", func(t *testing.T) {
		t.Parallel()
		w, _, evil := twoProviders(t)
		w.shareRedirect("Honest", "Evil")
		evil.Discovery.Store(replies(503, ""))
		if got := begin(w, "Honest"); got.Get("error") != "temporarily_unavailable" {
			t.Errorf("%v", got)
		}
	})
}

// movedDetails are a provider's details with its own redirect URI.
func movedDetails(w *world, name string) wire.Parameters {
	w.t.Helper()
	shown := must[wire.DescribeIdentityProviderResponse](w, "DescribeIdentityProvider", &wire.DescribeIdentityProviderRequest{UserPoolId: w.pool, ProviderName: name}).IdentityProvider.ProviderDetails
	shown["redirect_uri"] += "/" + name
	return shown
}

// TestAnswerAfterProviderChanged: an answer counts only for the settings that the
// sign-in began with; a new client secret is no such change.
func TestAnswerAfterProviderChanged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(w *world, details wire.Parameters)
		good   bool
	}{
		"client secret": {func(w *world, d wire.Parameters) { d["client_secret"] = "n3w"; w.updateProvider(d) }, true},
		"client id":     {func(w *world, d wire.Parameters) { d["client_id"] = "app2"; w.updateProvider(d) }, false},
		"issuer":        {func(w *world, d wire.Parameters) { d["oidc_issuer"] = newElsewhere(w.t).Issuer; w.updateProvider(d) }, false},
		"redirect URI":  {func(w *world, d wire.Parameters) { d["redirect_uri"] = "/oauth2/idpresponse"; w.updateProvider(d) }, false},
		"joined by another": {func(w *world, _ wire.Parameters) {
			w.trust("Evil", wire.ProviderOIDC, newElsewhere(w.t).details(), nil)
			w.shareRedirect("Other", "Evil")
		}, false},
	} {
		w, e := otherWorld(t, nil, nil)
		if name == "joined by another" {
			w.shareRedirect("Other")
		}
		v := w.visitor()
		left := v.leave("Other", nil)
		e.says(e.Token("u-1", map[string]any{"nonce": left.Query().Get("nonce")}))
		test.change(w, e.details())
		if got := v.outcome(url.Values{"code": {"c-1"}, "state": {left.Query().Get("state")}}); got.Has("code") != test.good {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestDamagedProviderStopsNoOther: a provider whose stored settings cannot be read keeps
// no other one from signing people in or from being changed.
func TestDamagedProviderStopsNoOther(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	w.trust("Damaged", wire.ProviderOIDC, newElsewhere(t).details(), nil)
	w.shareRedirect("Other", "Damaged")
	w.forgetSettings("LegacyIssuers")
	err := w.store.Update(t.Context(), func(tx storage.Tx) error {
		p, err := tx.Providers.IdentityProvider(w.pool, "Damaged")
		if err != nil {
			return err
		}
		p.Settings = []byte(`{"Type":"OIDC","Details":"AAAA"}`)
		return tx.Providers.Update(p)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.visitor().visit(e, "u-1", nil); !got.Has("code") {
		t.Errorf("sign-in: %v", got)
	}
	w.updateProvider(e.details())
	if got := w.visitor().visit(e, "u-1", nil); !got.Has("code") || len(w.users()) != 1 {
		t.Errorf("after a change: %v", got)
	}
}
