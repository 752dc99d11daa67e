package accounts_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/accounts"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/storage"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx, id := t.Context(), c.Pool(t, wire.CreateUserPoolRequest{})
	made := pooltest.Must(c.Accounts.CreateGroup(ctx, &wire.CreateGroupRequest{
		UserPoolId: id, GroupName: "admins", Description: "all of it", Precedence: new(int32(0)), RoleArn: "arn:aws:iam::000000000000:role/a"}))(t)
	want := &wire.GroupType{
		GroupName: "admins", UserPoolId: id, Description: "all of it", Precedence: new(int32(0)),
		RoleArn: "arn:aws:iam::000000000000:role/a", CreationDate: wire.NewTime(c.Base.Now()), LastModifiedDate: wire.NewTime(c.Base.Now()),
	}
	if diff := cmp.Diff(want, made.Group); diff != "" {
		t.Errorf("CreateGroup (-want +got):\n%s", diff)
	}
	_, err := c.Accounts.CreateGroup(ctx, &wire.CreateGroupRequest{UserPoolId: id, GroupName: "admins"})
	wiretest.WantException(t, err, wire.GroupExistsException, "A group with the name already exists.")
	// Names differ by case.
	pooltest.Must(c.Accounts.CreateGroup(ctx, &wire.CreateGroupRequest{UserPoolId: id, GroupName: "Admins"}))(t)

	c.Advance(time.Second)
	updated := pooltest.Must(c.Accounts.UpdateGroup(ctx, &wire.UpdateGroupRequest{UserPoolId: id, GroupName: "admins", Precedence: new(int32(5))}))(t)
	want.Precedence, want.LastModifiedDate = new(int32(5)), wire.NewTime(c.Base.Now())
	if diff := cmp.Diff(want, updated.Group); diff != "" {
		t.Errorf("UpdateGroup (-want +got):\n%s", diff)
	}
	pooltest.Must(c.Accounts.UpdateGroup(ctx, &wire.UpdateGroupRequest{UserPoolId: id, GroupName: "admins", Description: "less", RoleArn: "arn:aws:iam::000000000000:role/b"}))(t)
	want.Description, want.RoleArn = "less", "arn:aws:iam::000000000000:role/b"
	got := pooltest.Must(c.Accounts.GetGroup(ctx, &wire.GetGroupRequest{UserPoolId: id, GroupName: "admins"}))(t)
	if diff := cmp.Diff(want, got.Group); diff != "" {
		t.Errorf("GetGroup (-want +got):\n%s", diff)
	}

	pooltest.Must(c.Accounts.DeleteGroup(ctx, &wire.DeleteGroupRequest{UserPoolId: id, GroupName: "admins"}))(t)
	for name, err := range map[string]error{
		"get":    pooltest.ErrorOf(c.Accounts.GetGroup(ctx, &wire.GetGroupRequest{UserPoolId: id, GroupName: "admins"})),
		"update": pooltest.ErrorOf(c.Accounts.UpdateGroup(ctx, &wire.UpdateGroupRequest{UserPoolId: id, GroupName: "admins"})),
		"delete": pooltest.ErrorOf(c.Accounts.DeleteGroup(ctx, &wire.DeleteGroupRequest{UserPoolId: id, GroupName: "admins"})),
		"list":   pooltest.ErrorOf(c.Accounts.ListUsersInGroup(ctx, &wire.ListUsersInGroupRequest{UserPoolId: id, GroupName: "admins"})),
	} {
		t.Run(name, func(t *testing.T) { wiretest.WantException(t, err, wire.ResourceNotFoundException, "Group not found.") })
	}
}

