package localservice

import (
	"net/http"
	neturl "net/url"
	"os"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestBrowserSignIn: the configuration leads a browser to the sign-in, over https
// with the local authority by the pool's own host name, as Amplify goes, and over
// http on the loopback address, where no certificate is in the way.
func TestBrowserSignIn(t *testing.T) {
	t.Parallel()
	ready, _ := start(t, options(t.TempDir()))
	data, err := os.ReadFile(ready.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	var file outputs
	if err := wire.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	oauth := file.Auth.OAuth
	if oauth.ResponseType != "code" || len(oauth.Scopes) != 5 || file.Latchkey.OAuthBaseURL != ready.Endpoint+"/"+ready.UserPoolID {
		t.Errorf("%+v", file)
	}
	client := trusting(t, ready.CAFile)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	query := neturl.Values{
		"client_id": {ready.ClientID}, "redirect_uri": {"http://127.0.0.1:50123/callback"}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()
	host, port, _ := strings.Cut(oauth.Domain, ":")
	secure, err := neturl.Parse(ready.HTTPSEndpoint)
	if err != nil || host != "latchkey.localhost" || port != secure.Port() {
		t.Fatalf("domain %q of %s", oauth.Domain, ready.HTTPSEndpoint)
	}
	for base, login := range map[string]string{ready.HTTPSEndpoint: "/login?", file.Latchkey.OAuthBaseURL: "/" + ready.UserPoolID + "/login?"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/oauth2/authorize?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if base == ready.HTTPSEndpoint {
			r.Host = oauth.Domain // not every resolver knows names below localhost
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusFound || !strings.HasPrefix(answer.Header.Get("Location"), login) {
			t.Errorf("%s: %d to %q", base, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
}
