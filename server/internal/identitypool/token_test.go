package identitypool_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

func (h *harness) getOpenIDToken(id string, logins wire.Parameters) (*wire.GetOpenIdTokenResponse, error) {
	h.t.Helper()
	return call[wire.GetOpenIdTokenResponse](h, "GetOpenIdToken", &wire.GetOpenIdTokenRequest{IdentityId: id, Logins: logins})
}

func allowClassicFlow(s *wire.IdentityPoolSettings) { s.AllowClassicFlow = new(true) }

// TestOpenIDTokenClaims: the token names the identity and, for a user, the login that was
// proven.
func TestOpenIDTokenClaims(t *testing.T) {
	t.Parallel()
	h := newHarness(t, allowClassicFlow)
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: "https://ids.example.com/" + h.identities, ClientIDs: []string{h.identities}, OpenID: true, Keys: h.ring.Public(h.identities), Now: h.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	login := h.signIn("ann", nil)
	guest, user := h.mustID(nil), h.mustID(login)
	for id, test := range map[string]struct {
		logins wire.Parameters
		amr    []string
	}{
		guest: {nil, []string{"unauthenticated"}},
		user:  {login, []string{"authenticated", h.awsKey(), h.awsKey() + ":CognitoSignIn:ann"}},
	} {
		out, err := h.getOpenIDToken(id, test.logins)
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
		if err := token.Decode(&claims); err != nil || !slices.Equal(claims.Methods, test.amr) {
			t.Errorf("amr %q, %v; want %q", claims.Methods, err, test.amr)
		}
		if life := token.Expiry().Sub(token.IssuedAt()); token.Subject() != id || out.IdentityId != id || life != 10*time.Minute {
			t.Errorf("token of %s for %s that lasts %v", token.Subject(), id, life)
		}
	}
	_, err = h.getOpenIDToken(user, nil)
	wantRefusal(t, "a guest as a user", err, wire.IdentityForbidden(user).Message)
}

func TestClassicFlowOff(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	_, err := h.getOpenIDToken(h.mustID(nil), nil)
	wantException(t, err, wire.InvalidParameterException, wire.MessageBasicFlowDisabled)
}

// TestTooLongOpenIDToken: principal tags can make the identity's own token longer than
// clients accept.
func TestTooLongOpenIDToken(t *testing.T) {
	t.Parallel()
	h := newHarness(t, allowClassicFlow)
	login := h.signIn("ann", map[string]any{"name": strings.Repeat("𝄞", 256)})
	id := h.mustID(login)
	for tags, want := range map[int]bool{10: true, 50: false} {
		mapping := wire.PrincipalTagAttributeMap{IdentityPoolId: h.identities, IdentityProviderName: h.issuerKey(), PrincipalTags: map[string]string{}}
		for i := range tags {
			mapping.PrincipalTags[fmt.Sprintf("tag%d", i)] = "name"
		}
		must[wire.SetPrincipalTagAttributeMapResponse](h, "SetPrincipalTagAttributeMap", &wire.SetPrincipalTagAttributeMapRequest{PrincipalTagAttributeMap: mapping})
		out, err := h.getOpenIDToken(id, login)
		if want && (err != nil || len(out.Token) > wire.MaxToken) {
			t.Errorf("%d tags: %v", tags, err)
		}
		if !want && (!wire.IsException(err, wire.InvalidIdentityPoolConfigurationException) || !strings.Contains(err.Error(), "at most 50000")) {
			t.Errorf("%d tags: %v", tags, err)
		}
	}
}
