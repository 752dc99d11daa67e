package accounts

import (
	"context"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// userShape is a user as answers show it, with the attributes that show names
// or with all.
func userShape(u storage.User, show []string) wire.UserType {
	return wire.UserType{
		Username: u.Username, Attributes: pick(pool.AttributeList(u), show), Enabled: u.Enabled,
		UserStatus:     wire.UserStatus(u.Status),
		UserCreateDate: wire.NewTime(u.CreatedAt), UserLastModifiedDate: wire.NewTime(u.ModifiedAt),
	}
}

func userShapes(users []storage.User, show []string) []wire.UserType {
	shapes := make([]wire.UserType, len(users))
	for i, u := range users {
		shapes[i] = userShape(u, show)
	}
	return shapes
}

// userKey is what lists of users go by, as storage orders them.
func userKey(u storage.User) string { return u.Sub }

// userChange changes a user in a transaction, and writes what came out.
type userChange func(tx storage.Tx, set *pool.Settings, user *storage.User) error

// changeUser runs change on the user that an administrator names, and updates the time of
// modification.
func (s *Service) changeUser(ctx context.Context, poolID, name string, change userChange) error {
	return s.store.Update(ctx, func(tx storage.Tx) error {
		_, set, err := s.pools.LoadPool(tx, poolID)
		if err != nil {
			return err
		}
		user, err := set.FindUserOrSub(tx, poolID, name)
		if err != nil {
			return err
		}
		user.ModifiedAt = s.pools.After(user.ModifiedAt)
		return change(tx, set, &user)
	})
}

// changeFound is changeUser for a user who was found before: between two transactions a name
// may pass to another user.
func (s *Service) changeFound(ctx context.Context, found storage.User, change func(storage.Tx, *storage.User) error) error {
	return s.store.Update(ctx, func(tx storage.Tx) error {
		user, err := tx.Users.BySub(found.PoolID, found.Sub)
		if err != nil {
			return pool.NotFound(err, wire.UserNotFound())
		}
		user.ModifiedAt = s.pools.After(user.ModifiedAt)
		return change(tx, &user)
	})
}

// AdminGetUser shows a user. The name may be a user name, an alias or a sub.
func (s *Service) AdminGetUser(ctx context.Context, in *wire.AdminGetUserRequest) (*wire.AdminGetUserResponse, error) {
	_, user, err := s.pools.ViewUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	u := userShape(user, nil)
	return &wire.AdminGetUserResponse{
		Username: u.Username, UserAttributes: u.Attributes, Enabled: u.Enabled, UserStatus: u.UserStatus,
		UserCreateDate: u.UserCreateDate, UserLastModifiedDate: u.UserLastModifiedDate,
	}, nil
}

// AdminDeleteUser removes a user with memberships and sessions. The name is free
// again; the sub is never used again.
func (s *Service) AdminDeleteUser(ctx context.Context, in *wire.AdminDeleteUserRequest) (*wire.AdminDeleteUserResponse, error) {
	err := s.changeUser(ctx, in.UserPoolId, in.Username, func(tx storage.Tx, _ *pool.Settings, user *storage.User) error {
		return s.removeUser(tx, user)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminDeleteUserResponse{}, nil
}

// AdminEnableUser lets a user sign in again. Sessions that disabling ended stay ended.
func (s *Service) AdminEnableUser(ctx context.Context, in *wire.AdminEnableUserRequest) (*wire.AdminEnableUserResponse, error) {
	err := s.changeUser(ctx, in.UserPoolId, in.Username, func(tx storage.Tx, _ *pool.Settings, user *storage.User) error {
		user.Enabled = true
		return tx.Users.Update(*user)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminEnableUserResponse{}, nil
}

// AdminDisableUser refuses a user's sign-ins and ends all sessions, in one
// transaction: no sign-in can slip between the two.
func (s *Service) AdminDisableUser(ctx context.Context, in *wire.AdminDisableUserRequest) (*wire.AdminDisableUserResponse, error) {
	err := s.changeUser(ctx, in.UserPoolId, in.Username, func(tx storage.Tx, _ *pool.Settings, user *storage.User) error {
		user.Enabled = false
		return s.tokens.EndSessions(tx, user)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminDisableUserResponse{}, nil
}

// AdminConfirmSignUp confirms a user who signed up, without a code. It
// verifies no contact.
func (s *Service) AdminConfirmSignUp(ctx context.Context, in *wire.AdminConfirmSignUpRequest) (*wire.AdminConfirmSignUpResponse, error) {
	err := s.changeUser(ctx, in.UserPoolId, in.Username, func(tx storage.Tx, set *pool.Settings, user *storage.User) error {
		if user.Status != string(wire.UserStatusUnconfirmed) {
			return wire.Exceptionf(wire.NotAuthorizedException, "User cannot be confirmed. Current status is %s", user.Status)
		}
		user.Status = string(wire.UserStatusConfirmed)
		return set.UpdateUser(tx, user)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminConfirmSignUpResponse{}, nil
}

// AdminResetUserPassword refuses sign-ins until the user has set a new password,
// ends all sessions, and sends a code to the user's verified contact. A user
// without a contact is reset too: an administrator has other ways to reach the user. A user
// who has not completed the sign-up, or has a temporary password, cannot be reset.
func (s *Service) AdminResetUserPassword(ctx context.Context, in *wire.AdminResetUserPasswordRequest) (*wire.AdminResetUserPasswordResponse, error) {
	var m *plug.Message
	cause := pool.Occasion{Purpose: plug.PurposeForgotPassword, Metadata: in.ClientMetadata}
	err := s.changeUser(ctx, in.UserPoolId, in.Username, func(tx storage.Tx, set *pool.Settings, user *storage.User) error {
		if !slices.Contains(resettable, wire.UserStatus(user.Status)) {
			return wire.NewException(wire.NotAuthorizedException, wire.MessagePasswordNotResettable)
		}
		user.Status = string(wire.UserStatusResetRequired)
		if err := s.tokens.EndSessions(tx, user); err != nil {
			return err
		}
		to, reachable := set.RecoveryContact(*user)
		if !reachable || !s.codes.CanSend() {
			return nil
		}
		code, err := s.codes.NewCode(tx, *user, pool.CodeReset, to.Address)
		m = new(cause.Message(set.CodeTemplate(to.Medium, pool.ResetTemplate), *user, to, code))
		return err
	})
	if err == nil && m != nil {
		err = s.codes.Send(ctx, *m)
	}
	if err != nil {
		return nil, err
	}
	return &wire.AdminResetUserPasswordResponse{}, nil
}

// AdminSetUserPassword sets a password, for good or as a temporary one, and
// ends all sessions. Cognito lets them continue; here a password that is replaced
// because it leaked also ends the intruder's sessions.
func (s *Service) AdminSetUserPassword(ctx context.Context, in *wire.AdminSetUserPasswordRequest) (*wire.AdminSetUserPasswordResponse, error) {
	set, user, err := s.pools.ViewUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	password, err := s.passwords.PreparePassword(ctx, set, user, string(in.Password))
	if err != nil {
		return nil, err
	}
	if err := s.passwords.CheckHistory(ctx, set, user, string(in.Password)); err != nil {
		return nil, err
	}
	err = s.changeFound(ctx, user, func(tx storage.Tx, user *storage.User) error {
		now := user.ModifiedAt
		if err := s.passwords.SetPassword(tx, set, user, password, in.Permanent, now.Add(set.TemporaryLife()), now); err != nil {
			return err
		}
		if err := set.UpdateUser(tx, user); err != nil { // a provider's user has names here from now on
			return err
		}
		return s.tokens.EndSessions(tx, user)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminSetUserPasswordResponse{}, nil
}

// ListUsers lists the users that pass the filter: by sub, or by value and sub where
// the filter is for a prefix.
func (s *Service) ListUsers(ctx context.Context, in *wire.ListUsersRequest) (*wire.ListUsersResponse, error) {
	p, err := s.lists.Page(in.PaginationToken, in.Limit, "ListUsers", in.UserPoolId, in.Filter)
	if err != nil {
		return nil, err
	}
	after, err := parseCursor(p.After)
	if err != nil {
		return nil, err
	}
	var list []storage.User
	var filter storage.UserFilter
	err = s.store.View(ctx, func(tx storage.Tx) error {
		_, set, err := s.pools.LoadPool(tx, in.UserPoolId)
		if err != nil {
			return err
		}
		if filter, err = canonicalFilter(set, in.Filter); err != nil {
			return err
		}
		if err := attributesToGet(set, in.AttributesToGet); err != nil {
			return err
		}
		list, err = tx.Users.List(in.UserPoolId, filter, after, p.Want())
		return err
	})
	if err != nil {
		return nil, err
	}
	list, next := paging.Turn(p, list, func(u storage.User) string { return cursorText(filter.Cursor(u)) })
	return &wire.ListUsersResponse{Users: userShapes(list, in.AttributesToGet), PaginationToken: next}, nil
}

// AdminCreateUser makes a user with a temporary password, or renews the
// temporary password of one who has not used it (MessageAction RESEND).
func (s *Service) AdminCreateUser(ctx context.Context, in *wire.AdminCreateUserRequest) (*wire.AdminCreateUserResponse, error) {
	if in.MessageAction == wire.MessageActionResend {
		return s.renewInvitation(ctx, in)
	}
	var set *pool.Settings
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		_, set, err = s.pools.LoadPool(tx, in.UserPoolId)
		return err
	})
	if err != nil {
		return nil, err
	}
	user, err := s.newUser(set, in)
	if err != nil {
		return nil, err
	}
	var password wire.Sensitive
	if in.TemporaryPassword == "" && passwordless(set, user) {
		user.Status = string(wire.UserStatusConfirmed)
	} else if password, err = s.giveTemporaryPassword(ctx, set, &user, in.TemporaryPassword, user.CreatedAt); err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx storage.Tx) error { return s.pools.InsertUser(tx, set, &user, in.ForceAliasCreation) })
	if err == nil {
		err = s.invite(ctx, set, user, in, password)
	}
	if err != nil {
		return nil, err
	}
	shape := userShape(user, nil)
	return &wire.AdminCreateUserResponse{User: &shape}, nil
}

// newUser makes the user that a request describes, still without a password.
func (s *Service) newUser(set *pool.Settings, in *wire.AdminCreateUserRequest) (storage.User, error) {
	now := s.now()
	user := storage.User{
		PoolID: in.UserPoolId, Sub: random.UUID(), Enabled: true, CreatedAt: now, ModifiedAt: now,
	}
	given, err := pool.AttributeMap(in.UserAttributes)
	if err != nil {
		return user, err
	}
	if err := set.NameUser(&user, in.Username, given); err != nil {
		return user, err
	}
	for name, value := range given {
		if value == "" {
			delete(given, name) // nothing to delete yet
		} else if pool.ServiceKept(name) {
			return user, pool.Invalid("user.%s: Attribute cannot be updated.\n", name)
		}
	}
	if err := set.CheckAttributes(given, false); err != nil {
		return user, err
	}
	return user, pool.SetAttributes(&user, given)
}

// passwordless reports whether user may sign in without ever having a password:
// by a code to a verified contact, where the pool's SignInPolicy has that as a
// first factor. Such a user is CONFIRMED at once.
func passwordless(p *pool.Settings, user storage.User) bool {
	if p.Policies == nil || p.Policies.SignInPolicy == nil {
		return false
	}
	factors := p.Policies.SignInPolicy.AllowedFirstAuthFactors
	return slices.Contains(factors, "EMAIL_OTP") && user.Attributes["email_verified"] == "true" ||
		slices.Contains(factors, "SMS_OTP") && user.Attributes["phone_number_verified"] == "true"
}

// giveTemporaryPassword gives user a password that has to be changed, a random
// one unless the administrator chose it. It is in the invitation and nowhere
// else.
func (s *Service) giveTemporaryPassword(ctx context.Context, set *pool.Settings, user *storage.User, chosen wire.Sensitive, now time.Time) (wire.Sensitive, error) {
	if chosen == "" {
		chosen = wire.Sensitive(limits.Generate(set.PasswordRules()))
	}
	password, err := s.passwords.PreparePassword(ctx, set, *user, string(chosen))
	if err != nil {
		return "", err
	}
	password.Apply(user, false, now.Add(set.TemporaryLife()), now)
	return chosen, nil
}

// invite sends a new user the temporary password, by the media that the
// administrator wishes (Cognito's default is SMS) and the user can be reached by,
// unless MessageAction is SUPPRESS. Without a messenger no invitation is sent.
func (s *Service) invite(ctx context.Context, set *pool.Settings, user storage.User, in *wire.AdminCreateUserRequest, password wire.Sensitive) error {
	if in.MessageAction == wire.MessageActionSuppress || !s.codes.CanSend() || password == "" {
		return nil
	}
	wished := in.DesiredDeliveryMediums
	if len(wished) == 0 {
		wished = []string{plug.MediumSMS}
	}
	cause := pool.Occasion{Purpose: plug.PurposeAdminCreateUser, Metadata: in.ClientMetadata}
	for _, attribute := range []string{pool.LoginEmail, pool.LoginPhone} {
		to := pool.ContactOf(user, attribute)
		if to.Address == "" || !slices.Contains(wished, to.Medium) {
			continue
		}
		if err := s.codes.Send(ctx, cause.Message(set.InviteTemplate(to.Medium), user, to, string(password))); err != nil {
			return err
		}
	}
	return nil
}

// renewInvitation gives a user who still has a temporary password another one,
// with its whole life (MessageAction RESEND). All else in the request is for
// new users only.
func (s *Service) renewInvitation(ctx context.Context, in *wire.AdminCreateUserRequest) (*wire.AdminCreateUserResponse, error) {
	set, found, err := s.pools.ViewUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	if err := invited(found); err != nil {
		return nil, err
	}
	renewed := found
	password, err := s.giveTemporaryPassword(ctx, set, &renewed, in.TemporaryPassword, s.pools.After(found.ModifiedAt))
	if err != nil {
		return nil, err
	}
	var user storage.User
	err = s.changeFound(ctx, found, func(tx storage.Tx, current *storage.User) error {
		if err := invited(*current); err != nil {
			return err
		}
		if err := s.passwords.Remember(tx, set, *current, found.PasswordEpoch); err != nil {
			return err
		}
		current.Salt, current.Verifier, current.TemporaryUntil = renewed.Salt, renewed.Verifier, renewed.TemporaryUntil
		current.PasswordEpoch++
		user = *current
		return tx.Users.Update(user)
	})
	if err == nil {
		err = s.invite(ctx, set, user, in, password)
	}
	if err != nil {
		return nil, err
	}
	shape := userShape(user, nil)
	return &wire.AdminCreateUserResponse{User: &shape}, nil
}

// invited refuses users who have no temporary password.
func invited(user storage.User) error {
	if user.Status == string(wire.UserStatusForceChangePassword) {
		return nil
	}
	return wire.Exceptionf(wire.UnsupportedUserStateException, "Resend not possible. Current status is %s", user.Status)
}

// HasPassword reports whether a user can sign in with a password: the user exists,
// is enabled and confirmed, and the password is the user's. It counts no attempt, so
// it is not for passwords that callers of the service send.
func (s *Service) HasPassword(ctx context.Context, poolID, username string, password wire.Sensitive) (bool, error) {
	set, user, err := s.pools.ViewUser(ctx, poolID, username)
	if wire.IsException(err, wire.UserNotFoundException) {
		return false, nil
	}
	if err != nil || len(user.Verifier) == 0 || s.passwords.AccountRefusal(user) != nil {
		return false, err
	}
	v, name, err := s.passwords.UnsealVerifier(set, user, user.Verifier)
	if err != nil {
		return false, err
	}
	leave, err := s.passwords.Enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return srp.Verifier{Salt: user.Salt, V: v}.Matches(pool.SRPPool(poolID), name, string(password)), nil
}
