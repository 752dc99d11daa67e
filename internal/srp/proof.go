package srp

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Cognito's labels and lengths; no document of AWS states them, every client
// that signs in has them.
const (
	keyInfo       = "Caldera Derived Key"
	keySize       = 16 // bytes
	signatureSize = sha256.Size
)

// privateKey returns x = H(PAD(salt) ‖ H(pool ‖ user ‖ ":" ‖ password)). The
// texts are joined without lengths, as Cognito joins them, so that pool "a" with
// user "bc" hashes like "ab" with "c": the caller keeps pool and user apart.
func privateKey(pool, user, password string, salt []byte) []byte {
	// One buffer of the right size: the password is copied once, and wiped.
	text := make([]byte, 0, len(pool)+len(user)+1+len(password))
	text = append(append(append(append(text, pool...), user...), ':'), password...)
	inner := sha256.Sum256(text)
	clear(text)
	outer := sha256.Sum256(append(pad(salt), inner[:]...))
	clear(inner[:])
	return outer[:]
}

// scrambler returns u = H(PAD(A) ‖ PAD(B)), or ErrZeroU.
func scrambler(a, b element) ([]byte, error) {
	u := sha256.Sum256(append(pad(a.bytes()), pad(b.bytes())...))
	return u[:], checkScrambler(u[:])
}

// checkScrambler stands alone because no A and B are known that make u zero.
func checkScrambler(u []byte) error {
	if len(trimZeros(u)) == 0 {
		return ErrZeroU
	}
	return nil
}

// sessionKey derives the key of the proof: HKDF-SHA256 with PAD(u) as salt.
func sessionKey(s element, u []byte) ([]byte, error) {
	secret := pad(s.bytes())
	defer clear(secret)
	return hkdf.Key(sha256.New, secret, pad(u), keyInfo, keySize)
}

// transcript is what a proof signs. The timestamp stays a text: what a client
// wrote is what it signed, whatever a parser would make of it.
type transcript struct {
	pool, user  string
	secretBlock []byte
	timestamp   string
}

// check refuses a proof over nothing.
func (t transcript) check() error {
	if len(t.secretBlock) == 0 {
		return fieldError("SECRET_BLOCK", ErrEmpty)
	}
	return required("pool", t.pool, "user", t.user, "TIMESTAMP", t.timestamp)
}

// sign returns HMAC-SHA256(key, pool ‖ user ‖ secret block ‖ timestamp).
func (t transcript) sign(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(t.pool))
	mac.Write([]byte(t.user))
	mac.Write(t.secretBlock)
	mac.Write([]byte(t.timestamp))
	return mac.Sum(nil)
}

// SecretHash returns SECRET_HASH for an app client that has a secret:
// base64(HMAC-SHA256(clientSecret, username ‖ clientID)). username is what the
// request carries as USERNAME; after a challenge that is USER_ID_FOR_SRP.
func SecretHash(username, clientID, clientSecret string) string {
	mac := hmac.New(sha256.New, []byte(clientSecret))
	mac.Write([]byte(username))
	mac.Write([]byte(clientID))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
