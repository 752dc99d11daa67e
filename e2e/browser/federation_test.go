package browser

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// newPartner is a second `latchkey up`, whose people sign in at the first one's pool,
// which is one of its clients.
func newPartner(t *testing.T, n *notes) (partner local.Ready, clientID string) {
	t.Helper()
	process, err := local.Start(filepath.Join(t.TempDir(), "partner"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(); err != nil {
			t.Error(err)
		}
	})
	partner = process.Ready
	pool := local.Up().UserPoolID
	client, err := adminOf(partner).CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &partner.UserPoolID, ClientName: aws.String("Example Notes"), GenerateSecret: true, CallbackURLs: []string{n.pool + "/oauth2/idpresponse/Partner"},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{"code"},
		AllowedOAuthScopes: []string{"openid", "email", "profile"}, SupportedIdentityProviders: []string{"COGNITO"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.cip.CreateIdentityProvider(t.Context(), &cip.CreateIdentityProviderInput{
		UserPoolId: &pool, ProviderName: aws.String("Partner"), ProviderType: types.IdentityProviderTypeTypeOidc,
		ProviderDetails:  partnerDetails(partner, *client.UserPoolClient.ClientId, *client.UserPoolClient.ClientSecret),
		AttributeMapping: map[string]string{"email": "email", "email_verified": "email_verified", "name": "name"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := n.cip.DeleteIdentityProvider(context.Background(), &cip.DeleteIdentityProviderInput{UserPoolId: &pool, ProviderName: aws.String("Partner")}); err != nil {
			t.Error(err)
		}
	})
	n.client(func(in *cip.UpdateUserPoolClientInput) {
		in.SupportedIdentityProviders = append(in.SupportedIdentityProviders, "Partner")
	})
	return partner, *client.UserPoolClient.ClientId
}

// TestSignInAtThePartner: the button on the sign-in page leads to the other provider's
// page, and that back to the application, with a session of the pool's own. When an
// administrator ends it, the browser's session at the pool is worth nothing either.
func TestSignInAtThePartner(t *testing.T) {
	n := newNotes(t, nil)
	partner, clientID := newPartner(t, n)
	tab := n.open()
	tab.Press("#signIn")
	tab.asks(n)
	tab.look("partner")
	tab.Press(".provider")
	tab.shows("Sign in", "to continue to Example Notes")
	if at := Evaluate[string](tab, "location.href"); !strings.HasPrefix(at, partner.Endpoint+"/"+partner.UserPoolID+"/login?") {
		t.Fatalf("the browser is at %s", at)
	}
	tab.Fill("username", partner.Username)
	tab.Fill("password", partner.Password)
	tab.Press(".submit")
	tab.becomes("in")
	if got := tab.events(); got != "signInWithRedirect, signedIn" {
		t.Errorf("events: %s", got)
	}
	first := tab.session("")
	username := first.fromPartner(t, partner)
	second := tab.session("{ forceRefresh: true }")
	if second.Access == first.Access || second.fromPartner(t, partner) != username || second.ID["sub"] != first.ID["sub"] {
		t.Errorf("after the refresh: %v", second.ID)
	}
	tab.quiet()

	_, err := n.cip.AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: aws.String(local.Up().UserPoolID), Username: &username})
	if err != nil {
		t.Fatal(err)
	}
	tab.over()
	tab.Go(n.home)
	tab.becomes("out")
	tab.Press("#signIn")
	tab.asks(n)
	// The partner's own session is the partner's business.
	tab.Press(".provider")
	tab.becomes("in")
	third := tab.session("")
	if third.fromPartner(t, partner) != username || third.ID["sub"] != first.ID["sub"] {
		t.Errorf("another user: %v", third.ID)
	}
	tab.Press("#signOutEverywhere")
	tab.becomes("out")
	n.refused(third.Access)
	tab.events()
	tab.Press("#signIn")
	tab.asks(n)

	// What goes wrong behind the browser's back, the application is told.
	_, err = n.cip.UpdateIdentityProvider(t.Context(), &cip.UpdateIdentityProviderInput{
		UserPoolId: aws.String(local.Up().UserPoolID), ProviderName: aws.String("Partner"), ProviderDetails: partnerDetails(partner, clientID, "wrong"),
	})
	if err != nil {
		t.Fatal(err)
	}
	tab.Press(".provider")
	tab.becomes("out")
	if got := tab.events(); got != "signInWithRedirect_failure Partner Error - 400 error getting token" {
		t.Errorf("events: %s", got)
	}
	tab.quiet()
}

// partnerDetails are how the pool reaches the partner, as one of its clients.
func partnerDetails(partner local.Ready, id, secret string) map[string]string {
	return map[string]string{
		"client_id": id, "client_secret": secret, "attributes_request_method": "GET",
		"oidc_issuer": partner.Endpoint + "/" + partner.UserPoolID, "authorize_scopes": "openid email profile",
	}
}

// fromPartner checks that a session is that of the partner's demo user, and gives the
// user's name at the pool.
func (s *session) fromPartner(t *testing.T, partner local.Ready) string {
	t.Helper()
	identities, _ := s.ID["identities"].([]any)
	if len(identities) != 1 {
		t.Fatalf("ID token %v", s.ID)
	}
	one, _ := identities[0].(map[string]any)
	sub, _ := one["userId"].(string)
	user, err := adminOf(partner).AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &partner.UserPoolID, Username: &partner.Username})
	if err != nil {
		t.Fatal(err)
	}
	name := "partner_" + sub // the pool does not tell case apart
	if one["providerName"] != "Partner" || one["providerType"] != "OIDC" || s.Claims["username"] != name || s.ID["cognito:username"] != name ||
		s.ID["email"] != "demo@example.com" || s.ID["name"] != "Demo User" || s.IdentityID == "" || s.AccessKeyID == "" {
		t.Errorf("session %+v", s)
	}
	for _, attribute := range user.UserAttributes {
		if *attribute.Name == "sub" && *attribute.Value == sub {
			return name
		}
	}
	t.Errorf("%q is not the partner's user %v", sub, user.UserAttributes)
	return name
}
