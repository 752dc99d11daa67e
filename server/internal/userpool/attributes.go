package userpool

import (
	"context"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// maxUsername is the longest user name in characters (API reference, UsernameType).
const maxUsername = 128

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// attributeMap turns the list of a request into a map. A name that comes twice
// is refused: which one counts would be anyone's guess.
func attributeMap(list []wire.AttributeType) (map[string]string, error) {
	m := make(map[string]string, len(list))
	for _, a := range list {
		if _, twice := m[a.Name]; twice {
			return nil, invalid("Duplicate attribute: %s", a.Name)
		}
		m[a.Name] = a.Value
	}
	return m, nil
}

// serviceKept are the attributes that nobody sets, not even an administrator.
func serviceKept(name string) bool { return name == "sub" || name == "identities" }

// immutable reports whether an attribute of the schema has its value for life.
func (p *PoolSettings) immutable(name string) bool {
	a := p.schemaOf(name)
	return a != nil && a.Mutable != nil && !*a.Mutable
}

// checkMutable refuses changes of attributes that have their value for life.
// An immutable one gets its value when the user is made; one that was left out
// then stays empty (developer guide, "Working with user attributes"). Giving the
// value that it has already changes nothing and passes.
func (p *PoolSettings) checkMutable(have, given map[string]string) error {
	for _, name := range sortedKeys(given) {
		if serviceKept(name) || p.immutable(name) && have[name] != given[name] {
			return invalid("user.%s: Attribute cannot be updated.\n", name)
		}
	}
	return nil
}

// setAttributes gives user attributes that were checked. An empty value deletes.
// A contact that changes is no longer verified, unless the same call says so.
func setAttributes(user *storage.User, given map[string]string) error {
	attributes := maps.Clone(user.Attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	for _, kind := range []string{loginEmail, loginPhone} {
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
		return invalid("Email is required to verify/un-verify an email")
	case attributes["phone_number"] == "" && attributes["phone_number_verified"] == "true":
		return invalid("Phone Number is required to verify/un-verify a phone number")
	}
	user.Attributes = attributes
	return nil
}

// AdminUpdateUserAttributes sets and deletes attributes; those that are not
// named stay. A contact whose verification the pool requires first waits for it, unless
// the request says that it is verified.
func (s *Service) AdminUpdateUserAttributes(ctx context.Context, in *wire.AdminUpdateUserAttributesRequest) (*wire.AdminUpdateUserAttributesResponse, error) {
	given, err := attributeMap(in.UserAttributes)
	if err != nil {
		return nil, err
	}
	var list []sending
	var set *PoolSettings
	var user storage.User
	err = s.changeUser(ctx, in.UserPoolId, in.Username, func(tx storage.Tx, of *PoolSettings, now *storage.User) (err error) {
		list, err = s.changeAttributes(ctx, tx, of, now, given, false)
		set, user = of, *now
		return err
	})
	if err == nil {
		_, err = s.sendAll(ctx, set, user, list, occasion{purpose: plug.PurposeUpdateUserAttribute, metadata: in.ClientMetadata})
	}
	if err != nil {
		return nil, err
	}
	return &wire.AdminUpdateUserAttributesResponse{}, nil
}

// AdminDeleteUserAttributes deletes attributes that the pool does not require.
func (s *Service) AdminDeleteUserAttributes(ctx context.Context, in *wire.AdminDeleteUserAttributesRequest) (*wire.AdminDeleteUserAttributesResponse, error) {
	err := s.changeUser(ctx, in.UserPoolId, in.Username, func(tx storage.Tx, set *PoolSettings, user *storage.User) error {
		return set.deleteAttributes(tx, user, in.UserAttributeNames)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminDeleteUserAttributesResponse{}, nil
}

// deleteAttributes deletes attributes of a user. One that the user does not have changes
// nothing.
func (p *PoolSettings) deleteAttributes(tx storage.Tx, user *storage.User, names []string) error {
	given := make(map[string]string, len(names))
	for _, name := range names {
		if slices.Contains(p.requiredAttributes(), name) {
			return invalid("Invalid user attributes: %s: The attribute is required", name)
		}
		given[name] = ""
	}
	return updateAttributes(tx, p, user, given)
}

// updateAttributes changes attributes at once.
func updateAttributes(tx storage.Tx, set *PoolSettings, user *storage.User, given map[string]string) error {
	if err := set.checkChange(*user, given); err != nil {
		return err
	}
	return set.writeAttributes(tx, user, given)
}

// checkChange checks a change by the schema, then by what the user has.
func (p *PoolSettings) checkChange(user storage.User, given map[string]string) error {
	if err := p.checkAttributes(given, false); err != nil {
		return err
	}
	return p.checkMutable(user.Attributes, given)
}

// writeAttributes gives a user attributes that were checked, and writes the user with the
// logins that follow from them. A value that waits for a contact's verification is
// dropped with any other value of the contact.
func (p *PoolSettings) writeAttributes(tx storage.Tx, user *storage.User, given map[string]string) error {
	if err := setAttributes(user, given); err != nil {
		return err
	}
	for _, kind := range p.UsernameAttributes {
		if value, deletes := given[kind]; deletes && value == "" && len(p.logins(*user)) < 2 {
			return invalid("%s is what the user signs in with: it can be changed and not be deleted.", kind)
		}
	}
	for _, kind := range []string{loginEmail, loginPhone} {
		if _, ok := given[kind]; ok {
			if err := tx.Codes.Delete(user.PoolID, user.Sub, codeChange+kind); err != nil {
				return err
			}
		}
	}
	return p.updateUser(tx, user)
}

// nameUser gives a new user the name under which it is stored: the canonical one, which
// all checks are about. In a pool whose users sign in with a contact it is the sub, and the
// contact becomes an attribute and the user's first login. Elsewhere a name in the form of
// a contact is refused when contacts are aliases: it could stand in the way of the
// contact's owner.
func (p *PoolSettings) nameUser(user *storage.User, name string, given map[string]string) error {
	if len(p.UsernameAttributes) > 0 {
		user.Username = user.Sub
		kind, err := p.takeContact(name, given)
		user.Logins = []string{p.canonical(kind, given[kind])}
		return err
	}
	canonical := p.canonicalName(name)
	switch kind, _ := p.contactAlias(canonical); kind {
	case loginEmail:
		return invalid("Username cannot be of email format, since user pool is configured for email alias.")
	case loginPhone:
		return invalid("Username cannot be of phone number format, since user pool is configured for phone number alias.")
	}
	if !isVisible(canonical) || utf8.RuneCountInString(canonical) > maxUsername {
		return invalid("Username is empty, longer than %d characters, or has white space or invisible characters once it is normalized (NFKC).", maxUsername)
	}
	user.Username = canonical
	return nil
}

// takeContact sets the attribute that name is in a pool of UsernameAttributes, and returns
// which one it is.
func (p *PoolSettings) takeContact(name string, given map[string]string) (kind string, err error) {
	name = normalized(name)
	email, phone := slices.Contains(p.UsernameAttributes, loginEmail), slices.Contains(p.UsernameAttributes, loginPhone)
	switch {
	case email && isEmail(name):
		kind = loginEmail
	case phone && isPhone(name):
		kind = loginPhone
	case email && phone:
		return "", invalid(wire.MessageUsernameShouldBeContact)
	case email:
		return "", invalid(wire.MessageUsernameShouldBeEmail)
	default:
		return "", invalid("Username should be a phone number.")
	}
	if other := given[kind]; other != "" && p.canonical(kind, other) != p.canonical(kind, name) {
		return "", invalid("Username and the attribute %s differ; leave one out, or make them the same.", kind)
	}
	given[kind] = name
	return kind, nil
}
