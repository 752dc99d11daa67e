package hosted

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// attributePrefix stands before the names of the fields that are attributes, so
// that none is taken for another field of the form.
const attributePrefix = "attribute."

func (v *visit) showSignIn() {
	n := v.kept("/login")
	v.signInPage(v.username(n), complaint{alert: n.Alert}, n.Notice)
}

// signInPage shows the form, the client's other providers, or both.
func (v *visit) signInPage(username string, c complaint, notice string) {
	page := v.page(v.texts.say("signIn.title"), v.toClient("signIn.lead"))
	page.Alert, page.Notice = c.alert, notice
	if v.request.Passwords {
		forgot := v.link(v.texts.say("signIn.forgot"), "/forgotPassword")
		password := c.on(input{Name: "password", Label: v.texts.say("password"), Type: "password", Autocomplete: "current-password"})
		password.Link = &forgot
		page.Form = &form{
			Action: v.to("/login"), Submit: v.texts.say("signIn.submit"),
			Fields: []input{c.on(v.usernameInput(username)), password},
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
	v.show(http.StatusOK, "/login", page)
}

// toClient says a text that names the client, or its form for a client without a name.
func (v *visit) toClient(key string) string {
	if v.request.ClientName == "" {
		return v.texts.say(key + "Unnamed")
	}
	return v.texts.say(key, v.request.ClientName)
}

// provider begins the same request anew with a provider chosen.
func (v *visit) provider(name, label string) link {
	query := v.r.URL.Query()
	query.Set("identity_provider", name)
	first, _ := utf8.DecodeRuneInString(strings.TrimSpace(label))
	return link{Text: v.texts.say("signIn.with", label), Mark: strings.ToUpper(string(first)), URL: v.with("/oauth2/authorize", query)}
}

// usernameInput is the field for what the pool's users sign in with.
func (v *visit) usernameInput(value string) input {
	i := input{Name: "username", Value: value, Autocomplete: "username", MaxLength: maxNameField}
	switch n := v.request.Names; {
	case n.Email && n.Phone:
		i.Label = v.texts.say("emailOrPhone")
	case n.Email:
		i.Label, i.Type, i.InputMode = v.texts.say("attribute.email"), "email", "email"
	case n.Phone:
		i.Label, i.Type, i.InputMode = v.texts.say("attribute.phone_number"), "tel", "tel"
	case n.EmailAlias && n.PhoneAlias:
		i.Label = v.texts.say("usernameEmailOrPhone")
	case n.EmailAlias:
		i.Label, i.InputMode = v.texts.say("usernameOrEmail"), "email"
	case n.PhoneAlias:
		i.Label = v.texts.say("usernameOrPhone")
	default:
		i.Label = v.texts.say("username")
	}
	return i
}

// signIn judges a password.
func (v *visit) signIn() {
	if !v.request.Passwords {
		v.fail(http.StatusBadRequest, "unauthorized_client")
		return
	}
	username, password := v.field("username"), v.secretField("password")
	if c := v.missing("username", "password"); c.any() {
		v.signInPage(username, c, "")
		return
	}
	step, err := v.Door.Password(v.r.Context(), v.request, username, password)
	switch {
	case wire.IsException(err, wire.UserNotConfirmedException):
		v.note(wire.UserNotConfirmedException)
		v.resendTo(username, v.texts.say("confirm.first"))
	case wire.IsException(err, wire.PasswordResetRequiredException):
		v.note(wire.PasswordResetRequiredException)
		v.next(note{Path: "/forgotPassword", Username: username, Alert: v.texts.say("forgot.required")})
	case err != nil:
		if c, ok := v.explain(err); ok {
			v.signInPage(username, c, "")
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

// showNewPassword asks for a new password where the step before led here; any other visit
// begins with the sign-in.
func (v *visit) showNewPassword() {
	n := v.kept("/newPassword")
	if n.Session == "" {
		v.redirect(string(v.to("/login")))
		return
	}
	v.newPasswordPage(Step{Session: n.Session, Username: n.Username, Missing: n.Missing}, nil, complaint{})
}

// newPasswordPage asks for a password of the person's own, and for the attributes
// that the pool requires and the user does not have.
func (v *visit) newPasswordPage(s Step, given map[string]string, c complaint) {
	page := v.page(v.texts.say("newPassword.title"), v.texts.say("newPassword.lead"))
	page.Alert = c.alert
	page.Form = &form{Action: v.to("/newPassword"), Submit: v.texts.say("newPassword.submit"), Fields: []input{
		{Name: "session", Value: string(s.Session), Hidden: true},
		{Name: "username", Value: s.Username, Hidden: true, Autocomplete: "username"},
		c.on(v.newPasswordInput("newPassword.label")),
	}}
	for _, name := range s.Missing {
		page.Form.Fields = append(page.Form.Fields, c.on(v.attributeInput(name, given[name])))
	}
	page.Links = []link{v.link(v.texts.say("startOver"), "/login")}
	v.show(http.StatusOK, "/login", page)
}

// newPasswordInput is the field for a new password, with the pool's rules below it.
func (v *visit) newPasswordInput(label string) input {
	return input{
		Name: "new_password", Label: v.texts.say(label), Type: "password", Autocomplete: "new-password",
		Rules: v.rules(), MaxLength: maxPasswordField,
	}
}

// newPassword takes the answer to such a page.
func (v *visit) newPassword() {
	s := Step{Session: v.secretField("session"), Username: v.field("username")}
	given := v.attributes()
	for name := range given {
		s.Missing = append(s.Missing, name)
	}
	slices.Sort(s.Missing)
	if s.Session == "" || s.Username == "" {
		v.next(note{Path: "/login", Username: s.Username, Alert: v.texts.say("problem.session")})
		return
	}
	if c := v.missing(append([]string{"new_password"}, prefixed(s.Missing)...)...); c.any() {
		v.newPasswordPage(s, given, c)
		return
	}
	step, err := v.Door.NewPassword(v.r.Context(), v.request, NewPassword{
		Session: s.Session, Username: s.Username, Password: v.secretField("new_password"), Attributes: given,
	})
	if err == nil {
		v.step(step)
		return
	}
	c, ok := v.explain(err)
	switch {
	case !ok:
	case c.over:
		v.next(note{Path: "/login", Alert: c.alert})
	default:
		v.newPasswordPage(s, given, c)
	}
}

// attributes are the attributes in the posted form.
func (v *visit) attributes() map[string]string {
	given := map[string]string{}
	for field := range v.r.PostForm {
		name, ok := strings.CutPrefix(field, attributePrefix)
		if ok && name != "" && len(given) < 50 {
			given[name] = v.field(field)
		}
	}
	return given
}

func prefixed(names []string) []string {
	fields := make([]string, len(names))
	for i, name := range names {
		fields[i] = attributePrefix + name
	}
	return fields
}
