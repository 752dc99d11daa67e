package browser

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

const (
	pressSignIn = "document.querySelector('#signIn').click()"
)

// TestReactSignsIn: signinRedirect leads to the sign-in page and back to a user with tokens
// and claims of userInfo, who is still there after the page is loaded again.
func TestReactSignsIn(t *testing.T) {
	app := newReactApp(t, "127.0.0.1", map[string]any{"loadUserInfo": true}, nil)
	tab := app.open()
	app.signIn(tab, pressSignIn, "ann")
	asked := tab.to("GET", app.authority+"/oauth2/authorize")
	if len(asked) != 1 || asked[0].Get("code_challenge_method") != "S256" || asked[0].Get("response_type") != "code" {
		t.Errorf("authorization requests %v", asked)
	}
	if at := Evaluate[string](tab, "location.href"); at != app.home {
		t.Errorf("the code is still in the address: %s", at)
	}
	user := tab.reactUser()
	profile := user.Profile
	if profile["cognito:username"] != "ann" || profile["email"] != "ann@example.com" || profile["token_use"] != "id" || profile["username"] != "ann" {
		t.Errorf("profile %v", profile)
	}
	if user.Refresh == "" || user.Scope != "openid email aws.cognito.signin.user.admin" || user.Left < 3000 || user.Left > 3600 {
		t.Errorf("user %+v", user)
	}
	if got, err := app.cip.GetUser(t.Context(), &cip.GetUserInput{AccessToken: &user.Access}); err != nil || *got.Username != "ann" {
		t.Errorf("GetUser: %v, %v", got, err)
	}
	tab.Requests()
	tab.Go(app.home)
	tab.becomes("in")
	if requests := strings.Join(tab.Requests(), "\n"); strings.Contains(requests, app.authority) {
		t.Errorf("the page that was loaded again asked the pool: %s", requests)
	}
	if again := tab.reactUser(); again.Access != user.Access {
		t.Error("the page that was loaded again has another token")
	}
	tab.quiet()
}

// rotating makes the client's refresh tokens good for one use, with a grace period.
func rotating(in *cip.CreateUserPoolClientInput) {
	in.RefreshTokenRotation = &types.RefreshTokenRotationType{Feature: types.FeatureTypeEnabled, RetryGracePeriodSeconds: aws.Int32(60)}
}

// clients are the app clients with which the application renews.
var clients = map[string]func(*cip.CreateUserPoolClientInput){
	"one refresh token":       func(*cip.CreateUserPoolClientInput) {},
	"rotating refresh tokens": rotating,
}

// TestReactRenewsByRefreshToken: signinSilent redeems the refresh token, for the same sign-in.
func TestReactRenewsByRefreshToken(t *testing.T) {
	for name, change := range clients {
		t.Run(name, func(t *testing.T) {
			app := newReactApp(t, "127.0.0.1", map[string]any{"loadUserInfo": true}, change)
			tab := app.open()
			app.signIn(tab, pressSignIn, "ann")
			first := tab.reactUser()
			tab.Requests()
			second := tab.silently("")
			if second != nil {
				second = tab.silently("")
			}
			if second == nil {
				t.Fatalf("signinSilent: %s", tab.Text())
			}
			asked := tab.to("GET", app.authority+"/oauth2/authorize")
			if len(asked) != 0 || second.Access == first.Access || second.ID == first.ID || second.Scope != first.Scope {
				t.Errorf("after the renewals: %+v, asked %v", second, asked)
			}
			for _, claim := range []string{"sub", "email", "origin_jti"} {
				if second.Profile[claim] != first.Profile[claim] {
					t.Errorf("%s: %v, before %v", claim, second.Profile[claim], first.Profile[claim])
				}
			}
			if rotated := second.Refresh != first.Refresh; rotated != (name != "one refresh token") {
				t.Errorf("rotated: %t", rotated)
			}
			tab.quiet()
		})
	}
}

