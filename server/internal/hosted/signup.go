package hosted

import (
	"net/http"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// autocompletes are the tokens for attributes that browsers can fill in (HTML,
// section 4.10.18.7).
var autocompletes = map[string]string{
	"name": "name", "given_name": "given-name", "middle_name": "additional-name", "family_name": "family-name",
	"nickname": "nickname", "email": "email", "phone_number": "tel", "birthdate": "bday", "address": "street-address",
	"gender": "sex", "website": "url", "picture": "photo",
}

func (v *visit) attributeInput(name, value string) input {
	i := input{
		Name: attributePrefix + name, Label: v.texts.attribute(name), Value: value,
		Autocomplete: autocompletes[name], MaxLength: maxAttributeField,
	}
	if i.Autocomplete == "" {
		i.Autocomplete = "off"
	}
	switch name {
	case "email":
		i.Type, i.InputMode = "email", "email"
	case "phone_number":
		i.Type, i.InputMode, i.Hint = "tel", "tel", v.texts.say("phoneHint")
	case "birthdate":
		i.Type = "date"
	}
	return i
}

func (v *visit) showSignUp() { v.signUpPage(v.request.LoginHint, nil, complaint{}) }

func (v *visit) signUpPage(username string, given map[string]string, c complaint) {
	if !v.request.SignUp || !v.request.Passwords {
		v.signInPage("", complaint{alert: v.texts.say("problem.signUpClosed")}, "")
		return
	}
	page := v.page(v.texts.say("signUp.title"), v.toClient("signUp.lead"))
	page.Alert = c.alert
	username0 := v.usernameInput(username)
	if n := v.request.Names; !n.Email && !n.Phone {
		username0.Label, username0.InputMode = v.texts.say("username"), "" // an alias is no name to choose
	}
	page.Form = &form{Action: v.to("/signup"), Submit: v.texts.say("signUp.submit"), Fields: []input{c.on(username0)}}
	for _, name := range v.request.Ask {
		page.Form.Fields = append(page.Form.Fields, c.on(v.attributeInput(name, given[name])))
	}
	page.Form.Fields = append(page.Form.Fields, c.on(v.newPasswordInput("password")))
	back := v.link(v.texts.say("signUp.signIn"), "/login")
	back.Before = v.texts.say("signUp.have")
	page.Links = []link{back}
	v.show(http.StatusOK, "/signup", page)
}

func (v *visit) signUp() {
	username, given := v.field("username"), v.attributes()
	if c := v.missing(append(append([]string{"username"}, prefixed(v.request.Ask)...), "new_password")...); c.any() {
		v.signUpPage(username, given, c)
		return
	}
	in := &wire.SignUpRequest{ClientId: v.request.ClientID, Username: username, Password: v.secretField("new_password")}
	for _, name := range v.request.Ask {
		in.UserAttributes = append(in.UserAttributes, wire.AttributeType{Name: name, Value: given[name]})
	}
	out, err := checked(v, in, v.Accounts.SignUp)
	switch {
	case wire.IsException(err, wire.CodeDeliveryFailureException): // the user is there; the code can be had again
		c, _ := v.explain(err)
		v.next(note{Path: "/confirmUser", Username: username, Alert: c.alert})
	case err != nil:
		if c, ok := v.explain(err); ok {
			v.signUpPage(username, given, c)
		}
	case out.UserConfirmed:
		v.next(note{Path: "/login", Username: username, Notice: v.texts.say("signUp.done")})
	case out.CodeDeliveryDetails == nil:
		v.next(note{Path: "/login", Username: username, Notice: v.texts.say("signUp.wait")})
	default:
		v.next(note{Path: "/confirmUser", Username: username, Notice: v.sent(out.CodeDeliveryDetails)})
	}
}

// sent says where a code went, as far as the service tells.
func (v *visit) sent(to *wire.CodeDeliveryDetailsType) string {
	if to == nil || to.Destination == "" {
		return v.texts.say("code.sent")
	}
	return v.texts.say("code.sentTo", to.Destination)
}

func (v *visit) showConfirm() {
	n := v.kept("/confirmUser")
	v.confirmPage(v.username(n), n.Notice, complaint{alert: n.Alert})
}

// confirmPage asks for the code of a sign-up, and for the user where the step
// before did not say.
func (v *visit) confirmPage(username, notice string, c complaint) {
	page := v.page(v.texts.say("confirm.title"), v.texts.say("confirm.lead"))
	page.Alert, page.Notice = c.alert, notice
	page.Form = &form{
		Action: v.to("/confirmUser"), Submit: v.texts.say("confirm.submit"), Second: v.texts.say("code.resend"),
		Fields: []input{c.on(v.usernameInput(username)), c.on(v.codeInput())},
	}
	page.Links = []link{v.link(v.texts.say("backToSignIn"), "/login")}
	v.show(http.StatusOK, "/confirmUser", page)
}

func (v *visit) codeInput() input {
	return input{Name: "code", Label: v.texts.say("code"), Autocomplete: "one-time-code", InputMode: "numeric", Class: "code", MaxLength: 64}
}

func (v *visit) confirm() {
	username := v.field("username")
	if v.field("do") == "resend" {
		if c := v.missing("username"); c.any() {
			v.confirmPage(username, "", c)
			return
		}
		v.resendTo(username, "")
		return
	}
	if c := v.missing("username", "code"); c.any() {
		v.confirmPage(username, "", c)
		return
	}
	_, err := checked(v, &wire.ConfirmSignUpRequest{
		ClientId: v.request.ClientID, Username: username, ConfirmationCode: wire.Sensitive(v.field("code")),
	}, v.Accounts.ConfirmSignUp)
	if err == nil {
		v.next(note{Path: "/login", Username: username, Notice: v.texts.say("confirm.done")})
		return
	}
	c, ok := v.explain(err)
	switch {
	case !ok:
	case c.over:
		v.next(note{Path: "/login", Username: username, Alert: c.alert})
	default:
		v.confirmPage(username, "", c)
	}
}

// resendTo sends the code of a sign-up again and shows the page for it. before is
// said in front of where the code went.
func (v *visit) resendTo(username, before string) {
	out, err := checked(v, &wire.ResendConfirmationCodeRequest{ClientId: v.request.ClientID, Username: username}, v.Accounts.ResendConfirmationCode)
	if err == nil {
		if before != "" {
			before += " "
		}
		v.next(note{Path: "/confirmUser", Username: username, Notice: before + v.sent(out.CodeDeliveryDetails)})
		return
	}
	c, ok := v.explain(err)
	switch {
	case !ok:
	case c.over:
		v.next(note{Path: "/login", Username: username, Alert: c.alert})
	default:
		v.confirmPage(username, before, c)
	}
}
