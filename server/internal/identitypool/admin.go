package identitypool

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// ListIdentityPools lists the identity pools by id.
func (s *Service) ListIdentityPools(ctx context.Context, in *wire.ListIdentityPoolsRequest) (*wire.ListIdentityPoolsResponse, error) {
	p, err := s.lists.Page(in.NextToken, in.MaxResults, "ListIdentityPools")
	if err != nil {
		return nil, err
	}
	var list []storage.IdentityPool
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		list, err = tx.IdentityPools.List(p.After, p.Want())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &wire.ListIdentityPoolsResponse{}
	list, out.NextToken = paging.Turn(p, list, func(pool storage.IdentityPool) string { return pool.ID })
	for _, pool := range list {
		out.IdentityPools = append(out.IdentityPools, wire.IdentityPoolShortDescription{IdentityPoolId: pool.ID, IdentityPoolName: pool.Name})
	}
	return out, nil
}

// DescribeIdentity shows an identity: whose it is by provider, never by subject.
func (s *Service) DescribeIdentity(ctx context.Context, in *wire.DescribeIdentityRequest) (*wire.DescribeIdentityResponse, error) {
	var identity storage.Identity
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		identity, err = tx.Identities.Identity(in.IdentityId)
		return notFound(err, wire.IdentityNotFound(in.IdentityId))
	})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeIdentityResponse{IdentityDescription: describe(identity)}, nil
}

func describe(identity storage.Identity) wire.IdentityDescription {
	d := wire.IdentityDescription{
		IdentityId:   identity.ID,
		CreationDate: wire.NewTime(identity.CreatedAt), LastModifiedDate: wire.NewTime(identity.ModifiedAt),
	}
	for _, login := range identity.Logins {
		d.Logins = append(d.Logins, login.Provider)
	}
	return d
}

// ListIdentities lists a pool's identities by id.
func (s *Service) ListIdentities(ctx context.Context, in *wire.ListIdentitiesRequest) (*wire.ListIdentitiesResponse, error) {
	hide := isTrue(in.HideDisabled)
	scope := "all"
	if hide {
		scope = "enabled"
	}
	p, err := s.lists.Page(in.NextToken, in.MaxResults, "ListIdentities", in.IdentityPoolId, scope)
	if err != nil {
		return nil, err
	}
	var list []storage.Identity
	err = s.store.View(ctx, func(tx storage.Tx) error {
		if _, _, err := s.loadPool(tx, in.IdentityPoolId); err != nil {
			return err
		}
		list, err = tx.Identities.List(in.IdentityPoolId, hide, p.After, p.Want())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &wire.ListIdentitiesResponse{IdentityPoolId: in.IdentityPoolId}
	list, out.NextToken = paging.Turn(p, list, func(identity storage.Identity) string { return identity.ID })
	for _, identity := range list {
		out.Identities = append(out.Identities, describe(identity))
	}
	return out, nil
}

// DeleteIdentities removes identities for good: a login whose identity is gone
// gets a new one. Ids that name none count as removed, as at Cognito. What cannot
// be removed is in the answer.
func (s *Service) DeleteIdentities(ctx context.Context, in *wire.DeleteIdentitiesRequest) (*wire.DeleteIdentitiesResponse, error) {
	out := &wire.DeleteIdentitiesResponse{}
	for _, id := range in.IdentityIdsToDelete {
		err := s.store.Update(ctx, func(tx storage.Tx) error { return tx.Identities.Delete(id) })
		if err == nil || errors.Is(err, storage.ErrNotFound) {
			continue
		}
		s.log.ErrorContext(ctx, "identity could not be deleted", "identity", id, "error", err)
		out.UnprocessedIdentityIds = append(out.UnprocessedIdentityIds, wire.UnprocessedIdentityId{
			IdentityId: id, ErrorCode: wire.UnprocessedInternalError,
		})
	}
	return out, nil
}
