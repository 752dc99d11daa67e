package hosted

import "github.com/latchkey-auth/latchkey/internal/wire"

// forgotPassword asks whose password is forgotten, and has a code sent.
func forgotPassword() *accountStep {
	return &accountStep{
		path: "/forgotPassword", own: true,
		words: func(v *visit) (title, lead, submit string) {
			return v.texts.say("forgot.title"), v.texts.say("forgot.lead"), v.texts.say("forgot.submit")
		},
		inputs: func(f fields, given values) []input { return []input{f.username(given.username)} },
		links: func(v *visit) []link {
			return append([]link{v.link(v.texts.say("forgot.haveCode"), "/confirmforgotPassword")}, backToSignIn(v)...)
		},
		perform: func(v *visit, given values) (note, error) {
			out, err := checked(v, &wire.ForgotPasswordRequest{ClientId: v.request.ClientID, Username: given.username}, v.Accounts.ForgotPassword)
			if err != nil {
				return note{}, err
			}
			return note{Path: "/confirmforgotPassword", Username: given.username, Notice: v.sent(out.CodeDeliveryDetails)}, nil
		},
	}
}

// resetPassword asks for the code and the new password.
func resetPassword() *accountStep {
	return &accountStep{
		path: "/confirmforgotPassword", own: true,
		words: func(v *visit) (title, lead, submit string) {
			return v.texts.say("reset.title"), v.texts.say("reset.lead"), v.texts.say("reset.submit")
		},
		inputs: func(f fields, given values) []input {
			return []input{f.username(given.username), f.code(), f.newPasswordInput("newPassword.label")}
		},
		links: backToSignIn,
		perform: func(v *visit, given values) (note, error) {
			_, err := checked(v, &wire.ConfirmForgotPasswordRequest{
				ClientId: v.request.ClientID, Username: given.username,
				ConfirmationCode: wire.Sensitive(v.field("code")), Password: v.secretField("new_password"),
			}, v.Accounts.ConfirmForgotPassword)
			return note{Path: "/login", Username: given.username, Notice: v.texts.say("reset.done")}, err
		},
		resend: forgotPassword().post,
	}
}
