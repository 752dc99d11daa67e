package admin

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// maxResourceServers is how many a pool may have (Cognito quotas).
const maxResourceServers = 25

func resourceShape(r storage.ResourceServer) (*wire.ResourceServerType, error) {
	list, err := pool.ScopesOf(r)
	return &wire.ResourceServerType{UserPoolId: r.PoolID, Identifier: r.Identifier, Name: r.Name, Scopes: list}, err
}

// loadResource finds a resource server in a pool that exists.
func (s *Service) loadResource(tx storage.Tx, poolID, identifier string) (storage.ResourceServer, error) {
	if _, _, err := s.pools.LoadPool(tx, poolID); err != nil {
		return storage.ResourceServer{}, err
	}
	r, err := tx.Resources.ResourceServer(poolID, identifier)
	return r, pool.NotFound(err, wire.Exceptionf(wire.ResourceNotFoundException, "Resource server %s does not exist.", identifier))
}

// CreateResourceServer makes a resource server: an API whose scopes clients may
// be given, each as its identifier, a slash and the scope's name.
func (s *Service) CreateResourceServer(ctx context.Context, in *wire.CreateResourceServerRequest) (*wire.CreateResourceServerResponse, error) {
	now := s.now()
	r := storage.ResourceServer{PoolID: in.UserPoolId, Identifier: in.Identifier, Name: in.Name, CreatedAt: now, ModifiedAt: now}
	if err := pool.SetScopes(&r, in.Scopes); err != nil {
		return nil, err
	}
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if _, _, err := s.pools.LoadPool(tx, in.UserPoolId); err != nil {
			return err
		}
		list, err := tx.Resources.List(in.UserPoolId, "", maxResourceServers)
		if err != nil {
			return err
		}
		if len(list) >= maxResourceServers {
			return wire.Exceptionf(wire.LimitExceededException, "A user pool has at most %d resource servers.", maxResourceServers)
		}
		err = tx.Resources.Insert(r)
		if errors.Is(err, storage.ErrExists) {
			return pool.Invalid("%s already exists in user pool %s.", in.Identifier, in.UserPoolId)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	shape, err := resourceShape(r)
	return &wire.CreateResourceServerResponse{ResourceServer: shape}, err
}

// DescribeResourceServer shows a resource server.
func (s *Service) DescribeResourceServer(ctx context.Context, in *wire.DescribeResourceServerRequest) (*wire.DescribeResourceServerResponse, error) {
	var r storage.ResourceServer
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		r, err = s.loadResource(tx, in.UserPoolId, in.Identifier)
		return err
	})
	if err != nil {
		return nil, err
	}
	shape, err := resourceShape(r)
	return &wire.DescribeResourceServerResponse{ResourceServer: shape}, err
}

// UpdateResourceServer replaces name and scopes. Clients keep scopes that are
// gone, which nothing hands out any more.
func (s *Service) UpdateResourceServer(ctx context.Context, in *wire.UpdateResourceServerRequest) (*wire.UpdateResourceServerResponse, error) {
	var r storage.ResourceServer
	err := s.store.Update(ctx, func(tx storage.Tx) (err error) {
		if r, err = s.loadResource(tx, in.UserPoolId, in.Identifier); err != nil {
			return err
		}
		if err := pool.SetScopes(&r, in.Scopes); err != nil {
			return err
		}
		r.Name, r.ModifiedAt = in.Name, s.pools.After(r.ModifiedAt)
		return tx.Resources.Update(r)
	})
	if err != nil {
		return nil, err
	}
	shape, err := resourceShape(r)
	return &wire.UpdateResourceServerResponse{ResourceServer: shape}, err
}

// DeleteResourceServer removes a resource server with its scopes.
func (s *Service) DeleteResourceServer(ctx context.Context, in *wire.DeleteResourceServerRequest) (*wire.DeleteResourceServerResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if _, err := s.loadResource(tx, in.UserPoolId, in.Identifier); err != nil {
			return err
		}
		return tx.Resources.Delete(in.UserPoolId, in.Identifier)
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteResourceServerResponse{}, nil
}

// ListResourceServers lists a pool's resource servers by identifier.
func (s *Service) ListResourceServers(ctx context.Context, in *wire.ListResourceServersRequest) (*wire.ListResourceServersResponse, error) {
	p, err := s.lists.Page(in.NextToken, in.MaxResults, "ListResourceServers", in.UserPoolId)
	if err != nil {
		return nil, err
	}
	var list []storage.ResourceServer
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		if _, _, err = s.pools.LoadPool(tx, in.UserPoolId); err == nil {
			list, err = tx.Resources.List(in.UserPoolId, p.After, p.Want())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	list, next := paging.Turn(p, list, func(r storage.ResourceServer) string { return r.Identifier })
	out := &wire.ListResourceServersResponse{NextToken: next}
	for _, r := range list {
		shape, err := resourceShape(r)
		if err != nil {
			return nil, err
		}
		out.ResourceServers = append(out.ResourceServers, *shape)
	}
	return out, nil
}
