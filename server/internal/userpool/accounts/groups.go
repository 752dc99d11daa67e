package accounts

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// groupShape is a group as answers show it.
func groupShape(g storage.Group) wire.GroupType {
	return wire.GroupType{
		GroupName: g.Name, UserPoolId: g.PoolID, Description: g.Description, RoleArn: g.RoleARN,
		Precedence: g.Precedence, CreationDate: wire.NewTime(g.CreatedAt), LastModifiedDate: wire.NewTime(g.ModifiedAt),
	}
}

func groupShapes(groups []storage.Group) []wire.GroupType {
	shapes := make([]wire.GroupType, len(groups))
	for i, g := range groups {
		shapes[i] = groupShape(g)
	}
	return shapes
}

// groupKey is what lists of groups go by; names are unique in a pool.
func groupKey(g storage.Group) string { return g.Name }

// loadGroup finds a group in a pool that exists. Of the two, the pool that is
// missing is reported first.
func (s *Service) loadGroup(tx storage.Tx, poolID, name string) (storage.Group, *pool.Settings, error) {
	_, set, err := s.pools.LoadPool(tx, poolID)
	if err != nil {
		return storage.Group{}, nil, err
	}
	g, err := tx.Groups.Group(poolID, name)
	return g, set, pool.NotFound(err, wire.NewException(wire.ResourceNotFoundException, wire.MessageGroupNotFound))
}

// CreateGroup makes a group. Names are case-sensitive. The role is what an
// identity pool may choose for members; it is not looked up.
func (s *Service) CreateGroup(ctx context.Context, in *wire.CreateGroupRequest) (*wire.CreateGroupResponse, error) {
	now := s.now()
	g := storage.Group{
		PoolID: in.UserPoolId, Name: in.GroupName, Description: in.Description, RoleARN: in.RoleArn,
		Precedence: in.Precedence, CreatedAt: now, ModifiedAt: now,
	}
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if _, _, err := s.pools.LoadPool(tx, in.UserPoolId); err != nil {
			return err
		}
		err := tx.Groups.Insert(g)
		if errors.Is(err, storage.ErrExists) {
			return wire.NewException(wire.GroupExistsException, wire.MessageGroupExists)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	shape := groupShape(g)
	return &wire.CreateGroupResponse{Group: &shape}, nil
}

// GetGroup shows a group.
func (s *Service) GetGroup(ctx context.Context, in *wire.GetGroupRequest) (*wire.GetGroupResponse, error) {
	var g storage.Group
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		g, _, err = s.loadGroup(tx, in.UserPoolId, in.GroupName)
		return err
	})
	if err != nil {
		return nil, err
	}
	shape := groupShape(g)
	return &wire.GetGroupResponse{Group: &shape}, nil
}

// UpdateGroup changes the members that are given. Other than a pool's or a
// client's, a group's others stay.
func (s *Service) UpdateGroup(ctx context.Context, in *wire.UpdateGroupRequest) (*wire.UpdateGroupResponse, error) {
	var g storage.Group
	err := s.store.Update(ctx, func(tx storage.Tx) (err error) {
		if g, _, err = s.loadGroup(tx, in.UserPoolId, in.GroupName); err != nil {
			return err
		}
		if in.Description != "" {
			g.Description = in.Description
		}
		if in.RoleArn != "" {
			g.RoleARN = in.RoleArn
		}
		if in.Precedence != nil {
			g.Precedence = in.Precedence
		}
		g.ModifiedAt = s.pools.After(g.ModifiedAt)
		return tx.Groups.Update(g)
	})
	if err != nil {
		return nil, err
	}
	shape := groupShape(g)
	return &wire.UpdateGroupResponse{Group: &shape}, nil
}

// DeleteGroup removes a group; its users stay. Tokens that name it are good
// until they expire.
func (s *Service) DeleteGroup(ctx context.Context, in *wire.DeleteGroupRequest) (*wire.DeleteGroupResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if _, _, err := s.loadGroup(tx, in.UserPoolId, in.GroupName); err != nil {
			return err
		}
		return tx.Groups.Delete(in.UserPoolId, in.GroupName)
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteGroupResponse{}, nil
}

