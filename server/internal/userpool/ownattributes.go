package userpool

import (
	"context"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// UpdateUserAttributes sets attributes of the token's user. A contact that
// changes has to be verified anew, with a code that is sent to it if the pool
// verifies it by itself. Where the pool requires that first, the old value stays
// until then.
func (s *Service) UpdateUserAttributes(ctx context.Context, in *wire.UpdateUserAttributesRequest) (*wire.UpdateUserAttributesResponse, error) {
	c, err := s.authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	given, err := attributeMap(in.UserAttributes)
	if err != nil {
		return nil, err
	}
	if err := c.app.checkWritable(slices.Collect(maps.Keys(given))); err != nil {
		return nil, err
	}
	var list []sending
	err = s.changeFound(ctx, c.user, func(tx storage.Tx, user *storage.User) (err error) {
		list, err = s.changeAttributes(ctx, tx, c.app.poolSet, user, given, true)
		c.user = *user
		return err
	})
	if err != nil {
		return nil, err
	}
	details, err := s.sendAll(ctx, c.app.poolSet, c.user, list, occasion{plug.PurposeUpdateUserAttribute, c.app.client.ID, in.ClientMetadata})
	if err != nil {
		return nil, err
	}
	return &wire.UpdateUserAttributesResponse{CodeDeliveryDetailsList: details}, nil
}

// checkWritable refuses attributes that the client may not write.
func (a *app) checkWritable(names []string) error {
	for _, name := range names {
		if !a.mayWrite(name) {
			return wire.NewException(wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute)
		}
	}
	return nil
}

// DeleteUserAttributes deletes attributes of the token's user that the pool does
// not require.
func (s *Service) DeleteUserAttributes(ctx context.Context, in *wire.DeleteUserAttributesRequest) (*wire.DeleteUserAttributesResponse, error) {
	c, err := s.authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := c.app.checkWritable(in.UserAttributeNames); err != nil {
		return nil, err
	}
	err = s.changeFound(ctx, c.user, func(tx storage.Tx, user *storage.User) error {
		return c.app.poolSet.deleteAttributes(tx, user, in.UserAttributeNames)
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteUserAttributesResponse{}, nil
}

// GetUserAttributeVerificationCode sends a code to the user's e-mail address or
// phone number, or to the one that waits for its verification.
func (s *Service) GetUserAttributeVerificationCode(ctx context.Context, in *wire.GetUserAttributeVerificationCodeRequest) (*wire.GetUserAttributeVerificationCodeResponse, error) {
	c, err := s.authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	var to contact
	var purpose string
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		to, purpose, err = s.verifiable(tx, c.user, in.AttributeName)
		return err
	})
	if err != nil {
		return nil, err
	}
	who := &subject{user: c.user, attempts: attemptsOf(c.user)}
	if err := s.sendCode(ctx, c.app, who, purpose, purpose, to, occasion{plug.PurposeVerifyUserAttribute, c.app.client.ID, in.ClientMetadata}); err != nil {
		return nil, err
	}
	return &wire.GetUserAttributeVerificationCodeResponse{CodeDeliveryDetails: to.details()}, nil
}

// verifiable is the user's contact of that name which is verified next, and the purpose of
// its code: the new value where one waits.
func (s *Service) verifiable(tx storage.Tx, user storage.User, attribute string) (to contact, purpose string, err error) {
	if attribute != loginEmail && attribute != loginPhone {
		return to, "", invalid("Attribute %s cannot be verified: only email and phone_number can.", attribute)
	}
	to, waits, err := s.waiting(tx, user, attribute)
	if waits || err != nil {
		return to, codeChange + attribute, err
	}
	if to = contactOf(user, attribute); to.address == "" {
		return to, "", invalid("User does not have %s to verify.", attribute)
	}
	return to, codeVerify + attribute, nil
}

// VerifyUserAttribute verifies a contact with the code that was sent to it. A value that
// waited for it becomes the attribute.
func (s *Service) VerifyUserAttribute(ctx context.Context, in *wire.VerifyUserAttributeRequest) (*wire.VerifyUserAttributeResponse, error) {
	c, err := s.authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	answer := codeWrong
	err = s.changeFound(ctx, c.user, func(tx storage.Tx, user *storage.User) error {
		_, purpose, err := s.verifiable(tx, *user, in.AttributeName)
		if err != nil {
			return err
		}
		var code storage.Code
		answer, code, err = s.tryCode(tx, attemptsOf(*user), false, *user, purpose, in.Code)
		if err != nil || answer != codeRight {
			return err
		}
		if purpose == codeChange+in.AttributeName {
			user.Attributes = withAttribute(user.Attributes, in.AttributeName, code.Address)
		}
		return s.verifyContact(tx, c.app.poolSet, user, code.Address, false)
	})
	if err == nil {
		err = answer.refusal(false)
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
	c, err := s.authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := s.changeFound(ctx, c.user, s.removeUser); err != nil {
		return nil, err
	}
	return &wire.DeleteUserResponse{}, nil
}

// removeUser deletes a user and tells who follows that the sessions are over.
func (s *Service) removeUser(tx storage.Tx, user *storage.User) error {
	if err := s.announce(tx, storage.Ended{PoolID: user.PoolID, UserSub: user.Sub}); err != nil {
		return err
	}
	return tx.Users.Delete(user.PoolID, user.Sub)
}
