package latchkeytest

import (
	"context"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
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
	ctx := context.Background()
	request := &wire.AdminCreateUserRequest{
		UserPoolId: s.UserPoolID, Username: u.Username,
		TemporaryPassword: wire.Sensitive(u.Password), MessageAction: wire.MessageActionSuppress,
	}
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		request.UserAttributes = append(request.UserAttributes, wire.AttributeType{Name: name, Value: u.Attributes[name]})
	}
	err := s.service.Call(ctx, "AdminCreateUser", request, nil)
	s.check("create user "+u.Username, err)
	if !u.Temporary {
		s.SetPassword(u.Username, u.Password)
	}
	if u.Unconfirmed {
		s.check("unconfirm user "+u.Username, s.unconfirm(ctx, u.Username))
	}
	for _, group := range u.Groups {
		err := s.service.Call(ctx, "CreateGroup", &wire.CreateGroupRequest{UserPoolId: s.UserPoolID, GroupName: group}, nil)
		if err != nil && !wire.IsException(err, wire.GroupExistsException) {
			s.check("create group "+group, err)
		}
		err = s.service.Call(ctx, "AdminAddUserToGroup", &wire.AdminAddUserToGroupRequest{
			UserPoolId: s.UserPoolID, Username: u.Username, GroupName: group,
		}, nil)
		s.check("add to group "+group, err)
	}
}

// unconfirm puts a user back to where a sign-up starts, which no operation does.
func (s *Server) unconfirm(ctx context.Context, username string) error {
	user, err := perform[wire.AdminGetUserResponse](ctx, s.service, "AdminGetUser", &wire.AdminGetUserRequest{UserPoolId: s.UserPoolID, Username: username})
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
	err := s.service.Call(context.Background(), "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
		UserPoolId: s.UserPoolID, Username: username, Password: wire.Sensitive(password), Permanent: true,
	}, nil)
	s.check("set the password of "+username, err)
}

// ResetPassword makes the user's next sign-in fail until the password was reset.
func (s *Server) ResetPassword(username string) {
	s.tb.Helper()
	err := s.service.Call(context.Background(), "AdminResetUserPassword", &wire.AdminResetUserPasswordRequest{
		UserPoolId: s.UserPoolID, Username: username,
	}, nil)
	s.check("reset the password of "+username, err)
}

// DisableUser refuses the user's sign-ins and ends the user's sessions.
func (s *Server) DisableUser(username string) {
	s.tb.Helper()
	err := s.service.Call(context.Background(), "AdminDisableUser", &wire.AdminDisableUserRequest{
		UserPoolId: s.UserPoolID, Username: username,
	}, nil)
	s.check("disable "+username, err)
}

// DeleteUser removes the user.
func (s *Server) DeleteUser(username string) {
	s.tb.Helper()
	err := s.service.Call(context.Background(), "AdminDeleteUser", &wire.AdminDeleteUserRequest{
		UserPoolId: s.UserPoolID, Username: username,
	}, nil)
	s.check("delete "+username, err)
}

// SignOutEverywhere ends all sessions of a user, as an administrator does.
func (s *Server) SignOutEverywhere(username string) {
	s.tb.Helper()
	err := s.service.Call(context.Background(), "AdminUserGlobalSignOut", &wire.AdminUserGlobalSignOutRequest{
		UserPoolId: s.UserPoolID, Username: username,
	}, nil)
	s.check("sign out "+username, err)
}

// DeveloperToken signs a user of the application's own in, as the application's
// server does, and gives the user's identity and its OpenID token. A client hands the
// token to GetCredentialsForIdentity as the login "cognito-identity.amazonaws.com".
// It needs [DeveloperProvider].
func (s *Server) DeveloperToken(user string) (identityID, token string) {
	s.tb.Helper()
	out, err := perform[wire.GetOpenIdTokenForDeveloperIdentityResponse](context.Background(), s.service, "GetOpenIdTokenForDeveloperIdentity", &wire.GetOpenIdTokenForDeveloperIdentityRequest{
		IdentityPoolId: s.IdentityPoolID, Logins: wire.Parameters{s.developer: user},
	})
	s.check("sign the developer's user "+user+" in", err)
	return out.IdentityId, string(out.Token)
}

// DeleteIdentity removes an identity, as an administrator does.
func (s *Server) DeleteIdentity(identityID string) {
	s.tb.Helper()
	err := s.service.Call(context.Background(), "DeleteIdentities", &wire.DeleteIdentitiesRequest{IdentityIdsToDelete: []string{identityID}}, nil)
	s.check("delete identity "+identityID, err)
}

// RotateKeys replaces the signing keys of the pool, as an operator does.
func (s *Server) RotateKeys() {
	s.tb.Helper()
	request := server.RotateSigningKeysRequest{UserPoolId: s.UserPoolID}
	s.check("rotate the keys", s.service.Call(context.Background(), "RotateSigningKeys", request, nil))
}
