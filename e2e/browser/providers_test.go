package browser

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// addProviders adds identity providers to the pool: Google, Apple and an OpenID provider
// with a long name. Nobody signs in at them.
func (s *site) addProviders() []string {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	apple := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	var names []string
	for _, p := range []struct {
		name    string
		kind    types.IdentityProviderTypeType
		details map[string]string
	}{
		{"Google", types.IdentityProviderTypeTypeGoogle, map[string]string{"client_id": "notes", "client_secret": "s", "authorize_scopes": "openid email"}},
		{"SignInWithApple", types.IdentityProviderTypeTypeSignInWithApple, map[string]string{
			"client_id": "com.example.notes", "team_id": "TEAM000001", "key_id": "KEY0000001", "private_key": string(apple), "authorize_scopes": "email",
		}},
		{"ExampleCorporationInternational", types.IdentityProviderTypeTypeOidc, partnerDetails(local.Up(), "notes", "s")},
	} {
		_, err := s.admin.CreateIdentityProvider(s.t.Context(), &cip.CreateIdentityProviderInput{
			UserPoolId: &s.pool, ProviderName: &p.name, ProviderType: p.kind, ProviderDetails: p.details,
			AttributeMapping: map[string]string{"email": "email"},
		})
		if err != nil {
			s.t.Fatalf("%s: %v", p.name, err)
		}
		names = append(names, p.name)
	}
	return names
}

// TestProvidersGallery looks at the page of a client with other providers beside the
// pool's own passwords, and of one without passwords.
func TestProvidersGallery(t *testing.T) {
	s := newSite(t)
	names := s.addProviders()
	tab := Open(t)
	for _, page := range []struct {
		name      string
		providers []string
	}{
		{"providers", append([]string{"COGNITO"}, names...)},
		{"choose-provider", names},
	} {
		_, err := s.admin.UpdateUserPoolClient(t.Context(), &cip.UpdateUserPoolClientInput{
			UserPoolId: &s.pool, ClientId: &s.client, ClientName: aws.String("Example Notes"), CallbackURLs: []string{s.home},
			AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{"code"},
			AllowedOAuthScopes: []string{"openid", "email"}, SupportedIdentityProviders: page.providers,
		})
		if err != nil {
			t.Fatal(err)
		}
		tab.Go(s.address("/login"))
		tab.look(page.name)
		if n := Evaluate[int](tab, "document.querySelectorAll('.provider').length"); n != len(names) {
			t.Errorf("%s: %d providers, want %d", page.name, n, len(names))
		}
		if to := Evaluate[string](tab, "document.querySelector('.provider').href"); !strings.HasPrefix(to, local.Up().Endpoint+"/"+s.pool+"/oauth2/authorize?") {
			t.Errorf("%s: a provider is at %s", page.name, to)
		}
	}
	tab.quiet()
}
