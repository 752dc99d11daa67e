package hosted

import "github.com/latchkey-auth/latchkey/internal/wire"

// signUp asks for a name, the attributes that the pool requires, and a password.
func signUp() *accountStep {
	return &accountStep{
		path: "/signup",
		words: func(v *visit) (title, lead, submit string) {
			return v.texts.say("signUp.title"), v.toClient("signUp.lead"), v.texts.say("signUp.submit")
		},
		inputs: func(f fields, given values) []input {
			inputs := []input{f.newUsername(given.username)}
			for _, name := range f.request.Ask {
				inputs = append(inputs, f.attribute(name, given.attributes[name]))
			}
			return append(inputs, f.newPasswordInput("password"))
		},
		links: func(v *visit) []link {
			back := v.link(v.texts.say("signUp.signIn"), "/login")
			back.Before = v.texts.say("signUp.have")
			return []link{back}
		},
		perform: performSignUp,
		closed: func(v *visit) bool {
			if v.request.SignUp && v.request.Passwords {
				return false
			}
			signIn{v}.page("", complaint{alert: v.texts.say("problem.signUpClosed")}, "")
			return true
		},
	}
}

func performSignUp(v *visit, given values) (note, error) {
	in := &wire.SignUpRequest{ClientId: v.request.ClientID, Username: given.username, Password: v.secretField("new_password")}
	for _, name := range v.request.Ask {
		in.UserAttributes = append(in.UserAttributes, wire.AttributeType{Name: name, Value: given.attributes[name]})
	}
	out, err := checked(v, in, v.Accounts.SignUp)
	switch {
	case wire.IsException(err, wire.CodeDeliveryFailureException): // the user was created; the code can be sent again
		c, _ := v.explain(err)
		return note{Path: "/confirmUser", Username: given.username, Alert: c.alert}, nil
	case err != nil:
		return note{}, err
	case out.UserConfirmed:
		return note{Path: "/login", Username: given.username, Notice: v.texts.say("signUp.done")}, nil
	case out.CodeDeliveryDetails == nil:
		return note{Path: "/login", Username: given.username, Notice: v.texts.say("signUp.wait")}, nil
	}
	return note{Path: "/confirmUser", Username: given.username, Notice: v.sent(out.CodeDeliveryDetails)}, nil
}

// confirmSignUp asks for the code of a sign-up, and for the user if the step before did
// not say.
func confirmSignUp() *accountStep {
	return &accountStep{
		path: "/confirmUser", own: true,
		words: func(v *visit) (title, lead, submit string) {
			return v.texts.say("confirm.title"), v.texts.say("confirm.lead"), v.texts.say("confirm.submit")
		},
		inputs: func(f fields, given values) []input { return []input{f.username(given.username), f.code()} },
		links:  backToSignIn,
		perform: func(v *visit, given values) (note, error) {
			_, err := checked(v, &wire.ConfirmSignUpRequest{
				ClientId: v.request.ClientID, Username: given.username, ConfirmationCode: wire.Sensitive(v.field("code")),
			}, v.Accounts.ConfirmSignUp)
			return note{Path: "/login", Username: given.username, Notice: v.texts.say("confirm.done")}, err
		},
		resend: func(v *visit) {
			given := values{username: v.field("username")}
			if c := v.missing("username"); c.any() {
				confirmSignUp().page(v, given, "", c)
				return
			}
			resendConfirmation(v, given, "")
		},
	}
}

// resendConfirmation sends the code of a sign-up again and shows the page for it. The page
// says before in front of where the code was sent.
func resendConfirmation(v *visit, given values, before string) {
	out, err := checked(v, &wire.ResendConfirmationCodeRequest{ClientId: v.request.ClientID, Username: given.username}, v.Accounts.ResendConfirmationCode)
	if err != nil {
		confirmSignUp().failed(v, given, before, err)
		return
	}
	if before != "" {
		before += " "
	}
	v.next(note{Path: "/confirmUser", Username: given.username, Notice: before + v.sent(out.CodeDeliveryDetails)})
}

// sent says where a code went, as far as the service tells.
func (v *visit) sent(to *wire.CodeDeliveryDetailsType) string {
	if to == nil || to.Destination == "" {
		return v.texts.say("code.sent")
	}
	return v.texts.say("code.sentTo", to.Destination)
}
