package userpool

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Where a pool requires verification before an update, the new value of a contact stands
// in the address of its code, and becomes the attribute when the code comes back. It waits
// as long as a code is good, and wrong answers do not end it: a new code can be sent.

// requiresVerification reports whether a new value of a contact waits until it is
// verified (UserAttributeUpdateSettingsType).
func (p *PoolSettings) requiresVerification(attribute string) bool {
	u := p.UserAttributeUpdateSettings
	return u != nil && slices.Contains(u.AttributesRequireVerificationBeforeUpdate, attribute)
}

// checkUpdateSettings refuses a setting that could never be met: only a contact to which
// the pool sends codes can be verified before it counts.
func checkUpdateSettings(w wire.UserPoolSettings) error {
	if w.UserAttributeUpdateSettings == nil {
		return nil
	}
	for _, name := range w.UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate {
		if !slices.Contains(w.AutoVerifiedAttributes, name) {
			return invalid("AttributesRequireVerificationBeforeUpdate: %s must be in AutoVerifiedAttributes as well.", name)
		}
	}
	return nil
}

// sending is a code on its way to a contact.
type sending struct {
	to   contact
	code string
}

// changeAttributes writes attributes that a person or an administrator gives, and makes
// the codes for contacts that change: to verify a new value that counts at once, where
// verify asks for it, or one that waits. Callers send them after the transaction.
func (s *Service) changeAttributes(ctx context.Context, tx storage.Tx, set *PoolSettings, user *storage.User, given map[string]string, verify bool) ([]sending, error) {
	given = maps.Clone(given)
	if err := set.checkChange(*user, given); err != nil {
		return nil, err
	}
	withheld, err := set.withhold(tx, user, given)
	if err != nil {
		return nil, err
	}
	var changed []contact
	for _, attribute := range []string{loginEmail, loginPhone} {
		if v := given[attribute]; verify && v != "" && v != user.Attributes[attribute] && set.autoVerifies(attribute) {
			changed = append(changed, contact{attribute, contactOf(*user, attribute).medium, v})
		}
	}
	if err := set.writeAttributes(tx, user, given); err != nil {
		return nil, err
	}
	var list []sending
	for purpose, contacts := range map[string][]contact{codeVerify: changed, codeChange: withheld} {
		for _, to := range contacts {
			code, err := s.requestCode(ctx, tx, codeRequest{
				act: purpose + to.attribute, purpose: purpose + to.attribute, who: attemptsOf(*user), user: *user, address: to.address,
			})
			if err != nil {
				return nil, err
			}
			list = append(list, sending{to, code})
		}
	}
	slices.SortFunc(list, func(a, b sending) int { return strings.Compare(a.to.attribute, b.to.attribute) })
	return list, nil
}

// withhold takes the contacts out of given that wait for their verification. One that
// comes with its flag, which only an administrator can give, does not wait.
func (p *PoolSettings) withhold(tx storage.Tx, user *storage.User, given map[string]string) ([]contact, error) {
	var withheld []contact
	for _, attribute := range []string{loginEmail, loginPhone} {
		value := given[attribute]
		if value == "" || value == user.Attributes[attribute] || given[attribute+"_verified"] == "true" || !p.requiresVerification(attribute) {
			continue
		}
		if slices.Contains(p.UsernameAttributes, attribute) {
			login := p.canonical(attribute, value)
			free, err := p.freeLogin(tx, user, login)
			if err == nil && !free {
				err = aliasConflict(&storage.LoginTakenError{Login: login})
			}
			if err != nil {
				return nil, err
			}
		}
		withheld = append(withheld, contact{attribute, contactOf(*user, attribute).medium, value})
		delete(given, attribute)
		delete(given, attribute+"_verified")
	}
	return withheld, nil
}

// waiting gives the contact of a user that waits for its verification.
func (s *Service) waiting(tx storage.Tx, user storage.User, attribute string) (to contact, ok bool, err error) {
	c, err := tx.Codes.Code(user.PoolID, user.Sub, codeChange+attribute)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !s.now().Before(c.ExpiresAt) {
		return contact{}, false, nil
	}
	return contact{attribute, contactOf(user, attribute).medium, c.Address}, err == nil, err
}

// sendAll passes the codes of a change to the messenger and returns the details of the
// answer.
func (s *Service) sendAll(ctx context.Context, set *PoolSettings, user storage.User, list []sending, cause occasion) (details []wire.CodeDeliveryDetailsType, err error) {
	for _, one := range list {
		if err := s.send(ctx, cause.message(set.codeTemplate(one.to.medium, signUpTemplate), user, one.to, one.code)); err != nil {
			return nil, err
		}
		details = append(details, *one.to.details())
	}
	return details, nil
}
