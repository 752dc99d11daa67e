package plug

import (
	"context"
	"crypto/rsa"
)

// Signer makes the signatures of tokens with private keys that the service does not have,
// such as keys of a key management service or a hardware security module.
//
// The service stores the public part and the handle of each key. From these it publishes
// the pools' key sets, finds the key of a token and rotates keys as usual: a rotation asks
// the Signer for new keys. It verifies every signature before it uses it. A call fails when its
// context ends, at the latest after five seconds, whether or not the method has returned.
// While 64 such calls have not returned, further calls fail at once; a method that observes its
// context never causes this. An error or a panic fails the request as a temporary one; no
// session ends for it.
//
// A Signer must be safe for concurrent use.
type Signer interface {
	// CreateKey makes an RSA key of at least 2048 bits. The service signs a random digest with
	// the key before it stores the key. It may drop the key again, for example because the
	// pool could not be stored.
	CreateKey(ctx context.Context, r KeyRequest) (SigningKey, error)
	// Sign returns the RS256 signature (RSASSA-PKCS1-v1_5 with SHA-256; RFC 7518, section
	// 3.3) of a SHA-256 digest, by the key of a handle that CreateKey returned.
	Sign(ctx context.Context, handle string, digest [32]byte) ([]byte, error)
}

// KeyRemover is a [Signer] that removes keys which no token needs any more. It is called
// some time after a rotation, and again if it failed. It is not called for the keys of
// pools that are deleted.
type KeyRemover interface {
	// RemoveKey removes a key. That it does not exist is no error.
	RemoveKey(ctx context.Context, handle string) error
}

// Values of KeyRequest.Use.
const (
	UseID     = "id"     // ID tokens, and OpenID tokens of identity pools
	UseAccess = "access" // access tokens
)

// KeyRequest says what a key is for.
type KeyRequest struct {
	PoolID string // of a user pool or an identity pool
	Use    string // UseID or UseAccess
}

// SigningKey is a key of a [Signer].
type SigningKey struct {
	// Handle is how the Signer finds the key, such as its ARN. At most 2048 bytes. It is
	// encrypted in storage.
	Handle string
	Public *rsa.PublicKey
}
