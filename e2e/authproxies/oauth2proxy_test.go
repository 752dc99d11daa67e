package authproxies

import (
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/jwt"
)

// oauth2ProxyVersion is what e2e/run builds.
const oauth2ProxyVersion = "v7.15.6"

// startOAuth2Proxy starts oauth2-proxy in front of an application, with further flags, and
// returns its URL. It keeps the session in its cookie and gives the application the tokens
// and what they say.
func startOAuth2Proxy(t *testing.T, rotates *types.RefreshTokenRotationType, flags ...string) (proxy string) {
	t.Helper()
	program := local.Built(t, "oauth2-proxy-"+oauth2ProxyVersion)
	address := local.FixedAddress(t)
	proxy = "http://" + address
	client := newAppClient(t, proxy+"/oauth2/callback", proxy+"/bye", rotates)
	start(t, t.TempDir(), address, exec.Command(program, append([]string{
		"--provider=oidc", "--oidc-issuer-url=" + issuer(), "--client-id=" + *client.ClientId, "--client-secret=" + *client.ClientSecret,
		"--scope=openid email profile " + userScope, "--code-challenge-method=S256",
		"--validate-url=" + issuer() + "/oauth2/userInfo", // asked after each refresh
		"--oidc-groups-claim=cognito:groups",
		"--http-address=" + address, "--redirect-url=" + proxy + "/oauth2/callback", "--upstream=" + newApplication(t),
		"--pass-access-token", "--pass-authorization-header", "--email-domain=*", "--skip-provider-button",
		"--skip-auth-route=^/bye$", "--whitelist-domain=" + strings.TrimPrefix(local.Up().Endpoint, "http://"),
		"--cookie-secret=0123456789abcdef0123456789abcdef", "--cookie-secure=false",
	}, flags...)...))
	return proxy
}

// refreshAlways has the tokens refreshed in the next second already.
const refreshAlways = "--cookie-refresh=1ms"

// TestOAuth2ProxySignsIn: discovery, the code grant with PKCE, nonce and a client secret,
// and both tokens; a sign-out ends the session of the proxy, and that of the service by the
// way that oauth2-proxy's redirect parameter names.
func TestOAuth2ProxySignsIn(t *testing.T) {
	t.Parallel()
	proxy, group := startOAuth2Proxy(t, nil), newGroup(t)
	user, b := newUser(t, group), newBrowser(t)
	asked := b.open(proxy + "/notes?page=2")
	if method := asked.url.Query().Get("code_challenge_method"); method != "S256" {
		t.Errorf("PKCE method %q", method)
	}
	back := b.signIn(asked, user)
	if to := back.url.String(); to != proxy+"/notes?page=2" {
		t.Errorf("back at %s", to)
	}
	headers := back.application(t)
	id, err := jwt.Decode(strings.TrimPrefix(headers.Get("Authorization"), "Bearer "))
	check(t, err)
	access, err := jwt.Decode(headers.Get("X-Forwarded-Access-Token"))
	check(t, err)
	if id.Use() != "id" || id.Username() != user || access.Use() != "access" {
		t.Errorf("the application received %v and %v", id, access)
	}
	for name, want := range map[string]string{"X-Forwarded-User": id.Subject(), "X-Forwarded-Email": user + "@example.com", "X-Forwarded-Groups": group} {
		if got := headers.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	logout := issuer() + "/logout?id_token_hint={id_token}&" + url.Values{"post_logout_redirect_uri": {proxy + "/bye"}}.Encode()
	back = b.open(proxy + "/oauth2/sign_out?rd=" + url.QueryEscape(logout))
	if to := back.url.String(); to != proxy+"/bye" {
		t.Fatalf("back from the sign-out at %s: %s", to, back.body)
	}
	if again := b.open(proxy); !again.isSignIn() {
		t.Errorf("after the sign-out: %d at %s, want the sign-in page", again.status, again.url)
	}
}

// TestOAuth2ProxyRefreshesTokens: several times in a row, with a look at userInfo each time.
func TestOAuth2ProxyRefreshesTokens(t *testing.T) {
	t.Parallel()
	for name, rotates := range map[string]*types.RefreshTokenRotationType{"rotation": rotation(0), "no rotation": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := startOAuth2Proxy(t, rotates, refreshAlways)
			b := newBrowser(t)
			headers := b.signIn(b.open(proxy), newUser(t)).application(t)
			for range 2 {
				before := headers
				eventually(t, "other access token", func() bool {
					headers = b.open(proxy).application(t)
					return headers.Get("X-Forwarded-Access-Token") != before.Get("X-Forwarded-Access-Token")
				})
				for _, name := range []string{"X-Forwarded-User", "X-Forwarded-Email"} {
					if after := headers.Get(name); after == "" || after != before.Get(name) {
						t.Errorf("%s: %q, before the refresh %q", name, after, before.Get(name))
					}
				}
				if headers.Get("Authorization") == before.Get("Authorization") {
					t.Error("the ID token was not refreshed")
				}
			}
		})
	}
}

