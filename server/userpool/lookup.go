package userpool

import (
	"errors"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// purposes of sealing; each has a key of its own.
const (
	purposeVerifier  = "userpool/verifier"
	purposeSecret    = "userpool/client-secret"
	purposeChallenge = "userpool/challenge"
	purposeRefresh   = "userpool/refresh-token"
	purposeMadeUp    = "userpool/made-up-user"
	purposePaging    = "userpool/paging"
	purposeCode      = "userpool/code"
	purposeProvider  = "userpool/identity-provider"
)

// loadApp finds the app client with its pool.
func (s *Service) loadApp(tx storage.Tx, clientID string) (*app, error) {
	client, err := tx.Clients.Client(clientID)
	if err != nil {
		return nil, notFound(err, wire.ClientNotFound(clientID))
	}
	pool, set, err := s.loadPool(tx, client.PoolID)
	if err != nil {
		return nil, err
	}
	settings, err := s.clients.decode(client.ID, client.ModifiedAt, client.Settings)
	if err != nil {
		return nil, err
	}
	a := &app{pool: pool, poolSet: set, client: client, settings: settings}
	if len(client.Secret) > 0 {
		secret, err := s.box.Open(purposeSecret, client.Secret, []byte(client.ID))
		if err != nil {
			return nil, err
		}
		a.secret = string(secret)
	}
	return a, nil
}

// loadAppOf is loadApp for admin operations, which name the pool as well: a
// client of another pool does not exist for them.
func (s *Service) loadAppOf(tx storage.Tx, poolID, clientID string) (*app, error) {
	if _, _, err := s.loadPool(tx, poolID); err != nil {
		return nil, err
	}
	a, err := s.loadApp(tx, clientID)
	if err != nil {
		return nil, err
	}
	if a.pool.ID != poolID {
		return nil, wire.ClientNotFound(clientID)
	}
	return a, nil
}

func (s *Service) loadPool(tx storage.Tx, poolID string) (storage.Pool, *PoolSettings, error) {
	pool, err := tx.Pools.Pool(poolID)
	if err != nil {
		return pool, nil, notFound(err, wire.PoolNotFound(poolID))
	}
	set, err := s.pools.decode(pool.ID, pool.ModifiedAt, pool.Settings)
	return pool, set, err
}

// notFound puts the answer that Cognito gives in the place of storage's ErrNotFound.
func notFound(err error, answer *wire.Exception) error {
	if errors.Is(err, storage.ErrNotFound) {
		return answer
	}
	return err
}

// Kinds of login, the first part of a canonical login.
const (
	loginUsername  = "username"
	loginEmail     = "email"
	loginPhone     = "phone_number"
	loginPreferred = "preferred_username"
)

// canonical gives the form in which a login is unique: normalised to NFKC,
// trimmed, and in lower case where the pool does not tell case apart.
func (p *PoolSettings) canonical(kind, name string) string {
	name = norm.NFKC.String(strings.TrimSpace(name))
	if !p.caseSensitive() {
		name = strings.ToLower(name)
	}
	return kind + ":" + name
}

// candidates are the canonical logins that a typed name may mean, in the order
// in which they are tried.
func (p *PoolSettings) candidates(name string) []string {
	logins := []string{p.canonical(loginUsername, name)}
	for _, kind := range append(p.UsernameAttributes, p.AliasAttributes...) {
		logins = append(logins, p.canonical(kind, name))
	}
	return logins
}

// findUser finds the user whom a typed name means.
func (p *PoolSettings) findUser(tx storage.Tx, poolID, name string) (storage.User, error) {
	for _, login := range p.candidates(name) {
		user, err := tx.Users.Lookup(poolID, login)
		if !errors.Is(err, storage.ErrNotFound) {
			return user, err
		}
	}
	return storage.User{}, storage.ErrNotFound
}

// findUserEvenly is findUser for clients that hide whether users exist: it
// looks as often for a name that somebody has as for one that nobody has, and
// gives the zero User for the latter.
func (p *PoolSettings) findUserEvenly(tx storage.Tx, poolID, name string) (found storage.User, err error) {
	logins := p.candidates(name)
	for i := 0; i < len(logins); i++ {
		user, err := tx.Users.Lookup(poolID, logins[i])
		switch {
		case err == nil && found.Sub == "":
			found = user
			// One more look, at a login that nobody can have, for the one that hit.
			logins = append(logins, "none:"+name)
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return storage.User{}, err
		}
	}
	return found, nil
}

// findUserOrSub is findUser for admin operations, which also take the sub. The
// sub comes first: nobody can take another's as a name and be found in the other's place.
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

// logins are all canonical names under which user signs in. An e-mail address
// or phone number that serves as the user name counts at once; one that is only an alias counts
// when it is verified (developer guide, "Customizing sign-in attributes").
func (p *PoolSettings) logins(user storage.User) []string {
	logins := append([]string{p.canonical(loginUsername, user.Username)}, identityLogins(user)...)
	if isExternal(user) {
		return logins // whose contacts are the other provider's word, and nothing to sign in with
	}
	for _, kind := range p.UsernameAttributes {
		if v := user.Attributes[kind]; v != "" {
			logins = append(logins, p.canonical(kind, v))
		}
	}
	for _, kind := range p.AliasAttributes {
		v := user.Attributes[kind]
		verified := kind == loginPreferred || user.Attributes[kind+"_verified"] == "true"
		if v != "" && verified {
			logins = append(logins, p.canonical(kind, v))
		}
	}
	return logins
}
