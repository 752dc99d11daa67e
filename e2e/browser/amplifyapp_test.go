package browser

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/chromedp/chromedp"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

const (
	esbuild  = "../node_modules/.bin/esbuild"
	certutil = "/usr/bin/certutil"
)

//go:embed amplify/index.html
var amplifyPage []byte

// bundle is the application of the folder amplify, with Amplify in it.
var bundle = sync.OnceValues(func() ([]byte, error) { return bundleOf("amplify/app.js") })

// bundleOf bundles an application and the npm packages that it imports into one script.
func bundleOf(entry string, flags ...string) ([]byte, error) {
	command := exec.Command(esbuild, append([]string{entry, "--bundle", "--format=esm", "--platform=browser", "--log-level=warning"}, flags...)...)
	var said strings.Builder
	command.Stderr = &said
	script, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, &said)
	}
	return script, err
}

// notes is that application at an address of its own, signing in at `latchkey up`.
type notes struct {
	t    *testing.T
	home string
	pool string // the address of the pool's own host
	user string
	cip  *cip.Client
}

// newNotes serves the application, and makes its address known to the client that the
// configuration names. It has a user of its own.
func newNotes(t *testing.T, change func(*cip.UpdateUserPoolClientInput)) *notes {
	t.Helper()
	local.Need(t, esbuild)
	local.Need(t, certutil)
	script, err := bundle()
	if err != nil {
		t.Fatal(err)
	}
	up := local.Up()
	files := http.NewServeMux()
	serve(files, "/{$}", "text/html; charset=utf-8", amplifyPage)
	serve(files, "/app.js", "text/javascript; charset=utf-8", script)
	files.HandleFunc("GET /amplify_outputs.json", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, up.ConfigFile) })
	web := httptest.NewServer(files)
	t.Cleanup(web.Close)
	n := &notes{t: t, home: strings.Replace(web.URL, "127.0.0.1", "localhost", 1) + "/", cip: adminOf(up)}
	n.pool = poolAddress(t)
	n.client(func(in *cip.UpdateUserPoolClientInput) {
		in.CallbackURLs, in.LogoutURLs = append(in.CallbackURLs, n.home), append(in.LogoutURLs, n.home)
		if change != nil {
			change(in)
		}
	})
	n.user = fmt.Sprintf("ann-%d", time.Now().UnixNano())
	n.addUser()
	return n
}

// serve adds a file of an application.
func serve(files *http.ServeMux, path, kind string, content []byte) {
	files.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(content)
	})
}

// poolAddress is the pool's own host, which the configuration names as its domain.
func poolAddress(t *testing.T) string {
	t.Helper()
	secure, err := url.Parse(local.Up().HTTPSEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	return "https://latchkey.localhost:" + secure.Port()
}

// client changes the settings of the client, for as long as the test runs.
func (n *notes) client(change func(*cip.UpdateUserPoolClientInput)) {
	n.t.Helper()
	up := local.Up()
	found, err := n.cip.DescribeUserPoolClient(n.t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: &up.UserPoolID, ClientId: &up.ClientID})
	if err != nil {
		n.t.Fatal(err)
	}
	settings := func() *cip.UpdateUserPoolClientInput {
		c := found.UserPoolClient
		return &cip.UpdateUserPoolClientInput{
			UserPoolId: c.UserPoolId, ClientId: c.ClientId, ClientName: c.ClientName, ExplicitAuthFlows: c.ExplicitAuthFlows,
			PreventUserExistenceErrors: c.PreventUserExistenceErrors, AllowedOAuthFlowsUserPoolClient: aws.ToBool(c.AllowedOAuthFlowsUserPoolClient),
			AllowedOAuthFlows: c.AllowedOAuthFlows, AllowedOAuthScopes: c.AllowedOAuthScopes, SupportedIdentityProviders: slices.Clone(c.SupportedIdentityProviders),
			CallbackURLs: slices.Clone(c.CallbackURLs), LogoutURLs: slices.Clone(c.LogoutURLs), RefreshTokenRotation: c.RefreshTokenRotation,
		}
	}
	changed := settings()
	change(changed)
	if _, err := n.cip.UpdateUserPoolClient(n.t.Context(), changed); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		if _, err := n.cip.UpdateUserPoolClient(context.Background(), settings()); err != nil {
			n.t.Error(err)
		}
	})
}

