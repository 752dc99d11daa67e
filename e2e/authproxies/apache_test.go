package authproxies

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// Debian's packages apache2-bin and libapache2-mod-auth-openidc.
const (
	apache        = "/usr/sbin/apache2"
	apacheModules = "/usr/lib/apache2/modules"
)

// apacheConfiguration keeps all files in one folder. Apache's children run as www-data
// where root starts it, and ignore User and Group elsewhere.
const apacheConfiguration = `ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile httpd.pid
ErrorLog log
Listen %[2]s
ServerName %[2]s
User www-data
Group www-data
LoadModule mpm_event_module %[3]s/mod_mpm_event.so
LoadModule authn_core_module %[3]s/mod_authn_core.so
LoadModule authz_core_module %[3]s/mod_authz_core.so
LoadModule authz_user_module %[3]s/mod_authz_user.so
LoadModule auth_openidc_module %[3]s/mod_auth_openidc.so
LoadModule proxy_module %[3]s/mod_proxy.so
LoadModule proxy_http_module %[3]s/mod_proxy_http.so
StartServers 1

OIDCProviderMetadataURL %[4]s/.well-known/openid-configuration
OIDCClientID %[5]s
OIDCClientSecret %[6]s
OIDCRedirectURI http://%[2]s/callback
OIDCCryptoPassphrase not-used-elsewhere
OIDCScope "openid email profile"
OIDCPKCEMethod S256
OIDCRemoteUserClaim cognito:username
OIDCPassRefreshToken On
%[8]s

ProxyPass /callback !
ProxyPass / %[7]s/
<Location />
	AuthType openid-connect
	Require valid-user
</Location>
<Location /group>
	Require claim cognito:groups:%[9]s
</Location>
<Location /bye>
	AuthType None
	Require all granted
</Location>
`

// apacheProxy is an Apache with mod_auth_openidc in front of an application.
type apacheProxy struct {
	url    string
	client *types.UserPoolClientType
	group  string // admitted to /group
}

// startApache starts Apache with further directives of the module.
func startApache(t *testing.T, directives string, rotates *types.RefreshTokenRotationType) apacheProxy {
	t.Helper()
	local.Need(t, apache)
	local.Need(t, filepath.Join(apacheModules, "mod_auth_openidc.so"))
	address, dir := local.FixedAddress(t), t.TempDir()
	p := apacheProxy{url: "http://" + address, group: newGroup(t)}
	p.client = newAppClient(t, p.url+"/callback", p.url+"/bye", rotates)
	path := filepath.Join(dir, "apache.conf")
	check(t, os.WriteFile(path, fmt.Appendf(nil, apacheConfiguration, dir, address, apacheModules,
		issuer(), *p.client.ClientId, *p.client.ClientSecret, newApplication(t), directives, p.group), 0o600))
	start(t, dir, address, exec.Command(apache, "-f", path, "-DFOREGROUND"))
	return p
}

