package accounts

import (
	"context"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// UpdateUserAttributes sets attributes of the token's user. A contact that
// changes has to be verified anew, with a code that is sent to it if the pool
// verifies it by itself. Where the pool requires that first, the old value stays
// until then.
func (s *Service) UpdateUserAttributes(ctx context.Context, in *wire.UpdateUserAttributesRequest) (*wire.UpdateUserAttributesResponse, error) {
	c, err := s.tokens.Authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	given, err := pool.AttributeMap(in.UserAttributes)
	if err != nil {
		return nil, err
	}
	if err := checkWritable(c.App, slices.Collect(maps.Keys(given))); err != nil {
		return nil, err
	}
	var list []sending
	err = s.changeFound(ctx, c.User, func(tx storage.Tx, user *storage.User) (err error) {
		list, err = s.changeAttributes(ctx, tx, c.App.PoolSettings, user, given, true)
		c.User = *user
		return err
	})
	if err != nil {
		return nil, err
	}
	details, err := s.sendAll(ctx, c.App.PoolSettings, c.User, list, pool.Occasion{Purpose: plug.PurposeUpdateUserAttribute, ClientID: c.App.Client.ID, Metadata: in.ClientMetadata})
	if err != nil {
		return nil, err
	}
	return &wire.UpdateUserAttributesResponse{CodeDeliveryDetailsList: details}, nil
}

// checkWritable refuses attributes that the client may not write.
func checkWritable(a *pool.App, names []string) error {
	for _, name := range names {
		if !a.MayWrite(name) {
			return wire.NewException(wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute)
		}
	}
	return nil
}

// DeleteUserAttributes deletes attributes of the token's user that the pool does
// not require.
func (s *Service) DeleteUserAttributes(ctx context.Context, in *wire.DeleteUserAttributesRequest) (*wire.DeleteUserAttributesResponse, error) {
	c, err := s.tokens.Authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := checkWritable(c.App, in.UserAttributeNames); err != nil {
		return nil, err
	}
	err = s.changeFound(ctx, c.User, func(tx storage.Tx, user *storage.User) error {
		return c.App.PoolSettings.DeleteAttributes(tx, user, in.UserAttributeNames)
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteUserAttributesResponse{}, nil
}

// GetUserAttributeVerificationCode sends a code to the user's e-mail address or
// phone number, or to the one that waits for its verification.
func (s *Service) GetUserAttributeVerificationCode(ctx context.Context, in *wire.GetUserAttributeVerificationCodeRequest) (*wire.GetUserAttributeVerificationCodeResponse, error) {
	c, err := s.tokens.Authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	var to pool.Contact
	var purpose string
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		to, purpose, err = s.verifiable(tx, c.User, in.AttributeName)
		return err
	})
	if err != nil {
		return nil, err
	}
	who := &pool.Subject{User: c.User, Attempts: pool.AttemptsOf(c.User)}
	if err := s.sendCode(ctx, c.App, who, purpose, purpose, to, pool.Occasion{Purpose: plug.PurposeVerifyUserAttribute, ClientID: c.App.Client.ID, Metadata: in.ClientMetadata}); err != nil {
		return nil, err
	}
	return &wire.GetUserAttributeVerificationCodeResponse{CodeDeliveryDetails: to.Details()}, nil
}

// verifiable is the user's contact of that name which is verified next, and the purpose of
// its code: the new value where one waits.
func (s *Service) verifiable(tx storage.Tx, user storage.User, attribute string) (to pool.Contact, purpose string, err error) {
	if attribute != pool.LoginEmail && attribute != pool.LoginPhone {
		return to, "", pool.Invalid("Attribute %s cannot be verified: only email and phone_number can.", attribute)
	}
	to, waits, err := s.waiting(tx, user, attribute)
	if waits || err != nil {
		return to, pool.CodeChange + attribute, err
	}
	if to = pool.ContactOf(user, attribute); to.Address == "" {
		return to, "", pool.Invalid("User does not have %s to verify.", attribute)
	}
	return to, pool.CodeVerify + attribute, nil
}

// VerifyUserAttribute verifies a contact with the code that was sent to it. A value that
// waited for it becomes the attribute.
func (s *Service) VerifyUserAttribute(ctx context.Context, in *wire.VerifyUserAttributeRequest) (*wire.VerifyUserAttributeResponse, error) {
	c, err := s.tokens.Authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	answer := pool.CodeWrong
	err = s.changeFound(ctx, c.User, func(tx storage.Tx, user *storage.User) error {
		_, purpose, err := s.verifiable(tx, *user, in.AttributeName)
		if err != nil {
			return err
		}
		var code storage.Code
		answer, code, err = s.codes.TryCode(tx, pool.AttemptsOf(*user), false, *user, purpose, in.Code)
		if err != nil || answer != pool.CodeRight {
			return err
		}
		if purpose == pool.CodeChange+in.AttributeName {
			user.Attributes = withAttribute(user.Attributes, in.AttributeName, code.Address)
		}
		return s.verifyContact(tx, c.App.PoolSettings, user, code.Address, false)
	})
	if err == nil {
		err = answer.Refusal(false)
	}
	if err != nil {
		return nil, err
	}
	return &wire.VerifyUserAttributeResponse{}, nil
}

// withAttribute returns a copy of attributes with one of them set.
func withAttribute(attributes map[string]string, name, value string) map[string]string {
	attributes = maps.Clone(attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes[name] = value
	return attributes
}

// DeleteUser removes the token's user, with all sessions.
func (s *Service) DeleteUser(ctx context.Context, in *wire.DeleteUserRequest) (*wire.DeleteUserResponse, error) {
	c, err := s.tokens.Authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := s.changeFound(ctx, c.User, s.removeUser); err != nil {
		return nil, err
	}
	return &wire.DeleteUserResponse{}, nil
}

// removeUser deletes a user and publishes the end of the sessions.
func (s *Service) removeUser(tx storage.Tx, user *storage.User) error {
	if err := s.sessions.Announce(tx, storage.Ended{PoolID: user.PoolID, UserSub: user.Sub}); err != nil {
		return err
	}
	return tx.Users.Delete(user.PoolID, user.Sub)
}
