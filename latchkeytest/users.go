package latchkeytest

import (
	"context"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// User is a user to add.
type User struct {
	Username string
	Password string
	// Attributes by name; a client's tests seldom need any.
	Attributes map[string]string
	Groups     []string
	// Temporary makes the password one that has to be changed at sign-in.
	Temporary bool
	// Unconfirmed leaves the user as after a sign-up without code.
	Unconfirmed bool
}

// AddUser makes a user, and the groups that are not there yet.
func (s *Server) AddUser(u User) {
	s.tb.Helper()
	ctx, pools := context.Background(), s.service.Pools()
	request := &wire.AdminCreateUserRequest{
		UserPoolId: s.UserPoolID, Username: u.Username,
		TemporaryPassword: wire.Sensitive(u.Password), MessageAction: wire.MessageActionSuppress,
	}
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		request.UserAttributes = append(request.UserAttributes, wire.AttributeType{Name: name, Value: u.Attributes[name]})
	}
	_, err := pools.AdminCreateUser(ctx, request)
	s.check("create user "+u.Username, err)
	if !u.Temporary {
		s.SetPassword(u.Username, u.Password)
	}
	if u.Unconfirmed {
		s.check("unconfirm user "+u.Username, s.unconfirm(ctx, u.Username))
	}
	for _, group := range u.Groups {
		_, err := pools.CreateGroup(ctx, &wire.CreateGroupRequest{UserPoolId: s.UserPoolID, GroupName: group})
		if err != nil && !wire.IsException(err, wire.GroupExistsException) {
			s.check("create group "+group, err)
		}
		_, err = pools.AdminAddUserToGroup(ctx, &wire.AdminAddUserToGroupRequest{
			UserPoolId: s.UserPoolID, Username: u.Username, GroupName: group,
		})
		s.check("add to group "+group, err)
	}
}

// unconfirm puts a user back to where a sign-up starts, which no operation does.
func (s *Server) unconfirm(ctx context.Context, username string) error {
	user, err := s.service.Pools().AdminGetUser(ctx, &wire.AdminGetUserRequest{UserPoolId: s.UserPoolID, Username: username})
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx storage.Tx) error {
		stored, err := tx.Users.BySub(s.UserPoolID, subOf(user.UserAttributes))
		if err != nil {
			return err
		}
		stored.Status = string(wire.UserStatusUnconfirmed)
		return tx.Users.Update(stored)
	})
}

func subOf(attributes []wire.AttributeType) string {
	for _, a := range attributes {
		if a.Name == "sub" {
			return a.Value
		}
	}
	return ""
}

// SetPassword gives a user a permanent password. The user's sessions end.
func (s *Server) SetPassword(username, password string) {
	s.tb.Helper()
	_, err := s.service.Pools().AdminSetUserPassword(context.Background(), &wire.AdminSetUserPasswordRequest{
		UserPoolId: s.UserPoolID, Username: username, Password: wire.Sensitive(password), Permanent: true,
	})
	s.check("set the password of "+username, err)
}

// ResetPassword makes the user's next sign-in fail until the password was reset.
func (s *Server) ResetPassword(username string) {
	s.tb.Helper()
	_, err := s.service.Pools().AdminResetUserPassword(context.Background(), &wire.AdminResetUserPasswordRequest{
		UserPoolId: s.UserPoolID, Username: username,
	})
	s.check("reset the password of "+username, err)
}

// DisableUser refuses the user's sign-ins and ends the user's sessions.
func (s *Server) DisableUser(username string) {
	s.tb.Helper()
	_, err := s.service.Pools().AdminDisableUser(context.Background(), &wire.AdminDisableUserRequest{
		UserPoolId: s.UserPoolID, Username: username,
	})
	s.check("disable "+username, err)
}

// DeleteUser removes the user.
func (s *Server) DeleteUser(username string) {
	s.tb.Helper()
	_, err := s.service.Pools().AdminDeleteUser(context.Background(), &wire.AdminDeleteUserRequest{
		UserPoolId: s.UserPoolID, Username: username,
	})
	s.check("delete "+username, err)
}

// SignOutEverywhere ends all sessions of a user, as an administrator does.
func (s *Server) SignOutEverywhere(username string) {
	s.tb.Helper()
	_, err := s.service.Pools().AdminUserGlobalSignOut(context.Background(), &wire.AdminUserGlobalSignOutRequest{
		UserPoolId: s.UserPoolID, Username: username,
	})
	s.check("sign out "+username, err)
}

// DeveloperToken signs a user of the application's own in, as the application's
// server does, and gives the user's identity and its OpenID token. A client hands the
// token to GetCredentialsForIdentity as the login "cognito-identity.amazonaws.com".
// It needs [DeveloperProvider].
func (s *Server) DeveloperToken(user string) (identityID, token string) {
	s.tb.Helper()
	out, err := s.service.IdentityPools().GetOpenIdTokenForDeveloperIdentity(context.Background(), &wire.GetOpenIdTokenForDeveloperIdentityRequest{
		IdentityPoolId: s.IdentityPoolID, Logins: wire.Parameters{s.developer: user},
	})
	s.check("sign the developer's user "+user+" in", err)
	return out.IdentityId, string(out.Token)
}

// DeleteIdentity removes an identity, as an administrator does.
func (s *Server) DeleteIdentity(identityID string) {
	s.tb.Helper()
	_, err := s.service.IdentityPools().DeleteIdentities(context.Background(), &wire.DeleteIdentitiesRequest{IdentityIdsToDelete: []string{identityID}})
	s.check("delete identity "+identityID, err)
}

// RotateKeys replaces the signing keys of the pool, as an operator does.
func (s *Server) RotateKeys() {
	s.tb.Helper()
	s.check("rotate the keys", s.service.Keys().Rotate(context.Background(), s.UserPoolID))
}
