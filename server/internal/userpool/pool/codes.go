package pool

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
	CodeSignUp = "sign-up"
	CodeReset  = "reset"
	CodeVerify = "verify:"
	CodeChange = "change:" // to the address of the code
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
	if purpose == CodeReset {
		return resetLife
	}
	return codeLife
}

// hashCode is what is stored in the place of a code. The key is not in the
// database, without which six digits would be guessed at once.
func (s *Codes) hashCode(c storage.Code, code string) []byte {
	return s.box.MAC(purposeCode, hashedParts(c, code)...)
}

// isCode compares a code with its hash, which any of the master keys may have made.
func (s *Codes) isCode(c storage.Code, code string) bool {
	return s.box.CheckMAC(purposeCode, c.Hash, hashedParts(c, code)...)
}

func hashedParts(c storage.Code, code string) [][]byte {
	return [][]byte{[]byte(c.PoolID), []byte(c.UserSub), []byte(c.Purpose), []byte(c.Address), []byte(code)}
}

// NewCode makes a code for a user, in the place of the one before.
func (s *Codes) NewCode(tx storage.Tx, user storage.User, purpose, address string) (code string, err error) {
	now := s.now()
	code = random.Text(random.Digits, codeLength)
	c := storage.Code{
		PoolID: user.PoolID, UserSub: user.Sub, Purpose: purpose, Address: address,
		CreatedAt: now, ExpiresAt: now.Add(lifeOf(purpose)),
	}
	c.Hash = s.hashCode(c, code)
	return code, tx.Codes.Put(c)
}

// CodeAnswer is what an answer to a code was worth.
type CodeAnswer int

const (
	CodeRight CodeAnswer = iota // the code is the one that was sent
	CodeWrong                   // it is not
	CodeGone                    // there is none, or no longer
)

// TryCode judges an answer inside an Update closure that must succeed for the
// answer to count. A right one uses the code up, and so does the fifth wrong one.
// The answer reveals that a code has expired only if the code is right.
func (s *Codes) TryCode(tx storage.Tx, who Counters, hides bool, user storage.User, purpose string, code wire.Sensitive) (CodeAnswer, storage.Code, error) {
	usedUp, err := s.TakeAnswer(tx, purpose, who, hides)
	if err != nil || usedUp {
		return CodeWrong, storage.Code{}, err
	}
	answer, c, err := s.JudgeCode(tx, user, purpose, code)
	if err == nil && answer == CodeRight {
		err = UseCode(tx, c)
	}
	return answer, c, err
}

// UseCode ends a code that was answered.
func UseCode(tx storage.Tx, c storage.Code) error {
	return tx.Codes.Delete(c.PoolID, c.UserSub, c.Purpose)
}

// JudgeCode compares an answer with the code, and counts a wrong one.
func (s *Codes) JudgeCode(tx storage.Tx, user storage.User, purpose string, code wire.Sensitive) (CodeAnswer, storage.Code, error) {
	c, err := tx.Codes.Code(user.PoolID, user.Sub, purpose)
	if errors.Is(err, storage.ErrNotFound) {
		return CodeGone, c, nil
	}
	if err != nil {
		return CodeWrong, c, err
	}
	if len(c.Hash) == 0 {
		return CodeGone, c, nil
	}
	if !s.isCode(c, string(code)) {
		return CodeWrong, c, countTry(tx, c)
	}
	if !s.now().Before(c.ExpiresAt) {
		return CodeGone, c, nil
	}
	return CodeRight, c, nil
}

// countTry counts a wrong answer to a code. The last one ends the code, but not the change
// of a contact that waits for one: it needs another code.
func countTry(tx storage.Tx, c storage.Code) error {
	if c.Tries++; c.Tries < codeTries {
		return tx.Codes.Put(c)
	}
	if strings.HasPrefix(c.Purpose, CodeChange) {
		c.Hash = nil
		return tx.Codes.Put(c)
	}
	return UseCode(tx, c)
}

// Refusal is the error for an answer that was not right. If the client hides which
// users exist, a missing code looks like a wrong one.
func (c CodeAnswer) Refusal(hides bool) error {
	switch {
	case c == CodeRight:
		return nil
	case c == CodeGone && !hides:
		return wire.NewException(wire.ExpiredCodeException, wire.MessageCodeExpired)
	}
	return wire.NewException(wire.CodeMismatchException, wire.MessageCodeMismatch)
}
