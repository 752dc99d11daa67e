package userpool

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ctx, id := t.Context(), c.pool(t, wire.CreateUserPoolRequest{})
	made := must(c.CreateGroup(ctx, &wire.CreateGroupRequest{
		UserPoolId: id, GroupName: "admins", Description: "all of it", Precedence: new(int32(0)), RoleArn: "arn:aws:iam::000000000000:role/a"}))(t)
	want := &wire.GroupType{
		GroupName: "admins", UserPoolId: id, Description: "all of it", Precedence: new(int32(0)),
		RoleArn: "arn:aws:iam::000000000000:role/a", CreationDate: wire.NewTime(c.now()), LastModifiedDate: wire.NewTime(c.now()),
	}
	if diff := cmp.Diff(want, made.Group); diff != "" {
		t.Errorf("CreateGroup (-want +got):\n%s", diff)
	}
	_, err := c.CreateGroup(ctx, &wire.CreateGroupRequest{UserPoolId: id, GroupName: "admins"})
	wantException(t, err, wire.GroupExistsException, "A group with the name already exists.")
	// Names differ by case.
	must(c.CreateGroup(ctx, &wire.CreateGroupRequest{UserPoolId: id, GroupName: "Admins"}))(t)

	c.advance(time.Second)
	updated := must(c.UpdateGroup(ctx, &wire.UpdateGroupRequest{UserPoolId: id, GroupName: "admins", Precedence: new(int32(5))}))(t)
	want.Precedence, want.LastModifiedDate = new(int32(5)), wire.NewTime(c.now())
	if diff := cmp.Diff(want, updated.Group); diff != "" {
		t.Errorf("UpdateGroup (-want +got):\n%s", diff)
	}
	must(c.UpdateGroup(ctx, &wire.UpdateGroupRequest{UserPoolId: id, GroupName: "admins", Description: "less", RoleArn: "arn:aws:iam::000000000000:role/b"}))(t)
	want.Description, want.RoleArn = "less", "arn:aws:iam::000000000000:role/b"
	got := must(c.GetGroup(ctx, &wire.GetGroupRequest{UserPoolId: id, GroupName: "admins"}))(t)
	if diff := cmp.Diff(want, got.Group); diff != "" {
		t.Errorf("GetGroup (-want +got):\n%s", diff)
	}

	must(c.DeleteGroup(ctx, &wire.DeleteGroupRequest{UserPoolId: id, GroupName: "admins"}))(t)
	for name, err := range map[string]error{
		"get":    errorOf(c.GetGroup(ctx, &wire.GetGroupRequest{UserPoolId: id, GroupName: "admins"})),
		"update": errorOf(c.UpdateGroup(ctx, &wire.UpdateGroupRequest{UserPoolId: id, GroupName: "admins"})),
		"delete": errorOf(c.DeleteGroup(ctx, &wire.DeleteGroupRequest{UserPoolId: id, GroupName: "admins"})),
		"list":   errorOf(c.ListUsersInGroup(ctx, &wire.ListUsersInGroupRequest{UserPoolId: id, GroupName: "admins"})),
	} {
		t.Run(name, func(t *testing.T) { wantException(t, err, wire.ResourceNotFoundException, "Group not found.") })
	}
}

// errorOf takes the error of an operation that has to fail.
func errorOf[T any](_ T, err error) error { return err }

