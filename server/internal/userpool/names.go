package userpool

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
	loginEmail     = "email"
	loginPhone     = "phone_number"
	loginPreferred = "preferred_username"
)

// canonicalName is the form in which a user name is stored: NFKC, without white space
// around it, and in lower case where the pool ignores case. It is normalized again after
// the change of case, which can leave a letter and its mark apart.
func (p *PoolSettings) canonicalName(name string) string {
	name = normalized(name)
	if !p.caseSensitive() {
		name = norm.NFKC.String(strings.ToLower(name))
	}
	return name
}

// canonical is the login of a kind that a name is: the form in which names are compared.
// Where the pool ignores case, the two small sigmas of a name are one letter. In contacts
// they differ, and a capital I with a dot keeps the dot: IDNA treats such domains as
// different, so the addresses can belong to different people.
func (p *PoolSettings) canonical(kind, name string) string {
	switch {
	case p.caseSensitive():
		name = normalized(name)
	case kind == loginEmail || kind == loginPhone:
		name = p.canonicalName(strings.ReplaceAll(normalized(name), "\u0130", "i\u0307"))
	default:
		name = strings.ReplaceAll(p.canonicalName(name), "ς", "σ")
	}
	return kind + ":" + name
}

// canonicalTyped is the canonical form of a typed name, as a contact where it has the form
// of one that users of the pool sign in with.
func (p *PoolSettings) canonicalTyped(name string) string {
	kind := loginUsername
	switch contact := normalized(name); {
	case p.signsInWith(loginEmail) && hasEmailForm(contact):
		kind = loginEmail
	case p.signsInWith(loginPhone) && isPhone(contact):
		kind = loginPhone
	}
	return strings.TrimPrefix(p.canonical(kind, name), kind+":")
}

// spellings are the logins under which a name may be stored: as a user name is stored,
// canonical, and as an earlier version stored it.
func (p *PoolSettings) spellings(kind, name string) []string {
	var list []string
	for _, login := range []string{kind + ":" + p.canonicalName(name), p.canonical(kind, name), p.formerCanonical(kind, name)} {
		if !slices.Contains(list, login) {
			list = append(list, login)
		}
	}
	return list
}

// normalized is the form in which a name or contact is stored: canonical but for its case.
func normalized(name string) string { return strings.TrimSpace(norm.NFKC.String(name)) }

