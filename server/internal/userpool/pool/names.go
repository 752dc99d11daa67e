package pool

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Kinds of login, the first part of a canonical login.
const (
	loginUsername  = "username"
	LoginEmail     = "email"
	LoginPhone     = "phone_number"
	LoginPreferred = "preferred_username"
)

// CanonicalName is the form in which a user name is stored: NFKC, without white space
// around it, and in lower case where the pool ignores case. It is normalized again after
// the change of case, which can leave a letter and its mark apart.
func (p *Settings) CanonicalName(name string) string {
	name = Normalized(name)
	if !p.caseSensitive() {
		name = norm.NFKC.String(strings.ToLower(name))
	}
	return name
}

// Canonical is the login of a kind that a name is: the form in which names are compared.
// Where the pool ignores case, the two small sigmas of a name are one letter. In contacts
// they differ, and a capital I with a dot keeps the dot: IDNA treats such domains as
// different, so the addresses can belong to different people.
func (p *Settings) Canonical(kind, name string) string {
	switch {
	case p.caseSensitive():
		name = Normalized(name)
	case kind == LoginEmail || kind == LoginPhone:
		name = p.CanonicalName(strings.ReplaceAll(Normalized(name), "\u0130", "i\u0307"))
	default:
		name = strings.ReplaceAll(p.CanonicalName(name), "ς", "σ")
	}
	return kind + ":" + name
}

// canonicalTyped is the canonical form of a typed name, as a contact where it has the form
// of one that users of the pool sign in with.
func (p *Settings) canonicalTyped(name string) string {
	kind := loginUsername
	switch contact := Normalized(name); {
	case p.SignsInWith(LoginEmail) && hasEmailForm(contact):
		kind = LoginEmail
	case p.SignsInWith(LoginPhone) && IsPhone(contact):
		kind = LoginPhone
	}
	return strings.TrimPrefix(p.Canonical(kind, name), kind+":")
}

// spellings are the logins under which a name may be stored: as a user name is stored,
// canonical, and as an earlier version stored it.
func (p *Settings) spellings(kind, name string) []string {
	var list []string
	for _, login := range []string{kind + ":" + p.CanonicalName(name), p.Canonical(kind, name), p.formerCanonical(kind, name)} {
		if !slices.Contains(list, login) {
			list = append(list, login)
		}
	}
	return list
}

// Normalized is the form in which a name or contact is stored: canonical but for its case.
func Normalized(name string) string { return strings.TrimSpace(norm.NFKC.String(name)) }

