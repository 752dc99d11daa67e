package srp

import (
	"crypto/hmac"
	"crypto/rand"
	"fmt"
	"log/slog"
)

// serverSecretSize is the length of b in bytes; RFC 5054, section 2.5.3, asks
// for 256 bits.
const serverSecretSize = 32

// Server is the service's side of one handshake. It is not safe for
// concurrent use, and prints as "[redacted]".
type Server struct {
	salt   []byte
	v      element
	b      []byte
	public element
}

// NewServer draws a fresh secret b and computes B. A verifier that no password
// can have made is an error: [ErrOutOfRange] or [ErrTooLong]. For a user who
// does not exist, a verifier of a stable made-up salt and random V gives a B
// that nobody can tell from a real one.
func NewServer(v Verifier) (*Server, error) {
	random := make([]byte, serverSecretSize+1)
	rand.Read(random) // never fails
	return newServer(v, random[1:], random[0]&1 == 1)
}

// newServer computes B = k·v ± g^b. The package documentation says why it has a sign.
func newServer(v Verifier, b []byte, negative bool) (*Server, error) {
	e, err := v.element()
	if err != nil {
		return nil, err
	}
	power := powerEphemeral(b)
	if negative {
		power = power.negated()
	}
	return &Server{salt: v.Salt, v: e, b: b, public: serverPublic(e, power)}, nil
}

// B returns SRP_B: lower-case hexadecimal digits without leading zeros.
func (s *Server) B() string { return encodeHex(s.public.bytes()) }

// Salt returns SALT in the same form. Some clients hash the digits as they
// find them, so a leading zero would lock their users out.
func (s *Server) Salt() string { return encodeHex(s.salt) }

// Secret returns b and B, 416 bytes, for [RestoreServer]. It must be sealed
// before it leaves the service: with b and the verifier anybody can sign in.
// It is nil once the handshake was checked.
func (s *Server) Secret() []byte {
	if s.b == nil {
		return nil
	}
	return append(append(make([]byte, 0, serverSecretSize+elementSize), s.b...), s.public.fixed()...)
}

// RestoreServer continues a handshake from the result of [Server.Secret]. It
// raises nothing to a power. v must be the verifier the handshake began with;
// bind the sealed secret to it if passwords can change in between.
// Errors: [ErrState], and those of [NewServer].
func RestoreServer(v Verifier, secret []byte) (*Server, error) {
	e, err := v.element()
	if err != nil {
		return nil, err
	}
	if len(secret) != serverSecretSize+elementSize {
		return nil, ErrState
	}
	public, err := newElement(secret[serverSecretSize:], ErrZeroB)
	if err != nil {
		return nil, fmt.Errorf("%w: B %w", ErrState, err)
	}
	b := append([]byte(nil), secret[:serverSecretSize]...)
	return &Server{salt: v.Salt, v: e, b: b, public: public}, nil
}

// PublicA is a client's A that has passed [ParseA].
type PublicA struct{ value element }

// Hex returns A in lower-case hexadecimal digits without leading zeros.
func (a PublicA) Hex() string {
	if a.value.value == nil {
		return ""
	}
	return encodeHex(a.value.bytes())
}

// ParseA reads SRP_A. InitiateAuth calls it before anything else, since it
// refuses cheaply what must never meet arithmetic: [ErrEmpty], [ErrTooLong]
// (over 768 digits), [ErrMalformed], [ErrZeroA], [ErrOutOfRange] (above N).
func ParseA(hex string) (PublicA, error) {
	digits, err := decodeHex("SRP_A", hex)
	if err != nil {
		return PublicA{}, err
	}
	e, err := newElement(digits, ErrZeroA)
	if err != nil {
		return PublicA{}, fieldError("SRP_A", err)
	}
	return PublicA{e}, nil
}

// Check verifies a client's proof; nil means that it knows the password. pool
// and user are what NewVerifier got, aHex is the SRP_A of InitiateAuth (the
// sealed one: a client must not choose it anew), secretBlock the decoded
// PASSWORD_CLAIM_SECRET_BLOCK, timestamp the text as the client wrote it,
// whose age the caller checks with [ParseTimestamp].
//
// Fields are refused with the errors of [ParseA], a wrong proof with
// [ErrMismatch]. A proof that was computed uses the handshake up: each b is
// good for one guess, and the next call answers [ErrUsed].
func (s *Server) Check(pool, user, aHex string, secretBlock []byte, timestamp, signatureBase64 string) error {
	a, err := ParseA(aHex)
	if err != nil {
		return err
	}
	return s.CheckA(pool, user, a, secretBlock, timestamp, signatureBase64)
}

// CheckA is Check for an A that was parsed before.
func (s *Server) CheckA(pool, user string, a PublicA, secretBlock []byte, timestamp, signatureBase64 string) error {
	if s.b == nil {
		return ErrUsed
	}
	if a.value.value == nil {
		return fieldError("SRP_A", ErrEmpty)
	}
	t := transcript{pool, user, secretBlock, timestamp}
	if err := t.check(); err != nil {
		return err
	}
	signature, err := decodeBase64("PASSWORD_CLAIM_SIGNATURE", signatureBase64, signatureSize)
	if err != nil {
		return err
	}
	u, err := scrambler(a.value, s.public)
	if err != nil {
		return err
	}
	premaster := serverPremaster(a.value, s.v, u, s.b)
	defer premaster.wipe()
	clear(s.b)
	s.b = nil
	return t.verify(premaster, u, signature)
}

// verify compares the proof with those of S and N − S: the client's S is
// (±g^b)^(a + u·x), and only the client knows whether that exponent is odd. Both
// are always computed, so that the time does not tell the sign. Who can compute
// one can compute the other, so accepting both gives a guesser nothing.
func (t transcript) verify(premaster element, u, signature []byte) error {
	matched := false
	negated := premaster.negated()
	defer negated.wipe()
	for _, s := range []element{premaster, negated} {
		key, err := sessionKey(s, u)
		if err != nil {
			return err
		}
		matched = hmac.Equal(t.sign(key), signature) || matched
		clear(key)
	}
	if !matched {
		return ErrMismatch
	}
	return nil
}

// Format writes "[redacted]" for every verb.
func (s Server) Format(f fmt.State, _ rune) { redact(f) }

// LogValue returns "[redacted]" for log/slog.
func (s Server) LogValue() slog.Value { return slog.StringValue(redacted) }
