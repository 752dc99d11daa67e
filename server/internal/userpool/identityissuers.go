package userpool

import (
	"errors"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// An identity belongs to an issuer: a subject is unique at its issuer only, and a
// provider's settings may name another issuer tomorrow. Identities that were stored
// before the issuer was kept with them have none. They belong to the issuer that their
// provider had then, which PoolSettings.LegacyIssuers holds as soon as a provider of
// the pool is created, changed or deleted.

// issuers are the issuers whose subjects are users of a provider: its present one,
// then those that it had before it moved.
func (p *identityProvider) issuers() []string {
	return append([]string{federation.Issuer(p.Type, p.details)}, federation.FormerIssuers(p.details)...)
}

// legacyIssuer is the issuer of the provider's identities that were stored without one.
func (p *PoolSettings) legacyIssuer(provider *identityProvider) string {
	if p.LegacyIssuers == nil { // the provider is as it was
		return federation.Issuer(provider.Type, provider.details)
	}
	return p.LegacyIssuers[provider.Name]
}

// findIdentity finds the user who has an identity at a provider, by the issuer and the
// subject. It fails with storage.ErrNotFound.
func (p *PoolSettings) findIdentity(tx storage.Tx, provider *identityProvider, subject string) (storage.User, error) {
	for _, issuer := range provider.issuers() {
		logins := []string{identityLogin(provider.Name, &issuer, subject)}
		if p.legacyIssuer(provider) == issuer {
			logins = append(logins, identityLogin(provider.Name, nil, subject))
		}
		for _, login := range logins {
			user, err := tx.Users.Lookup(provider.PoolID, login)
			if !errors.Is(err, storage.ErrNotFound) {
				return user, err
			}
		}
	}
	return storage.User{}, storage.ErrNotFound
}

// isOf reports whether an identity is the one that findIdentity finds.
func (p *PoolSettings) isOf(one identity, provider *identityProvider, subject string) bool {
	issuer := p.legacyIssuer(provider)
	if one.Issuer != nil {
		issuer = *one.Issuer
	}
	return one.ProviderName == provider.Name && one.UserID == subject && slices.Contains(provider.issuers(), issuer)
}

// disabledIdentity reports whether the identity of a subject is the user's, and disabled.
func (p *PoolSettings) disabledIdentity(user storage.User, provider *identityProvider, subject string) bool {
	return slices.ContainsFunc(identitiesOf(user), func(one identity) bool {
		return one.Disabled && p.isOf(one, provider, subject)
	})
}

// wasDisabled reports whether a name is that of a provider's user whose identity an
// administrator disabled with an earlier version, which removed it.
func (p *PoolSettings) wasDisabled(tx storage.Tx, provider *identityProvider, name string) (bool, error) {
	user, err := tx.Users.Lookup(provider.PoolID, p.canonical(loginUsername, name))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	removed := isExternal(user) && user.Attributes[identitiesAttribute] == ""
	return removed && slices.Contains(provider.issuers(), p.legacyIssuer(provider)), err
}

func identityDisabled(provider string) error {
	return wire.Exceptionf(wire.NotAuthorizedException, "The identity provider %s is disabled for this user.", provider)
}

// newIdentity is the identity of a subject at the provider's present issuer.
func (s *Service) newIdentity(p *identityProvider, subject string, primary bool) identity {
	return identity{
		UserID: subject, ProviderName: p.Name, ProviderType: p.Type, Issuer: new(federation.Issuer(p.Type, p.details)),
		Primary: primary, DateCreated: s.now().UnixMilli(),
	}
}

// keepLegacyIssuers notes the issuers of the pool's providers before the first of them
// changes. Pools that were created since have no identities without an issuer.
func (s *Service) keepLegacyIssuers(tx storage.Tx, poolID string) error {
	pool, set, err := s.loadPool(tx, poolID)
	if err != nil || set.LegacyIssuers != nil {
		return err
	}
	list, err := tx.Providers.List(poolID, "", maxProviders)
	if err != nil {
		return err
	}
	changed := *set
	changed.LegacyIssuers = map[string]string{}
	for _, stored := range list {
		p, err := s.openProvider(stored)
		if err != nil {
			s.log.Error("cannot read an identity provider; its users from before have no issuer", "pool", poolID, "provider", stored.Name, "error", err)
			continue
		}
		changed.LegacyIssuers[p.Name] = federation.Issuer(p.Type, p.details)
	}
	if pool.Settings, err = wire.Marshal(&changed); err != nil {
		return err
	}
	pool.ModifiedAt = s.after(pool.ModifiedAt)
	return tx.Pools.Update(pool)
}
