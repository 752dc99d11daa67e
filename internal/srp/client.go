package srp

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"time"
)

// clientSecretSize is the length of a in bytes. u·x has at most 512 bits; 64
// more make a + u·x independent of x. RFC 5054 asks for 256 bits at least.
const clientSecretSize = 72

// Client is the client's side of one handshake. It is not safe for concurrent
// use, and prints as "[redacted]".
type Client struct {
	a      []byte
	public element
}

// NewClient draws a fresh secret a and computes A = g^a. The error is always
// nil today; it leaves room for a source of randomness that can fail.
func NewClient() (*Client, error) {
	a := make([]byte, clientSecretSize)
	rand.Read(a) // never fails
	return &Client{a: a, public: powerEphemeral(a)}, nil
}

// A returns SRP_A: lower-case hexadecimal digits without leading zeros.
func (c *Client) A() string { return encodeHex(c.public.bytes()) }

// Challenge is what a PASSWORD_VERIFIER or DEVICE_PASSWORD_VERIFIER challenge
// says, as it came from the network.
type Challenge struct {
	Pool        string // the part of the user pool id after the first "_", or the DeviceGroupKey
	User        string // USER_ID_FOR_SRP, not what the person typed; or the DeviceKey
	SaltHex     string // SALT
	BHex        string // SRP_B
	SecretBlock []byte // SECRET_BLOCK, decoded from base64
}

// Proof answers a challenge: PASSWORD_CLAIM_SIGNATURE in base64, and the
// TIMESTAMP it covers, made from at. PASSWORD_CLAIM_SECRET_BLOCK is the base64
// text as received.
//
// A field that is refused ([ErrEmpty], [ErrTooLong], [ErrMalformed],
// [ErrOutOfRange], [ErrZeroB], [ErrZeroU]) is refused before any arithmetic
// with the password, and the client can still prove. Otherwise this uses the
// client up, since a second proof with the same a would no longer hide the
// password's hash; the next call answers [ErrUsed].
func (c *Client) Proof(ch Challenge, password string, at time.Time) (signature, timestamp string, err error) {
	if c.a == nil {
		return "", "", ErrUsed
	}
	t := transcript{ch.Pool, ch.User, ch.SecretBlock, Timestamp(at)}
	if err := t.check(); err != nil {
		return "", "", err
	}
	if err := required("password", password); err != nil {
		return "", "", err
	}
	salt, b, err := ch.numbers()
	if err != nil {
		return "", "", err
	}
	key, err := c.key(t, password, salt, b)
	if err != nil {
		return "", "", err
	}
	defer clear(key)
	return base64.StdEncoding.EncodeToString(t.sign(key)), t.timestamp, nil
}

// numbers reads SALT and SRP_B.
func (ch Challenge) numbers() (salt []byte, b element, err error) {
	if salt, err = decodeHex("SALT", ch.SaltHex); err != nil {
		return nil, element{}, err
	}
	if salt, err = checkSalt(salt); err != nil {
		return nil, element{}, err
	}
	digits, err := decodeHex("SRP_B", ch.BHex)
	if err != nil {
		return nil, element{}, err
	}
	if b, err = newElement(digits, ErrZeroB); err != nil {
		return nil, element{}, fieldError("SRP_B", err)
	}
	return salt, b, nil
}

// key computes the session key and forgets a. Past the check of u nothing can
// fail, so a is spent exactly when the password has been used.
func (c *Client) key(t transcript, password string, salt []byte, b element) ([]byte, error) {
	u, err := scrambler(c.public, b)
	if err != nil {
		return nil, err
	}
	x := privateKey(t.pool, t.user, password, salt)
	defer clear(x)
	s := clientPremaster(b, x, u, c.a)
	defer s.wipe()
	clear(c.a)
	c.a = nil
	return sessionKey(s, u)
}

// Format writes "[redacted]" for every verb.
func (c Client) Format(f fmt.State, _ rune) { redact(f) }

// LogValue returns "[redacted]" for log/slog.
func (c Client) LogValue() slog.Value { return slog.StringValue(redacted) }
