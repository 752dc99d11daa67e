package server_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/plug"
)

var hiddenInput = regexp.MustCompile(`<input name="([^"]+)" value="([^"]*)" type`)

// hidden are what a page's form carries to its next step.
func hidden(page string) url.Values {
	form := url.Values{}
	for _, match := range hiddenInput.FindAllStringSubmatch(page, -1) {
		form.Set(match[1], html.UnescapeString(match[2]))
	}
	return form
}

func (w *world) pageURL(path string, over map[string]string) string {
	return w.base() + path + "?" + w.query(over).Encode()
}

// wantPage fails the test unless an answer is a page of people with these texts.
func wantPage(t *testing.T, answer *http.Response, body string, status int, texts ...string) {
	t.Helper()
	if answer.StatusCode != status || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s: %s", answer.StatusCode, answer.Header, body)
	}
	if strings.Contains(body, "<form") && strings.Contains(answer.Header.Get("Content-Security-Policy"), "form-action") {
		t.Errorf("browsers block the form of this page: %s", answer.Header.Get("Content-Security-Policy"))
	}
	if answer.Header.Get("Access-Control-Allow-Origin") != "" || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", answer.Header)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("no %q in %s", text, body)
		}
	}
}

// TestPagesOfSecretClient goes through all account flows for a client with a
// secret, which the pages never show.
func TestPagesOfSecretClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		withOAuth(p, c)
		pooltest.Hiding(p, c)
		c.ClientName = "Example Notes"
		c.GenerateSecret = true
		c.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth} // the pages need no flow of the API
		p.Schema = []wire.SchemaAttributeType{{Name: "name", Required: new(true)}}
	})
	v := w.visitor()
	answer, body := v.get(w.pageURL("/signup", nil))
	wantPage(t, answer, body, http.StatusOK, "Create your account", "to continue to Example Notes", `name="attribute.email"`, `name="attribute.name"`, "At least 8 characters")
	person := url.Values{"username": {"bob"}, "attribute.email": {"bob@example.com"}, "attribute.name": {"Bob"}, "new_password": {password}}
	answer, body = v.submit(w.pageURL("/signup", nil), person)
	wantPage(t, answer, body, http.StatusOK, "Confirm your account", "b***@e***")
	answer, body = v.submit(w.pageURL("/confirmUser", nil), url.Values{"username": {"bob"}, "do": {"resend"}})
	wantPage(t, answer, body, http.StatusOK, "Confirm your account")
	answer, body = v.submit(w.pageURL("/confirmUser", nil), url.Values{"username": {"bob"}, "code": {string(w.code("bob@example.com"))}})
	wantPage(t, answer, body, http.StatusOK, "Your account is confirmed.")
	answer, body = v.submit(w.pageURL("/forgotPassword", nil), url.Values{"username": {"bob@example.com"}})
	wantPage(t, answer, body, http.StatusOK, "Set a new password")
	answer, body = v.submit(w.pageURL("/confirmforgotPassword", nil), url.Values{
		"username": {"bob@example.com"}, "code": {string(w.code("bob@example.com"))}, "new_password": {"New-Password-1"},
	})
	wantPage(t, answer, body, http.StatusOK, "Your new password is set.")
	answer, body = v.submit(w.pageURL("/login", nil), url.Values{"username": {"bob@example.com"}, "password": {password}})
	wantPage(t, answer, body, http.StatusOK, "Incorrect user name or password.")
	answer, _ = v.submit(w.pageURL("/login", nil), url.Values{"username": {"bob@example.com"}, "password": {"New-Password-1"}})
	if to := location(t, answer); to.Query().Get("code") == "" || to.Query().Get("state") != "s t&a=te" {
		t.Errorf("signed in to %s", to)
	}
}

func TestPageOfNewPassword(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	must[wire.AdminCreateUserResponse](w, "AdminCreateUser", &wire.AdminCreateUserRequest{
		UserPoolId: w.pool, Username: "new", TemporaryPassword: password, MessageAction: wire.MessageActionSuppress,
	})
	v := w.visitor()
	answer, body := v.submit(w.pageURL("/login", nil), url.Values{"username": {"new"}, "password": {password}})
	wantPage(t, answer, body, http.StatusOK, "Choose a new password")
	form := hidden(body)
	form.Set("new_password", "weak")
	answer, body = v.submit(w.pageURL("/newPassword", nil), form)
	wantPage(t, answer, body, http.StatusOK, "The password is too short.")
	form.Set("new_password", "New-Password-1")
	answer, _ = v.submit(w.pageURL("/newPassword", nil), form)
	code := location(t, answer).Query().Get("code")
	if out := w.token(w.redeemForm(code)); out.Status != http.StatusOK || pooltest.AllClaims(t, wire.Sensitive(out.Access))["username"] == nil {
		t.Errorf("%+v", out)
	}
	if answer, _ := v.authorize(nil); location(t, answer).Query().Get("code") == "" {
		t.Error("the browser is not signed in")
	}
}

