package identitypool

import (
	"context"
	"errors"
	"log/slog"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// identityOperations answers the administrator's operations on identities.
type identityOperations struct {
	store storage.Store
	pools *pools
	lists paging.Lists
	log   *slog.Logger
}

func (o *identityOperations) operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"DescribeIdentity": wire.Handle(o.describe),
		"ListIdentities":   wire.Handle(o.list),
		"DeleteIdentities": wire.Handle(o.delete),
	}
}

// describe returns an identity with the providers of its logins, never their subjects.
func (o *identityOperations) describe(ctx context.Context, in *wire.DescribeIdentityRequest) (*wire.DescribeIdentityResponse, error) {
	var identity storage.Identity
	err := o.store.View(ctx, func(tx storage.Tx) (err error) {
		identity, err = tx.Identities.Identity(in.IdentityId)
		return notFound(err, wire.IdentityNotFound(in.IdentityId))
	})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeIdentityResponse{IdentityDescription: description(identity)}, nil
}

func description(identity storage.Identity) wire.IdentityDescription {
	d := wire.IdentityDescription{
		IdentityId:   identity.ID,
		CreationDate: wire.NewTime(identity.CreatedAt), LastModifiedDate: wire.NewTime(identity.ModifiedAt),
	}
	for _, login := range identity.Logins {
		d.Logins = append(d.Logins, login.Provider)
	}
	return d
}

// list lists a pool's identities by id.
func (o *identityOperations) list(ctx context.Context, in *wire.ListIdentitiesRequest) (*wire.ListIdentitiesResponse, error) {
	hide := isTrue(in.HideDisabled)
	scope := "all"
	if hide {
		scope = "enabled"
	}
	p, err := o.lists.Page(in.NextToken, in.MaxResults, "ListIdentities", in.IdentityPoolId, scope)
	if err != nil {
		return nil, err
	}
	var list []storage.Identity
	err = o.store.View(ctx, func(tx storage.Tx) error {
		if _, _, err := o.pools.load(tx, in.IdentityPoolId); err != nil {
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
		out.Identities = append(out.Identities, description(identity))
	}
	return out, nil
}

// delete removes identities: a login whose identity is removed gets a new one. Ids that
// name none count as removed, as at Cognito. The answer names those that it failed to
// remove.
func (o *identityOperations) delete(ctx context.Context, in *wire.DeleteIdentitiesRequest) (*wire.DeleteIdentitiesResponse, error) {
	out := &wire.DeleteIdentitiesResponse{}
	for _, id := range in.IdentityIdsToDelete {
		err := o.store.Update(ctx, func(tx storage.Tx) error { return tx.Identities.Delete(id) })
		if err == nil || errors.Is(err, storage.ErrNotFound) {
			continue
		}
		o.log.ErrorContext(ctx, "identity could not be deleted", "identity", id, "error", err)
		out.UnprocessedIdentityIds = append(out.UnprocessedIdentityIds, wire.UnprocessedIdentityId{
			IdentityId: id, ErrorCode: wire.UnprocessedInternalError,
		})
	}
	return out, nil
}
