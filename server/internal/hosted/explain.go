package hosted

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// complaint is what a page says went wrong: at a field, where one is at fault, or
// above the form.
type complaint struct {
	alert  string
	fields map[string]string
	over   bool // the step cannot go on; the next one is to sign in
}

func (c complaint) any() bool { return c.alert != "" || len(c.fields) > 0 }

// on gives the field what is said about it.
func (c complaint) on(i input) input {
	i.Error = c.fields[i.Name]
	return i
}

func at(field, text string) complaint { return complaint{fields: map[string]string{field: text}} }

// missing complains of the fields that were left empty.
func (v *visit) missing(fields ...string) complaint {
	c := complaint{fields: map[string]string{}}
	for _, field := range fields {
		if v.r.PostForm.Get(field) == "" || !strings.HasSuffix(field, "password") && v.field(field) == "" {
			c.fields[field] = v.texts.say("problem.empty")
			v.note("invalid_request")
		}
	}
	return c
}

// checked calls an account flow with a request that keeps to Cognito's model, as
// the API does before it calls one.
func checked[Request, Response any](v *visit, in *Request, call func(context.Context, *Request) (*Response, error)) (*Response, error) {
	if err := wire.Validate(in); err != nil {
		return nil, err
	}
	return call(v.r.Context(), in)
}

// explain describes an exception in the user's language. It answers by itself, and returns
// false, if the user cannot mend the cause.
func (v *visit) explain(err error) (complaint, bool) {
	e, ok := errors.AsType[*wire.Exception](err)
	if !ok {
		v.trouble(err)
		return complaint{}, false
	}
	v.note(e.Type)
	c, ok := explainer{v.fields(), v.attributes()}.explain(e)
	if !ok {
		v.trouble(err)
	}
	return c, ok
}

// explainer finds out which field an exception is about, and what to say there.
type explainer struct {
	fields
	given map[string]string // attributes
}

// explain returns false for exceptions whose cause the user cannot mend.
func (x explainer) explain(e *wire.Exception) (complaint, bool) {
	say := x.texts.say
	switch e.Type {
	case wire.NotAuthorizedException:
		return x.explainRefusal(e)
	case wire.InvalidParameterException:
		return x.explainParameter(e), true
	case wire.InvalidPasswordException:
		return at("new_password", x.brokenRule(e.Message)), true
	case wire.UsernameExistsException:
		return x.explainTaken(e), true
	case wire.PasswordHistoryPolicyViolationException:
		return at("new_password", say("problem.passwordUsed")), true
	case wire.UserNotFoundException:
		return at("username", say("problem.noUser")), true
	case wire.CodeMismatchException:
		return at("code", say("problem.codeWrong")), true
	case wire.ExpiredCodeException:
		return at("code", say("problem.codeExpired")), true
	case wire.AliasExistsException:
		return complaint{alert: say("problem.aliasTaken"), over: true}, true
	case wire.LimitExceededException, wire.TooManyFailedAttemptsException:
		return complaint{alert: say("problem.limit")}, true
	case wire.CodeDeliveryFailureException:
		return complaint{alert: say("problem.notDelivered")}, true
	}
	return complaint{}, false
}

// explainRefusal explains NotAuthorizedException, which tells its reasons apart
// by their texts only.
func (x explainer) explainRefusal(e *wire.Exception) (complaint, bool) {
	say := x.texts.say
	switch e.Message {
	case wire.MessageIncorrectUsernameOrPassword:
		return complaint{alert: say("problem.wrongPassword")}, true
	case wire.MessagePasswordAttemptsExceeded:
		return complaint{alert: say("problem.locked")}, true
	case wire.MessageUserDisabled:
		return complaint{alert: say("problem.disabled")}, true
	case wire.MessageTemporaryPasswordExpired:
		return complaint{alert: say("problem.temporaryExpired")}, true
	case wire.MessagePasswordNotResettable:
		return complaint{alert: say("problem.notResettable")}, true
	case wire.MessageSignUpNotPermitted:
		return complaint{alert: say("problem.signUpClosed")}, true
	case wire.MessageAlreadyConfirmed:
		return complaint{alert: say("problem.alreadyConfirmed"), over: true}, true
	case wire.MessageInvalidSession, wire.MessageSessionExpired, wire.MessageSessionUsed:
		return complaint{alert: say("problem.session"), over: true}, true
	}
	return complaint{}, false // about the client, not about the user
}

