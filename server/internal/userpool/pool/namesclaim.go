package pool

import (
	"errors"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// UpdateUser writes a user, with the names that follow from its attributes and status. It
// refuses a name that this change adds and that another user has, of whatever kind. A name
// that the user had before the change never makes it fail: data from before this rule may
// give one verified address to two users, and both must stay within reach of
// administrators.
func (p *Settings) UpdateUser(tx storage.Tx, user *storage.User) error {
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
	had := p.Logins(before)
	var logins []string
	for _, login := range p.Logins(*user) {
		stored := slices.Contains(before.Logins, login)
		if !stored || !slices.Contains(had, login) {
			free, err := p.FreeLogin(tx, user, login)
			added := !slices.Contains(had, login) && !p.unasked(before, login)
			switch {
			case err != nil:
				return err
			case !free && added:
				return AliasConflict(&storage.LoginTakenError{Login: login})
			case !free:
				continue
			}
		}
		logins = append(logins, login)
	}
	user.Logins = logins
	return AliasConflict(tx.Users.Update(*user))
}

// unasked reports whether a login is a preferred_username that a provider wrote, and that
// would become a name here only because the user gets a password: it is left out if it is
// taken.
func (p *Settings) unasked(before storage.User, login string) bool {
	return IsExternal(before) && strings.HasPrefix(login, LoginPreferred+":")
}

// checkPreferred refuses a new preferred_username that could be read as a contact, that is
// blank or that has invisible characters, where it is a name to sign in with.
func (p *Settings) checkPreferred(before, user storage.User) error {
	name := user.Attributes[LoginPreferred]
	if name == before.Attributes[LoginPreferred] || IsExternal(user) || !slices.Contains(p.AliasAttributes, LoginPreferred) {
		return nil
	}
	switch kind, _ := p.contactAlias(name); {
	case kind == LoginEmail:
		return Invalid("preferred_username cannot be of email format, since user pool is configured for email alias.")
	case kind == LoginPhone:
		return Invalid("preferred_username cannot be of phone number format, since user pool is configured for phone number alias.")
	case strings.ContainsFunc(name, isInvisible) || name != "" && Normalized(name) == "":
		return Invalid("preferred_username must not be blank or have invisible characters.")
	}
	return nil
}

// claimNames sets the logins of a user who is about to be inserted. All must be free.
func (p *Settings) claimNames(tx storage.Tx, user *storage.User) error {
	if err := p.checkPreferred(storage.User{}, *user); err != nil {
		return err
	}
	user.Logins = p.Logins(*user)
	for _, login := range user.Logins {
		free, err := p.FreeLogin(tx, user, login)
		if err != nil {
			return err
		}
		if !free {
			return p.nameConflict(&storage.LoginTakenError{Login: login})
		}
	}
	return p.nameConflict(tx.Users.Insert(*user))
}

// FreeLogin reports whether no other user can be meant by a login: neither by a name of
// any kind nor by the sub, which administrators may use as a name. It removes a stored
// login that no longer counts from its user.
func (p *Settings) FreeLogin(tx storage.Tx, user *storage.User, login string) (bool, error) {
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
func (p *Settings) noOther(found storage.User, err error) func(*storage.User) (bool, error) {
	return func(user *storage.User) (bool, error) {
		if errors.Is(err, storage.ErrNotFound) {
			return true, nil
		}
		return err == nil && found.Sub == user.Sub, err
	}
}

// dropStale takes a login from a user whose logins do not include it any more, so that
// storage does not refuse it to another.
func (p *Settings) dropStale(tx storage.Tx, user *storage.User, login string) error {
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

// FreeAliases takes the contacts that user brings verified from the users who have them as
// an alias (AdminCreateUser, ForceAliasCreation). A user who loses one keeps the
// attribute, no longer verified. A preferred_username does not move.
func (s *Pools) FreeAliases(tx storage.Tx, set *Settings, user *storage.User) error {
	for _, login := range set.Logins(*user) {
		kind, name, _ := strings.Cut(login, ":")
		if !slices.Contains(set.AliasAttributes, kind) || kind == LoginPreferred {
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
		owner.ModifiedAt = s.After(owner.ModifiedAt)
		if err := set.UpdateUser(tx, &owner); err != nil {
			return err
		}
	}
	return nil
}

// nameConflict puts Cognito's answer in the place of storage's LoginTakenError: an alias
// that is taken, or a user name.
func (p *Settings) nameConflict(err error) error {
	taken, ok := errors.AsType[*storage.LoginTakenError](err)
	if kind, _, _ := strings.Cut(login(taken), ":"); ok && !slices.Contains(p.AliasAttributes, kind) {
		return wire.NewException(wire.UsernameExistsException, wire.MessageUserAccountExists)
	}
	return AliasConflict(err)
}

func login(taken *storage.LoginTakenError) string {
	if taken == nil {
		return ""
	}
	return taken.Login
}

// AliasConflict puts AliasExistsException in the place of storage's LoginTakenError.
func AliasConflict(err error) error {
	taken, ok := errors.AsType[*storage.LoginTakenError](err)
	if !ok {
		return err
	}
	kind, _, _ := strings.Cut(taken.Login, ":")
	return wire.Exceptionf(wire.AliasExistsException, "An account with the %s already exists.", kind)
}

// UserPrefix is how the names of a provider's users begin. Those of the social
// providers are in lower case.
func UserPrefix(name, kind string) string {
	if kind != wire.ProviderOIDC {
		name = strings.ToLower(name)
	}
	return name + "_"
}

// checkReserved refuses a new name of a user of the pool that begins like the names of
// a provider's users. Otherwise it could be the name of a person who has not signed in
// at the provider yet. before is the user as stored, or the zero User.
func (p *Settings) checkReserved(tx storage.Tx, before, user storage.User) error {
	if IsExternal(user) {
		return nil
	}
	names := map[string]string{}
	if user.Username != user.Sub && user.Username != before.Username {
		names["Username"] = user.Username
	}
	if preferred := user.Attributes[LoginPreferred]; preferred != before.Attributes[LoginPreferred] && p.SignsInWith(LoginPreferred) {
		names[LoginPreferred] = preferred
	}
	for _, kind := range SortedKeys(names) {
		provider, err := p.reservedFor(tx, user.PoolID, names[kind])
		if err != nil {
			return err
		}
		if provider != "" {
			return Invalid("%s cannot begin as the names of users of the identity provider %s do.", kind, provider)
		}
	}
	return nil
}

// reservedFor returns the provider whose users have names that begin as this one, or "".
func (p *Settings) reservedFor(tx storage.Tx, poolID, name string) (string, error) {
	name = p.CanonicalName(name)
	if !strings.Contains(name, "_") {
		return "", nil
	}
	list, err := tx.Providers.List(poolID, "", MaxProviders)
	if err != nil {
		return "", err
	}
	for _, stored := range list {
		var set ProviderSettings
		if err := decodeProvider(stored, &set); err != nil {
			return "", err
		}
		if strings.HasPrefix(name, p.CanonicalName(UserPrefix(stored.Name, set.Type))) {
			return stored.Name, nil
		}
	}
	return "", nil
}
