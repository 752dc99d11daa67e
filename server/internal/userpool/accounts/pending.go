package accounts

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Where a pool requires verification before an update, the new value of a contact is
// stored as the address of its code, and becomes the attribute when the code is right. It
// stays as long as the code is good; wrong answers do not end it: a new code can be sent.

// sending is a code on its way to a contact.
type sending struct {
	to   pool.Contact
	code string
}

// changeAttributes writes attributes that a person or an administrator gives, and makes
// the codes for contacts that change: to verify a new value that counts at once, where
// verify asks for it, or one that waits. Callers send them after the transaction.
func (s *Service) changeAttributes(ctx context.Context, tx storage.Tx, set *pool.Settings, user *storage.User, given map[string]string, verify bool) ([]sending, error) {
	given = maps.Clone(given)
	if err := set.CheckChange(*user, given); err != nil {
		return nil, err
	}
	withheld, err := withhold(set, tx, user, given)
	if err != nil {
		return nil, err
	}
	var changed []pool.Contact
	for _, attribute := range []string{pool.LoginEmail, pool.LoginPhone} {
		if v := given[attribute]; verify && v != "" && v != user.Attributes[attribute] && set.AutoVerifies(attribute) {
			changed = append(changed, pool.Contact{Attribute: attribute, Medium: pool.ContactOf(*user, attribute).Medium, Address: v})
		}
	}
	if err := set.WriteAttributes(tx, user, given); err != nil {
		return nil, err
	}
	var list []sending
	for purpose, contacts := range map[string][]pool.Contact{pool.CodeVerify: changed, pool.CodeChange: withheld} {
		for _, to := range contacts {
			code, err := s.codes.RequestCode(ctx, tx, pool.CodeRequest{
				Act: purpose + to.Attribute, Purpose: purpose + to.Attribute, Who: pool.AttemptsOf(*user), User: *user, Address: to.Address,
			})
			if err != nil {
				return nil, err
			}
			list = append(list, sending{to, code})
		}
	}
	slices.SortFunc(list, func(a, b sending) int { return strings.Compare(a.to.Attribute, b.to.Attribute) })
	return list, nil
}

// withhold takes the contacts out of given that wait for their verification. One that
// comes with its flag, which only an administrator can give, does not wait.
func withhold(p *pool.Settings, tx storage.Tx, user *storage.User, given map[string]string) ([]pool.Contact, error) {
	var withheld []pool.Contact
	for _, attribute := range []string{pool.LoginEmail, pool.LoginPhone} {
		value := given[attribute]
		if value == "" || value == user.Attributes[attribute] || given[attribute+"_verified"] == "true" || !p.RequiresVerification(attribute) {
			continue
		}
		if slices.Contains(p.UsernameAttributes, attribute) {
			login := p.Canonical(attribute, value)
			free, err := p.FreeLogin(tx, user, login)
			if err == nil && !free {
				err = pool.AliasConflict(&storage.LoginTakenError{Login: login})
			}
			if err != nil {
				return nil, err
			}
		}
		withheld = append(withheld, pool.Contact{Attribute: attribute, Medium: pool.ContactOf(*user, attribute).Medium, Address: value})
		delete(given, attribute)
		delete(given, attribute+"_verified")
	}
	return withheld, nil
}

// waiting gives the contact of a user that waits for its verification.
func (s *Service) waiting(tx storage.Tx, user storage.User, attribute string) (to pool.Contact, ok bool, err error) {
	c, err := tx.Codes.Code(user.PoolID, user.Sub, pool.CodeChange+attribute)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !s.now().Before(c.ExpiresAt) {
		return pool.Contact{}, false, nil
	}
	return pool.Contact{Attribute: attribute, Medium: pool.ContactOf(user, attribute).Medium, Address: c.Address}, err == nil, err
}

// sendAll passes the codes of a change to the messenger and returns the details of the
// answer.
func (s *Service) sendAll(ctx context.Context, set *pool.Settings, user storage.User, list []sending, cause pool.Occasion) (details []wire.CodeDeliveryDetailsType, err error) {
	for _, one := range list {
		if err := s.codes.Send(ctx, cause.Message(set.CodeTemplate(one.to.Medium, pool.SignUpTemplate), user, one.to, one.code)); err != nil {
			return nil, err
		}
		details = append(details, *one.to.Details())
	}
	return details, nil
}
