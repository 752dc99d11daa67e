package browser

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/chromedp/chromedp"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// TestAmplifySignsIn: signInWithRedirect leads to the sign-in page and back, to a
// session with all that one by password has.
func TestAmplifySignsIn(t *testing.T) {
	n := newNotes(t, nil)
	tab := n.open()
	tab.signIn(n)
	if got := tab.events(); got != "signInWithRedirect, signedIn" {
		t.Errorf("events: %s", got)
	}
	if at := Evaluate[string](tab, "location.href"); at != n.home {
		t.Errorf("the code is still in the address: %s", at)
	}
	up, s := local.Up(), tab.session("")
	if s.Claims["token_use"] != "access" || s.Claims["client_id"] != up.ClientID || s.Claims["username"] != n.user || s.Claims["iss"] != up.Endpoint+"/"+up.UserPoolID {
		t.Errorf("access token %v", s.Claims)
	}
	if scope, _ := s.Claims["scope"].(string); !strings.Contains(scope, "openid") || !strings.Contains(scope, "aws.cognito.signin.user.admin") {
		t.Errorf("scope %q", scope)
	}
	if s.ID["email"] != n.user+"@example.com" || s.ID["cognito:username"] != n.user || s.ID["aud"] != up.ClientID || s.UserSub != s.ID["sub"] {
		t.Errorf("ID token %v", s.ID)
	}
	if !strings.HasPrefix(s.IdentityID, "us-east-1:") || len(s.AccessKeyID) != 20 || s.Expires == "" {
		t.Errorf("identity %q, key %q until %q", s.IdentityID, s.AccessKeyID, s.Expires)
	}
	// Sign-in details are those of a password, which the application has not seen.
	if user := await[map[string]any](tab, "app.user()"); user["username"] != n.user || user["userId"] != s.ID["sub"] || user["signInDetails"] != nil {
		t.Errorf("user %v", user)
	}
	tab.quiet()
}

// TestAmplifyKeepsTheSession: over a refresh and a new start of the page.
func TestAmplifyKeepsTheSession(t *testing.T) {
	n := newNotes(t, nil)
	tab := n.open()
	tab.signIn(n)
	first := tab.session("")
	tab.events()
	second := tab.session("{ forceRefresh: true }")
	if second.Access == first.Access || second.Claims["origin_jti"] != first.Claims["origin_jti"] || second.Claims["auth_time"] != first.Claims["auth_time"] ||
		second.Claims["scope"] != first.Claims["scope"] || second.ID["sub"] != first.ID["sub"] || second.Refresh != first.Refresh || second.IdentityID != first.IdentityID {
		t.Errorf("after the refresh: %v, before: %v", second.Claims, first.Claims)
	}
	if got := tab.events(); got != "tokenRefresh" {
		t.Errorf("events: %s", got)
	}
	tab.Requests()
	tab.Go(n.home)
	tab.becomes("in")
	if third := tab.session(""); third.Access != second.Access {
		t.Error("the page's new start has another token")
	}
	for _, request := range tab.Requests() {
		if strings.HasPrefix(request, "POST") && strings.Contains(request, "/oauth2/") || strings.HasPrefix(request, "GET "+n.pool) {
			t.Errorf("the page's new start asked the pool: %s", request)
		}
	}
	if got := tab.events(); got != "" {
		t.Errorf("events: %s", got)
	}
	tab.quiet()
}

// TestAmplifySignsOut: the session at the pool ends too, so that the next sign-in
// asks for the password, and the tokens are worth nothing.
func TestAmplifySignsOut(t *testing.T) {
	n := newNotes(t, nil)
	tab := n.open()
	tab.signIn(n)
	// The browser's own session at the pool signs in by itself, as long as it lasts.
	Evaluate[chromedp.Void](tab, "app.forget()")
	tab.Go(n.home)
	tab.becomes("out")
	tab.Press("#signIn")
	tab.becomes("in")
	access := tab.session("").Access
	tab.events()
	tab.Requests()
	tab.Press("#signOut")
	tab.becomes("out")
	if got := tab.events(); got != "signedOut" {
		t.Errorf("events: %s", got)
	}
	requests := strings.Join(tab.Requests(), "\n")
	if !strings.Contains(requests, "GET "+n.pool+"/logout?client_id=") || Evaluate[string](tab, "location.href") != n.home {
		t.Errorf("the way back: %s", requests)
	}
	n.refused(access)
	tab.Press("#signIn")
	tab.asks(n)
	tab.quiet()
}