// nameKinds are the kinds of names that users of the pool sign in with, those that
// the user has proven to own first. Where data from before an earlier rule gives one name
// to two users, the first kind counts; the order of the pool's settings decides nothing.
func (p *Settings) nameKinds() []string {
	var kinds []string
	for _, kind := range []string{LoginEmail, LoginPhone, loginUsername, LoginPreferred} {
		if kind == loginUsername || p.SignsInWith(kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// SignsInWith reports whether users of the pool sign in with an attribute.
func (p *Settings) SignsInWith(attribute string) bool {
	return slices.Contains(p.UsernameAttributes, attribute) || slices.Contains(p.AliasAttributes, attribute)
}

// contactAlias reports whether a name has the form of a contact that is an alias in this
// pool. As a name of another kind it could stand in the way of the contact's owner.
func (p *Settings) contactAlias(name string) (kind string, ok bool) {
	name = Normalized(name)
	switch {
	case slices.Contains(p.AliasAttributes, LoginEmail) && hasEmailForm(name):
		return LoginEmail, true
	case slices.Contains(p.AliasAttributes, LoginPhone) && IsPhone(name):
		return LoginPhone, true
	}
	return "", false
}

// IsVisible reports whether a name has the characters that user names may have, and no
// others: letters, marks, symbols, numbers and punctuation (API reference, UsernameType).
// Those of them that have no glyph are refused as well: with them two names could look
// alike.
func IsVisible(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return isInvisible(r) || !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
	})
}

// isInvisible reports whether a character is a control or format character, or one
// without a glyph (Default_Ignorable_Code_Point, and the blank of Braille).
func isInvisible(r rune) bool {
	return r == '\u2800' || unicode.In(r, unicode.C, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Logins are the canonical names under which user signs in. A contact that is the user
// name counts at once; the logins that the user has tell which one it is. An alias counts
// when it is verified and its user is confirmed; a preferred_username needs no proof, so it
// must not have the form of another kind of alias (developer guide, "Customizing sign-in
// attributes").
func (p *Settings) Logins(user storage.User) []string {
	logins := append(p.named(loginUsername, user.Username), identityLogins(user)...)
	if IsExternal(user) {
		return logins // its contacts are the other provider's word, and no way to sign in
	}
	confirmed := wire.UserStatus(user.Status) != wire.UserStatusUnconfirmed
	for _, kind := range p.UsernameAttributes {
		if v := user.Attributes[kind]; v != "" && (p.isNamedBy(user, kind) || confirmed && p.aliasCounts(user, kind)) {
			logins = append(logins, p.Canonical(kind, v))
		}
	}
	if !confirmed {
		return logins
	}
	for _, kind := range p.AliasAttributes {
		if v := user.Attributes[kind]; v != "" && p.aliasCounts(user, kind) {
			logins = append(logins, p.named(kind, v)...)
		}
	}
	return logins
}

// named are the logins of a name: canonical, and as user names are stored where that is
// another form, so that data in which two names are one by today's rules keeps both.
func (p *Settings) named(kind, name string) []string {
	logins := []string{p.Canonical(kind, name)}
	if kind == loginUsername || kind == LoginPreferred {
		if stored := kind + ":" + p.CanonicalName(name); stored != logins[0] {
			logins = append(logins, stored)
		}
	}
	return logins
}

// isNamedBy reports whether a contact of that kind is the user name: one that the user
// signs in with already, or what is left to a user who has lost that one.
func (p *Settings) isNamedBy(user storage.User, kind string) bool {
	names := func(kind string) bool {
		return user.Attributes[kind] != "" &&
			slices.ContainsFunc(user.Logins, func(login string) bool { return strings.HasPrefix(login, kind+":") })
	}
	return names(kind) || user.Username == user.Sub && !slices.ContainsFunc(p.UsernameAttributes, names)
}

func (p *Settings) aliasCounts(user storage.User, kind string) bool {
	if kind == LoginPreferred {
		_, contact := p.contactAlias(user.Attributes[kind])
		return !contact && Normalized(user.Attributes[kind]) != ""
	}
	return user.Attributes[kind+"_verified"] == "true"
}

// findName finds the user that a typed name means, over all kinds of names. It takes the
// same number of look-ups for every name that no user has.
func (p *Settings) findName(tx storage.Tx, poolID, name string) (storage.User, error) {
	var found []storage.User
	for _, kind := range p.nameKinds() {
		user, err := p.lookUp(tx, poolID, kind, name)
		switch {
		case err == nil:
			found = append(found, user)
		case !errors.Is(err, storage.ErrNotFound):
			return storage.User{}, err
		}
	}
	if len(found) == 0 {
		return storage.User{}, storage.ErrNotFound
	}
	return found[0], nil
}

// lookUp finds the user who has a name of one kind, by the spelling that is nearest to
// the name. A stored login that does not count any more, under the rules of today, is no
// one's. All spellings are looked up in any case, so that every user costs the same.
func (p *Settings) lookUp(tx storage.Tx, poolID, kind, name string) (found storage.User, err error) {
	for _, login := range p.spellings(kind, name) {
		user, err := tx.Users.Lookup(poolID, login)
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			return user, err
		case found.Sub == "" && p.counts(user, kind, name, login):
			found = user
		}
	}
	if found.Sub == "" {
		return found, storage.ErrNotFound
	}
	return found, nil
}

// counts reports whether a name is still one of a user who was found by a spelling of it.
func (p *Settings) counts(user storage.User, kind, name, login string) bool {
	logins := p.Logins(user)
	return slices.Contains(logins, p.Canonical(kind, name)) ||
		kind != LoginEmail && kind != LoginPhone && slices.Contains(logins, login)
}

// formerCanonical is the login that earlier versions stored for a name.
func (p *Settings) formerCanonical(kind, name string) string {
	name = norm.NFKC.String(strings.TrimSpace(name))
	if !p.caseSensitive() {
		name = strings.ToLower(name)
	}
	return kind + ":" + name
}

// findUser finds the user that a typed name means.
func (p *Settings) findUser(tx storage.Tx, poolID, name string) (storage.User, error) {
	return p.findName(tx, poolID, name)
}

// findUserEvenly is findUser for clients that hide whether users exist: it makes as many
// look-ups without a result for a name that a user has as for one that no user has, and
// returns the zero User for the latter.
func (p *Settings) findUserEvenly(tx storage.Tx, poolID, name string) (storage.User, error) {
	user, err := p.findName(tx, poolID, name)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return storage.User{}, nil
	case err != nil:
		return user, err
	}
	if _, err := tx.Users.Lookup(poolID, "none:"+name); !errors.Is(err, storage.ErrNotFound) {
		return storage.User{}, err
	}
	return user, nil
}

// FindUserOrSub is findUser for admin operations, which also take the sub. The sub comes
// first: a name that is another user's sub must not be found in that user's place.
func (p *Settings) FindUserOrSub(tx storage.Tx, poolID, name string) (storage.User, error) {
	user, err := tx.Users.BySub(poolID, name)
	if errors.Is(err, storage.ErrNotFound) {
		user, err = p.findUser(tx, poolID, name)
	}
	if err != nil {
		return user, NotFound(err, wire.UserNotFound())
	}
	return user, nil
}

// canonicalAddress is the form in which messages to one address are counted.
func canonicalAddress(address string) string { return strings.ToLower(Normalized(address)) }