func TestPagesRefuse(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v := w.visitor()
	for _, path := range []string{"/login", "/signup", "/oauth2/authorize"} {
		answer, body := v.get(w.pageURL(path, map[string]string{"redirect_uri": "https://evil.example/"}))
		wantPage(t, answer, body, http.StatusBadRequest, "not registered")
		if strings.Contains(body, "evil") {
			t.Errorf("%s repeats the address: %s", path, body)
		}
		answer, body = v.get(w.pageURL(path, map[string]string{"client_id": "unknown"}))
		wantPage(t, answer, body, http.StatusBadRequest, "not known")
		if strings.Contains(body, "evil") || strings.Contains(body, `href="http`) {
			t.Errorf("%s leads out: %s", path, body)
		}
		answer, _ = v.get(w.pageURL(path, map[string]string{"scope": "nothing"}))
		if to := location(t, answer); !strings.HasPrefix(to.String(), callback) || to.Query().Get("error") != "invalid_scope" {
			t.Errorf("%s: %s", path, to)
		}
	}
	for _, address := range []string{"/us-east-1_NoSuchOne/login?" + w.query(nil).Encode(), "/%2Fevil.example/login", "/%5Cevil.example/login", "/login"} {
		answer, body := v.get(w.url + address)
		if answer.StatusCode < 400 || answer.Header.Get("Location") != "" || strings.Contains(body, "evil") {
			t.Errorf("%s: %d %s", address, answer.StatusCode, body)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.pageURL("/login", nil), strings.NewReader("username=ann&password="+password))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	if answer, _ := v.read(r); answer.StatusCode != http.StatusForbidden || len(answer.Cookies()) != 0 {
		t.Errorf("cross-site: %d", answer.StatusCode)
	}
}

func TestPageOfPinnedClient(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		withOAuth(p, c)
		c.ClientName = "_custom_id_:abcdefghijklmnopqrstuvwxyz"
		p.UsernameAttributes = []string{"email"}
		p.AutoVerifiedAttributes = []string{"email"}
	}, func(c *server.Config) { c.Brands = plug.Brand{Stylesheet: ":root { --accent: #123456; }"} })
	v := w.visitor()
	answer, body := v.get(w.pageURL("/signup", nil))
	wantPage(t, answer, body, http.StatusOK, "to continue to app.example.com", `type="email"`, "/brand.css?")
	if strings.Contains(body, "_custom_id_") || strings.Contains(body, "attribute.email") {
		t.Error(body)
	}
	must[wire.UpdateUserPoolResponse](w, "UpdateUserPool", &wire.UpdateUserPoolRequest{
		UserPoolId:       w.pool,
		UserPoolSettings: wire.UserPoolSettings{AdminCreateUserConfig: &wire.AdminCreateUserConfigType{AllowAdminCreateUserOnly: new(true)}},
	})
	answer, body = v.get(w.pageURL("/signup", nil))
	wantPage(t, answer, body, http.StatusOK, "Accounts are made by an administrator here.")
}

// TestPagesOfDomain: below a pool's own host name the pages link to its root.
func TestPagesOfDomain(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	must[wire.CreateUserPoolDomainResponse](w, "CreateUserPoolDomain", &wire.CreateUserPoolDomainRequest{Domain: "acme", UserPoolId: w.pool})
	v := w.visitor()
	ask := func(host, path string) (*http.Response, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		return v.read(r)
	}
	answer, body := ask("acme.localhost:9229", "/login?"+w.query(nil).Encode())
	wantPage(t, answer, body, http.StatusOK, `href="/latchkey.css?v=`, `action="/login?client_id=`)
	if answer, body = ask("acme.localhost", "/latchkey.css"); answer.StatusCode != http.StatusOK || !strings.Contains(body, "color-scheme") {
		t.Errorf("stylesheet: %d", answer.StatusCode)
	}
	if answer, body = ask("evil.localhost", "/login?"+w.query(nil).Encode()); answer.StatusCode != http.StatusNotFound || strings.Contains(body, "evil") {
		t.Errorf("a host that no pool has: %d %s", answer.StatusCode, body)
	}
}

// stepOf is the random mark of the page after a form.
var stepOf = regexp.MustCompile(`&(amp;)?step=[a-z]{16}`)

var maskedAddress = regexp.MustCompile(`\S\*\*\*@\S(\*\*\*)?`)