// refused fails the test unless the service takes an access token no more.
func (n *notes) refused(access string) {
	n.t.Helper()
	_, err := n.cip.GetUser(n.t.Context(), &cip.GetUserInput{AccessToken: &access})
	if e, ok := errors.AsType[*types.NotAuthorizedException](err); !ok || e.ErrorMessage() != "Access Token has been revoked" {
		n.t.Errorf("the token after the sign-out: %v", err)
	}
}

// TestAmplifySignsOutEverywhere: in another browser the session is over too, and the
// pool's own session there signs nobody in any more.
func TestAmplifySignsOutEverywhere(t *testing.T) {
	n := newNotes(t, nil)
	here, there := n.open(), n.open()
	here.signIn(n)
	there.signIn(n)
	access := there.session("").Access
	here.Press("#signOutEverywhere")
	here.becomes("out")
	n.refused(access)
	there.over()
	for _, tab := range []*Tab{here, there} {
		tab.Go(n.home)
		tab.becomes("out")
		tab.Press("#signIn")
		tab.asks(n)
		tab.quiet()
	}
}

// TestAmplifyTurnsRefreshTokensOver: the same with a client that rotates.
func TestAmplifyTurnsRefreshTokensOver(t *testing.T) {
	n := newNotes(t, func(in *cip.UpdateUserPoolClientInput) {
		in.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserSrpAuth}
		in.RefreshTokenRotation = &types.RefreshTokenRotationType{Feature: types.FeatureTypeEnabled, RetryGracePeriodSeconds: aws.Int32(0)}
	})
	tab := n.open()
	tab.signIn(n)
	seen := map[string]bool{tab.session("").Refresh: true}
	for range 3 {
		seen[tab.session("{ forceRefresh: true }").Refresh] = true
	}
	tab.Go(n.home)
	tab.becomes("in")
	last := tab.session("{ forceRefresh: true }")
	if seen[last.Refresh] = true; len(seen) != 5 {
		t.Errorf("%d refresh tokens of 5", len(seen))
	}
	tab.Press("#signOut")
	tab.becomes("out")
	n.refused(last.Access)
	tab.quiet()
}

// TestAmplifyHearsOfRefusals: an error that the pool sends back ends the flow, and the
// page goes on. A state of the application's own comes through whole.
func TestAmplifyHearsOfRefusals(t *testing.T) {
	n := newNotes(t, nil)
	tab := n.open()
	tab.leave("app.signInWith({ provider: { custom: 'Nobody' } })")
	tab.becomes("out")
	if got := tab.events(); got != "signInWithRedirect_failure identity_provider is not one of the client's" {
		t.Errorf("events: %s", got)
	}
	tab.leave(`app.signInWith({ customState: 'page 7 "&=?#%-', options: { lang: 'de', loginHint: 'ann', prompt: 'LOGIN' } })`)
	tab.shows("Anmelden")
	if hint := Evaluate[string](tab, "document.querySelector('[name=username]').value"); hint != "ann" {
		t.Errorf("hint %q", hint)
	}
	tab.Fill("username", n.user)
	tab.Fill("password", password)
	tab.Press(".submit")
	tab.becomes("in")
	if got := tab.events(); got != `customOAuthState page 7 "&=?#%-, signInWithRedirect, signedIn` {
		t.Errorf("events: %s", got)
	}
	tab.quiet()
}

// TestUntrusted: without the authority in its database the browser refuses the
// service, so that the tests above prove that the certificate is good.
func TestUntrusted(t *testing.T) {
	tab := Open(t)
	_, err := chromedp.Run(tab.ctx, chromedp.Navigate(poolAddress(t)+"/login"))
	if err == nil || !strings.Contains(err.Error(), "ERR_CERT_AUTHORITY_INVALID") {
		t.Errorf("%v", err)
	}
}
