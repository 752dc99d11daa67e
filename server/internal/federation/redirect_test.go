package federation_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/openid"
)

// sharedProvider returns an OpenID provider at the shared redirect URI, whose discovery
// says whether its answers have the iss parameter.
func sharedProvider(t *testing.T, name string, announces bool) federation.Provider {
	t.Helper()
	web := httptest.NewServer(nil)
	t.Cleanup(web.Close)
	web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": web.URL, "jwks_uri": web.URL + "/keys", "authorization_endpoint": web.URL + "/authorize", "token_endpoint": web.URL + "/token",
			"authorization_response_iss_parameter_supported": announces,
		})
	})
	return federation.Provider{
		Name: name, Kind: wire.ProviderOIDC, SharedRedirect: true,
		Details: wire.Parameters{"client_id": "app", "oidc_issuer": web.URL},
	}
}

// TestCheckShared decides by one reading of all configurations, so that a provider that
// announces iss when a sign-in begins and stops before it ends gains nothing.
func TestCheckShared(t *testing.T) {
	t.Parallel()
	party := federation.NewParty(openid.Reach{AllowLoopback: true}, nil, nil)
	silent, named := sharedProvider(t, "Silent", false), sharedProvider(t, "Named", true)
	stopped := sharedProvider(t, "Stopped", false)
	social := federation.Provider{Name: "Facebook", Kind: wire.ProviderFacebook, SharedRedirect: true, Details: wire.Parameters{"client_id": "app"}}
	issuer := func(p federation.Provider) string { return p.Details["oidc_issuer"] }
	for name, c := range map[string]struct {
		at      federation.Provider
		iss     string
		sharing []federation.Provider
		refused bool
	}{
		"alone":                                 {silent, "", []federation.Provider{silent}, false},
		"the only one that names no issuer":     {silent, "", []federation.Provider{silent, named}, false},
		"its issuer":                            {named, issuer(named), []federation.Provider{silent, named}, false},
		"no issuer though it announces":         {named, "", []federation.Provider{silent, named}, true},
		"no issuer after it stopped":            {stopped, "", []federation.Provider{silent, stopped}, true},
		"another's issuer":                      {stopped, issuer(named), []federation.Provider{stopped, named}, true},
		"a kind without issuer":                 {social, "", []federation.Provider{social, named}, false},
		"a kind without issuer, foreign iss":    {social, "https://any.example.com", []federation.Provider{social, named}, false},
		"a kind without issuer, other silent":   {social, "https://any.example.com", []federation.Provider{social, silent}, true},
		"a kind without issuer, other's issuer": {social, issuer(named), []federation.Provider{social, named}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := party.CheckShared(t.Context(), c.at, federation.Answer{Code: "code", Issuer: c.iss}, c.sharing)
			if (err != nil) != c.refused {
				t.Errorf("error %v, want refused %v", err, c.refused)
			}
		})
	}
}