// TestReactRenewsAutomatically: automaticSilentRenew renews a token that is about to expire,
// again and again, also after the page is loaded again, when StrictMode leaves a second
// UserManager behind that renews too. When the session is over, the application shows why.
func TestReactRenewsAutomatically(t *testing.T) {
	for name, change := range clients {
		t.Run(name, func(t *testing.T) {
			settings := map[string]any{"accessTokenExpiringNotificationTimeInSeconds": 299}
			app := newReactApp(t, "127.0.0.1", settings, func(in *cip.CreateUserPoolClientInput) {
				change(in)
				in.AccessTokenValidity = aws.Int32(5) // the least; a second passes until oidc-client-ts renews
				in.TokenValidityUnits = &types.TokenValidityUnitsType{AccessToken: types.TimeUnitsTypeMinutes}
			})
			tab := app.open()
			app.signIn(tab, pressSignIn, "ann")
			tokens := tab.renewed("3")
			tab.Go(app.home)
			tab.becomes("in")
			tokens = append(tokens, tab.renewed("1")...)
			slices.Sort(tokens)
			if distinct := slices.Compact(slices.Clone(tokens)); len(distinct) != len(tokens) {
				t.Errorf("%d tokens of %d", len(distinct), len(tokens))
			}
			tab.quiet()
			_, err := app.cip.AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: &app.pool, Username: aws.String("ann")})
			if err != nil {
				t.Fatal(err)
			}
			if said := tab.fails(); said != "Refresh Token has been revoked" {
				t.Errorf("says %q", said)
			}
		})
	}
}

// TestReactRenewsInFrame: without a refresh token, signinSilent asks by prompt=none in a
// hidden frame, which the browser's session at the pool answers without a page.
func TestReactRenewsInFrame(t *testing.T) {
	app := newReactApp(t, "127.0.0.1", map[string]any{"includeIdTokenInSilentRenew": true}, nil)
	tab := app.open()
	app.signIn(tab, pressSignIn, "ann")
	anns := Evaluate[string](tab, "JSON.stringify(sessionStorage)")
	first := tab.reactUser()
	tab.Requests()
	second := tab.silently("{ forceIframeAuth: true }")
	if second == nil {
		t.Fatalf("signinSilent: %s", tab.Text())
	}
	if second.Access == first.Access || second.Profile["sub"] != first.Profile["sub"] || second.Profile["origin_jti"] == first.Profile["origin_jti"] {
		t.Errorf("after the renewal: %v, before: %v", second.Profile, first.Profile)
	}
	asked := tab.to("GET", app.authority)
	if len(asked) != 1 || asked[0].Get("prompt") != "none" || asked[0].Get("id_token_hint") != first.ID {
		t.Errorf("requests of the frame %v", asked)
	}
	tab.quiet()

	// A request that only a page can answer shows none in the frame.
	if tab.silently("{ forceIframeAuth: true, redirect_uri: 'https://elsewhere.example/', silentRequestTimeoutInSeconds: 1 }") != nil {
		t.Error("a redirect URI that is not registered is served")
	}
	if said, console := tab.fails(), strings.Join(tab.Errors(), "\n"); said != "IFrame timed out without a response" || !strings.Contains(console, "frame-ancestors 'none'") {
		t.Errorf("says %q, console %s", said, console)
	}

	// Bob signs in in another tab. The application of the first one stays Ann's.
	app.signIn(tab, "app.auth.signinRedirect({ prompt: 'login' })", "bob")
	tab.evaluated("Object.assign(sessionStorage, " + anns + ")")
	tab.Go(app.home)
	tab.becomes("in")
	if user := tab.silently("{ forceIframeAuth: true }"); user != nil {
		t.Errorf("the application is now %v's", user.Profile["cognito:username"])
	}
	if said := tab.fails(); said != "the user has to sign in" {
		t.Errorf("says %q", said)
	}
	// Nor does she sign Bob out, without a question.
	tab.Press("#signOut")
	tab.shows("Sign out?")
	tab.quiet()
}

