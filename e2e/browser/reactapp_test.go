package browser

import (
	_ "embed"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/chromedp/chromedp"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

//go:embed react/index.html
var reactPage []byte

// reactBundle is the application of the folder react, with React, react-oidc-context and
// oidc-client-ts in their development builds, as a developer runs them.
var reactBundle = sync.OnceValues(func() ([]byte, error) { return bundleOf("react/app.jsx", "--jsx=automatic") })

// reactApp is that application at an address of its own, and a pool with its client.
type reactApp struct {
	t            *testing.T
	cip          *cip.Client
	pool, client string
	home         string // the application's address
	authority    string // the pool's
}

// newReactApp serves the application at a host name. settings are added to those of its
// AuthProvider; change, which may be nil, changes the client before it is created.
func newReactApp(t *testing.T, host string, settings map[string]any, change func(*cip.CreateUserPoolClientInput)) *reactApp {
	t.Helper()
	local.Need(t, esbuild)
	script, err := reactBundle()
	if err != nil {
		t.Fatal(err)
	}
	files := http.NewServeMux()
	web := httptest.NewServer(files)
	t.Cleanup(web.Close)
	app := &reactApp{t: t, cip: adminOf(local.Up()), home: strings.Replace(web.URL, "127.0.0.1", host, 1) + "/"}
	app.addPool(change)
	all := map[string]any{"authority": app.authority, "client_id": app.client, "scope": "openid email aws.cognito.signin.user.admin"}
	maps.Copy(all, settings)
	config, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	serve(files, "/{$}", "text/html; charset=utf-8", reactPage)
	serve(files, "/silent", "text/html; charset=utf-8", reactPage)
	serve(files, "/app.js", "text/javascript; charset=utf-8", script)
	serve(files, "/settings.json", "application/json", config)
	return app
}

// addPool creates the pool, the client and the users ann and bob.
func (app *reactApp) addPool(change func(*cip.CreateUserPoolClientInput)) {
	app.t.Helper()
	pool, err := app.cip.CreateUserPool(app.t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("react")})
	if err != nil {
		app.t.Fatal(err)
	}
	app.pool = *pool.UserPool.Id
	app.authority = local.Up().Endpoint + "/" + app.pool
	input := &cip.CreateUserPoolClientInput{
		UserPoolId: &app.pool, ClientName: aws.String("Example Notes"),
		CallbackURLs: []string{app.home, app.home + "silent"}, LogoutURLs: []string{app.home},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{"code"},
		AllowedOAuthScopes: []string{"openid", "email", "aws.cognito.signin.user.admin"}, SupportedIdentityProviders: []string{"COGNITO"},
	}
	if change != nil {
		change(input)
	}
	client, err := app.cip.CreateUserPoolClient(app.t.Context(), input)
	if err != nil {
		app.t.Fatal(err)
	}
	app.client = *client.UserPoolClient.ClientId
	app.addUser("ann")
	app.addUser("bob")
}

func (app *reactApp) addUser(name string) {
	app.t.Helper()
	_, err := app.cip.AdminCreateUser(app.t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &app.pool, Username: &name, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String(name + "@example.com")}},
	})
	if err == nil {
		_, err = app.cip.AdminSetUserPassword(app.t.Context(), &cip.AdminSetUserPasswordInput{
			UserPoolId: &app.pool, Username: &name, Password: aws.String(password), Permanent: true,
		})
	}
	if err != nil {
		app.t.Fatal(err)
	}
}

// open opens the application in a browser of its own.
func (app *reactApp) open() *Tab {
	app.t.Helper()
	tab := Open(app.t)
	tab.Look("light", false)
	tab.Go(app.home)
	tab.becomes("out")
	return tab
}

// signIn signs a user in through the sign-in page, which the script leads to.
func (app *reactApp) signIn(tab *Tab, script, name string) {
	app.t.Helper()
	tab.leave(script)
	app.asks(tab)
	tab.Fill("username", name)
	tab.Fill("password", password)
	tab.Press(".submit")
	tab.becomes("in")
}

// asks fails the test unless the browser is at the pool's sign-in page.
func (app *reactApp) asks(tab *Tab) {
	app.t.Helper()
	tab.shows("Sign in", "to continue to Example Notes")
	if at := Evaluate[string](tab, "location.href"); !strings.HasPrefix(at, app.authority+"/login?") {
		app.t.Fatalf("the browser is at %s", at)
	}
}

// reactUser is a User of oidc-client-ts.
type reactUser struct {
	Access  string         `json:"access_token"`
	Refresh string         `json:"refresh_token"`
	ID      string         `json:"id_token"`
	Scope   string         `json:"scope"`
	Profile map[string]any `json:"profile"`
	Left    int            `json:"expires_in"`
}

// reactUser is the user that the application shows.
func (tab *Tab) reactUser() reactUser {
	tab.t.Helper()
	return Evaluate[reactUser](tab, "app.plain(app.auth.user)")
}

// renewed waits until the application has loaded a user so many times since its page
// began, and returns the access tokens.
func (tab *Tab) renewed(count string) []string {
	tab.t.Helper()
	return await[[]string](tab, "app.renewed("+count+")")
}

// silently calls signinSilent and returns the user that it comes to, nil for an error.
func (tab *Tab) silently(options string) *reactUser {
	tab.t.Helper()
	return await[*reactUser](tab, "app.auth.signinSilent("+options+").then(app.plain)")
}

// fails waits until the application shows an error, and returns its text.
func (tab *Tab) fails() string {
	tab.t.Helper()
	tab.becomes("failed")
	return Evaluate[string](tab, "document.querySelector('[role=alert]').innerText")
}

// to returns the queries of the requests to an address since the last call of Requests,
// of which this is one.
func (tab *Tab) to(method, address string) []url.Values {
	tab.t.Helper()
	var queries []url.Values
	for _, request := range tab.Requests() {
		kind, at, _ := strings.Cut(request, " ")
		u, err := url.Parse(at)
		if err != nil {
			tab.t.Fatal(err)
		}
		if query := u.Query(); kind == method && strings.HasPrefix(at, address) {
			queries = append(queries, query)
		}
	}
	return queries
}

// refresh redeems a refresh token as another program would, and returns the error that
// the service answers.
func (app *reactApp) refresh(token string) string {
	app.t.Helper()
	answer, err := http.PostForm(app.authority+"/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {app.client}, "refresh_token": {token}})
	if err != nil {
		app.t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		app.t.Fatal(err)
	}
	return body.Error
}

// evaluated runs a script whose value does not matter.
func (tab *Tab) evaluated(script string) {
	tab.t.Helper()
	Evaluate[chromedp.Void](tab, script)
}
