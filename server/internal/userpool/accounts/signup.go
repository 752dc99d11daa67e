package accounts

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// SignUp makes an unconfirmed user, and sends a code to the contact that the
// pool verifies. That a user name is taken is always said, as Cognito does; a
// verified alias is found out only with the code.
func (s *Service) SignUp(ctx context.Context, in *wire.SignUpRequest) (*wire.SignUpResponse, error) {
	a, err := s.viewApp(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	if err := a.CheckSecretHash(in.SecretHash, in.Username); err != nil {
		return nil, err
	}
	if c := a.PoolSettings.AdminCreateUserConfig; c != nil && c.AllowAdminCreateUserOnly != nil && *c.AllowAdminCreateUserOnly {
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageSignUpNotPermitted)
	}
	user, err := s.applicant(a, in)
	if err != nil {
		return nil, err
	}
	password, err := s.passwords.PreparePassword(ctx, a.PoolSettings, user, string(in.Password))
	if err != nil {
		return nil, err
	}
	password.Apply(&user, true, user.TemporaryUntil, user.CreatedAt)
	user.Status = string(wire.UserStatusUnconfirmed)
	to, sends := a.PoolSettings.NewContact(user)
	var code string
	err = s.store.Update(ctx, func(tx storage.Tx) (err error) {
		if err := s.pools.InsertUser(tx, a.PoolSettings, &user, false); err != nil {
			return signUpConflict(err)
		}
		if sends {
			code, err = s.codes.RequestCode(ctx, tx, pool.CodeRequest{
				Act: pool.CodeSignUp, Purpose: pool.CodeSignUp, Who: pool.AttemptsOf(user), User: user, Address: to.Address,
				Hides: a.Settings.HidesUsers(),
			})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &wire.SignUpResponse{UserSub: user.Sub}
	if sends {
		out.CodeDeliveryDetails = to.Details()
	}
	if code != "" {
		cause := pool.Occasion{Purpose: plug.PurposeSignUp, ClientID: in.ClientId, Metadata: in.ClientMetadata}
		err = s.codes.Send(ctx, cause.Message(a.PoolSettings.CodeTemplate(to.Medium, pool.SignUpTemplate), user, to, code))
	}
	return out, err
}

// signUpConflict words a taken name for the person who signs up.
func signUpConflict(err error) error {
	if wire.IsException(err, wire.UsernameExistsException) {
		return wire.NewException(wire.UsernameExistsException, wire.MessageUserExists)
	}
	return err
}

// applicant is the user that a SignUp describes. What the client may not write
// it may not bring along either, and everything that the pool requires must be there.
func (s *Service) applicant(a *pool.App, in *wire.SignUpRequest) (storage.User, error) {
	for _, attribute := range in.UserAttributes {
		if !a.MayWrite(attribute.Name) {
			return storage.User{}, wire.NewException(wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute)
		}
	}
	user, err := s.newUser(a.PoolSettings, &wire.AdminCreateUserRequest{
		UserPoolId: a.Pool.ID, Username: in.Username, UserAttributes: in.UserAttributes,
	})
	if err != nil {
		return user, err
	}
	return user, a.PoolSettings.CheckAttributes(user.Attributes, true)
}

// viewApp finds an app client for work outside a transaction.
func (s *Service) viewApp(ctx context.Context, clientID string) (a *pool.App, err error) {
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.pools.LoadApp(tx, clientID)
		return err
	})
	return a, err
}

// holder finds the user of an account flow, or makes one up if the client hides which users
// exist.
func (s *Service) holder(ctx context.Context, a *pool.App, secretHash, name string) (*pool.Subject, error) {
	if err := a.CheckSecretHash(secretHash, name); err != nil {
		return nil, err
	}
	who, err := s.passwords.FindSubject(ctx, a, name)
	if wire.IsException(err, wire.UserNotFoundException) {
		return nil, wire.NewException(wire.UserNotFoundException, wire.MessageUsernameClientNotFound)
	}
	return who, err
}

// ResendConfirmationCode sends the code of a SignUp again; the one before is
// good no longer.
func (s *Service) ResendConfirmationCode(ctx context.Context, in *wire.ResendConfirmationCodeRequest) (*wire.ResendConfirmationCodeResponse, error) {
	a, err := s.viewApp(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	return pool.Veiled(ctx, a, func() (*wire.ResendConfirmationCodeResponse, error) {
		who, err := s.holder(ctx, a, in.SecretHash, in.Username)
		if err != nil {
			return nil, err
		}
		to, reachable := a.PoolSettings.NewContact(who.User)
		waiting := wire.UserStatus(who.User.Status) == wire.UserStatusUnconfirmed
		switch {
		case a.Settings.HidesUsers():
		case !waiting:
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageAlreadyConfirmedResend)
		case !reachable:
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageNoContact)
		}
		if !waiting {
			to = pool.Contact{}
		}
		details := s.details(a, who, pool.CodeSignUp, to)
		err = s.sendCode(ctx, a, who, pool.ActResend, pool.CodeSignUp, to, pool.Occasion{Purpose: plug.PurposeResendCode, ClientID: in.ClientId, Metadata: in.ClientMetadata})
		return &wire.ResendConfirmationCodeResponse{CodeDeliveryDetails: details}, err
	})
}

