package admin

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// domainSettings are a domain's settings as they are stored.
type domainSettings struct {
	Custom              *wire.CustomDomainConfigType `json:",omitzero"`
	ManagedLoginVersion *int32                       `json:",omitzero"`
}

// maxDomains is how many domains a pool may have: a prefix and a whole name
// (developer guide, "Configuring a user pool domain").
const maxDomains = 2

const (
	messageDomainTaken  = "Domain already associated with another user pool."
	messageDomainPrefix = "The domain name contains an invalid character. Domain names can only contain lower-case letters, numbers, and hyphens. Please enter a different name that follows this format: ^[a-z0-9](?:[a-z0-9\\-]{0,61}[a-z0-9])?$"
)

// newDomain checks a domain against its kind: a whole name has dots and names a
// certificate, a prefix has neither.
func newDomain(poolID, name string, custom *wire.CustomDomainConfigType, version *int32) (storage.Domain, error) {
	d := storage.Domain{Name: name, PoolID: poolID}
	switch {
	case custom == nil && (strings.Contains(name, ".") || len(name) > 63):
		return d, pool.Invalid("%s", messageDomainPrefix)
	case custom != nil && !isHostName(name):
		return d, pool.Invalid("Custom domain %s is not a valid subdomain: it must be a host name with at least two labels.", name)
	}
	data, err := settings.Encode(domainSettings{Custom: custom, ManagedLoginVersion: cmp.Or(version, new(int32(1)))})
	d.Settings = data
	return d, err
}

// isHostName checks the syntax of a whole name (RFC 1123, section 2.1).
func isHostName(name string) bool {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(labels) > 1 && len(name) <= 253
}

// CreateUserPoolDomain gives a pool a host name for its pages and OAuth
// endpoints. A prefix is served at PREFIX.localhost, a whole name, which needs
// CustomDomainConfig, at that name; the operator of the service provides DNS and
// certificate, and the certificate's ARN is ignored.
func (s *Service) CreateUserPoolDomain(ctx context.Context, in *wire.CreateUserPoolDomainRequest) (*wire.CreateUserPoolDomainResponse, error) {
	d, err := newDomain(in.UserPoolId, in.Domain, in.CustomDomainConfig, in.ManagedLoginVersion)
	if err != nil {
		return nil, err
	}
	d.CreatedAt = s.now()
	d.ModifiedAt = d.CreatedAt
	err = s.store.Update(ctx, func(tx storage.Tx) error {
		if _, _, err := s.pools.LoadPool(tx, in.UserPoolId); err != nil {
			return err
		}
		list, err := tx.Domains.List(in.UserPoolId)
		if err != nil {
			return err
		}
		if err := fits(list, d); err != nil {
			return err
		}
		err = tx.Domains.Insert(d)
		if errors.Is(err, storage.ErrExists) {
			return pool.Invalid("%s", messageDomainTaken)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	shape, err := describeDomain(d)
	if err != nil {
		return nil, err
	}
	return &wire.CreateUserPoolDomainResponse{ManagedLoginVersion: shape.ManagedLoginVersion, CloudFrontDomain: shape.CloudFrontDistribution}, nil
}

// fits refuses a second domain of the same kind.
func fits(list []storage.Domain, d storage.Domain) error {
	for _, other := range list {
		if other.Name != d.Name && isWhole(other) == isWhole(d) {
			return pool.Invalid("User pool already has a domain of this kind configured: %s.", other.Name)
		}
	}
	if len(list) >= maxDomains {
		return wire.NewException(wire.LimitExceededException, "A user pool has at most one prefix domain and one custom domain.")
	}
	return nil
}

// isWhole reports whether a domain is a whole name, not a prefix.
func isWhole(d storage.Domain) bool { return strings.Contains(d.Name, ".") }

// describeDomain is a domain as answers show it.
func describeDomain(d storage.Domain) (*wire.DomainDescriptionType, error) {
	var set domainSettings
	if err := settings.Decode("domain "+d.Name, d.Settings, &set); err != nil {
		return nil, err
	}
	shape := &wire.DomainDescriptionType{
		UserPoolId: d.PoolID, AWSAccountId: accountID, Domain: d.Name, Status: "ACTIVE",
		CustomDomainConfig: set.Custom, ManagedLoginVersion: set.ManagedLoginVersion,
	}
	if isWhole(d) {
		shape.CloudFrontDistribution = d.Name
	}
	return shape, nil
}

// DescribeUserPoolDomain shows a domain. As with Cognito, one that does not exist
// has an empty description.
func (s *Service) DescribeUserPoolDomain(ctx context.Context, in *wire.DescribeUserPoolDomainRequest) (*wire.DescribeUserPoolDomainResponse, error) {
	out := &wire.DescribeUserPoolDomainResponse{DomainDescription: &wire.DomainDescriptionType{}}
	err := s.store.View(ctx, func(tx storage.Tx) error {
		d, err := tx.Domains.Domain(in.Domain)
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err == nil {
			out.DomainDescription, err = describeDomain(d)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateUserPoolDomain replaces a domain's settings.
func (s *Service) UpdateUserPoolDomain(ctx context.Context, in *wire.UpdateUserPoolDomainRequest) (*wire.UpdateUserPoolDomainResponse, error) {
	d, err := newDomain(in.UserPoolId, in.Domain, in.CustomDomainConfig, in.ManagedLoginVersion)
	if err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx storage.Tx) error {
		old, err := s.loadDomain(tx, in.UserPoolId, in.Domain)
		if err != nil {
			return err
		}
		d.CreatedAt, d.ModifiedAt = old.CreatedAt, s.pools.After(old.ModifiedAt)
		return tx.Domains.Update(d)
	})
	if err != nil {
		return nil, err
	}
	shape, err := describeDomain(d)
	if err != nil {
		return nil, err
	}
	return &wire.UpdateUserPoolDomainResponse{ManagedLoginVersion: shape.ManagedLoginVersion, CloudFrontDomain: shape.CloudFrontDistribution}, nil
}

// DeleteUserPoolDomain takes a domain from its pool.
func (s *Service) DeleteUserPoolDomain(ctx context.Context, in *wire.DeleteUserPoolDomainRequest) (*wire.DeleteUserPoolDomainResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if _, err := s.loadDomain(tx, in.UserPoolId, in.Domain); err != nil {
			return err
		}
		return tx.Domains.Delete(in.Domain)
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteUserPoolDomainResponse{}, nil
}

func (s *Service) loadDomain(tx storage.Tx, poolID, name string) (storage.Domain, error) {
	if _, _, err := s.pools.LoadPool(tx, poolID); err != nil {
		return storage.Domain{}, err
	}
	d, err := tx.Domains.Domain(name)
	if err == nil && d.PoolID != poolID {
		err = storage.ErrNotFound
	}
	return d, pool.NotFound(err, wire.NewException(wire.InvalidParameterException, "No such domain or user pool exists."))
}

// showDomains fills in the domains of a pool that is described.
func showDomains(tx storage.Tx, shape *wire.UserPoolType) error {
	list, err := tx.Domains.List(shape.Id)
	for _, d := range list {
		if isWhole(d) {
			shape.CustomDomain = d.Name
		} else {
			shape.Domain = d.Name
		}
	}
	return err
}
