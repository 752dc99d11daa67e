package pool

import (
	"errors"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// An identity belongs to an issuer, since a subject is unique at its issuer only, and a
// provider's settings may name another issuer later. Identities from before the issuer
// was stored have none. They belong to the issuer that their provider had then, which
// Settings.LegacyIssuers holds once a provider of the pool is created, changed or deleted.

// Issuers are the issuers whose subjects are users of a provider: its present one,
// then those that it had before it moved.
func (p *IdentityProvider) Issuers() []string {
	return append([]string{federation.Issuer(p.Type, p.Opened)}, federation.FormerIssuers(p.Opened)...)
}

// legacyIssuer is the issuer of the provider's identities that were stored without one.
func (p *Settings) legacyIssuer(provider *IdentityProvider) string {
	if p.LegacyIssuers == nil { // the provider is as it was
		return federation.Issuer(provider.Type, provider.Opened)
	}
	return p.LegacyIssuers[provider.Name]
}

// FindIdentity finds the user who has an identity at a provider, by the issuer and the
// subject. It fails with storage.ErrNotFound.
func (p *Settings) FindIdentity(tx storage.Tx, provider *IdentityProvider, subject string) (storage.User, error) {
	for _, issuer := range provider.Issuers() {
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

// IsOf reports whether an identity is the one that findIdentity finds.
func (p *Settings) IsOf(one Identity, provider *IdentityProvider, subject string) bool {
	issuer := p.legacyIssuer(provider)
	if one.Issuer != nil {
		issuer = *one.Issuer
	}
	return one.ProviderName == provider.Name && one.UserID == subject && slices.Contains(provider.Issuers(), issuer)
}

// DisabledIdentity reports whether the identity of a subject is the user's, and disabled.
func (p *Settings) DisabledIdentity(user storage.User, provider *IdentityProvider, subject string) bool {
	return slices.ContainsFunc(IdentitiesOf(user), func(one Identity) bool {
		return one.Disabled && p.IsOf(one, provider, subject)
	})
}

// WasDisabled reports whether a name is that of a provider's user whose identity an
// administrator disabled with an earlier version, which removed it.
func (p *Settings) WasDisabled(tx storage.Tx, provider *IdentityProvider, name string) (bool, error) {
	user, err := tx.Users.Lookup(provider.PoolID, p.Canonical(loginUsername, name))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	removed := IsExternal(user) && user.Attributes[IdentitiesAttribute] == ""
	return removed && slices.Contains(provider.Issuers(), p.legacyIssuer(provider)), err
}

// IdentityDisabled is the exception for a user whose identity at the provider an
// administrator disabled (AdminDisableProviderForUser).
func IdentityDisabled(provider string) error {
	return wire.Exceptionf(wire.NotAuthorizedException, "The identity provider %s is disabled for this user.", provider)
}

// NewIdentity is the identity of a subject at the provider's present issuer.
func (s *Pools) NewIdentity(p *IdentityProvider, subject string, primary bool) Identity {
	return Identity{
		UserID: subject, ProviderName: p.Name, ProviderType: p.Type, Issuer: new(federation.Issuer(p.Type, p.Opened)),
		Primary: primary, DateCreated: s.now().UnixMilli(),
	}
}

// KeepLegacyIssuers notes the issuers of the pool's providers before the first of them
// changes. Pools that were created since have no identities without an issuer.
func (s *Pools) KeepLegacyIssuers(tx storage.Tx, poolID string) error {
	row, set, err := s.LoadPool(tx, poolID)
	if err != nil || set.LegacyIssuers != nil {
		return err
	}
	list, err := tx.Providers.List(poolID, "", MaxProviders)
	if err != nil {
		return err
	}
	changed := *set
	changed.LegacyIssuers = map[string]string{}
	for _, stored := range list {
		p, err := s.OpenProvider(stored)
		if err != nil {
			s.log.Error("cannot read an identity provider; its users from before have no issuer", "pool", poolID, "provider", stored.Name, "error", err)
			continue
		}
		changed.LegacyIssuers[p.Name] = federation.Issuer(p.Type, p.Opened)
	}
	if row.Settings, err = settings.Encode(&changed); err != nil {
		return err
	}
	row.ModifiedAt = s.After(row.ModifiedAt)
	return tx.Pools.Update(row)
}