func TestMembership(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ctx, id := t.Context(), c.pool(t, wire.CreateUserPoolRequest{})
	alice := c.user(t, id, "alice", "email", "alice@example.com")
	for _, name := range []string{"b", "a", "c"} {
		must(c.CreateGroup(ctx, &wire.CreateGroupRequest{UserPoolId: id, GroupName: name}))(t)
		// Twice is as good as once, and the sub is as good as the name.
		for _, user := range []string{"alice", alice.Sub} {
			must(c.AdminAddUserToGroup(ctx, &wire.AdminAddUserToGroupRequest{UserPoolId: id, Username: user, GroupName: name}))(t)
		}
	}
	groups := func(limit *int32) []string {
		var names []string
		for token, page := "", 0; page == 0 || token != ""; page++ {
			out := must(c.AdminListGroupsForUser(ctx, &wire.AdminListGroupsForUserRequest{UserPoolId: id, Username: "alice", Limit: limit, NextToken: token}))(t)
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
	members := must(c.ListUsersInGroup(ctx, &wire.ListUsersInGroupRequest{UserPoolId: id, GroupName: "a"}))(t)
	if diff := cmp.Diff([]wire.UserType{userShape(alice, nil)}, members.Users); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	for range 2 {
		must(c.AdminRemoveUserFromGroup(ctx, &wire.AdminRemoveUserFromGroupRequest{UserPoolId: id, Username: "alice", GroupName: "b"}))(t)
	}
	must(c.DeleteGroup(ctx, &wire.DeleteGroupRequest{UserPoolId: id, GroupName: "c"}))(t)
	if diff := cmp.Diff([]string{"a"}, groups(nil)); diff != "" {
		t.Errorf("groups left (-want +got):\n%s", diff)
	}
	must(c.AdminDeleteUser(ctx, &wire.AdminDeleteUserRequest{UserPoolId: id, Username: "alice"}))(t)
	members = must(c.ListUsersInGroup(ctx, &wire.ListUsersInGroupRequest{UserPoolId: id, GroupName: "a"}))(t)
	if len(members.Users) != 0 {
		t.Errorf("a deleted user is still a member: %v", members.Users)
	}
}

func TestGroupLists(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ctx, id := t.Context(), c.crowd(t, 62)
	var want []string
	c.update(t, func(tx storage.Tx) error {
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
	first := must(c.ListGroups(ctx, &wire.ListGroupsRequest{UserPoolId: id}))(t)
	second := must(c.ListGroups(ctx, &wire.ListGroupsRequest{UserPoolId: id, NextToken: first.NextToken}))(t)
	var got []string
	for _, g := range slices.Concat(first.Groups, second.Groups) {
		got = append(got, g.GroupName)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(first.Groups) != 60 || second.NextToken != "" {
		t.Errorf("groups, %d on the first page (-want +got):\n%s", len(first.Groups), diff)
	}
	in := &wire.ListUsersInGroupRequest{UserPoolId: id, GroupName: "group000"}
	members := must(c.ListUsersInGroup(ctx, in))(t)
	in.NextToken = members.NextToken
	rest := must(c.ListUsersInGroup(ctx, in))(t)
	if len(members.Users) != 60 || len(rest.Users) != 2 || rest.NextToken != "" {
		t.Errorf("members on two pages: %d and %d", len(members.Users), len(rest.Users))
	}
	in.GroupName = "group001"
	_, err := c.ListUsersInGroup(ctx, in)
	wantException(t, err, wire.InvalidParameterException, "Invalid pagination token.")
}

func TestGroupsPerUser(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{})
	alice := c.user(t, id, "alice")
	c.update(t, func(tx storage.Tx) error {
		for i := range maxGroups + 1 {
			name := fmt.Sprintf("group%03d", i)
			if err := tx.Groups.Insert(storage.Group{PoolID: id, Name: name}); err != nil {
				return err
			}
			if i < maxGroups {
				if err := tx.Members.Add(id, name, alice.Sub); err != nil {
					return err
				}
			}
		}
		return nil
	})
	in := &wire.AdminAddUserToGroupRequest{UserPoolId: id, Username: "alice", GroupName: "group100"}
	_, err := c.AdminAddUserToGroup(t.Context(), in)
	wantException(t, err, wire.LimitExceededException, "at most 100 groups")
	in.GroupName = "group099"
	must(c.AdminAddUserToGroup(t.Context(), in))(t)
}