func TestMembership(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx, id := t.Context(), c.Pool(t, wire.CreateUserPoolRequest{})
	alice := c.User(t, id, "alice", "email", "alice@example.com")
	for _, name := range []string{"b", "a", "c"} {
		pooltest.Must(c.Accounts.CreateGroup(ctx, &wire.CreateGroupRequest{UserPoolId: id, GroupName: name}))(t)
		// Twice is as good as once, and the sub is as good as the name.
		for _, user := range []string{"alice", alice.Sub} {
			pooltest.Must(c.Accounts.AdminAddUserToGroup(ctx, &wire.AdminAddUserToGroupRequest{UserPoolId: id, Username: user, GroupName: name}))(t)
		}
	}
	groups := func(limit *int32) []string {
		var names []string
		for token, page := "", 0; page == 0 || token != ""; page++ {
			out := pooltest.Must(c.Accounts.AdminListGroupsForUser(ctx, &wire.AdminListGroupsForUserRequest{UserPoolId: id, Username: "alice", Limit: limit, NextToken: token}))(t)
			for _, g := range out.Groups {
				names = append(names, g.GroupName)
			}
			token = out.NextToken
		}
		return names
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, groups(new(int32(1)))); diff != "" {
		t.Errorf("groups page by page (-want +got):\n%s", diff)
	}
	members := pooltest.Must(c.Accounts.ListUsersInGroup(ctx, &wire.ListUsersInGroupRequest{UserPoolId: id, GroupName: "a"}))(t)
	if diff := cmp.Diff([]wire.UserType{accounts.UserShape(alice, nil)}, members.Users); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	for range 2 {
		pooltest.Must(c.Accounts.AdminRemoveUserFromGroup(ctx, &wire.AdminRemoveUserFromGroupRequest{UserPoolId: id, Username: "alice", GroupName: "b"}))(t)
	}
	pooltest.Must(c.Accounts.DeleteGroup(ctx, &wire.DeleteGroupRequest{UserPoolId: id, GroupName: "c"}))(t)
	if diff := cmp.Diff([]string{"a"}, groups(nil)); diff != "" {
		t.Errorf("groups left (-want +got):\n%s", diff)
	}
	pooltest.Must(c.Accounts.AdminDeleteUser(ctx, &wire.AdminDeleteUserRequest{UserPoolId: id, Username: "alice"}))(t)
	members = pooltest.Must(c.Accounts.ListUsersInGroup(ctx, &wire.ListUsersInGroupRequest{UserPoolId: id, GroupName: "a"}))(t)
	if len(members.Users) != 0 {
		t.Errorf("a deleted user is still a member: %v", members.Users)
	}
}

func TestGroupLists(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx, id := t.Context(), c.Crowd(t, 62)
	var want []string
	c.Update(t, func(tx storage.Tx) error {
		for i := range 61 {
			name := fmt.Sprintf("group%03d", i)
			want = append(want, name)
			if err := tx.Groups.Insert(storage.Group{PoolID: id, Name: name}); err != nil {
				return err
			}
		}
		users, err := tx.Users.List(id, storage.UserFilter{}, storage.UserCursor{}, 100)
		for _, u := range users {
			if err := tx.Members.Add(id, "group000", u.Sub); err != nil {
				return err
			}
		}
		return err
	})
	first := pooltest.Must(c.Accounts.ListGroups(ctx, &wire.ListGroupsRequest{UserPoolId: id}))(t)
	second := pooltest.Must(c.Accounts.ListGroups(ctx, &wire.ListGroupsRequest{UserPoolId: id, NextToken: first.NextToken}))(t)
	var got []string
	for _, g := range slices.Concat(first.Groups, second.Groups) {
		got = append(got, g.GroupName)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(first.Groups) != 60 || second.NextToken != "" {
		t.Errorf("groups, %d on the first page (-want +got):\n%s", len(first.Groups), diff)
	}
	in := &wire.ListUsersInGroupRequest{UserPoolId: id, GroupName: "group000"}
	members := pooltest.Must(c.Accounts.ListUsersInGroup(ctx, in))(t)
	in.NextToken = members.NextToken
	rest := pooltest.Must(c.Accounts.ListUsersInGroup(ctx, in))(t)
	if len(members.Users) != 60 || len(rest.Users) != 2 || rest.NextToken != "" {
		t.Errorf("members on two pages: %d and %d", len(members.Users), len(rest.Users))
	}
	in.GroupName = "group001"
	_, err := c.Accounts.ListUsersInGroup(ctx, in)
	wiretest.WantException(t, err, wire.InvalidParameterException, "Invalid pagination token.")
}

func TestGroupsPerUser(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	alice := c.User(t, id, "alice")
	c.Update(t, func(tx storage.Tx) error {
		for i := range tokens.MaxGroups + 1 {
			name := fmt.Sprintf("group%03d", i)
			if err := tx.Groups.Insert(storage.Group{PoolID: id, Name: name}); err != nil {
				return err
			}
			if i < tokens.MaxGroups {
				if err := tx.Members.Add(id, name, alice.Sub); err != nil {
					return err
				}
			}
		}
		return nil
	})
	in := &wire.AdminAddUserToGroupRequest{UserPoolId: id, Username: "alice", GroupName: "group100"}
	_, err := c.Accounts.AdminAddUserToGroup(t.Context(), in)
	wiretest.WantException(t, err, wire.LimitExceededException, "at most 100 groups")
	in.GroupName = "group099"
	pooltest.Must(c.Accounts.AdminAddUserToGroup(t.Context(), in))(t)
}
