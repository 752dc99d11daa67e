package userpool

import (
	"context"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// UpdateUserAttributes sets attributes of the token's user. A contact that
// changes has to be verified anew, with a code that is sent to it if the pool
// verifies it by itself.
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
	var changed []contact
	var codes []string
	var user storage.User
	err = s.changeFound(ctx, c.user, func(tx storage.Tx, now *storage.User) error {
		changed, codes = nil, nil
		for _, attribute := range []string{loginEmail, loginPhone} {
			if v := given[attribute]; v != "" && v != now.Attributes[attribute] && c.app.poolSet.autoVerifies(attribute) {
				changed = append(changed, contact{attribute, contactOf(*now, attribute).medium, v})
			}
		}
		if err := updateAttributes(tx, c.app.poolSet, now, given); err != nil {
			return err
		}
		user = *now
		for _, to := range changed {
			code, err := s.newCode(tx, attemptKey(user), user, codeVerify+to.attribute, to.address)
			if err != nil {
				return err
			}
			codes = append(codes, code)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &wire.UpdateUserAttributesResponse{}
	for i, to := range changed {
		if err := s.deliver(ctx, c.app.poolSet.codeTemplate(to.medium, signUpTemplate).message(user, to, codes[i])); err != nil {
			return nil, err
		}
		out.CodeDeliveryDetailsList = append(out.CodeDeliveryDetailsList, *to.details())
	}
	return out, nil
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
	given := make(map[string]string, len(in.UserAttributeNames))
	for _, name := range in.UserAttributeNames {
		if slices.Contains(c.app.poolSet.requiredAttributes(), name) {
			return nil, invalid("Invalid user attributes: %s: The attribute is required", name)
		}
		given[name] = ""
	}
	err = s.changeFound(ctx, c.user, func(tx storage.Tx, user *storage.User) error {
		return updateAttributes(tx, c.app.poolSet, user, given)
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteUserAttributesResponse{}, nil
}

// GetUserAttributeVerificationCode sends a code to the user's e-mail address or
// phone number.
func (s *Service) GetUserAttributeVerificationCode(ctx context.Context, in *wire.GetUserAttributeVerificationCodeRequest) (*wire.GetUserAttributeVerificationCodeResponse, error) {
	c, err := s.authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	to, err := c.verifiable(in.AttributeName)
	if err != nil {
		return nil, err
	}
	who := &subject{user: c.user, name: c.user.Username, attemptKey: attemptKey(c.user)}
	details, err := s.sendCode(ctx, c.app, who, codeVerify+to.attribute, to, true)
	if err != nil {
		return nil, err
	}
	return &wire.GetUserAttributeVerificationCodeResponse{CodeDeliveryDetails: details}, nil
}

// verifiable is the caller's contact of that name.
func (c *caller) verifiable(attribute string) (contact, error) {
	if attribute != loginEmail && attribute != loginPhone {
		return contact{}, invalid("Attribute %s cannot be verified: only email and phone_number can.", attribute)
	}
	to := contactOf(c.user, attribute)
	if to.address == "" {
		return to, invalid("User does not have %s to verify.", attribute)
	}
	return to, nil
}

// VerifyUserAttribute verifies a contact with the code that was sent to it.
func (s *Service) VerifyUserAttribute(ctx context.Context, in *wire.VerifyUserAttributeRequest) (*wire.VerifyUserAttributeResponse, error) {
	c, err := s.authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if _, err := c.verifiable(in.AttributeName); err != nil {
		return nil, err
	}
	answer := codeWrong
	err = s.changeFound(ctx, c.user, func(tx storage.Tx, user *storage.User) error {
		var code storage.Code
		answer, code, err = s.tryCode(tx, attemptKey(*user), *user, codeVerify+in.AttributeName, in.Code)
		if err != nil || answer != codeRight {
			return err
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