func (n *notes) addUser() {
	n.t.Helper()
	pool := local.Up().UserPoolID
	_, err := n.cip.AdminCreateUser(n.t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &n.user, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String(n.user + "@example.com")}, {Name: aws.String("email_verified"), Value: aws.String("true")}},
	})
	if err == nil {
		_, err = n.cip.AdminSetUserPassword(n.t.Context(), &cip.AdminSetUserPasswordInput{
			UserPoolId: &pool, Username: &n.user, Password: aws.String(password), Permanent: true,
		})
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// open opens the application in a browser of its own, which trusts the local
// authority as a person's does who has installed it, and nobody else.
func (n *notes) open() *Tab {
	n.t.Helper()
	tab := Open(n.t, trusting(n.t, local.Up().CAFile))
	tab.Go(n.home)
	tab.becomes("out")
	return tab
}

// trusting makes a browser's home, with an authority in its own database.
func trusting(t *testing.T, caFile string) chromedp.ExecAllocatorOption {
	t.Helper()
	home := t.TempDir()
	database := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(database, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-N", "--empty-password"},
		{"-A", "-n", "latchkey", "-t", "C,,", "-i", caFile},
	} {
		if output, err := exec.Command(certutil, append([]string{"-d", "sql:" + database}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v %s", args, err, output)
		}
	}
	return chromedp.Env("HOME="+home, "XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "XDG_CACHE_HOME=")
}

// becomes waits until the application has found out whether somebody is signed in.
func (tab *Tab) becomes(state string) {
	tab.t.Helper()
	tab.comes("document.body.dataset.state === '" + state + "'")
}

// await is what a promise in the page comes to.
func await[T any](tab *Tab, script string) T {
	tab.t.Helper()
	return run(tab, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// signIn goes from the application over the sign-in page and back.
func (tab *Tab) signIn(n *notes) {
	tab.t.Helper()
	tab.Press("#signIn")
	tab.asks(n)
	tab.Fill("username", n.user)
	tab.Fill("password", password)
	tab.Press(".submit")
	tab.becomes("in")
}

// asks fails the test unless the browser is at the pool's sign-in page.
func (tab *Tab) asks(n *notes) {
	tab.t.Helper()
	if at := Evaluate[string](tab, "location.href"); !strings.HasPrefix(at, n.pool+"/login?") {
		tab.t.Fatalf("the browser is at %s: %s", at, tab.Text())
	}
	tab.shows("Sign in")
}

// session is what the application knows of its session.
type session struct {
	Access, Refresh, IdentityID, UserSub, AccessKeyID string
	Expires                                           string
	Claims, ID                                        map[string]any
}

func (tab *Tab) session(options string) *session {
	tab.t.Helper()
	return await[*session](tab, "app.session("+options+")")
}

// events are Hub's since the last call.
func (tab *Tab) events() string {
	tab.t.Helper()
	return strings.Join(Evaluate[[]string](tab, "app.events()"), ", ")
}

// over fails the test unless the pool takes the session's refresh token no more. Only
// the browser's own complaints of two answers with status 400 may stand in the console.
func (tab *Tab) over() {
	tab.t.Helper()
	tab.quiet()
	said := await[string](tab, "app.over()")
	if said != "" && !(strings.HasPrefix(said, "Access to Identity") && strings.HasSuffix(said, "is forbidden.")) {
		tab.t.Errorf("the session after the sign-out: %s", said)
	}
	errors := tab.Errors()
	for _, one := range errors {
		if !strings.Contains(one, "the server responded with a status of 400") {
			tab.t.Errorf("console: %q", one)
		}
	}
	if len(errors) == 0 {
		tab.t.Error("nobody was asked")
	}
}