// explainTaken explains UsernameExistsException.
func (x explainer) explainTaken(e *wire.Exception) complaint {
	for _, attribute := range []string{"email", "phone_number"} {
		if e.Message == wire.ContactExists(attribute).Message {
			field := attributePrefix + attribute
			if x.request.Names.Email || x.request.Names.Phone {
				field = "username"
			}
			return at(field, x.texts.say("problem.contactTaken"))
		}
	}
	key := "problem.nameTaken"
	if x.request.Names.Email || x.request.Names.Phone {
		key = "problem.contactTaken"
	}
	return at("username", x.texts.say(key))
}

// explainParameter explains InvalidParameterException: what was typed has not the
// form it must have.
func (x explainer) explainParameter(e *wire.Exception) complaint {
	say := x.texts.say
	has := func(part string) bool { return strings.Contains(e.Message, part) }
	switch {
	case has("'password'") && has("greater than or equal to"):
		return at("new_password", x.brokenRule(wire.MessagePasswordTooShort))
	case has("'password'"):
		return at("new_password", say("problem.passwordForm"))
	case has("'confirmationCode'"):
		return at("code", say("problem.codeWrong"))
	case e.Message == wire.MessageNoVerifiedContact:
		return complaint{alert: say("problem.noContact")}
	case e.Message == wire.MessageNoContact:
		return complaint{alert: say("problem.nothingSent")}
	case e.Message == wire.MessageAlreadyConfirmedResend:
		return complaint{alert: say("problem.alreadyConfirmed"), over: true}
	case has("Username cannot be of"):
		return at("username", say("problem.nameIsContact"))
	case has("Username should be"):
		return at("username", say("problem.nameForm", x.username("").Label))
	case has("'username'") || has("Username is empty"):
		return at("username", say("problem.nameInvalid"))
	case has("Invalid email address format"):
		return at(x.contactField("email"), say("problem.emailForm"))
	case has("Invalid phone number format"):
		return at(x.contactField("phone_number"), say("problem.phoneForm"))
	}
	return x.explainAttribute(e)
}

func (x explainer) contactField(attribute string) string {
	if n := x.request.Names; n.Email && attribute == "email" || n.Phone && attribute == "phone_number" {
		return "username"
	}
	return attributePrefix + attribute
}

// explainAttribute finds the attributes that a text complains of among those that
// the form has: Cognito writes a line "name: what is wrong" for each.
func (x explainer) explainAttribute(e *wire.Exception) complaint {
	c := complaint{fields: map[string]string{}}
	blame := func(name string) {
		c.fields[attributePrefix+name] = x.texts.say("problem.attribute", x.texts.attribute(name))
	}
	for i, name := range x.request.Ask { // in the order in which performSignUp sent them
		if strings.Contains(e.Message, "'userAttributes."+strconv.Itoa(i+1)+".member.value'") {
			blame(name)
		}
	}
	for name := range x.given {
		if strings.Contains(e.Message, " "+name+": ") || strings.Contains(e.Message, "\n"+name+": ") {
			blame(name)
		}
	}
	if !c.any() {
		c.alert = x.texts.say("problem.invalid")
	}
	return c
}

// brokenRule says which rule of the pool a password breaks.
func (x explainer) brokenRule(message string) string {
	switch message {
	case wire.MessagePasswordTooShort:
		return x.texts.say("problem.passwordShort", strconv.Itoa(max(x.request.Rules.MinimumLength, 6)))
	case wire.MessagePasswordUppercase:
		return x.texts.say("problem.passwordUpper")
	case wire.MessagePasswordLowercase:
		return x.texts.say("problem.passwordLower")
	case wire.MessagePasswordNumeric:
		return x.texts.say("problem.passwordNumber")
	case wire.MessagePasswordSymbol:
		return x.texts.say("problem.passwordSymbol")
	}
	return x.texts.say("problem.passwordForm")
}