// TestModAuthOpenIDCSignsIn: the code grant with PKCE and a client secret, userInfo, and
// groups as a condition of Apache's.
func TestModAuthOpenIDCSignsIn(t *testing.T) {
	t.Parallel()
	p := startApache(t, "", nil)
	member, stranger := newUser(t, p.group), newUser(t)
	b := newBrowser(t)
	asked := b.open(p.url + "/notes?page=2")
	if method := asked.url.Query().Get("code_challenge_method"); method != "S256" {
		t.Errorf("PKCE method %q", method)
	}
	back := b.signIn(asked, member)
	if to := back.url.String(); to != p.url+"/notes?page=2" {
		t.Errorf("back at %s", to)
	}
	headers := back.application(t)
	for name, want := range map[string]string{
		"OIDC_CLAIM_cognito-username": member, "OIDC_CLAIM_cognito-groups": p.group, "OIDC_CLAIM_aud": *p.client.ClientId, // of the ID token
		"OIDC_CLAIM_username": member, "OIDC_CLAIM_email": member + "@example.com", // of userInfo
	} {
		if got := headers.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	b.open(p.url + "/group").application(t)
	other := newBrowser(t)
	other.signIn(other.open(p.url+"/notes"), stranger).application(t)
	if refused := other.open(p.url + "/group"); refused.status != http.StatusUnauthorized {
		t.Errorf("a user outside the group: %d %s", refused.status, refused.body)
	}
}

// TestModAuthOpenIDCRefreshesTokens: before every request, as the access token has less
// than the demanded ten minutes left; and on demand, by the module's refresh hook. A global
// sign-out ends the session at the next refresh.
func TestModAuthOpenIDCRefreshesTokens(t *testing.T) {
	t.Parallel()
	for name, rotates := range map[string]*types.RefreshTokenRotationType{"rotation": rotation(0), "no rotation": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startApache(t, "OIDCRefreshAccessTokenBeforeExpiry 600 logout_on_error", rotates)
			user, b := newUser(t), newBrowser(t)
			headers := b.signIn(b.open(p.url), user).application(t)
			for range 3 {
				before := headers
				headers = b.open(p.url).application(t)
				wantRefreshed(t, before, headers, rotates != nil)
			}
			globalSignOut(t, user)
			if out := b.open(p.url); !strings.Contains(out.body, "Logged Out") { // the module's own page
				t.Errorf("after the global sign-out: %d at %s: %s", out.status, out.url, out.body)
			}
			b.signIn(b.open(p.url), user).application(t)
		})
		t.Run(name+", hook", func(t *testing.T) {
			t.Parallel()
			p := startApache(t, "", rotates)
			user, b := newUser(t), newBrowser(t)
			hook := func(headers http.Header) string {
				return p.url + "/callback?" + url.Values{"refresh": {p.url + "/after"}, "access_token": {headers.Get("OIDC_access_token")}}.Encode()
			}
			before := b.signIn(b.open(p.url), user).application(t)
			back := b.open(hook(before))
			if to := back.url.String(); to != p.url+"/after" {
				t.Errorf("back at %s", to)
			}
			after := back.application(t)
			wantRefreshed(t, before, after, rotates != nil)
			globalSignOut(t, user)
			if to := b.open(hook(after)).url; to.Query().Get("error_code") != "refresh_failed" {
				t.Errorf("after the global sign-out: back at %s", to)
			}
		})
	}
}

// wantRefreshed compares what the application was given before and after a refresh.
func wantRefreshed(t *testing.T, before, after http.Header, wantRotated bool) {
	t.Helper()
	if access := after.Get("OIDC_access_token"); access == "" || access == before.Get("OIDC_access_token") {
		t.Error("the access token was not refreshed")
	}
	if rotated := after.Get("OIDC_refresh_token") != before.Get("OIDC_refresh_token"); rotated != wantRotated || after.Get("OIDC_refresh_token") == "" {
		t.Errorf("refresh token changed: %t, want %t", rotated, wantRotated)
	}
	for _, name := range []string{"OIDC_CLAIM_sub", "OIDC_CLAIM_auth_time", "OIDC_CLAIM_origin_jti"} {
		if after.Get(name) == "" || after.Get(name) != before.Get(name) {
			t.Errorf("%s: %q, before the refresh %q", name, after.Get(name), before.Get(name))
		}
	}
}

// TestModAuthOpenIDCLogsOut: the module revokes the refresh token and names no client but by
// its ID token. The session at the service ends, and the browser comes back.
func TestModAuthOpenIDCLogsOut(t *testing.T) {
	t.Parallel()
	p := startApache(t, "", nil)
	user, b := newUser(t), newBrowser(t)
	headers := b.signIn(b.open(p.url), user).application(t)
	back := b.open(p.url + "/callback?logout=" + url.QueryEscape(p.url+"/bye"))
	if to := back.url.String(); to != p.url+"/bye" {
		t.Fatalf("back at %s: %s", to, back.body)
	}
	if gone := back.application(t).Get("OIDC_access_token"); gone != "" {
		t.Error("the application still receives an access token")
	}
	logout := b.visited[0]
	if names := slices.Sorted(maps.Keys(logout.Query())); logout.Path != "/"+local.Up().UserPoolID+"/logout" || !slices.Equal(names, []string{"id_token_hint", "post_logout_redirect_uri"}) {
		t.Errorf("logout at %s with %v", logout.Path, names)
	}
	if again := b.open(p.url); !again.isSignIn() {
		t.Errorf("after the logout: %d at %s, want the sign-in page", again.status, again.url)
	}
	answer, err := http.PostForm(issuer()+"/oauth2/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {headers.Get("OIDC_refresh_token")},
		"client_id": {*p.client.ClientId}, "client_secret": {*p.client.ClientSecret},
	})
	check(t, err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("refresh after the logout: %s", answer.Status)
	}
}
