package userpool

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
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
	if err := a.checkSecretHash(in.SecretHash, in.Username); err != nil {
		return nil, err
	}
	if c := a.poolSet.AdminCreateUserConfig; c != nil && c.AllowAdminCreateUserOnly != nil && *c.AllowAdminCreateUserOnly {
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageSignUpNotPermitted)
	}
	user, err := s.applicant(a, in)
	if err != nil {
		return nil, err
	}
	password, err := s.preparePassword(ctx, a.poolSet, user, string(in.Password))
	if err != nil {
		return nil, err
	}
	password.apply(&user, true, user.TemporaryUntil, user.CreatedAt)
	user.Status = string(wire.UserStatusUnconfirmed)
	to, sends := a.poolSet.newContact(user)
	var code string
	err = s.store.Update(ctx, func(tx storage.Tx) (err error) {
		if err := s.insertUser(tx, a.poolSet, &user, false); err != nil {
			return signUpConflict(err)
		}
		if sends {
			code, err = s.requestCode(ctx, tx, codeRequest{
				act: codeSignUp, purpose: codeSignUp, who: attemptsOf(user), user: user, address: to.address,
				hides: a.settings.hidesUsers(),
			})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &wire.SignUpResponse{UserSub: user.Sub}
	if sends {
		out.CodeDeliveryDetails = to.details()
	}
	if code != "" {
		cause := occasion{plug.PurposeSignUp, in.ClientId, in.ClientMetadata}
		err = s.send(ctx, cause.message(a.poolSet.codeTemplate(to.medium, signUpTemplate), user, to, code))
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
func (s *Service) applicant(a *app, in *wire.SignUpRequest) (storage.User, error) {
	for _, attribute := range in.UserAttributes {
		if !a.mayWrite(attribute.Name) {
			return storage.User{}, wire.NewException(wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute)
		}
	}
	user, err := s.newUser(a.poolSet, &wire.AdminCreateUserRequest{
		UserPoolId: a.pool.ID, Username: in.Username, UserAttributes: in.UserAttributes,
	})
	if err != nil {
		return user, err
	}
	return user, a.poolSet.checkAttributes(user.Attributes, true)
}

// viewApp finds an app client for work outside a transaction.
func (s *Service) viewApp(ctx context.Context, clientID string) (a *app, err error) {
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.loadApp(tx, clientID)
		return err
	})
	return a, err
}

// holder finds whom an account flow is about, or makes somebody up where the
// client hides who exists.
func (s *Service) holder(ctx context.Context, a *app, secretHash, name string) (*subject, error) {
	if err := a.checkSecretHash(secretHash, name); err != nil {
		return nil, err
	}
	who, err := s.findSubject(ctx, a, name)
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
	return veiled(ctx, a, func() (*wire.ResendConfirmationCodeResponse, error) {
		who, err := s.holder(ctx, a, in.SecretHash, in.Username)
		if err != nil {
			return nil, err
		}
		to, reachable := a.poolSet.newContact(who.user)
		waiting := wire.UserStatus(who.user.Status) == wire.UserStatusUnconfirmed
		switch {
		case a.settings.hidesUsers():
		case !waiting:
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageAlreadyConfirmedResend)
		case !reachable:
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageNoContact)
		}
		if !waiting {
			to = contact{}
		}
		details := s.details(a, who, codeSignUp, to)
		err = s.sendCode(ctx, a, who, actResend, codeSignUp, to, occasion{plug.PurposeResendCode, in.ClientId, in.ClientMetadata})
		return &wire.ResendConfirmationCodeResponse{CodeDeliveryDetails: details}, err
	})
}

// sendCode makes a code and passes it to the messenger. Without an address, because
// there is no such user or nothing to do, the same is done but for that.
func (s *Service) sendCode(ctx context.Context, a *app, who *subject, act, purpose string, to contact, cause occasion) error {
	user, hides := who.user, a.settings.hidesUsers() && who.attempts.name != ""
	if to.address == "" {
		user = storage.User{}
	}
	if s.messenger == nil { // for every name alike
		return s.send(ctx, plug.Message{Purpose: cause.purpose, PoolID: a.pool.ID})
	}
	var code string
	err := s.store.Update(ctx, func(tx storage.Tx) (err error) {
		code, err = s.requestCode(ctx, tx, codeRequest{
			act: act, purpose: purpose, who: who.attempts, user: user, address: to.address, hides: hides,
		})
		return err
	})
	if err != nil || code == "" {
		return err
	}
	standard := signUpTemplate
	if purpose == codeReset {
		standard = resetTemplate
	}
	err = s.send(ctx, cause.message(a.poolSet.codeTemplate(to.medium, standard), user, to, code))
	if hides {
		return nil // the failure was logged, and would tell that there is a user
	}
	return err
}

// ConfirmSignUp confirms a user with the code of the SignUp. The contact that it
// was sent to is verified from then on, and becomes an alias where the pool has
// that; ForceAliasCreation takes it from whoever has it.
func (s *Service) ConfirmSignUp(ctx context.Context, in *wire.ConfirmSignUpRequest) (*wire.ConfirmSignUpResponse, error) {
	a, err := s.viewApp(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	return veiled(ctx, a, func() (*wire.ConfirmSignUpResponse, error) {
		who, err := s.holder(ctx, a, in.SecretHash, in.Username)
		if err != nil {
			return nil, err
		}
		answer := codeWrong
		err = s.store.Update(ctx, func(tx storage.Tx) error {
			user, err := s.reread(tx, who)
			if err != nil {
				return err
			}
			if waiting := wire.UserStatus(user.Status) == wire.UserStatusUnconfirmed; !waiting && !a.settings.hidesUsers() {
				return wire.Exceptionf(wire.NotAuthorizedException, "User cannot be confirmed. Current status is %s", user.Status)
			}
			var code storage.Code
			if answer, code, err = s.tryCode(tx, who.attempts, a.settings.hidesUsers(), user, codeSignUp, in.ConfirmationCode); err != nil || answer != codeRight {
				return err
			}
			user.Status = string(wire.UserStatusConfirmed)
			user.ModifiedAt = s.after(user.ModifiedAt)
			return s.verifyContact(tx, a.poolSet, &user, code.Address, in.ForceAliasCreation)
		})
		if err == nil {
			err = answer.refusal(a.settings.hidesUsers())
		}
		if err != nil {
			return nil, err
		}
		return &wire.ConfirmSignUpResponse{}, nil
	})
}

// reread reads a subject's user again inside the transaction that changes it; a
// made-up one stays the zero User.
func (s *Service) reread(tx storage.Tx, who *subject) (storage.User, error) {
	if !who.real() {
		return storage.User{}, nil
	}
	user, err := tx.Users.BySub(who.user.PoolID, who.user.Sub)
	return user, notFound(err, wire.UserNotFound())
}

// verifyContact notes that a user has shown to own an address, and writes the
// user. If the user's address is another one by now, nothing is verified.
func (s *Service) verifyContact(tx storage.Tx, set *PoolSettings, user *storage.User, address string, moveAlias bool) error {
	for _, attribute := range []string{loginEmail, loginPhone} {
		if user.Attributes[attribute] == address {
			user.Attributes[attribute+"_verified"] = "true"
		}
	}
	if moveAlias {
		if err := s.freeAliases(tx, set, user); err != nil {
			return err
		}
	}
	return set.updateUser(tx, user)
}
