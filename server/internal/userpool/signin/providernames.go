package signin

import (
	"cmp"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// insertFederated inserts the user of a provider's person. If the name is taken, the
// user gets one with a random suffix: the identity finds the user, not the name.
func (s *Service) insertFederated(tx storage.Tx, set *pool.Settings, user *storage.User, p *pool.IdentityProvider, person federation.Person) error {
	name, err := federatedName(set, p, person.Subject)
	if err != nil {
		return err
	}
	user.Username = name
	err = s.pools.InsertUser(tx, set, user, false)
	if wire.IsException(err, wire.UsernameExistsException) {
		if disabled, err := set.WasDisabled(tx, p, name); disabled || err != nil {
			return cmp.Or(err, pool.IdentityDisabled(p.Name))
		}
		user.Username = withSuffix(name)
		err = s.pools.InsertUser(tx, set, user, false)
	}
	return err
}

// federatedName is the user name of a provider's subject: both, with an underscore
// between them.
func federatedName(p *pool.Settings, provider *pool.IdentityProvider, subject string) (string, error) {
	prefix := pool.UserPrefix(provider.Name, provider.Type)
	name := p.CanonicalName(prefix + subject)
	if !pool.IsVisible(subject) || utf8.RuneCountInString(name) > pool.MaxUsername {
		return "", pool.Invalid("The identity provider's name for the user is longer than %d characters or has white space or format characters.", pool.MaxUsername-len(prefix))
	}
	return name, nil
}

const suffixLength = 8

// withSuffix adds an underscore and random characters to a name, and shortens it to the
// length of user names.
func withSuffix(name string) string {
	runes := []rune(name)
	runes = runes[:min(len(runes), pool.MaxUsername-1-suffixLength)]
	return string(runes) + "_" + random.Text(random.Digits+random.Lower, suffixLength)
}
