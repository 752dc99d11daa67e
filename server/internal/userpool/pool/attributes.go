package pool

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// MaxUsername is the longest user name in characters (API reference, UsernameType).
const MaxUsername = 128

// SortedKeys returns the keys of a map in order.
func SortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// AttributeMap turns the list of a request into a map. A name that comes twice
// is refused: which one counts would be anyone's guess.
func AttributeMap(list []wire.AttributeType) (map[string]string, error) {
	m := make(map[string]string, len(list))
	for _, a := range list {
		if _, twice := m[a.Name]; twice {
			return nil, Invalid("Duplicate attribute: %s", a.Name)
		}
		m[a.Name] = a.Value
	}
	return m, nil
}

// ServiceKept are the attributes that only the service sets, not even an administrator.
func ServiceKept(name string) bool { return name == "sub" || name == "identities" }

// Immutable reports whether an attribute of the schema has its value for life.
func (p *Settings) Immutable(name string) bool {
	a := p.SchemaOf(name)
	return a != nil && a.Mutable != nil && !*a.Mutable
}

// CheckMutable refuses changes of attributes that have their value for life.
// An immutable one gets its value when the user is made; one that was left out
// then stays empty (developer guide, "Working with user attributes"). Giving the
// value that it has already changes nothing and passes.
func (p *Settings) CheckMutable(have, given map[string]string) error {
	for _, name := range SortedKeys(given) {
		if ServiceKept(name) || p.Immutable(name) && have[name] != given[name] {
			return Invalid("user.%s: Attribute cannot be updated.\n", name)
		}
	}
	return nil
}

// SetAttributes gives user attributes that were checked. An empty value deletes.
// A contact that changes is no longer verified, unless the same call says so.
func SetAttributes(user *storage.User, given map[string]string) error {
	attributes := maps.Clone(user.Attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	for _, kind := range []string{LoginEmail, LoginPhone} {
		value, changes := given[kind]
		switch {
		case changes && value == "":
			delete(attributes, kind+"_verified")
		case changes && value != attributes[kind]:
			attributes[kind+"_verified"] = "false"
		}
	}
	maps.Copy(attributes, given)
	maps.DeleteFunc(attributes, func(_, value string) bool { return value == "" })
	switch {
	case attributes["email"] == "" && attributes["email_verified"] == "true":
		return Invalid("Email is required to verify/un-verify an email")
	case attributes["phone_number"] == "" && attributes["phone_number_verified"] == "true":
		return Invalid("Phone Number is required to verify/un-verify a phone number")
	}
	user.Attributes = attributes
	return nil
}

// DeleteAttributes deletes attributes of a user. One that the user does not have changes
// nothing.
func (p *Settings) DeleteAttributes(tx storage.Tx, user *storage.User, names []string) error {
	given := make(map[string]string, len(names))
	for _, name := range names {
		if slices.Contains(p.RequiredAttributes(), name) {
			return Invalid("Invalid user attributes: %s: The attribute is required", name)
		}
		given[name] = ""
	}
	return UpdateAttributes(tx, p, user, given)
}

// UpdateAttributes changes attributes at once.
func UpdateAttributes(tx storage.Tx, set *Settings, user *storage.User, given map[string]string) error {
	if err := set.CheckChange(*user, given); err != nil {
		return err
	}
	return set.WriteAttributes(tx, user, given)
}

// CheckChange checks a change by the schema, then by what the user has.
func (p *Settings) CheckChange(user storage.User, given map[string]string) error {
	if err := p.CheckAttributes(given, false); err != nil {
		return err
	}
	return p.CheckMutable(user.Attributes, given)
}

// WriteAttributes gives a user attributes that were checked, and writes the user with the
// Logins that follow from them. A value that waits for a contact's verification is
// dropped with any other value of the contact.
func (p *Settings) WriteAttributes(tx storage.Tx, user *storage.User, given map[string]string) error {
	if err := SetAttributes(user, given); err != nil {
		return err
	}
	for _, kind := range p.UsernameAttributes {
		if value, deletes := given[kind]; deletes && value == "" && len(p.Logins(*user)) < 2 {
			return Invalid("%s is what the user signs in with: it can be changed and not be deleted.", kind)
		}
	}
	for _, kind := range []string{LoginEmail, LoginPhone} {
		if _, ok := given[kind]; ok {
			if err := tx.Codes.Delete(user.PoolID, user.Sub, CodeChange+kind); err != nil {
				return err
			}
		}
	}
	return p.UpdateUser(tx, user)
}

// NameUser gives a new user the name under which it is stored: the canonical one, which
// all checks are about. In a pool whose users sign in with a contact it is the sub, and the
// contact becomes an attribute and the user's first login. Elsewhere a name in the form of
// a contact is refused when contacts are aliases: it could stand in the way of the
// contact's owner.
func (p *Settings) NameUser(user *storage.User, name string, given map[string]string) error {
	if len(p.UsernameAttributes) > 0 {
		user.Username = user.Sub
		kind, err := p.takeContact(name, given)
		user.Logins = []string{p.Canonical(kind, given[kind])}
		return err
	}
	canonical := p.CanonicalName(name)
	switch kind, _ := p.contactAlias(canonical); kind {
	case LoginEmail:
		return Invalid("Username cannot be of email format, since user pool is configured for email alias.")
	case LoginPhone:
		return Invalid("Username cannot be of phone number format, since user pool is configured for phone number alias.")
	}
	if !IsVisible(canonical) || utf8.RuneCountInString(canonical) > MaxUsername {
		return Invalid("Username is empty, longer than %d characters, or has white space or invisible characters once it is normalized (NFKC).", MaxUsername)
	}
	user.Username = canonical
	return nil
}

// takeContact sets the attribute that name is in a pool of UsernameAttributes, and returns
// which one it is.
func (p *Settings) takeContact(name string, given map[string]string) (kind string, err error) {
	name = Normalized(name)
	email, phone := slices.Contains(p.UsernameAttributes, LoginEmail), slices.Contains(p.UsernameAttributes, LoginPhone)
	switch {
	case email && IsEmail(name):
		kind = LoginEmail
	case phone && IsPhone(name):
		kind = LoginPhone
	case email && phone:
		return "", Invalid(wire.MessageUsernameShouldBeContact)
	case email:
		return "", Invalid(wire.MessageUsernameShouldBeEmail)
	default:
		return "", Invalid("Username should be a phone number.")
	}
	if other := given[kind]; other != "" && p.Canonical(kind, other) != p.Canonical(kind, name) {
		return "", Invalid("Username and the attribute %s differ; leave one out, or make them the same.", kind)
	}
	given[kind] = name
	return kind, nil
}

// AttributeList gives a user's attributes in a stable order, the sub first.
func AttributeList(user storage.User) []wire.AttributeType {
	list := make([]wire.AttributeType, 0, len(user.Attributes)+1)
	list = append(list, wire.AttributeType{Name: "sub", Value: user.Sub})
	for _, name := range slices.Sorted(maps.Keys(user.Attributes)) {
		if name != "sub" {
			list = append(list, wire.AttributeType{Name: name, Value: user.Attributes[name]})
		}
	}
	return list
}

// AppendString appends a JSON string. Text that is not UTF-8 never gets into
// storage; if it did, its bad bytes become U+FFFD here.
func AppendString(dst []byte, text string) []byte {
	out, err := jsontext.AppendQuote(dst, text)
	if err != nil {
		out, _ = jsontext.AppendQuote(dst, strings.ToValidUTF8(text, "\uFFFD"))
	}
	return out
}
