package userpool

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// userPrefix is how the names of a provider's users begin. Those of the social
// providers are in lower case.
func userPrefix(name, kind string) string {
	if kind != wire.ProviderOIDC {
		name = strings.ToLower(name)
	}
	return name + "_"
}

// checkReserved refuses a new name of a user of the pool that begins like the names of
// a provider's users. Otherwise it could be the name of a person who has not signed in
// at the provider yet. before is the user as stored, or the zero User.
func (p *PoolSettings) checkReserved(tx storage.Tx, before, user storage.User) error {
	if isExternal(user) {
		return nil
	}
	names := map[string]string{}
	if user.Username != user.Sub && user.Username != before.Username {
		names["Username"] = user.Username
	}
	if preferred := user.Attributes[loginPreferred]; preferred != before.Attributes[loginPreferred] && p.signsInWith(loginPreferred) {
		names[loginPreferred] = preferred
	}
	for _, kind := range sortedKeys(names) {
		provider, err := p.reservedFor(tx, user.PoolID, names[kind])
		if err != nil {
			return err
		}
		if provider != "" {
			return invalid("%s cannot begin as the names of users of the identity provider %s do.", kind, provider)
		}
	}
	return nil
}

// reservedFor returns the provider whose users have names that begin as this one, or "".
func (p *PoolSettings) reservedFor(tx storage.Tx, poolID, name string) (string, error) {
	name = p.canonicalName(name)
	if !strings.Contains(name, "_") {
		return "", nil
	}
	list, err := tx.Providers.List(poolID, "", maxProviders)
	if err != nil {
		return "", err
	}
	for _, stored := range list {
		var set providerSettings
		if err := wire.Unmarshal(stored.Settings, &set); err != nil {
			return "", err
		}
		if strings.HasPrefix(name, p.canonicalName(userPrefix(stored.Name, set.Type))) {
			return stored.Name, nil
		}
	}
	return "", nil
}

// insertFederated inserts the user of a provider's person. If the name is taken, the
// user gets one with a random suffix: the identity finds the user, not the name.
func (s *Service) insertFederated(tx storage.Tx, set *PoolSettings, user *storage.User, p *identityProvider, person federation.Person) error {
	name, err := set.federatedName(p, person.Subject)
	if err != nil {
		return err
	}
	user.Username = name
	err = s.insertUser(tx, set, user, false)
	if wire.IsException(err, wire.UsernameExistsException) {
		if disabled, err := set.wasDisabled(tx, p, name); disabled || err != nil {
			return cmp.Or(err, identityDisabled(p.Name))
		}
		user.Username = withSuffix(name)
		err = s.insertUser(tx, set, user, false)
	}
	return err
}

// federatedName is the user name of a provider's subject: both, with an underscore
// between them.
func (p *PoolSettings) federatedName(provider *identityProvider, subject string) (string, error) {
	prefix := userPrefix(provider.Name, provider.Type)
	name := p.canonicalName(prefix + subject)
	if !isVisible(subject) || utf8.RuneCountInString(name) > maxUsername {
		return "", invalid("The identity provider's name for the user is longer than %d characters or has white space or format characters.", maxUsername-len(prefix))
	}
	return name, nil
}

const suffixLength = 8

// withSuffix adds an underscore and random characters to a name, and shortens it to the
// length of user names.
func withSuffix(name string) string {
	runes := []rune(name)
	runes = runes[:min(len(runes), maxUsername-1-suffixLength)]
	return string(runes) + "_" + random.Text(random.Digits+random.Lower, suffixLength)
}
