package accounts

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// AdminUpdateUserAttributes sets and deletes attributes; those that are not
// named stay. A contact whose verification the pool requires first waits for it, unless
// the request says that it is verified.
func (s *Service) AdminUpdateUserAttributes(ctx context.Context, in *wire.AdminUpdateUserAttributesRequest) (*wire.AdminUpdateUserAttributesResponse, error) {
	given, err := pool.AttributeMap(in.UserAttributes)
	if err != nil {
		return nil, err
	}
	var list []sending
	var set *pool.Settings
	var user storage.User
	err = s.changeUser(ctx, in.UserPoolId, in.Username, func(tx storage.Tx, of *pool.Settings, now *storage.User) (err error) {
		list, err = s.changeAttributes(ctx, tx, of, now, given, false)
		set, user = of, *now
		return err
	})
	if err == nil {
		_, err = s.sendAll(ctx, set, user, list, pool.Occasion{Purpose: plug.PurposeUpdateUserAttribute, Metadata: in.ClientMetadata})
	}
	if err != nil {
		return nil, err
	}
	return &wire.AdminUpdateUserAttributesResponse{}, nil
}

// AdminDeleteUserAttributes deletes attributes that the pool does not require.
func (s *Service) AdminDeleteUserAttributes(ctx context.Context, in *wire.AdminDeleteUserAttributesRequest) (*wire.AdminDeleteUserAttributesResponse, error) {
	err := s.changeUser(ctx, in.UserPoolId, in.Username, func(tx storage.Tx, set *pool.Settings, user *storage.User) error {
		return set.DeleteAttributes(tx, user, in.UserAttributeNames)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminDeleteUserAttributesResponse{}, nil
}