// ListGroups lists a pool's groups by name.
func (s *Service) ListGroups(ctx context.Context, in *wire.ListGroupsRequest) (*wire.ListGroupsResponse, error) {
	p, err := s.lists.Page(in.NextToken, in.Limit, "ListGroups", in.UserPoolId)
	if err != nil {
		return nil, err
	}
	var list []storage.Group
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		if _, _, err = s.pools.LoadPool(tx, in.UserPoolId); err == nil {
			list, err = tx.Groups.List(in.UserPoolId, p.After, p.Want())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	list, next := paging.Turn(p, list, groupKey)
	return &wire.ListGroupsResponse{Groups: groupShapes(list), NextToken: next}, nil
}

// ListUsersInGroup lists a group's users.
func (s *Service) ListUsersInGroup(ctx context.Context, in *wire.ListUsersInGroupRequest) (*wire.ListUsersInGroupResponse, error) {
	p, err := s.lists.Page(in.NextToken, in.Limit, "ListUsersInGroup", in.UserPoolId, in.GroupName)
	if err != nil {
		return nil, err
	}
	var list []storage.User
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		if _, _, err = s.loadGroup(tx, in.UserPoolId, in.GroupName); err == nil {
			list, err = tx.Members.UsersIn(in.UserPoolId, in.GroupName, p.After, p.Want())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	list, next := paging.Turn(p, list, userKey)
	return &wire.ListUsersInGroupResponse{Users: userShapes(list, nil), NextToken: next}, nil
}

// AdminAddUserToGroup adds a user to a group. Adding one twice changes nothing.
func (s *Service) AdminAddUserToGroup(ctx context.Context, in *wire.AdminAddUserToGroupRequest) (*wire.AdminAddUserToGroupResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		user, err := s.loadMember(tx, in.UserPoolId, in.GroupName, in.Username)
		if err != nil {
			return err
		}
		if err := checkGroupCount(tx, user, in.GroupName); err != nil {
			return err
		}
		return tx.Members.Add(in.UserPoolId, in.GroupName, user.Sub)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminAddUserToGroupResponse{}, nil
}

// loadMember finds a user and makes sure of the group, in one pool: neither may
// come from another.
func (s *Service) loadMember(tx storage.Tx, poolID, group, name string) (storage.User, error) {
	_, set, err := s.loadGroup(tx, poolID, group)
	if err != nil {
		return storage.User{}, err
	}
	return set.FindUserOrSub(tx, poolID, name)
}

// checkGroupCount refuses one group more than Cognito allows: tokens name no more.
func checkGroupCount(tx storage.Tx, user storage.User, group string) error {
	groups, err := tx.Members.GroupsOf(user.PoolID, user.Sub, "", tokens.MaxGroups)
	if err != nil || len(groups) < tokens.MaxGroups {
		return err
	}
	for _, g := range groups {
		if g.Name == group {
			return nil
		}
	}
	return wire.Exceptionf(wire.LimitExceededException, "A user may be in at most %d groups.", tokens.MaxGroups)
}

// AdminRemoveUserFromGroup takes a user out of a group. It is no error when the
// user was not in it.
func (s *Service) AdminRemoveUserFromGroup(ctx context.Context, in *wire.AdminRemoveUserFromGroupRequest) (*wire.AdminRemoveUserFromGroupResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		user, err := s.loadMember(tx, in.UserPoolId, in.GroupName, in.Username)
		if err != nil {
			return err
		}
		return tx.Members.Remove(in.UserPoolId, in.GroupName, user.Sub)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminRemoveUserFromGroupResponse{}, nil
}

// AdminListGroupsForUser lists a user's groups by name.
func (s *Service) AdminListGroupsForUser(ctx context.Context, in *wire.AdminListGroupsForUserRequest) (*wire.AdminListGroupsForUserResponse, error) {
	p, err := s.lists.Page(in.NextToken, in.Limit, "AdminListGroupsForUser", in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	var list []storage.Group
	err = s.store.View(ctx, func(tx storage.Tx) error {
		user, err := s.pools.LoadUser(tx, in.UserPoolId, in.Username)
		if err != nil {
			return err
		}
		list, err = tx.Members.GroupsOf(in.UserPoolId, user.Sub, p.After, p.Want())
		return err
	})
	if err != nil {
		return nil, err
	}
	list, next := paging.Turn(p, list, groupKey)
	return &wire.AdminListGroupsForUserResponse{Groups: groupShapes(list), NextToken: next}, nil
}
