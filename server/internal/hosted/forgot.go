package hosted

import (
	"net/http"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

func (v *visit) showForgot() {
	n := v.kept("/forgotPassword")
	v.forgotPage(v.username(n), complaint{alert: n.Alert})
}

// forgotPage asks whose password is forgotten.
func (v *visit) forgotPage(username string, c complaint) {
	page := v.page(v.texts.say("forgot.title"), v.texts.say("forgot.lead"))
	page.Alert = c.alert
	page.Form = &form{
		Action: v.to("/forgotPassword"), Submit: v.texts.say("forgot.submit"),
		Fields: []input{c.on(v.usernameInput(username))},
	}
	page.Links = []link{
		v.link(v.texts.say("forgot.haveCode"), "/confirmforgotPassword"),
		v.link(v.texts.say("backToSignIn"), "/login"),
	}
	v.show(http.StatusOK, "/forgotPassword", page)
}

func (v *visit) forgot() {
	username := v.field("username")
	if c := v.missing("username"); c.any() {
		v.forgotPage(username, c)
		return
	}
	out, err := checked(v, &wire.ForgotPasswordRequest{ClientId: v.request.ClientID, Username: username}, v.Accounts.ForgotPassword)
	if err == nil {
		v.next(note{Path: "/confirmforgotPassword", Username: username, Notice: v.sent(out.CodeDeliveryDetails)})
		return
	}
	if c, ok := v.explain(err); ok {
		v.forgotPage(username, c)
	}
}

func (v *visit) showReset() {
	n := v.kept("/confirmforgotPassword")
	v.resetPage(v.username(n), n.Notice, complaint{alert: n.Alert})
}

// resetPage asks for the code and the new password.
func (v *visit) resetPage(username, notice string, c complaint) {
	page := v.page(v.texts.say("reset.title"), v.texts.say("reset.lead"))
	page.Alert, page.Notice = c.alert, notice
	page.Form = &form{
		Action: v.to("/confirmforgotPassword"), Submit: v.texts.say("reset.submit"), Second: v.texts.say("code.resend"),
		Fields: []input{c.on(v.usernameInput(username)), c.on(v.codeInput()), c.on(v.newPasswordInput("newPassword.label"))},
	}
	page.Links = []link{v.link(v.texts.say("backToSignIn"), "/login")}
	v.show(http.StatusOK, "/confirmforgotPassword", page)
}

func (v *visit) reset() {
	username := v.field("username")
	if v.field("do") == "resend" {
		v.forgot()
		return
	}
	if c := v.missing("username", "code", "new_password"); c.any() {
		v.resetPage(username, "", c)
		return
	}
	_, err := checked(v, &wire.ConfirmForgotPasswordRequest{
		ClientId: v.request.ClientID, Username: username,
		ConfirmationCode: wire.Sensitive(v.field("code")), Password: v.secretField("new_password"),
	}, v.Accounts.ConfirmForgotPassword)
	if err == nil {
		v.next(note{Path: "/login", Username: username, Notice: v.texts.say("reset.done")})
		return
	}
	if c, ok := v.explain(err); ok {
		v.resetPage(username, "", c)
	}
}