// TestReactFrameOfAnotherSite: a browser sends no cookie of the pool from a frame of another
// site, so that the application has to renew by the refresh token, or by a redirect.
func TestReactFrameOfAnotherSite(t *testing.T) {
	app := newReactApp(t, "localhost", nil, nil)
	tab := app.open()
	app.signIn(tab, pressSignIn, "ann")
	if tab.silently("{ forceIframeAuth: true }") != nil {
		t.Error("signinSilent found a session")
	}
	if said := tab.fails(); said != "the user has to sign in" {
		t.Errorf("says %q", said)
	}
	if tab.silently("") == nil {
		t.Errorf("by the refresh token: %s", tab.Text())
	}
	tab.becomes("in")
	tab.leave("app.auth.signinRedirect({ prompt: 'none' })")
	tab.becomes("in")
	tab.quiet()
}

// TestReactSignsOut: signoutRedirect names the user by an ID token, ends the browser's
// session and comes back; so does the address that Cognito's console shows. The refresh
// token ends only if the application revokes it.
func TestReactSignsOut(t *testing.T) {
	revoking := map[string]any{"revokeTokensOnSignout": true, "revokeTokenTypes": []string{"refresh_token"}}
	for name, test := range map[string]struct {
		settings map[string]any
		button   string
		sent     []string
		refresh  string
	}{
		"signoutRedirect":             {nil, "#signOut", []string{"id_token_hint", "post_logout_redirect_uri"}, ""},
		"signoutRedirect, revoking":   {revoking, "#signOut", []string{"id_token_hint", "post_logout_redirect_uri"}, "invalid_grant"},
		"as Cognito's console has it": {nil, "#hosted", []string{"client_id", "logout_uri"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			app := newReactApp(t, "127.0.0.1", test.settings, nil)
			tab := app.open()
			app.signIn(tab, pressSignIn, "ann")
			user := tab.silently("")
			if user == nil {
				t.Fatalf("signinSilent: %s", tab.Text())
			}
			tab.Requests()
			tab.Press(test.button)
			tab.becomes("out")
			if at := Evaluate[string](tab, "location.href"); at != app.home {
				t.Errorf("the browser is at %s", at)
			}
			sent := tab.to("GET", app.authority+"/logout")
			if len(sent) != 1 || len(sent[0]) != 2 || !sent[0].Has(test.sent[0]) || !sent[0].Has(test.sent[1]) {
				t.Errorf("logout requests %v", sent)
			}
			if got := app.refresh(user.Refresh); got != test.refresh {
				t.Errorf("the refresh token: %q, want %q", got, test.refresh)
			}
			tab.leave(pressSignIn)
			app.asks(tab)
			tab.quiet()
		})
	}
}

// TestReactShowsRefusals: an error of the pool comes back to the application, which shows
// it and goes on. What the application puts into state comes through whole.
func TestReactShowsRefusals(t *testing.T) {
	app := newReactApp(t, "127.0.0.1", nil, nil)
	tab := app.open()
	for options, want := range map[string]string{
		"{ prompt: 'none' }": "the user has to sign in",
		"{ scope: 'email' }": "none of the scopes is the client's; email, phone and profile need openid",
		"{ extraQueryParams: { identity_provider: 'Nobody' } }": "identity_provider is not one of the client's",
	} {
		tab.leave("app.auth.signinRedirect(" + options + ")")
		if said := tab.fails(); said != want {
			t.Errorf("%s: %q, want %q", options, said, want)
		}
	}
	tab.leave(`app.auth.signinRedirect({ url_state: 'page 7 "&=?#+;', login_hint: 'ann', nonce: 'n-1', display: 'page', ui_locales: 'de' })`)
	app.asks(tab)
	if hint := Evaluate[string](tab, "document.querySelector('[name=username]').value"); hint != "ann" {
		t.Errorf("hint %q", hint)
	}
	tab.Fill("password", password)
	tab.Press(".submit")
	tab.becomes("in")
	if got := Evaluate[string](tab, "app.auth.user.url_state"); got != `page 7 "&=?#+;` {
		t.Errorf("url_state %q", got)
	}
	tab.quiet()
}