// sendCode makes a code and passes it to the messenger. Without an address, because
// there is no such user or nothing to do, the same is done but for that.
func (s *Service) sendCode(ctx context.Context, a *pool.App, who *pool.Subject, act, purpose string, to pool.Contact, cause pool.Occasion) error {
	user, hides := who.User, a.Settings.HidesUsers() && who.Attempts.Name != ""
	if to.Address == "" {
		user = storage.User{}
	}
	if !s.codes.CanSend() { // for every name alike
		return s.codes.Send(ctx, plug.Message{Purpose: cause.Purpose, PoolID: a.Pool.ID})
	}
	var code string
	err := s.store.Update(ctx, func(tx storage.Tx) (err error) {
		code, err = s.codes.RequestCode(ctx, tx, pool.CodeRequest{
			Act: act, Purpose: purpose, Who: who.Attempts, User: user, Address: to.Address, Hides: hides,
		})
		return err
	})
	if err != nil || code == "" {
		return err
	}
	standard := pool.SignUpTemplate
	if purpose == pool.CodeReset {
		standard = pool.ResetTemplate
	}
	m := cause.Message(a.PoolSettings.CodeTemplate(to.Medium, standard), user, to, code)
	if hides {
		s.codes.SendHidden(ctx, m)
		return nil
	}
	return s.codes.Send(ctx, m)
}

// ConfirmSignUp confirms a user with the code of the SignUp. The contact that it
// was sent to is verified from then on, and becomes an alias if the pool has
// aliases; ForceAliasCreation takes it from another user who has it.
func (s *Service) ConfirmSignUp(ctx context.Context, in *wire.ConfirmSignUpRequest) (*wire.ConfirmSignUpResponse, error) {
	a, err := s.viewApp(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	return pool.Veiled(ctx, a, func() (*wire.ConfirmSignUpResponse, error) {
		who, err := s.holder(ctx, a, in.SecretHash, in.Username)
		if err != nil {
			return nil, err
		}
		answer := pool.CodeWrong
		err = s.store.Update(ctx, func(tx storage.Tx) error {
			user, err := s.reread(tx, who)
			if err != nil {
				return err
			}
			if waiting := wire.UserStatus(user.Status) == wire.UserStatusUnconfirmed; !waiting && !a.Settings.HidesUsers() {
				return wire.Exceptionf(wire.NotAuthorizedException, "User cannot be confirmed. Current status is %s", user.Status)
			}
			var code storage.Code
			if answer, code, err = s.codes.TryCode(tx, who.Attempts, a.Settings.HidesUsers(), user, pool.CodeSignUp, in.ConfirmationCode); err != nil || answer != pool.CodeRight {
				return err
			}
			user.Status = string(wire.UserStatusConfirmed)
			user.ModifiedAt = s.pools.After(user.ModifiedAt)
			return s.verifyContact(tx, a.PoolSettings, &user, code.Address, in.ForceAliasCreation)
		})
		if err == nil {
			err = answer.Refusal(a.Settings.HidesUsers())
		}
		if err != nil {
			return nil, err
		}
		return &wire.ConfirmSignUpResponse{}, nil
	})
}

// reread reads a subject's user again inside the transaction that changes it; a
// made-up one stays the zero User.
func (s *Service) reread(tx storage.Tx, who *pool.Subject) (storage.User, error) {
	if !who.Real() {
		return storage.User{}, nil
	}
	user, err := tx.Users.BySub(who.User.PoolID, who.User.Sub)
	return user, pool.NotFound(err, wire.UserNotFound())
}

// verifyContact notes that a user has shown to own an address, and writes the
// user. If the user's address is another one by now, nothing is verified.
func (s *Service) verifyContact(tx storage.Tx, set *pool.Settings, user *storage.User, address string, moveAlias bool) error {
	for _, attribute := range []string{pool.LoginEmail, pool.LoginPhone} {
		if user.Attributes[attribute] == address {
			user.Attributes[attribute+"_verified"] = "true"
		}
	}
	if moveAlias {
		if err := s.pools.FreeAliases(tx, set, user); err != nil {
			return err
		}
	}
	return set.UpdateUser(tx, user)
}
