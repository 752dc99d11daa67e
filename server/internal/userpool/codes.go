package userpool

import (
	"errors"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// What a code is good for. Those that verify an attribute end in its name.
const (
	codeSignUp = "sign-up"
	codeReset  = "reset"
	codeVerify = "verify:"
	codeChange = "change:" // to the address of the code
)

// Lives of codes and how often one is tried (developer guide, "Quotas in Amazon
// Cognito": sign-up and attribute codes 24 hours, forgotten passwords one hour).
const (
	codeLength = 6
	codeTries  = 5
	codeLife   = 24 * time.Hour
	resetLife  = time.Hour
)

// lifeOf is how long a code for that purpose is good.
func lifeOf(purpose string) time.Duration {
	if purpose == codeReset {
		return resetLife
	}
	return codeLife
}

// hashCode is what is stored in the place of a code. The key is not in the
// database, without which six digits would be guessed at once.
func (s *Service) hashCode(c storage.Code, code string) []byte {
	return s.box.MAC(purposeCode, hashedParts(c, code)...)
}

// isCode compares a code with its hash, which any of the master keys may have made.
func (s *Service) isCode(c storage.Code, code string) bool {
	return s.box.CheckMAC(purposeCode, c.Hash, hashedParts(c, code)...)
}

func hashedParts(c storage.Code, code string) [][]byte {
	return [][]byte{[]byte(c.PoolID), []byte(c.UserSub), []byte(c.Purpose), []byte(c.Address), []byte(code)}
}

// newCode makes a code for a user, in the place of the one before.
func (s *Service) newCode(tx storage.Tx, user storage.User, purpose, address string) (code string, err error) {
	now := s.now()
	code = random.Text(random.Digits, codeLength)
	c := storage.Code{
		PoolID: user.PoolID, UserSub: user.Sub, Purpose: purpose, Address: address,
		CreatedAt: now, ExpiresAt: now.Add(lifeOf(purpose)),
	}
	c.Hash = s.hashCode(c, code)
	return code, tx.Codes.Put(c)
}

// codeAnswer is what an answer to a code was worth.
type codeAnswer int

const (
	codeRight codeAnswer = iota
	codeWrong
	codeGone // there is none, or no longer
)

// tryCode judges an answer inside an Update closure that must succeed for the
// answer to count. A right one uses the code up, and so does the fifth wrong one.
// That a code is too old is said only to somebody who knows it.
func (s *Service) tryCode(tx storage.Tx, who counters, hides bool, user storage.User, purpose string, code wire.Sensitive) (codeAnswer, storage.Code, error) {
	usedUp, err := s.takeAnswer(tx, purpose, who, hides)
	if err != nil || usedUp {
		return codeWrong, storage.Code{}, err
	}
	answer, c, err := s.judgeCode(tx, user, purpose, code)
	if err == nil && answer == codeRight {
		err = useCode(tx, c)
	}
	return answer, c, err
}

// useCode ends a code that was answered.
func useCode(tx storage.Tx, c storage.Code) error {
	return tx.Codes.Delete(c.PoolID, c.UserSub, c.Purpose)
}

// judgeCode compares an answer with the code, and counts a wrong one.
func (s *Service) judgeCode(tx storage.Tx, user storage.User, purpose string, code wire.Sensitive) (codeAnswer, storage.Code, error) {
	c, err := tx.Codes.Code(user.PoolID, user.Sub, purpose)
	if errors.Is(err, storage.ErrNotFound) {
		return codeGone, c, nil
	}
	if err != nil {
		return codeWrong, c, err
	}
	if len(c.Hash) == 0 {
		return codeGone, c, nil
	}
	if !s.isCode(c, string(code)) {
		return codeWrong, c, countTry(tx, c)
	}
	if !s.now().Before(c.ExpiresAt) {
		return codeGone, c, nil
	}
	return codeRight, c, nil
}

// countTry counts a wrong answer to a code. The last one ends the code, but not the change
// of a contact that waits for one: it needs another code.
func countTry(tx storage.Tx, c storage.Code) error {
	if c.Tries++; c.Tries < codeTries {
		return tx.Codes.Put(c)
	}
	if strings.HasPrefix(c.Purpose, codeChange) {
		c.Hash = nil
		return tx.Codes.Put(c)
	}
	return useCode(tx, c)
}

// refusal is what the caller is told of an answer that was not right. Where the
// client hides who exists, a code that is not there looks like a wrong one.
func (c codeAnswer) refusal(hides bool) error {
	switch {
	case c == codeRight:
		return nil
	case c == codeGone && !hides:
		return wire.NewException(wire.ExpiredCodeException, wire.MessageCodeExpired)
	}
	return wire.NewException(wire.CodeMismatchException, wire.MessageCodeMismatch)
}
