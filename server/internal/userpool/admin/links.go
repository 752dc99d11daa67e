package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// maxLinks is how many identities can be linked to a user (AdminLinkProviderForUser).
const maxLinks = 5

// subjectName is what AdminLinkProviderForUser calls the subject at any provider.
const subjectName = "Cognito_Subject"

// maxSubject bounds a subject in bytes (OpenID Connect Core 1.0, section 2).
const maxSubject = 255

// AdminLinkProviderForUser lets a user of an identity provider sign in as a user who
// exists. It must come before that user's first sign-in, and the user is named by the
// subject: a claim such as email may be reassigned to another person.
func (s *Service) AdminLinkProviderForUser(ctx context.Context, in *wire.AdminLinkProviderForUserRequest) (*wire.AdminLinkProviderForUserResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		p, set, err := s.loadSource(tx, in.UserPoolId, in.SourceUser)
		if err != nil {
			return err
		}
		user, err := s.loadDestination(tx, set, in.UserPoolId, in.DestinationUser)
		if err != nil {
			return err
		}
		if err := s.release(tx, set, p, &user, in.SourceUser.ProviderAttributeValue); err != nil {
			return err
		}
		list := pool.IdentitiesOf(user)
		linked := len(slices.DeleteFunc(slices.Clone(list), func(one pool.Identity) bool { return one.Primary }))
		if linked >= maxLinks {
			return wire.Exceptionf(wire.LimitExceededException, "A user may have at most %d linked identities.", maxLinks)
		}
		list = append(list, s.pools.NewIdentity(p, in.SourceUser.ProviderAttributeValue, false))
		return s.keepIdentities(tx, set, &user, list)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminLinkProviderForUserResponse{}, nil
}

// keepIdentities writes a user with other identities, and the logins of them.
func (s *Service) keepIdentities(tx storage.Tx, set *pool.Settings, user *storage.User, list []pool.Identity) error {
	if err := pool.SetIdentities(user, list); err != nil {
		return err
	}
	user.ModifiedAt = s.pools.After(user.ModifiedAt)
	return set.UpdateUser(tx, user)
}

// loadSource finds the provider of a user who is named by the subject.
func (s *Service) loadSource(tx storage.Tx, poolID string, source *wire.ProviderUserIdentifierType) (*pool.IdentityProvider, *pool.Settings, error) {
	if _, _, err := s.pools.LoadPool(tx, poolID); err != nil {
		return nil, nil, err
	}
	if source == nil || source.ProviderName == "" || strings.EqualFold(source.ProviderName, pool.OwnProvider) {
		return nil, nil, pool.Invalid("ProviderName must be that of an identity provider of the user pool.")
	}
	p, set, err := s.pools.LoadProvider(tx, poolID, source.ProviderName)
	if err != nil {
		return nil, nil, err
	}
	subject := federation.SubjectClaim(p.Type)
	if name := source.ProviderAttributeName; name != subjectName && name != subject {
		return nil, nil, pool.Invalid("ProviderAttributeName must be %s: users of providers are told apart by their subject.", subjectName)
	}
	if value := source.ProviderAttributeValue; value == "" || len(value) > maxSubject {
		return nil, nil, pool.Invalid("ProviderAttributeValue must be the user's subject, of 1 to %d bytes.", maxSubject)
	}
	return p, set, nil
}

// loadDestination finds the target of a link: a user of the pool by name, or a user of a
// provider who signed in before.
func (s *Service) loadDestination(tx storage.Tx, set *pool.Settings, poolID string, to *wire.ProviderUserIdentifierType) (storage.User, error) {
	switch {
	case to == nil || to.ProviderAttributeValue == "":
		return storage.User{}, pool.Invalid("ProviderAttributeValue of DestinationUser is missing.")
	case strings.EqualFold(to.ProviderName, pool.OwnProvider):
		return set.FindUserOrSub(tx, poolID, to.ProviderAttributeValue)
	}
	p, _, err := s.pools.LoadProvider(tx, poolID, to.ProviderName)
	if wire.IsException(err, wire.ResourceNotFoundException) {
		return storage.User{}, wire.UserNotFound()
	}
	if err != nil {
		return storage.User{}, err
	}
	user, err := set.FindIdentity(tx, p, to.ProviderAttributeValue)
	return user, pool.NotFound(err, wire.UserNotFound())
}

// release refuses an identity that a user has already, and removes it from a user whose
// identity is disabled.
func (s *Service) release(tx storage.Tx, set *pool.Settings, p *pool.IdentityProvider, user *storage.User, subject string) error {
	owner, err := set.FindIdentity(tx, p, subject)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil
	case err != nil:
		return err
	case set.DisabledIdentity(owner, p, subject):
		list := slices.DeleteFunc(pool.IdentitiesOf(owner), func(one pool.Identity) bool { return set.IsOf(one, p, subject) })
		if err := s.keepIdentities(tx, set, &owner, list); err != nil {
			return err
		}
		if owner.Sub == user.Sub {
			*user = owner
		}
		return nil
	case owner.Sub == user.Sub:
		return pool.Invalid("SourceUser is already linked to DestinationUser")
	}
	return pool.Invalid("Merging is not currently supported, provide a SourceUser that has not been signed up in order to link")
}

// AdminDisableProviderForUser takes an identity from the user who has it. A linked
// one may sign in again, as a new user; the one that a user was made for may not.
func (s *Service) AdminDisableProviderForUser(ctx context.Context, in *wire.AdminDisableProviderForUserRequest) (*wire.AdminDisableProviderForUserResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		p, set, err := s.loadSource(tx, in.UserPoolId, in.User)
		if err != nil {
			return err
		}
		user, err := set.FindIdentity(tx, p, in.User.ProviderAttributeValue)
		if err != nil {
			return pool.NotFound(err, wire.UserNotFound())
		}
		list := pool.IdentitiesOf(user)
		for i, one := range list {
			list[i].Disabled = one.Disabled || one.Primary && set.IsOf(one, p, in.User.ProviderAttributeValue)
		}
		list = slices.DeleteFunc(list, func(one pool.Identity) bool {
			return !one.Primary && set.IsOf(one, p, in.User.ProviderAttributeValue)
		})
		if err := s.keepIdentities(tx, set, &user, list); err != nil {
			return err
		}
		return s.sessions.End(tx, storage.Ended{PoolID: user.PoolID, UserSub: user.Sub, Provider: p.Name})
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminDisableProviderForUserResponse{}, nil
}