// TestPagesTellNobodyApart: whoever does not know the password, or the code, sees the
// same page for a user of any kind, and for nobody.
func TestPagesTellNobodyApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		withOAuth(p, c)
		pooltest.Hiding(p, c)
	})
	email := func(name string) []wire.AttributeType {
		return []wire.AttributeType{{Name: "email", Value: name + "@example.com"}, {Name: "email_verified", Value: "true"}}
	}
	names := []string{"ann", "nobody", "unreachable", "disabled", "invited", "waiting", "resetting"}
	for _, name := range []string{"ann", "disabled", "resetting"} {
		w.addUser(name, email(name)...)
	}
	w.addUser("unreachable")
	must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: "disabled"})
	must[wire.AdminResetUserPasswordResponse](w, "AdminResetUserPassword", &wire.AdminResetUserPasswordRequest{UserPoolId: w.pool, Username: "resetting"})
	must[wire.AdminCreateUserResponse](w, "AdminCreateUser", &wire.AdminCreateUserRequest{
		UserPoolId: w.pool, Username: "invited", TemporaryPassword: password, MessageAction: wire.MessageActionSuppress, UserAttributes: email("invited"),
	})
	w.signUp("waiting", "waiting@example.com")
	v := w.visitor()
	for path, form := range map[string]url.Values{
		"/login":                 {"password": {"not it"}},
		"/forgotPassword":        {},
		"/confirmforgotPassword": {"code": {"000000"}, "new_password": {"New-Password-1"}},
		"/confirmUser":           {"code": {"000000"}},
		"/confirmUser?resend":    {"do": {"resend"}},
	} {
		path, _, _ := strings.Cut(path, "?")
		first := ""
		for _, name := range names {
			form.Set("username", name)
			answer, body := v.submit(w.pageURL(path, nil), form)
			wantPage(t, answer, body, http.StatusOK)
			body = stepOf.ReplaceAllString(body, "")
			shown := maskedAddress.ReplaceAllString(strings.ReplaceAll(body, `value="`+name+`"`, ""), "somewhere")
			if first == "" {
				first = shown
			}
			if diff := cmp.Diff(first, shown); diff != "" {
				t.Errorf("%s of %s (-ann):\n%s", path, name, diff)
			}
		}
	}
}

// submit sends a form as a browser does: where the answer leads to another page of the
// service, it goes there.
func (v *visitor) submit(address string, form url.Values) (*http.Response, string) {
	v.w.t.Helper()
	answer, body := v.post(address, form)
	if to, err := answer.Location(); err == nil && answer.StatusCode == http.StatusSeeOther && strings.HasPrefix(to.String(), v.w.url) {
		return v.get(to.String())
	}
	return answer, body
}

// TestFormsLeadOn: a form that succeeds answers with the way to the next page, which can be
// loaded again without sending the form again.
func TestFormsLeadOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		withOAuth(p, c)
		pooltest.Verifying(p, c)
	})
	v := w.visitor()
	sent := func(path string, form url.Values) *url.URL {
		t.Helper()
		answer, body := v.post(w.pageURL(path, nil), form)
		if answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("POST %s: %d %s", path, answer.StatusCode, body)
		}
		return location(t, answer)
	}
	shows := func(to *url.URL, path string, texts ...string) {
		t.Helper()
		if !strings.HasSuffix(to.Path, path) || to.Query().Get("client_id") != w.client {
			t.Fatalf("leads to %s, want %s of the same request", to, path)
		}
		for range 2 {
			answer, body := v.get(to.String())
			wantPage(t, answer, body, http.StatusOK, texts...)
		}
		// Another visit of the page shows nothing of it, nor does another browser.
		answer, body := v.get(w.pageURL(path, nil))
		if answer.StatusCode == http.StatusOK && strings.Contains(body, texts[len(texts)-1]) {
			t.Errorf("%s shows %q on a later visit", path, texts[len(texts)-1])
		}
		answer, body = w.visitor().get(to.String())
		if answer.StatusCode == http.StatusOK && strings.Contains(body, texts[len(texts)-1]) {
			t.Errorf("%s shows %q to another browser", path, texts[len(texts)-1])
		}
	}
	person := url.Values{"username": {"bob"}, "attribute.email": {"bob@example.com"}, "new_password": {password}}
	shows(sent("/signup", person), "/confirmUser", `value="bob"`, "b***@e***")
	shows(sent("/confirmUser", url.Values{"username": {"bob"}, "do": {"resend"}}), "/confirmUser", "b***@e***")
	shows(sent("/login", url.Values{"username": {"bob"}, "password": {password}}), "/confirmUser", "has to be confirmed")
	shows(sent("/confirmUser", url.Values{"username": {"bob"}, "code": {string(w.code("bob@example.com"))}}), "/login", "Your account is confirmed.")
	shows(sent("/forgotPassword", url.Values{"username": {"bob"}}), "/confirmforgotPassword", "b***@e***")
	shows(sent("/confirmforgotPassword", url.Values{"username": {"bob"}, "code": {string(w.code("bob@example.com"))}, "new_password": {"New-Password-1"}}), "/login", "Your new password is set.")
	must[wire.AdminResetUserPasswordResponse](w, "AdminResetUserPassword", &wire.AdminResetUserPasswordRequest{UserPoolId: w.pool, Username: "bob"})
	shows(sent("/login", url.Values{"username": {"bob"}, "password": {"New-Password-1"}}), "/forgotPassword", "has to be set anew")
	must[wire.AdminCreateUserResponse](w, "AdminCreateUser", &wire.AdminCreateUserRequest{
		UserPoolId: w.pool, Username: strings.Repeat("n", 128), TemporaryPassword: password, MessageAction: wire.MessageActionSuppress,
	})
	shows(sent("/login", url.Values{"username": {strings.Repeat("n", 128)}, "password": {password}}), "/newPassword", "Choose a new password")
}

