package filestore

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"path/filepath"
	"strings"

	"github.com/latchkey-auth/latchkey/store"
)

const (
	recordSuffix  = ".json"
	backupSuffix  = ".json.bak"
	lockSuffix    = ".lock"
	refreshSuffix = ".refresh.lock"
	activeSuffix  = ".active"

	// readableLength bounds the readable part of a name, so that the longest
	// name, with everything that is appended to it, stays under 200 bytes.
	readableLength = 24
	// scopeDigits are 80 bits: scopes come from configuration, and a collision
	// of two gives an attacker nothing.
	scopeDigits = 16
	// accountDigits are 130 bits, hence all 128 that collision resistance of a
	// half SHA-256 gives: users may choose their own names.
	accountDigits = 26
)

// nameDigits is base32 in lower case: it survives file systems that fold case.
var nameDigits = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// scopeName is the part of a file name that a scope's files share. A service is part
// of the digest; without one the name is that of schemas 1 to 3.
func scopeName(scope store.Scope) string {
	parts := withService([]string{scope.PoolID, scope.ClientID}, scope)
	return poolPrefix(scope.PoolID) + digest(parts...)[:scopeDigits]
}

// poolPrefix begins the name of every scope of a pool. Other pools may share it.
func poolPrefix(poolID string) string { return readable(poolID, "pool") + "-" }

func withService(parts []string, scope store.Scope) []string {
	if scope.Service == "" {
		return parts
	}
	return append(parts, scope.Service)
}

// accountName is an account's file name without its suffix.
func accountName(account store.Account) string {
	parts := withService([]string{account.PoolID, account.ClientID, account.Username}, account.Scope)
	return scopeName(account.Scope) + "." + readable(account.Username, "guest") + "-" + digest(parts...)[:accountDigits]
}

// accountPath is where the account's file of a kind lies.
func (s *Store) accountPath(account store.Account, suffix string) string {
	return filepath.Join(s.dir, accountName(account)+suffix)
}

// activePath is where the scope's pointer lies. A scope's name has no dot, so
// no account's file can have this name.
func (s *Store) activePath(scope store.Scope) string {
	return filepath.Join(s.dir, scopeName(scope)+activeSuffix)
}

// readable turns text to something that a person recognizes and that every file
// system takes: lower-case ASCII letters, digits, '-' and '_', no leading '-'.
// It is not unique; the digest in the same name is.
func readable(text, empty string) string {
	if text == "" {
		return empty
	}
	var name strings.Builder
	for _, r := range text {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-' && name.Len() > 0:
			name.WriteRune(r)
		case 'A' <= r && r <= 'Z':
			name.WriteRune(r - 'A' + 'a')
		default:
			name.WriteByte('_')
		}
		if name.Len() == readableLength {
			break
		}
	}
	return name.String()
}

// digest hashes parts, each with its length, so that no two lists of parts give
// the same input.
func digest(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		hash.Write(length[:])
		hash.Write([]byte(part))
	}
	return nameDigits.EncodeToString(hash.Sum(nil))
}
