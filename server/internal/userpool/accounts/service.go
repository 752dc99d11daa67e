package accounts

import (
	"time"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Service keeps user accounts and groups. It is safe for concurrent use.
type Service struct {
	pools     *pool.Pools
	passwords *pool.Passwords
	codes     *pool.Codes
	sessions  *pool.Sessions
	tokens    *tokens.Service

	store storage.Store
	box   *seal.Box
	lists paging.Lists
	now   func() time.Time
}

// New makes a Service.
func New(b *pool.Base, t *tokens.Service) *Service {
	return &Service{
		pools: b.Pools, passwords: b.Passwords, codes: b.Codes, sessions: b.Sessions, tokens: t,
		store: b.Store, box: b.Box, lists: b.Lists, now: b.Now,
	}
}

// Operations are the operations that this room offers, by name.
func (s *Service) Operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"SignUp":                           wire.Handle(s.SignUp),
		"ConfirmSignUp":                    wire.Handle(s.ConfirmSignUp),
		"ResendConfirmationCode":           wire.Handle(s.ResendConfirmationCode),
		"ForgotPassword":                   wire.Handle(s.ForgotPassword),
		"ConfirmForgotPassword":            wire.Handle(s.ConfirmForgotPassword),
		"ChangePassword":                   wire.Handle(s.ChangePassword),
		"GetUser":                          wire.Handle(s.GetUser),
		"UpdateUserAttributes":             wire.Handle(s.UpdateUserAttributes),
		"DeleteUserAttributes":             wire.Handle(s.DeleteUserAttributes),
		"GetUserAttributeVerificationCode": wire.Handle(s.GetUserAttributeVerificationCode),
		"VerifyUserAttribute":              wire.Handle(s.VerifyUserAttribute),
		"DeleteUser":                       wire.Handle(s.DeleteUser),

		"AdminCreateUser":           wire.Handle(s.AdminCreateUser),
		"AdminGetUser":              wire.Handle(s.AdminGetUser),
		"AdminDeleteUser":           wire.Handle(s.AdminDeleteUser),
		"AdminEnableUser":           wire.Handle(s.AdminEnableUser),
		"AdminDisableUser":          wire.Handle(s.AdminDisableUser),
		"AdminConfirmSignUp":        wire.Handle(s.AdminConfirmSignUp),
		"AdminResetUserPassword":    wire.Handle(s.AdminResetUserPassword),
		"AdminSetUserPassword":      wire.Handle(s.AdminSetUserPassword),
		"AdminUpdateUserAttributes": wire.Handle(s.AdminUpdateUserAttributes),
		"AdminDeleteUserAttributes": wire.Handle(s.AdminDeleteUserAttributes),
		"ListUsers":                 wire.Handle(s.ListUsers),

		"CreateGroup":              wire.Handle(s.CreateGroup),
		"GetGroup":                 wire.Handle(s.GetGroup),
		"UpdateGroup":              wire.Handle(s.UpdateGroup),
		"DeleteGroup":              wire.Handle(s.DeleteGroup),
		"ListGroups":               wire.Handle(s.ListGroups),
		"ListUsersInGroup":         wire.Handle(s.ListUsersInGroup),
		"AdminAddUserToGroup":      wire.Handle(s.AdminAddUserToGroup),
		"AdminRemoveUserFromGroup": wire.Handle(s.AdminRemoveUserFromGroup),
		"AdminListGroupsForUser":   wire.Handle(s.AdminListGroupsForUser),
	}
}
