package server_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

func (w *world) getOpenIDToken(id string, logins wire.Parameters) (*wire.GetOpenIdTokenResponse, error) {
	w.t.Helper()
	return call[wire.GetOpenIdTokenResponse](w, "GetOpenIdToken", &wire.GetOpenIdTokenRequest{IdentityId: id, Logins: logins})
}

// fetchJSON reads a public document.
func (w *world) fetchJSON(url string, into any) int {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	answer, data := w.do(r)
	if answer.StatusCode == http.StatusOK {
		if err := json.Unmarshal(data, into); err != nil {
			w.t.Fatalf("%s: %v", url, err)
		}
	}
	return answer.StatusCode
}

// TestOpenIDToken: whoever knows only the issuer verifies an identity's token by
// what the issuer publishes.
func TestOpenIDToken(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, func(s *wire.IdentityPoolSettings) { s.AllowClassicFlow = new(true) })
	issuer := w.url + "/" + w.identities
	var document struct {
		Issuer        string   `json:"issuer"`
		JWKS          string   `json:"jwks_uri"`
		Authorization string   `json:"authorization_endpoint"`
		Token         string   `json:"token_endpoint"`
		Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	}
	if status := w.fetchJSON(issuer+"/.well-known/openid-configuration", &document); status != http.StatusOK {
		t.Fatalf("discovery: status %d", status)
	}
	if document.Issuer != issuer || document.Authorization == "" || document.Token == "" || !slices.Equal(document.Algorithms, []string{"RS256"}) {
		t.Errorf("discovery %+v", document)
	}
	keys, err := jwt.NewRemoteKeys(document.JWKS)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := jwt.NewVerifier(jwt.Config{Issuer: issuer, ClientIDs: []string{w.identities}, OpenID: true, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	w.addUser("ann")
	tokens := w.signIn("ann")
	guest, user := w.mustID(nil), w.mustID(w.login(tokens.IdToken))
	idToken, err := jwt.Decode(string(tokens.IdToken))
	if err != nil {
		t.Fatal(err)
	}
	for id, c := range map[string]struct {
		logins wire.Parameters
		amr    []string
	}{
		guest: {nil, []string{"unauthenticated"}},
		user: {w.login(tokens.IdToken), []string{
			"authenticated", w.awsKey(), w.awsKey() + ":CognitoSignIn:" + idToken.Subject(),
		}},
	} {
		out, err := w.getOpenIDToken(id, c.logins)
		if err != nil {
			t.Fatal(err)
		}
		token, err := verifier.VerifyID(t.Context(), string(out.Token))
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Methods []string `json:"amr"`
		}
		if err := token.Decode(&claims); err != nil || !slices.Equal(claims.Methods, c.amr) {
			t.Errorf("amr %q, %v; want %q", claims.Methods, err, c.amr)
		}
		if life := token.Expiry().Sub(token.IssuedAt()); token.Subject() != id || out.IdentityId != id || life != 10*time.Minute {
			t.Errorf("token of %s for %s that lasts %v", token.Subject(), id, life)
		}
	}
	_, err = w.getOpenIDToken(user, nil)
	wantRefusal(t, "a guest as a user", err, "Access to Identity '"+user+"' is forbidden.")
	if status := w.fetchJSON(w.url+"/us-east-1:00000000-0000-4000-8000-000000000000/.well-known/openid-configuration", nil); status != http.StatusNotFound {
		t.Errorf("discovery of no pool: status %d", status)
	}
	if status := w.fetchJSON(w.url+"/us-east-1:00000000-0000-4000-8000-000000000000/.well-known/jwks.json", nil); status != http.StatusNotFound {
		t.Errorf("keys of no pool: status %d", status)
	}
}
