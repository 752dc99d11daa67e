package userpool_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Every operation that names a pool refuses what belongs to another one, and a
// pool that does not exist.
func TestCrossPoolAccess(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx := t.Context()
	own, other := c.Pool(t, wire.CreateUserPoolRequest{}), c.Pool(t, wire.CreateUserPoolRequest{})
	alice := c.User(t, other, "alice")
	client := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: other})
	pooltest.Must(c.Accounts.CreateGroup(ctx, &wire.CreateGroupRequest{UserPoolId: other, GroupName: "admins"}))(t)
	before := snapshot(t, c, other)

	const user, clientOrPool = wire.UserNotFoundException, wire.ResourceNotFoundException
	named := map[string]string{ // operation to the exception for what another pool has
		"DescribeUserPoolClient": clientOrPool, "UpdateUserPoolClient": clientOrPool, "DeleteUserPoolClient": clientOrPool,
		"AdminInitiateAuth": clientOrPool, "AdminRespondToAuthChallenge": clientOrPool,
		"AdminGetUser": user, "AdminDeleteUser": user, "AdminEnableUser": user, "AdminDisableUser": user,
		"AdminConfirmSignUp": user, "AdminResetUserPassword": user, "AdminSetUserPassword": user,
		"AdminUpdateUserAttributes": user, "AdminUserGlobalSignOut": user, "AdminListGroupsForUser": user,
		"GetGroup": clientOrPool, "UpdateGroup": clientOrPool, "DeleteGroup": clientOrPool, "ListUsersInGroup": clientOrPool,
		"AdminAddUserToGroup": clientOrPool, "AdminRemoveUserFromGroup": clientOrPool,
	}
	tested := 0
	for name := range c.Operations() {
		method := operation(c, name)
		request := method.Type().In(1).Elem()
		if _, ok := request.FieldByName("UserPoolId"); !ok {
			continue
		}
		tested++
		call := func(poolID, username string) error {
			in := reflect.New(request)
			for field, value := range map[string]string{
				"UserPoolId": poolID, "Username": username, "ClientId": client.ClientId, "GroupName": "admins",
				"ClientName": "web", "Password": pooltest.GoodPassword, "ChallengeName": "NEW_PASSWORD_REQUIRED",
			} {
				if f := in.Elem().FieldByName(field); f.IsValid() {
					f.SetString(value)
				}
			}
			err, _ := method.Call([]reflect.Value{reflect.ValueOf(ctx), in})[1].Interface().(error)
			return err
		}
		t.Run(name, func(t *testing.T) {
			wiretest.WantException(t, call("local_none", "alice"), wire.ResourceNotFoundException, "User pool local_none does not exist.")
			if typ, ok := named[name]; ok {
				for _, username := range []string{"alice", alice.Sub} {
					wiretest.WantException(t, call(own, username), typ, "")
				}
			}
		})
	}
	if tested < len(named)+8 {
		t.Errorf("%d operations name a pool, want at least %d", tested, len(named)+8)
	}
	// A user of the own pool does not get into a group of the other, nor the other way round.
	c.User(t, own, "bob")
	_, err := c.Accounts.AdminAddUserToGroup(ctx, &wire.AdminAddUserToGroupRequest{UserPoolId: other, Username: "bob", GroupName: "admins"})
	wiretest.WantException(t, err, user, "User does not exist.")
	if diff := cmp.Diff(before, snapshot(t, c, other)); diff != "" {
		t.Errorf("the other pool changed (-before +after):\n%s", diff)
	}
}

// operation is the method of the flow that offers an operation.
func operation(c *pooltest.Console, name string) reflect.Value {
	for _, flow := range []any{c.SignIn, c.Tokens, c.Accounts, c.Admin} {
		if method := reflect.ValueOf(flow).MethodByName(name); method.IsValid() {
			return method
		}
	}
	return reflect.Value{}
}

// snapshot is all that a pool holds.
func snapshot(t *testing.T, c *pooltest.Console, poolID string) (all []any) {
	t.Helper()
	err := c.Store.View(context.WithoutCancel(t.Context()), func(tx storage.Tx) error {
		pool, err1 := tx.Pools.Pool(poolID)
		users, err2 := tx.Users.List(poolID, storage.UserFilter{}, storage.UserCursor{}, 1000)
		clients, err3 := tx.Clients.List(poolID, "", 1000)
		groups, err4 := tx.Groups.List(poolID, "", 1000)
		members, err5 := tx.Members.UsersIn(poolID, "admins", "", 1000)
		all = []any{pool, users, clients, groups, members}
		return errors.Join(err1, err2, err3, err4, err5)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
