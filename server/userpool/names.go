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

// canonicalName is the form in which names are compared, whatever their kind: NFKC,
// without white space around it, and in lower case where the pool ignores case. It is
// normalized again after the change of case, which can leave a letter and its mark apart.
func (p *PoolSettings) canonicalName(name string) string {
	name = strings.TrimSpace(norm.NFKC.String(name))
	if !p.caseSensitive() {
		name = norm.NFKC.String(strings.ToLower(name))
	}
	return name
}

// canonical is the login of a kind that a name is.
func (p *PoolSettings) canonical(kind, name string) string {
	return kind + ":" + p.canonicalName(name)
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
	case slices.Contains(p.AliasAttributes, loginEmail) && isEmail(name):
		return loginEmail, true
	case slices.Contains(p.AliasAttributes, loginPhone) && isPhone(name):
		return loginPhone, true
	}
	return "", false
}

// isVisible reports whether a name has the characters that user names may have, and no
// others: letters, marks, symbols, numbers and punctuation (API reference, UsernameType).
// Format characters are none of these: with them two names could look alike.
func isVisible(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
	})
}

// logins are the canonical names under which user signs in. An address that is the user
// name counts at once. An alias counts when it is verified and its user is confirmed; a
// preferred_username needs no proof, so it must not have the form of another kind of alias
// (developer guide, "Customizing sign-in attributes").
func (p *PoolSettings) logins(user storage.User) []string {
	logins := append([]string{p.canonical(loginUsername, user.Username)}, identityLogins(user)...)
	if isExternal(user) {
		return logins // its contacts are the other provider's word, and no way to sign in
	}
	for _, kind := range p.UsernameAttributes {
		if v := user.Attributes[kind]; v != "" {
			logins = append(logins, p.canonical(kind, v))
		}
	}
	if wire.UserStatus(user.Status) == wire.UserStatusUnconfirmed {
		return logins
	}
	for _, kind := range p.AliasAttributes {
		if v := user.Attributes[kind]; v != "" && p.aliasCounts(user, kind) {
			logins = append(logins, p.canonical(kind, v))
		}
	}
	return logins
}

func (p *PoolSettings) aliasCounts(user storage.User, kind string) bool {
	if kind == loginPreferred {
		_, contact := p.contactAlias(user.Attributes[kind])
		return !contact
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

// lookUp finds the user who has a name of one kind. A stored login that does not count
// any more, under the rules of today, is no one's.
func (p *PoolSettings) lookUp(tx storage.Tx, poolID, kind, name string) (storage.User, error) {
	login := p.canonical(kind, name)
	user, err := tx.Users.Lookup(poolID, login)
	if errors.Is(err, storage.ErrNotFound) {
		// A name that was stored before case and form were settled in this order.
		if former := p.formerCanonical(kind, name); former != login {
			return tx.Users.Lookup(poolID, former)
		}
	}
	if err == nil && !slices.Contains(p.logins(user), login) {
		return storage.User{}, storage.ErrNotFound
	}
	return user, err
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
