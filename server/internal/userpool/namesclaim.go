package userpool

import (
	"errors"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// updateUser writes a user, with the names that follow from its attributes and status. It
// refuses a name that this change adds and that another user has, of whatever kind. A name
// that the user had before the change never makes it fail: data from before this rule may
// give one verified address to two users, and both must stay within reach of
// administrators.
func (p *PoolSettings) updateUser(tx storage.Tx, user *storage.User) error {
	before, err := tx.Users.BySub(user.PoolID, user.Sub)
	if err != nil {
		return err
	}
	if err := p.checkPreferred(before, *user); err != nil {
		return err
	}
	if err := p.checkReserved(tx, before, *user); err != nil {
		return err
	}
	had := p.logins(before)
	var logins []string
	for _, login := range p.logins(*user) {
		stored := slices.Contains(before.Logins, login)
		if !stored || !slices.Contains(had, login) {
			free, err := p.freeLogin(tx, user, login)
			added := !slices.Contains(had, login) && !p.unasked(before, login)
			switch {
			case err != nil:
				return err
			case !free && added:
				return aliasConflict(&storage.LoginTakenError{Login: login})
			case !free:
				continue
			}
		}
		logins = append(logins, login)
	}
	user.Logins = logins
	return aliasConflict(tx.Users.Update(*user))
}

// unasked reports whether a login is a preferred_username that a provider wrote, and that
// would become a name here only because the user gets a password: it is left out if it is
// taken.
func (p *PoolSettings) unasked(before storage.User, login string) bool {
	return isExternal(before) && strings.HasPrefix(login, loginPreferred+":")
}

// checkPreferred refuses a new preferred_username that could be read as a contact, that is
// blank or that has invisible characters, where it is a name to sign in with.
func (p *PoolSettings) checkPreferred(before, user storage.User) error {
	name := user.Attributes[loginPreferred]
	if name == before.Attributes[loginPreferred] || isExternal(user) || !slices.Contains(p.AliasAttributes, loginPreferred) {
		return nil
	}
	switch kind, _ := p.contactAlias(name); {
	case kind == loginEmail:
		return invalid("preferred_username cannot be of email format, since user pool is configured for email alias.")
	case kind == loginPhone:
		return invalid("preferred_username cannot be of phone number format, since user pool is configured for phone number alias.")
	case strings.ContainsFunc(name, isInvisible) || name != "" && normalized(name) == "":
		return invalid("preferred_username must not be blank or have invisible characters.")
	}
	return nil
}

// claimNames sets the logins of a user who is about to be inserted. All must be free.
func (p *PoolSettings) claimNames(tx storage.Tx, user *storage.User) error {
	if err := p.checkPreferred(storage.User{}, *user); err != nil {
		return err
	}
	user.Logins = p.logins(*user)
	for _, login := range user.Logins {
		free, err := p.freeLogin(tx, user, login)
		if err != nil {
			return err
		}
		if !free {
			return p.nameConflict(&storage.LoginTakenError{Login: login})
		}
	}
	return p.nameConflict(tx.Users.Insert(*user))
}

// freeLogin reports whether no other user can be meant by a login: neither by a name of
// any kind nor by the sub, which administrators may use as a name. It removes a stored
// login that no longer counts from its user.
func (p *PoolSettings) freeLogin(tx storage.Tx, user *storage.User, login string) (bool, error) {
	kind, name, _ := strings.Cut(login, ":")
	if kind == loginIdentity {
		return p.noOther(tx.Users.Lookup(user.PoolID, login))(user)
	}
	free, err := p.noOther(tx.Users.BySub(user.PoolID, name))(user)
	for _, kind := range p.nameKinds() {
		if !free || err != nil {
			return free, err
		}
		free, err = p.noOther(p.lookUp(tx, user.PoolID, kind, name))(user)
	}
	if free && err == nil {
		err = p.dropStale(tx, user, login)
	}
	return free, err
}

// noOther reports whether a look-up found no user, or this one.
func (p *PoolSettings) noOther(found storage.User, err error) func(*storage.User) (bool, error) {
	return func(user *storage.User) (bool, error) {
		if errors.Is(err, storage.ErrNotFound) {
			return true, nil
		}
		return err == nil && found.Sub == user.Sub, err
	}
}

// dropStale takes a login from a user whose logins do not include it any more, so that
// storage does not refuse it to another.
func (p *PoolSettings) dropStale(tx storage.Tx, user *storage.User, login string) error {
	holder, err := tx.Users.Lookup(user.PoolID, login)
	if errors.Is(err, storage.ErrNotFound) || err == nil && holder.Sub == user.Sub {
		return nil
	}
	if err != nil {
		return err
	}
	holder.Logins = slices.DeleteFunc(slices.Clone(holder.Logins), func(l string) bool { return l == login })
	return tx.Users.Update(holder)
}

// freeAliases takes the contacts that user brings verified from the users who have them as
// an alias (AdminCreateUser, ForceAliasCreation). A user who loses one keeps the
// attribute, no longer verified. A preferred_username does not move.
func (s *Service) freeAliases(tx storage.Tx, set *PoolSettings, user *storage.User) error {
	for _, login := range set.logins(*user) {
		kind, name, _ := strings.Cut(login, ":")
		if !slices.Contains(set.AliasAttributes, kind) || kind == loginPreferred {
			continue
		}
		owner, err := set.lookUp(tx, user.PoolID, kind, name)
		if errors.Is(err, storage.ErrNotFound) || err == nil && owner.Sub == user.Sub {
			continue
		}
		if err != nil {
			return err
		}
		owner.Attributes[kind+"_verified"] = "false"
		owner.ModifiedAt = s.after(owner.ModifiedAt)
		if err := set.updateUser(tx, &owner); err != nil {
			return err
		}
	}
	return nil
}

// nameConflict puts Cognito's answer in the place of storage's LoginTakenError: an alias
// that is taken, or a user name.
func (p *PoolSettings) nameConflict(err error) error {
	taken, ok := errors.AsType[*storage.LoginTakenError](err)
	if kind, _, _ := strings.Cut(login(taken), ":"); ok && !slices.Contains(p.AliasAttributes, kind) {
		return wire.NewException(wire.UsernameExistsException, wire.MessageUserAccountExists)
	}
	return aliasConflict(err)
}

func login(taken *storage.LoginTakenError) string {
	if taken == nil {
		return ""
	}
	return taken.Login
}

// aliasConflict puts AliasExistsException in the place of storage's LoginTakenError.
func aliasConflict(err error) error {
	taken, ok := errors.AsType[*storage.LoginTakenError](err)
	if !ok {
		return err
	}
	kind, _, _ := strings.Cut(taken.Login, ":")
	return wire.Exceptionf(wire.AliasExistsException, "An account with the %s already exists.", kind)
}