// TestLongRequestReachesThePages: what the authorization endpoint accepts, the pages accept
// and carry on, however long it is in percent encoding.
func TestLongRequestReachesThePages(t *testing.T) {
	t.Parallel()
	scopes := make([]string, 20)
	for i := range scopes {
		scopes[i] = "https://api.example.com/" + strings.Repeat("x", 200) + "/read" + strconv.Itoa(i)
	}
	w := oauthWorld(t, nil)
	for _, scope := range scopes {
		at := strings.LastIndex(scope, "/")
		must[wire.CreateResourceServerResponse](w, "CreateResourceServer", &wire.CreateResourceServerRequest{
			UserPoolId: w.pool, Identifier: scope[:at] + scope[at+5:], Name: "api",
			Scopes: []wire.ResourceServerScopeType{{ScopeName: "read", ScopeDescription: "read"}},
		})
	}
	long := callback + "?" + strings.Repeat("%C3%A9", 160)
	w.changeClient(func(c *wire.UserPoolClientSettings) {
		c.CallbackURLs = append(c.CallbackURLs, long)
		for _, scope := range scopes {
			at := strings.LastIndex(scope, "/")
			c.AllowedOAuthScopes = append(c.AllowedOAuthScopes, scope[:at]+scope[at+5:]+"/read")
		}
	})
	state := strings.Repeat("\"é%&", 800) // 4,000 bytes
	for name, over := range map[string]map[string]string{
		"state":      {"state": state},
		"everything": {"state": strings.Repeat("\n", 4096), "nonce": strings.Repeat("%", 512), "login_hint": strings.Repeat("\"", 256), "lang": strings.Repeat("=", 256), "redirect_uri": long},
		"no scope":   {"scope": ""},
	} {
		v := w.visitor()
		answer, _ := v.authorize(over)
		to := location(t, answer)
		if !strings.HasSuffix(to.Path, "/login") {
			t.Fatalf("%s: leads to %.200s", name, to)
		}
		answer, body := v.get(to.String())
		wantPage(t, answer, body, http.StatusOK, "Sign in")
		answer, body = v.post(to.String(), url.Values{"username": {"ann"}, "password": {"wrong"}})
		wantPage(t, answer, body, http.StatusOK, "Incorrect")
		answer, _ = v.post(to.String(), url.Values{"username": {"ann"}, "password": {password}})
		got := location(t, answer).Query()
		if want := w.query(over).Get("state"); !got.Has("code") || got.Get("state") != want {
			t.Errorf("%s: %.200v", name, got)
		}
	}
}

// TestPagesNameTheApplication: by the client's name; a name that only pins the client's id
// says nothing, so that the address which the person goes back to stands for it.
func TestPagesNameTheApplication(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ client, redirect, want string }{
		"named":             {"Example Notes", callback, "to continue to Example Notes"},
		"pinned, web":       {"_custom_id_:pinnedweb", callback, "to continue to app.example.com"},
		"pinned, this host": {"_custom_id_:pinnedlocal", "http://localhost:3000/", "to continue to localhost:3000"},
		"pinned, IPv6":      {"_custom_id_:pinnedv6", "http://[::1]:4711/callback", "to continue to [::1]:4711"},
		"pinned, native":    {"_custom_id_:pinnednative", "myapp://signed-in", ">to continue<"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
				withOAuth(p, c)
				c.ClientName = test.client
			})
			answer, body := w.visitor().get(w.pageURL("/login", map[string]string{"redirect_uri": test.redirect}))
			wantPage(t, answer, body, http.StatusOK, test.want)
		})
	}
}
