package tokens

import (
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// signedInAt is the provider at which a user signed in. Where that was not noted, a user of
// an identity provider signed in there, and any other user with a password here.
func signedInAt(user storage.User, noted string) string {
	if noted != "" {
		return noted
	}
	if !pool.IsExternal(user) {
		return pool.OwnProvider
	}
	for _, one := range pool.ActiveIdentities(user) {
		if one.Primary {
			return one.ProviderName
		}
	}
	return "" // it was disabled for the user
}

// vouched reports whether a sign-in at a provider still stands: the provider exists, and
// the user has the identity of that subject there, of an issuer that the provider has. An
// empty subject stands for any. Provider and identity must be as old as the sign-in, so that
// what an administrator deleted and made again does not revive it; a zero signedIn is for
// sign-ins that end by themselves then. A sign-in at the pool itself needs neither.
func (s *Service) vouched(tx storage.Tx, user storage.User, provider, subject string, signedIn time.Time) (bool, error) {
	switch provider {
	case pool.OwnProvider:
		return true, nil
	case "":
		return false, nil
	}
	p, set, err := s.pools.LoadProvider(tx, user.PoolID, provider)
	if wire.IsException(err, wire.ResourceNotFoundException) {
		return false, nil
	}
	// Seconds, because auth_time has no more.
	after := func(made time.Time) bool { return !signedIn.IsZero() && made.Unix() > signedIn.Unix() }
	return err == nil && !after(p.CreatedAt) && slices.ContainsFunc(pool.ActiveIdentities(user), func(one pool.Identity) bool {
		return !after(time.UnixMilli(one.DateCreated)) && (subject == "" || one.UserID == subject) && set.IsOf(one, p, one.UserID)
	}), err
}

// admits reports whether users who signed in at a provider may use the client. A client
// that names no providers is for the pool's own users.
func admits(a *pool.App, provider string) bool {
	list := a.Settings.SupportedIdentityProviders
	return provider == pool.OwnProvider && len(list) == 0 || slices.Contains(list, provider)
}

// stands reports whether the sign-in that a session began with still stands, and whether
// its client still admits the provider. A sign-in with a password over the API needs no
// provider of the client.
func (s *Service) stands(tx storage.Tx, user storage.User, session storage.Session) (bool, error) {
	provider := signedInAt(user, session.Provider)
	if provider == pool.OwnProvider {
		return true, nil
	}
	a, err := s.pools.LoadApp(tx, session.ClientID)
	if err != nil || !admits(a, provider) {
		return false, err
	}
	return s.vouched(tx, user, provider, "", time.Time{}) // its sessions end with a provider
}

// EndDropped ends the sessions of users of the providers that a client no longer names.
func (s *Service) EndDropped(tx storage.Tx, a *pool.App, before []string) error {
	for _, provider := range before {
		if provider == pool.OwnProvider || admits(a, provider) {
			continue
		}
		if err := s.sessions.End(tx, storage.Ended{PoolID: a.Pool.ID, ClientID: a.Client.ID, Provider: provider}); err != nil {
			return err
		}
	}
	return nil
}
