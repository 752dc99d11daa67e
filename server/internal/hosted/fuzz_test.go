package hosted_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/hosted"
)

// FuzzPages holds whatever comes in a query, a form, a path or a header to one
// rule: the answer is a page that keeps to its policy, or a redirect to the client.
func FuzzPages(f *testing.F) {
	for _, s := range naughty {
		f.Add("/login", "login_hint="+s, "username="+s+"&password=x", s)
	}
	f.Add("/newPassword", query, "session=a&username=b&attribute.name=", "de")
	f.Add("/signup", query, "username=ann&attribute.email=a&new_password=%00", "fr-CA,*;q=0.1")
	f.Add("/confirmUser", query, "username=ann&do=resend", "")
	f.Fuzz(func(t *testing.T, path, rawQuery, body, accept string) {
		w := &world{t: t, pool: "pool"}
		w.request = hosted.Request{ClientID: "app", ClientName: rawQuery, RedirectURI: body, LoginHint: accept, Passwords: true, SignUp: true, Ask: []string{"email", path}}
		w.pages = hosted.New(hosted.Config{Accounts: refusing{}, Door: refusing{}, Flow: w, Memory: w, MaxQuery: 8 << 10})
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := httptest.NewRequest(method, base+"/login", strings.NewReader(body))
			r.URL.Path, r.URL.RawQuery = base+path, rawQuery
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header["Accept-Language"] = []string{accept}
			a := w.send(r)
			if a.page == nil && a.status != http.StatusSeeOther && !strings.HasPrefix(path, "/latchkey.css") && !strings.HasPrefix(path, "/brand") {
				t.Errorf("%s %s: %d", method, path, a.status)
			}
			for _, script := range scriptsOf(a) {
				if script.Parent.Data != "body" {
					t.Errorf("a script in %s", script.Parent.Data)
				}
			}
		}
	})
}

func scriptsOf(a *answer) []*html.Node {
	if a.page == nil {
		return nil
	}
	return all(a.page, "script")
}

// refusing is an account service and a door that let nobody in, for a fuzz target
// that asks hundreds of times a second.
type refusing struct{}

func refused[Response any]() (*Response, error) {
	return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
}

func (refusing) SignUp(context.Context, *wire.SignUpRequest) (*wire.SignUpResponse, error) {
	return refused[wire.SignUpResponse]()
}

func (refusing) ConfirmSignUp(context.Context, *wire.ConfirmSignUpRequest) (*wire.ConfirmSignUpResponse, error) {
	return refused[wire.ConfirmSignUpResponse]()
}

func (refusing) ResendConfirmationCode(context.Context, *wire.ResendConfirmationCodeRequest) (*wire.ResendConfirmationCodeResponse, error) {
	return refused[wire.ResendConfirmationCodeResponse]()
}

func (refusing) ForgotPassword(context.Context, *wire.ForgotPasswordRequest) (*wire.ForgotPasswordResponse, error) {
	return refused[wire.ForgotPasswordResponse]()
}

func (refusing) ConfirmForgotPassword(context.Context, *wire.ConfirmForgotPasswordRequest) (*wire.ConfirmForgotPasswordResponse, error) {
	return refused[wire.ConfirmForgotPasswordResponse]()
}

func (refusing) Password(context.Context, *hosted.Request, string, wire.Sensitive) (hosted.Step, error) {
	return hosted.Step{Session: "s", Username: "u", Missing: []string{"name"}}, nil
}

func (refusing) NewPassword(context.Context, *hosted.Request, hosted.NewPassword) (hosted.Step, error) {
	_, err := refused[hosted.Step]()
	return hosted.Step{}, err
}
