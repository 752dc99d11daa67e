package userpool

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// maxProviders is how many identity providers a pool may have (Cognito quotas).
const maxProviders = 300

// attributeUsername is the key of an AttributeMapping that names the subject.
const attributeUsername = "username"

// providerSettings are an identity provider's settings as they are stored.
type providerSettings struct {
	Type        string
	Details     []byte            // sealed: among them are secrets
	Mapping     map[string]string `json:",omitzero"`
	Identifiers []string          `json:",omitzero"`
	// OwnRedirect says that the redirect URI is the provider's own. Providers from
	// before it was share one in their pool.
	OwnRedirect bool `json:",omitzero"`
}

// socialProviders are the types of which a pool has one, by the type's name.
var socialProviders = []string{wire.ProviderFacebook, wire.ProviderGoogle, wire.ProviderAmazon, wire.ProviderApple}

// identityProvider is an identity provider as the operations work on it.
type identityProvider struct {
	storage.IdentityProvider
	providerSettings
	details wire.Parameters
}

// providerContext binds sealed details to their provider.
func providerContext(p storage.IdentityProvider) []byte { return []byte(p.PoolID + "/" + p.Name) }

// loadProvider finds an identity provider in a pool that exists.
func (s *Service) loadProvider(tx storage.Tx, poolID, name string) (*identityProvider, *PoolSettings, error) {
	_, set, err := s.loadPool(tx, poolID)
	if err != nil {
		return nil, nil, err
	}
	stored, err := tx.Providers.IdentityProvider(poolID, name)
	if err != nil {
		return nil, nil, notFound(err, wire.Exceptionf(wire.ResourceNotFoundException, "Identity provider %s does not exist.", name))
	}
	p, err := s.openProvider(stored)
	return p, set, err
}

func (s *Service) openProvider(stored storage.IdentityProvider) (*identityProvider, error) {
	p := &identityProvider{IdentityProvider: stored}
	if err := wire.Unmarshal(stored.Settings, &p.providerSettings); err != nil {
		return nil, fmt.Errorf("userpool: stored settings of identity provider %s: %v", stored.Name, err)
	}
	plain, err := s.box.Open(purposeProvider, p.Details, providerContext(stored))
	if err == nil {
		err = wire.Unmarshal(plain, &p.details)
	}
	if err != nil {
		return nil, fmt.Errorf("userpool: details of identity provider %s: %w", stored.Name, err)
	}
	return p, nil
}

// sealProvider writes details and settings back into the entity.
func (s *Service) sealProvider(p *identityProvider) error {
	plain, err := wire.Marshal(p.details)
	if err != nil {
		return err
	}
	p.Details = s.box.Seal(purposeProvider, plain, providerContext(p.IdentityProvider))
	p.Settings, err = wire.Marshal(p.providerSettings)
	return err
}

// configureProvider takes over what a request gives; nil stays as it is.
func (s *Service) configureProvider(tx storage.Tx, set *PoolSettings, p *identityProvider, details wire.Parameters, mapping map[string]string, identifiers []string) error {
	if details != nil {
		details, err := s.chooseRedirect(p, details)
		if err != nil {
			return err
		}
		full, err := federation.Complete(p.Type, details)
		if err != nil {
			return invalid("%s.", err)
		}
		for name, address := range federation.URLs(full) {
			if s.admits == nil {
				break
			}
			if err := s.admits(address); err != nil {
				return invalid("%s of ProviderDetails: %s.", name, strings.TrimPrefix(err.Error(), "openid: "))
			}
		}
		p.details = full
	}
	if mapping != nil {
		if err := set.checkMapping(p.Type, mapping, p.Mapping); err != nil {
			return err
		}
		p.Mapping = mapping
	}
	if identifiers != nil {
		if err := checkIdentifiers(tx, p, identifiers); err != nil {
			return err
		}
		p.Identifiers = identifiers
	}
	return s.sealProvider(p)
}

// checkMapping checks an AttributeMapping: user attribute to claim. The user name
// comes from the subject and from nothing else: any other claim may pass from one
// person to another. A provider would write a mapped attribute at each sign-in, so it
// must be mutable and not for administrators only. An entry that the provider has from
// before this rule may be given again.
func (p *PoolSettings) checkMapping(kind string, mapping, before map[string]string) error {
	subject := federation.SubjectClaim(kind)
	for _, name := range sortedKeys(mapping) {
		switch claim := mapping[name]; {
		case claim == "" || len(claim) > maxAttributeValue:
			return invalid("The attribute %s is mapped to a claim without a name, or with one that is too long.", name)
		case name == attributeUsername && claim != subject:
			return invalid("The attribute username can only be mapped to %s.", subject)
		case name == attributeUsername:
		case before[name] == claim:
		case p.schemaOf(name) == nil || serviceKept(name) || p.immutable(name) || p.developerOnly(name):
			return invalid("User pool does not have mutable attribute %s to map.", name)
		}
	}
	if mapping[attributeUsername] == "" {
		mapping[attributeUsername] = subject
	}
	return nil
}

// checkIdentifiers refuses identifiers that are taken in the pool.
func checkIdentifiers(tx storage.Tx, p *identityProvider, identifiers []string) error {
	seen := map[string]bool{}
	for _, id := range identifiers {
		if seen[id] {
			return invalid("The identifier %s is given twice.", id)
		}
		seen[id] = true
	}
	others, err := tx.Providers.List(p.PoolID, "", maxProviders)
	if err != nil {
		return err
	}
	for _, other := range others {
		set, err := identifiersOf(other)
		if err != nil {
			return err
		}
		if taken := slices.IndexFunc(set, func(id string) bool { return seen[id] }); taken >= 0 && other.Name != p.Name {
			return wire.Exceptionf(wire.DuplicateProviderException, "The identifier %s is the provider %s's already.", set[taken], other.Name)
		}
	}
	return nil
}

func identifiersOf(p storage.IdentityProvider) ([]string, error) {
	var set providerSettings
	err := wire.Unmarshal(p.Settings, &set)
	return set.Identifiers, err
}

// offeredProviders are a client's identity providers without those that were
// deleted, and their identifiers.
func offeredProviders(tx storage.Tx, a *app) (names []string, identifiers map[string]string, err error) {
	for _, name := range a.settings.SupportedIdentityProviders {
		if name == ownProvider {
			names = append(names, name)
			continue
		}
		stored, err := tx.Providers.IdentityProvider(a.pool.ID, name)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		ids, err := identifiersOf(stored)
		if err != nil {
			return nil, nil, err
		}
		names = append(names, name)
		for _, id := range ids {
			if identifiers == nil {
				identifiers = map[string]string{}
			}
			identifiers[id] = name
		}
	}
	return names, identifiers, nil
}
