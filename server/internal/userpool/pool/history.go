package pool

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// PasswordHistory is how many passwords of a user, the present one included, the user
// cannot choose again (PasswordPolicyType, PasswordHistorySize). 0 is no limit.
func (p *Settings) PasswordHistory() int {
	if p.Policies == nil || p.Policies.PasswordPolicy == nil || p.Policies.PasswordPolicy.PasswordHistorySize == nil {
		return 0
	}
	return int(*p.Policies.PasswordPolicy.PasswordHistorySize)
}

// CheckHistory refuses a password that user has or had. It costs one password
// computation per kept password, and its answer reveals former passwords: callers must have
// authenticated the user, or an administrator.
func (s *Passwords) CheckHistory(ctx context.Context, set *Settings, user storage.User, password string) error {
	size := set.PasswordHistory()
	if size == 0 {
		return nil
	}
	var list []storage.FormerPassword
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		list, err = tx.History.List(user.PoolID, user.Sub, size-1)
		return err
	})
	if err != nil {
		return err
	}
	if len(user.Verifier) > 0 {
		list = append(list, presentPassword(user))
	}
	leave, err := s.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for _, p := range list {
		v, name, err := s.UnsealVerifier(set, user, p.Verifier)
		if err != nil {
			return err
		}
		if (srp.Verifier{Salt: p.Salt, V: v}).Matches(SRPPool(user.PoolID), name, password) {
			return wire.NewException(wire.PasswordHistoryPolicyViolationException, wire.MessagePasswordUsedBefore)
		}
	}
	return nil
}

func presentPassword(user storage.User) storage.FormerPassword {
	return storage.FormerPassword{PoolID: user.PoolID, UserSub: user.Sub, Epoch: user.PasswordEpoch, Salt: user.Salt, Verifier: user.Verifier}
}

// Remember keeps the password of a user who is about to get another. judged is the user
// whose history the new one was judged by: it must not have changed since.
func (s *Passwords) Remember(tx storage.Tx, set *Settings, user storage.User, judged int64) error {
	size := set.PasswordHistory()
	if size > 0 && user.PasswordEpoch != judged {
		return wire.NewException(wire.ConcurrentModificationException, "The user's password was changed at the same time. Try again.")
	}
	if len(user.Verifier) == 0 {
		return nil
	}
	return tx.History.Add(presentPassword(user), max(size-1, 0))
}
