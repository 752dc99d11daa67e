package hosted

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// signIn is the sign-in page.
type signIn struct{ *visit }

func (v signIn) show() {
	n := v.kept("/login")
	v.page(v.username(n), complaint{alert: n.Alert}, n.Notice)
}

// page shows the form, the client's other providers, or both.
func (v signIn) page(username string, c complaint, notice string) {
	page := v.visit.page(v.texts.say("signIn.title"), v.toClient("signIn.lead"))
	page.Alert, page.Notice = c.alert, notice
	if v.request.Passwords {
		forgot := v.link(v.texts.say("signIn.forgot"), "/forgotPassword")
		password := c.on(input{Name: "password", Label: v.texts.say("password"), Type: "password", Autocomplete: "current-password"})
		password.Link = &forgot
		page.Form = &form{
			Action: v.to("/login"), Submit: v.texts.say("signIn.submit"),
			Fields: []input{c.on(v.fields().username(username)), password},
		}
	}
	for _, p := range v.request.Providers {
		label := p.Label
		if label == "" {
			label = p.Name
		}
		way := v.provider(p.Name, label)
		way.Social = p.Social
		page.Providers = append(page.Providers, way)
	}
	if v.request.Passwords {
		page.Or = v.texts.say("signIn.or")
	} else {
		page.Title = v.texts.say("choose.title")
	}
	if v.request.Passwords && v.request.SignUp {
		l := v.link(v.texts.say("signIn.signUp"), "/signup")
		l.Before = v.texts.say("signIn.new")
		page.Links = append(page.Links, l)
	}
	v.visit.show(http.StatusOK, "/login", page)
}

// provider begins the same request anew with a provider chosen.
func (v signIn) provider(name, label string) link {
	query := v.r.URL.Query()
	query.Set("identity_provider", name)
	first, _ := utf8.DecodeRuneInString(strings.TrimSpace(label))
	return link{Text: v.texts.say("signIn.with", label), Mark: strings.ToUpper(string(first)), URL: v.with("/oauth2/authorize", query)}
}

// post judges a password.
func (v signIn) post() {
	if !v.request.Passwords {
		v.fail(http.StatusBadRequest, "unauthorized_client")
		return
	}
	username, password := v.field("username"), v.secretField("password")
	if c := v.missing("username", "password"); c.any() {
		v.page(username, c, "")
		return
	}
	step, err := v.Door.Password(v.r.Context(), v.request, username, password)
	switch {
	case wire.IsException(err, wire.UserNotConfirmedException):
		v.note(wire.UserNotConfirmedException)
		resendConfirmation(v.visit, values{username: username}, v.texts.say("confirm.first"))
	case wire.IsException(err, wire.PasswordResetRequiredException):
		v.note(wire.PasswordResetRequiredException)
		v.next(note{Path: "/forgotPassword", Username: username, Alert: v.texts.say("forgot.required")})
	case err != nil:
		if c, ok := v.explain(err); ok {
			v.page(username, c, "")
		}
	default:
		v.step(step)
	}
}

// step goes on from a password that was right.
func (v *visit) step(s Step) {
	if s.Who != nil {
		v.Flow.Finish(v.w, v.r, v.request, s.Who)
		return
	}
	v.next(note{Path: "/newPassword", Username: s.Username, Session: s.Session, Missing: s.Missing})
}
