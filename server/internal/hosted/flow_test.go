package hosted_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/hosted"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	page := w.open("/login").says("Sign in", "to continue to Example", "Forgot your password?", "Create an account")
	if got := attr(page.find("form"), "action"); got != base+"/login?"+query {
		t.Errorf("the form goes to %s", got)
	}
	for name, want := range map[string]string{"username": "username", "password": "current-password"} {
		if got := attr(page.byID(name), "autocomplete"); got != want {
			t.Errorf("%s: autocomplete %q", name, got)
		}
	}
	wrong := w.fill(page, "username", "ann", "password", "not it").says("Sign in", "Incorrect user name or password.")
	if got := attr(wrong.byID("username"), "value"); got != "ann" {
		t.Errorf("the name was lost: %q", got)
	}
	w.fill(wrong, "password", password).finished()
	if w.proven != "ann" || w.asked.Get("state") != "a&b" {
		t.Errorf("signed in %v, state %q", w.proven, w.asked.Get("state"))
	}
	if head := w.send(newRequest(http.MethodHead, "/login")); head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD: %d %q", head.status, head.body)
	}
}

// TestHidesUsers: the pages say of somebody who does not exist what they say of
// somebody who does.
func TestHidesUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	for _, name := range []string{"ann", "nobody"} {
		w.fill(w.open("/login"), "username", name, "password", "not it").says("Sign in", "Incorrect user name or password.")
		w.fill(w.open("/forgotPassword"), "username", name).says("Set a new password", "A code is on its way to", "***@")
		w.fill(w.open("/confirmforgotPassword"), "username", name, "code", "000000", "new_password", password+"!").blames("code", "not right")
		w.fill(w.open("/confirmUser"), "username", name, "do", "resend").says("Confirm your account", "A code is on its way to", "***@")
	}
	open := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsLegacy
	})
	open.fill(open.open("/login"), "username", "nobody", "password", "x").blames("username", "no such user")
}

func TestEmptyFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, test := range []struct {
		path   string
		typed  []string
		fields []string
	}{
		{"/login", []string{"username", "  "}, []string{"username", "password"}},
		{"/signup", nil, []string{"username", "attribute.email", "new_password"}},
		{"/confirmUser", []string{"username", "ann"}, []string{"code"}},
		{"/confirmUser", []string{"do", "resend"}, []string{"username"}},
		{"/forgotPassword", nil, []string{"username"}},
		{"/confirmforgotPassword", nil, []string{"username", "code", "new_password"}},
		{"/confirmforgotPassword", []string{"do", "resend"}, []string{"username"}},
	} {
		page := w.fill(w.open(test.path), test.typed...)
		page.blames(test.fields[0], "This is needed.")
		for _, field := range test.fields[1:] {
			if page.byID(field+"-error") == nil {
				t.Errorf("%s: %s is not marked", test.path, field)
			}
		}
	}
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	page := w.open("/signup").says("Create your account", "At least 8 characters", "A symbol")
	if got := attr(page.byID("new_password"), "autocomplete"); got != "new-password" {
		t.Errorf("autocomplete %q", got)
	}
	ann := []string{"username", "ann", "attribute.email", "ann@example.com", "new_password"}
	confirm := w.fill(page, append(ann, password)...).says("Confirm your account", "A code is on its way to a***@e***.")
	first := w.code()
	input := confirm.byID("code")
	if attr(input, "autocomplete") != "one-time-code" || attr(input, "inputmode") != "numeric" {
		t.Error("the code is not filled in by phones")
	}
	confirm = w.fill(confirm, "do", "resend").says("Confirm your account", "A code is on its way")
	if w.code() == first {
		t.Error("the code was not sent anew")
	}
	wrong := w.fill(confirm, "code", "no-code").blames("code", "not right")
	w.fill(wrong, "code", " "+w.code()+" ").says("Sign in", "Your account is confirmed.")
	w.fill(w.open("/login"), "username", "ann", "password", password).finished()
	w.fill(page, append(ann, password)...).blames("username", "taken")
}

func TestSignUpRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.AliasAttributes = []string{"email"}
		p.Schema = []wire.SchemaAttributeType{{Name: "name", Required: new(true)}}
	})
	w.request.Ask = []string{"email", "name"}
	w.request.Names.EmailAlias = true
	for _, test := range []struct{ name, email, password, field, says string }{
		{"ann", "ann@example.com", "short", "new_password", "at least 8 characters"},
		{"ann", "ann@example.com", "no-upper-case-9", "new_password", "upper-case letter"},
		{"ann", "ann@example.com", "NO-LOWER-CASE-9", "new_password", "lower-case letter"},
		{"ann", "ann@example.com", "No-Digit-In-It", "new_password", "a digit"},
		{"ann", "ann@example.com", "NoSymbol9InIt", "new_password", "a symbol"},
		{"ann", "ann@example.com", " Leading-Space-9", "new_password", "no space"},
		{"ann", "ann@example.com", strings.Repeat("Aa-9", 65), "new_password", "at most 256"},
		{"ann@example.com", "ann@example.com", password, "username", "not an e-mail address"},
		{"a b", "ann@example.com", password, "username", "no spaces"},
		{"ann", "ann", password, "attribute.email", "not an e-mail address"},
	} {
		page := w.fill(w.open("/signup"), "username", test.name, "attribute.email", test.email, "attribute.name", "Ann", "new_password", test.password)
		page.says("Create your account").blames(test.field, test.says)
		if got := attr(page.byID("attribute.name"), "value"); got != "Ann" {
			t.Errorf("what was typed is lost: %q", got)
		}
	}
	w.fill(w.open("/signup"), "username", "ann", "attribute.email", "ann@example.com",
		"attribute.name", strings.Repeat("long", 520), "new_password", password).blames("attribute.name", "Name")
	w.request.SignUp = false
	w.open("/signup").says("Sign in", "Accounts are made by an administrator here.")
	if page := w.open("/login"); strings.Contains(text(page.find("main")), "Create an account") {
		t.Error("a closed sign-up is offered")
	}
}

// TestUnconfirmed: who signs in before confirming gets the page for it, with a new code.
func TestUnconfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.fill(w.open("/signup"), "username", "ann", "attribute.email", "ann@example.com", "new_password", password)
	confirm := w.fill(w.open("/login"), "username", "ann", "password", password).
		says("Confirm your account", "has to be confirmed before you can sign in. A code is on its way to a***@e***.")
	w.fill(confirm, "code", w.code()).says("Sign in", "Your account is confirmed.")
}

func TestForgotPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	reset := w.fill(w.open("/forgotPassword"), "username", "ann").says("Set a new password", "A code is on its way to a***@e***.")
	code := w.code()
	w.fill(reset, "code", code, "new_password", "weak").blames("new_password", "at least 8 characters")
	reset = w.fill(reset, "code", code, "new_password", "New-Password-1").says("Sign in", "Your new password is set.")
	w.fill(reset, "password", "New-Password-1").finished()
	w.fill(w.fill(w.open("/forgotPassword"), "username", "ann"), "do", "resend").says("Set a new password", "A code is on its way")
	w.offset.Add(int64(2 * time.Hour))
	w.fill(w.open("/confirmforgotPassword"), "username", "ann", "code", w.code(), "new_password", "New-Password-2").blames("code", "no longer good")
	for range 6 {
		w.fill(w.open("/forgotPassword"), "username", "ann")
	}
	w.fill(w.open("/forgotPassword"), "username", "ann").says("Forgot your password?", "That was tried too often.")
}

// TestResetRequired: an administrator reset the password.
func TestResetRequired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsLegacy
	})
	w.addUser("ann")
	if _, err := w.pools.Accounts.AdminResetUserPassword(t.Context(), &wire.AdminResetUserPasswordRequest{UserPoolId: w.pool, Username: "ann"}); err != nil {
		t.Fatal(err)
	}
	page := w.fill(w.open("/login"), "username", "ann", "password", password).
		says("Forgot your password?", "has to be set anew", "I have a code already")
	w.fill(page).says("Set a new password", "A code is on its way")
}

func TestNewPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.Schema = []wire.SchemaAttributeType{{Name: "given_name", Required: new(true)}}
	})
	w.addTemporary("ann")
	page := w.fill(w.open("/login"), "username", "ann", "password", password).says("Choose a new password", "Given name", "At least 8 characters")
	if strings.Contains(page.body, password) {
		t.Error("the page has the password that it came by")
	}
	page = w.fill(page, "new_password", "New-Password-1").blames("attribute.given_name", "This is needed.")
	page = w.fill(page, "new_password", "weak", "attribute.given_name", "Ann").blames("new_password", "at least 8 characters")
	w.fill(page, "new_password", "New-Password-1").finished()
	w.fill(page, "new_password", "New-Password-1").says("Sign in", "answered already")
	if again := w.open("/newPassword"); again.status != http.StatusSeeOther || again.header.Get("Location") != base+"/login?"+query {
		t.Errorf("GET /newPassword: %d %s", again.status, again.header.Get("Location"))
	}
	w.follow(w.postTo(base+"/newPassword?"+query, nil)).says("Sign in", "took too long")
}

func TestLockoutAndDisabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	w.addUser("bob")
	for range 6 {
		w.fill(w.open("/login"), "username", "ann", "password", "not it")
	}
	w.fill(w.open("/login"), "username", "ann", "password", password).says("Sign in", "Too many wrong passwords.")
	if _, err := w.pools.Accounts.AdminDisableUser(t.Context(), &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: "bob"}); err != nil {
		t.Fatal(err)
	}
	w.fill(w.open("/login"), "username", "bob", "password", password).says("Sign in", "disabled")
}

// TestWithoutContact: a pool that verifies nothing sends nothing.
func TestWithoutContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		p.AutoVerifiedAttributes = nil
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsLegacy
	})
	w.fill(w.open("/signup"), "username", "ann", "attribute.email", "ann@example.com", "new_password", password).
		says("Sign in", "once an administrator has confirmed it")
	w.fill(w.open("/login"), "username", "ann", "password", password).says("Confirm your account", "No code is sent for this account.")
	w.addUser("bob")
	w.fill(w.open("/confirmUser"), "username", "bob", "code", "123456").says("Sign in", "confirmed already")
	w.fill(w.open("/confirmUser"), "username", "bob", "do", "resend").says("Sign in", "confirmed already")
}

func TestNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.UsernameAttributes = []string{"email"}
	})
	w.request.Names, w.request.Ask = hosted.Names{Email: true}, nil
	page := w.open("/signup").says("Create your account", "E-mail address")
	if input := page.byID("username"); attr(input, "type") != "email" || attr(input, "autocomplete") != "username" {
		t.Error("an address is not typed as one")
	}
	w.fill(page, "username", "ann", "new_password", password).blames("username", "This has to be: E-mail address.")
	confirm := w.fill(page, "username", "ann@example.com", "new_password", password).says("Confirm your account")
	w.fill(confirm, "code", w.code()).says("Sign in", "confirmed")
	w.fill(page, "username", "ann@example.com", "new_password", password).blames("username", "There is an account with this already.")
	for want, names := range map[string]hosted.Names{
		"Phone number":                              {Phone: true},
		"E-mail address or phone number":            {Email: true, Phone: true},
		"User name or e-mail address":               {EmailAlias: true},
		"User name or phone number":                 {PhoneAlias: true},
		"User name, e-mail address or phone number": {EmailAlias: true, PhoneAlias: true},
	} {
		w.request.Names = names
		if got := text(w.open("/login").find("label")); got != want {
			t.Errorf("%+v: %q", names, got)
		}
	}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.request.Providers = []hosted.Provider{{Name: "Google"}, {Name: "Corp", Label: "Example Corp"}}
	page := w.open("/login").says("Sign in", "or", "Continue with Google", "Continue with Example Corp")
	links := map[string]bool{}
	for _, a := range all(page.page, "a") {
		links[attr(a, "href")] = true
	}
	if want := base + "/oauth2/authorize?client_id=app&identity_provider=Corp&redirect_uri=https%3A%2F%2Fapp.example%2Fback&response_type=code&state=a%26b"; !links[want] {
		t.Errorf("no link to %s among %v", want, links)
	}
	w.request.Passwords = false
	page = w.open("/login").says("Choose how to sign in", "Continue with Google")
	if page.find("form") != nil {
		t.Error("passwords are asked for")
	}
	if got := w.postTo(base+"/login?"+query, nil).says("This did not work"); got.status != http.StatusBadRequest {
		t.Errorf("status %d", got.status)
	}
	w.open("/signup").says("Choose how to sign in", "Accounts are made by an administrator")
	for _, path := range []string{"/newPassword", "/confirmUser", "/forgotPassword", "/confirmforgotPassword"} {
		for _, a := range []*answer{w.open(path), w.postTo(base+path+"?"+query, url.Values{"username": {"ann"}, "code": {"1"}, "session": {"x"}, "new_password": {password}})} {
			if a.says("This did not work", "may not sign people in this way"); a.status != http.StatusBadRequest {
				t.Errorf("%s: %d", path, a.status)
			}
		}
	}
}