// TestOAuth2ProxyRefreshesAtOnce: requests of one page load carry the same cookie, and thus
// the same refresh token. Each refreshes it, as the proxy has no lock for sessions that it
// keeps in cookies; inside the grace period of the rotation all succeed.
func TestOAuth2ProxyRefreshesAtOnce(t *testing.T) {
	t.Parallel()
	proxy := startOAuth2Proxy(t, rotation(60), refreshAlways)
	b := newBrowser(t)
	b.signIn(b.open(proxy), newUser(t)).application(t)
	address, err := url.Parse(proxy)
	check(t, err)
	cookies := b.client.Jar.Cookies(address)
	send := func() (refreshed bool, err error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy, nil)
		if err != nil {
			return false, err
		}
		for _, cookie := range cookies {
			r.AddCookie(cookie)
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return false, err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return false, fmt.Errorf("%s, to %q", answer.Status, answer.Header.Get("Location"))
		}
		return len(answer.Cookies()) > 0, nil
	}
	eventually(t, "refresh", func() bool {
		var group sync.WaitGroup
		var refreshes atomic.Int32
		for range 8 {
			group.Go(func() {
				refreshed, err := send()
				if err != nil {
					t.Error(err)
				}
				if refreshed {
					refreshes.Add(1)
				}
			})
		}
		group.Wait()
		return refreshes.Load() > 1 || t.Failed()
	})
	b.open(proxy).application(t)
}

// TestOAuth2ProxyAdmitsGroup: a member of the allowed group, until a refresh tells that the
// user has left it; and no one else.
func TestOAuth2ProxyAdmitsGroup(t *testing.T) {
	t.Parallel()
	group := newGroup(t)
	proxy := startOAuth2Proxy(t, nil, refreshAlways, "--allowed-group="+group)
	member, stranger := newBrowser(t), newBrowser(t)
	user := newUser(t, newGroup(t), group)
	if groups := member.signIn(member.open(proxy), user).application(t).Get("X-Forwarded-Groups"); !strings.Contains(groups, group) {
		t.Errorf("groups %q", groups)
	}
	if refused := stranger.signIn(stranger.open(proxy), newUser(t, newGroup(t))); refused.status != http.StatusForbidden {
		t.Errorf("a user outside the group: %d at %s", refused.status, refused.url)
	}
	_, err := administrator().AdminRemoveUserFromGroup(t.Context(), &cip.AdminRemoveUserFromGroupInput{
		UserPoolId: aws.String(local.Up().UserPoolID), Username: &user, GroupName: &group,
	})
	check(t, err)
	eventually(t, "refusal of a user who left the group", func() bool {
		return member.open(proxy).status == http.StatusForbidden
	})
}

// TestOAuth2ProxyGlobalSignOut: by the user, with the token that the application got, and by
// an administrator. The next refresh fails, and the user has to sign in again.
func TestOAuth2ProxyGlobalSignOut(t *testing.T) {
	t.Parallel()
	for name, signOut := range map[string]func(t *testing.T, user, access string){
		"by the user": func(t *testing.T, _, access string) {
			_, err := administrator().GlobalSignOut(t.Context(), &cip.GlobalSignOutInput{AccessToken: &access})
			check(t, err)
		},
		"by an administrator": func(t *testing.T, user, _ string) { globalSignOut(t, user) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := startOAuth2Proxy(t, rotation(0), refreshAlways)
			user, b := newUser(t), newBrowser(t)
			headers := b.signIn(b.open(proxy), user).application(t)
			signOut(t, user, headers.Get("X-Forwarded-Access-Token"))
			var asked page
			eventually(t, "sign-in page", func() bool {
				asked = b.open(proxy)
				return asked.isSignIn()
			})
			b.signIn(asked, user).application(t)
		})
	}
}
