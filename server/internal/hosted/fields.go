package hosted

import "strconv"

// attributePrefix stands before the names of the fields that are attributes, so
// that none is taken for another field of the form.
const attributePrefix = "attribute."

// fields makes the fields of forms for one authorization request.
type fields struct {
	texts   *texts
	request *Request
}

// username is the field for what the pool's users sign in with.
func (f fields) username(value string) input {
	i := input{Name: "username", Value: value, Autocomplete: "username", MaxLength: maxNameField}
	switch n := f.request.Names; {
	case n.Email && n.Phone:
		i.Label = f.texts.say("emailOrPhone")
	case n.Email:
		i.Label, i.Type, i.InputMode = f.texts.say("attribute.email"), "email", "email"
	case n.Phone:
		i.Label, i.Type, i.InputMode = f.texts.say("attribute.phone_number"), "tel", "tel"
	case n.EmailAlias && n.PhoneAlias:
		i.Label = f.texts.say("usernameEmailOrPhone")
	case n.EmailAlias:
		i.Label, i.InputMode = f.texts.say("usernameOrEmail"), "email"
	case n.PhoneAlias:
		i.Label = f.texts.say("usernameOrPhone")
	default:
		i.Label = f.texts.say("username")
	}
	return i
}

// newUsername is the field for the name of a new user, which an alias cannot be.
func (f fields) newUsername(value string) input {
	i := f.username(value)
	if n := f.request.Names; !n.Email && !n.Phone {
		i.Label, i.InputMode = f.texts.say("username"), ""
	}
	return i
}

// newPasswordInput is the field for a new password, with the pool's rules below it.
func (f fields) newPasswordInput(label string) input {
	return input{
		Name: "new_password", Label: f.texts.say(label), Type: "password", Autocomplete: "new-password",
		Rules: f.rules(), MaxLength: maxPasswordField,
	}
}

// code is the field for a code that was sent.
func (f fields) code() input {
	return input{Name: "code", Label: f.texts.say("code"), Autocomplete: "one-time-code", InputMode: "numeric", Class: "code", MaxLength: 64}
}

// autocompletes are the tokens for attributes that browsers can fill in (HTML,
// section 4.10.18.7).
var autocompletes = map[string]string{
	"name": "name", "given_name": "given-name", "middle_name": "additional-name", "family_name": "family-name",
	"nickname": "nickname", "email": "email", "phone_number": "tel", "birthdate": "bday", "address": "street-address",
	"gender": "sex", "website": "url", "picture": "photo",
}

// attribute is the field for an attribute.
func (f fields) attribute(name, value string) input {
	i := input{
		Name: attributePrefix + name, Label: f.texts.attribute(name), Value: value,
		Autocomplete: autocompletes[name], MaxLength: maxAttributeField,
	}
	if i.Autocomplete == "" {
		i.Autocomplete = "off"
	}
	switch name {
	case "email":
		i.Type, i.InputMode = "email", "email"
	case "phone_number":
		i.Type, i.InputMode, i.Hint = "tel", "tel", f.texts.say("phoneHint")
	case "birthdate":
		i.Type = "date"
	}
	return i
}

// rules are the pool's rules for passwords, to read before one is chosen.
func (f fields) rules() []string {
	r := f.request.Rules
	rules := []string{f.texts.say("rule.length", strconv.Itoa(max(r.MinimumLength, 6)))}
	for _, rule := range []struct {
		on  bool
		key string
	}{{r.Upper, "rule.upper"}, {r.Lower, "rule.lower"}, {r.Numbers, "rule.number"}, {r.Symbols, "rule.symbol"}} {
		if rule.on {
			rules = append(rules, f.texts.say(rule.key))
		}
	}
	return rules
}