// nameKinds are the kinds of names that users of the pool sign in with, those that
// the user has proven to own first. Where data from before an earlier rule gives one name
// to two users, the first kind counts; the order of the pool's settings decides nothing.
func (p *PoolSettings) nameKinds() []string {
	var kinds []string
	for _, kind := range []string{loginEmail, loginPhone, loginUsername, loginPreferred} {
		if kind == loginUsername || p.signsInWith(kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// signsInWith reports whether users of the pool sign in with an attribute.
func (p *PoolSettings) signsInWith(attribute string) bool {
	return slices.Contains(p.UsernameAttributes, attribute) || slices.Contains(p.AliasAttributes, attribute)
}

// contactAlias reports whether a name has the form of a contact that is an alias in this
// pool. As a name of another kind it could stand in the way of the contact's owner.
func (p *PoolSettings) contactAlias(name string) (kind string, ok bool) {
	name = normalized(name)
	switch {
	case slices.Contains(p.AliasAttributes, loginEmail) && hasEmailForm(name):
		return loginEmail, true
	case slices.Contains(p.AliasAttributes, loginPhone) && isPhone(name):
		return loginPhone, true
	}
	return "", false
}

// isVisible reports whether a name has the characters that user names may have, and no
// others: letters, marks, symbols, numbers and punctuation (API reference, UsernameType).
// Those of them that have no glyph are refused as well: with them two names could look
// alike.
func isVisible(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return isInvisible(r) || !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
	})
}

// isInvisible reports whether a character is a control or format character, or one
// without a glyph (Default_Ignorable_Code_Point, and the blank of Braille).
func isInvisible(r rune) bool {
	return r == '\u2800' || unicode.In(r, unicode.C, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// logins are the canonical names under which user signs in. A contact that is the user
// name counts at once; the logins that the user has tell which one it is. An alias counts
// when it is verified and its user is confirmed; a preferred_username needs no proof, so it
// must not have the form of another kind of alias (developer guide, "Customizing sign-in
// attributes").
func (p *PoolSettings) logins(user storage.User) []string {
	logins := append(p.named(loginUsername, user.Username), identityLogins(user)...)
	if isExternal(user) {
		return logins // its contacts are the other provider's word, and no way to sign in
	}
	confirmed := wire.UserStatus(user.Status) != wire.UserStatusUnconfirmed
	for _, kind := range p.UsernameAttributes {
		if v := user.Attributes[kind]; v != "" && (p.isNamedBy(user, kind) || confirmed && p.aliasCounts(user, kind)) {
			logins = append(logins, p.canonical(kind, v))
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
func (p *PoolSettings) named(kind, name string) []string {
	logins := []string{p.canonical(kind, name)}
	if kind == loginUsername || kind == loginPreferred {
		if stored := kind + ":" + p.canonicalName(name); stored != logins[0] {
			logins = append(logins, stored)
		}
	}
	return logins
}

// isNamedBy reports whether a contact of that kind is the user name: one that the user
// signs in with already, or what is left to a user who has lost that one.
func (p *PoolSettings) isNamedBy(user storage.User, kind string) bool {
	names := func(kind string) bool {
		return user.Attributes[kind] != "" &&
			slices.ContainsFunc(user.Logins, func(login string) bool { return strings.HasPrefix(login, kind+":") })
	}
	return names(kind) || user.Username == user.Sub && !slices.ContainsFunc(p.UsernameAttributes, names)
}

func (p *PoolSettings) aliasCounts(user storage.User, kind string) bool {
	if kind == loginPreferred {
		_, contact := p.contactAlias(user.Attributes[kind])
		return !contact && normalized(user.Attributes[kind]) != ""
	}
	return user.Attributes[kind+"_verified"] == "true"
}

// findName finds the user that a typed name means, over all kinds of names. It takes the
// same number of look-ups for every name that no user has.
func (p *PoolSettings) findName(tx storage.Tx, poolID, name string) (storage.User, error) {
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
func (p *PoolSettings) lookUp(tx storage.Tx, poolID, kind, name string) (found storage.User, err error) {
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
func (p *PoolSettings) counts(user storage.User, kind, name, login string) bool {
	logins := p.logins(user)
	return slices.Contains(logins, p.canonical(kind, name)) ||
		kind != loginEmail && kind != loginPhone && slices.Contains(logins, login)
}

// formerCanonical is the login that earlier versions stored for a name.
func (p *PoolSettings) formerCanonical(kind, name string) string {
	name = norm.NFKC.String(strings.TrimSpace(name))
	if !p.caseSensitive() {
		name = strings.ToLower(name)
	}
	return kind + ":" + name
}

// findUser finds the user that a typed name means.
func (p *PoolSettings) findUser(tx storage.Tx, poolID, name string) (storage.User, error) {
	return p.findName(tx, poolID, name)
}

// findUserEvenly is findUser for clients that hide whether users exist: it makes as many
// look-ups without a result for a name that a user has as for one that no user has, and
// returns the zero User for the latter.
func (p *PoolSettings) findUserEvenly(tx storage.Tx, poolID, name string) (storage.User, error) {
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

// findUserOrSub is findUser for admin operations, which also take the sub. The sub comes
// first: a name that is another user's sub must not be found in that user's place.
func (p *PoolSettings) findUserOrSub(tx storage.Tx, poolID, name string) (storage.User, error) {
	user, err := tx.Users.BySub(poolID, name)
	if errors.Is(err, storage.ErrNotFound) {
		user, err = p.findUser(tx, poolID, name)
	}
	if err != nil {
		return user, notFound(err, wire.UserNotFound())
	}
	return user, nil
}
