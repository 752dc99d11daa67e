package oauth

import (
	"encoding/base64"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Purposes of sealing; each has a different key.
const (
	purposeCode    = "oauth/code"
	purposeBrowser = "oauth/browser-session"
	purposeAttempt = "oauth/attempt-elsewhere"
	purposeMemory  = "oauth/page-memory"
)

// sealer seals the messages that browsers carry: codes, states and cookies.
type sealer struct{ box *seal.Box }

// seal encodes and seals a value for one purpose and pool.
func (s sealer) seal(purpose, poolID string, v any) (string, error) {
	plain, err := wire.Marshal(v)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.box.Seal(purpose, plain, []byte(poolID))), nil
}

// open reads what seal sealed; it reports false for any other text.
func (s sealer) open(purpose, poolID, text string, v any) bool {
	sealed, err := strictbase64.DecodeURL(text)
	if err != nil {
		return false
	}
	plain, err := s.box.Open(purpose, sealed, []byte(poolID))
	return err == nil && wire.Unmarshal(plain, v) == nil
}
