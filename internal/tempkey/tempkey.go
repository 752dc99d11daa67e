// Package tempkey makes temporary AWS credentials that carry in themselves what
// their verifier has to know, and opens them again. Nothing is stored: whoever
// holds the key that they were made with can check them without asking anybody.
//
// A set of credentials is
//
//	access key id     "ASIA" and 16 characters of A–Z and 2–7, random
//	secret            40 characters, random
//	session token     base64url( seal.Box.Seal( claims ‖ secret, access key id ) )
//
// so the secret travels inside the session token, encrypted, and a token opens
// only beside the access key id that it was made for. [Codec.Mint] is what the
// identity pool's own broker does, [Codec.Open] what an API does before it
// checks a signature (package sigv4auth). The key is symmetric: who can open can
// also mint, and APIs that share a key trust each other as far as that.
//
// To replace a key, put the new one first and keep the old one behind it until
// the last of its credentials has expired.
package tempkey

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
)

const (
	// KeySize is the size of a key in bytes.
	KeySize = seal.KeySize

	// MaxLife bounds the life of credentials, as AssumeRoleWithWebIdentity does.
	MaxLife = 12 * time.Hour

	// MaxSessionToken bounds a session token, in characters. It has to go into a
	// request header, or into the query of a presigned URL.
	MaxSessionToken = 6144

	purpose      = "latchkey/tempkey/v1" // part of the format
	idPrefix     = "ASIA"
	idAlphabet   = random.Upper + "234567"
	idRandom     = 16
	secretSize   = 30 // bytes, 40 characters of base64
	maxPlaintext = MaxSessionToken/4*3 - seal.Overhead
)

// Errors of a Codec. They say nothing about what a token holds.
var (
	// ErrTooLong means that the claims do not fit into a session token.
	ErrTooLong = errors.New("tempkey: the claims are too long for a session token")
	// ErrToken means that a session token does not open: damaged, made with
	// another key, or for another access key id.
	ErrToken = errors.New("tempkey: session token does not open")
	// ErrExpired means that the credentials are genuine and their time is over.
	ErrExpired = errors.New("tempkey: credentials have expired")
)

// Claims are what the credentials say about their holder. Times have the
// resolution of a second.
type Claims struct {
	PoolID        string // identity pool
	IdentityID    string
	RoleARN       string
	Authenticated bool
	Provider      string // Logins key and the user's id there; empty for guests
	Subject       string
	Tags          map[string]string // principal tags; nil when there are none
	Issued        time.Time
	Expires       time.Time
}

// Credentials are what signs requests.
type Credentials struct {
	AccessKeyID  string
	Secret       secret.String
	SessionToken secret.String
}

// Codec mints and opens. It is safe for concurrent use.
type Codec struct{ box *seal.Box }

// New makes a Codec of keys of [KeySize] bytes. The first mints, all open.
func New(keys ...[]byte) (*Codec, error) {
	box, err := seal.New(keys...)
	if err != nil {
		return nil, fmt.Errorf("tempkey: %w", err)
	}
	return &Codec{box: box}, nil
}

// Mint makes credentials for the holder that c describes. It refuses a life
// that is not positive or is over [MaxLife], and answers [ErrTooLong] when c
// does not fit.
func (d *Codec) Mint(c Claims) (Credentials, error) {
	c.Issued, c.Expires = inSeconds(c.Issued), inSeconds(c.Expires)
	if life := c.Expires.Sub(c.Issued); life <= 0 || life > MaxLife {
		return Credentials{}, fmt.Errorf("tempkey: a life of %v; it must be positive and at most %v", life, MaxLife)
	}
	var raw [secretSize]byte
	rand.Read(raw[:]) // ends the program rather than fail
	plaintext := encode(c, raw)
	if len(plaintext) > maxPlaintext {
		return Credentials{}, ErrTooLong
	}
	id := idPrefix + random.Text(idAlphabet, idRandom)
	sealed := d.box.Seal(purpose, plaintext, []byte(id))
	return Credentials{
		AccessKeyID:  id,
		Secret:       secretOf(raw),
		SessionToken: secret.New(base64.RawURLEncoding.EncodeToString(sealed)),
	}, nil
}

// Open answers what the credentials say and the secret that they sign with.
// Anything but a token of one of the keys, beside its own access key id, is
// [ErrToken]; genuine credentials whose expiry is not after now are [ErrExpired].
// No claim is handed out with an error.
func (d *Codec) Open(accessKeyID, sessionToken string, now time.Time) (Claims, secret.String, error) {
	if len(sessionToken) > MaxSessionToken || !isAccessKeyID(accessKeyID) {
		return Claims{}, secret.String{}, ErrToken
	}
	sealed, err := strictbase64.DecodeURL(sessionToken)
	if err != nil {
		return Claims{}, secret.String{}, ErrToken
	}
	plaintext, err := d.box.Open(purpose, sealed, []byte(accessKeyID))
	if err != nil {
		return Claims{}, secret.String{}, ErrToken
	}
	claims, raw, err := decode(plaintext)
	if err != nil {
		return Claims{}, secret.String{}, ErrToken
	}
	if !claims.Expires.After(now) {
		return Claims{}, secret.String{}, ErrExpired
	}
	return claims, secretOf(raw), nil
}

func secretOf(raw [secretSize]byte) secret.String {
	return secret.New(base64.StdEncoding.EncodeToString(raw[:]))
}

// isAccessKeyID tells ids that Mint could have made from the rest.
func isAccessKeyID(id string) bool {
	tail, ok := strings.CutPrefix(id, idPrefix)
	return ok && len(tail) == idRandom && strings.Trim(tail, idAlphabet) == ""
}

func inSeconds(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }
