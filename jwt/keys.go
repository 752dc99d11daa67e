package jwt

import (
	"context"
	"crypto/rsa"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
)

const (
	maxKeySet  = 1 << 20 // bytes of a JWKS document
	maxKeys    = 100     // entries of a JWKS document
	minKeyBits = 2048    // RFC 7518 section 3.3
	maxKeyBits = 8192    // above it one verification takes long enough to be an attack
)

// KeySource finds the public key for a key id, which it compares exactly. An
// error that matches [ErrUnknownKey] says that the issuer has no such key; any
// other error means that this could not be found out.
//
// A [Verifier] asks for every token, remembered ones included, so that a key
// withdrawn from the source takes its tokens with it. Key is called by many
// goroutines at once and should be quick for keys it has.
type KeySource interface {
	Key(ctx context.Context, keyID string) (*rsa.PublicKey, error)
}

// KeySet is a fixed set of keys. It never changes and implements [KeySource].
type KeySet struct {
	keys    map[string]*rsa.PublicKey
	refused map[string]string // why an entry with this id was left out
}

// Key returns the key with exactly this id, or an error of kind [ErrUnknownKey].
func (s *KeySet) Key(_ context.Context, keyID string) (*rsa.PublicKey, error) {
	if key, ok := s.keys[keyID]; ok {
		return key, nil
	}
	if why, ok := s.refused[keyID]; ok {
		return nil, unknownKey(keyID, "the issuer's key with this id cannot be used: "+why)
	}
	return nil, unknownKey(keyID, "the issuer has no key with this id; is it the right user pool?")
}

// ParseKeys reads a JSON Web Key Set (RFC 7517 section 5), for verifying without a
// network. It takes the keys that can verify RS256 and passes over every other entry:
//
//   - what is not a JSON object, or an object with a member name twice;
//   - entries of another kty than RSA, symmetric keys among them;
//   - RSA keys that must not be used: without a kid, with use other than "sig",
//     alg other than "RS256" or key_ops without "verify", with an exponent that is
//     even, below 3 or above 2^31-1, or with a modulus that is even or not of 2048 to
//     8192 bits;
//   - RSA keys whose private part is published, by their own entry or by another one.
//
// An entry that is passed over does not affect the others. The same key may occur
// several times. ParseKeys refuses the whole document when two different usable keys
// have the same kid (RFC 7517 section 4.5), and when the document is larger than
// 1 MiB, not JSON, nested deeper than 32, has more than 100 entries or no usable key.
func ParseKeys(jwksJSON []byte) (*KeySet, error) {
	set, err := parseKeys(jwksJSON)
	if err != nil {
		return nil, err
	}
	if len(set.keys) == 0 {
		return nil, fmt.Errorf("jwt: key set: no usable RS256 key%s", set.reasons())
	}
	return set, nil
}

// reasons lists why entries were left out, for an error; three are enough.
func (s *KeySet) reasons() string {
	var b strings.Builder
	for i, id := range slices.Sorted(maps.Keys(s.refused)) {
		if i == 3 {
			b.WriteString("; and others")
			break
		}
		b.WriteString("; kid " + quote(id) + ": " + s.refused[id])
	}
	return b.String()
}

// parseKeys is ParseKeys that takes a set with no usable key: an issuer that has
// withdrawn all its keys has said so clearly.
func parseKeys(doc []byte) (*KeySet, error) {
	if len(doc) > maxKeySet {
		return nil, fmt.Errorf("jwt: key set: it is larger than %d bytes", maxKeySet)
	}
	src := string(doc)
	outer := scanner{src: src, innerLoose: true}
	members, problem := outer.outermost()
	if problem != "" {
		return nil, fmt.Errorf("jwt: key set: %s", problem)
	}
	m, ok := find(src, members, "keys")
	if !ok || m.kind != kindArray {
		return nil, fmt.Errorf(`jwt: key set: it has no array "keys"`)
	}
	var entries []jwk
	count := 0
	list := scanner{src: m.rawIn(src), innerLoose: true}
	list.elements(func(entry string, kind kind, _ bool) bool {
		if k, ok := parseJWK(entry); ok && kind == kindObject {
			entries = append(entries, k)
		}
		count++
		return count <= maxKeys
	})
	if count > maxKeys {
		return nil, fmt.Errorf("jwt: key set: it has more than %d entries", maxKeys)
	}
	return newKeySet(entries)
}

// newKeySet takes the usable keys of the RSA entries and notes why the others are
// not usable.
func newKeySet(entries []jwk) (*KeySet, error) {
	set := &KeySet{keys: map[string]*rsa.PublicKey{}, refused: map[string]string{}}
	published := publishedModuli(entries)
	for _, k := range entries {
		id := k.text("kid")
		key, why := k.publicKey(published)
		if why == "" && id == "" {
			why = "kid is missing"
		}
		if why != "" {
			set.refused[id] = why
			continue
		}
		if other, ok := set.keys[id]; ok && !same(other, key) {
			return nil, fmt.Errorf("jwt: key set: kid %s names two different keys", quote(id))
		}
		set.keys[id] = key
	}
	return set, nil
}

// publishedModuli returns the moduli of the keys whose private part is in the set.
func publishedModuli(entries []jwk) []*big.Int {
	var moduli []*big.Int
	for _, k := range entries {
		if n := k.number("n"); n != nil && k.private() {
			moduli = append(moduli, n)
		}
	}
	return moduli
}

// jwk is one entry of a key set.
type jwk struct {
	src     string
	members []member
}

// parseJWK reads one entry. ok is false for one that is no RSA key.
func parseJWK(entry string) (k jwk, ok bool) {
	members, problem := scanObject(entry, nil)
	k = jwk{src: entry, members: members}
	return k, problem == "" && k.text("kty") == "RSA"
}

// text returns a member that is a string, or "".
func (k jwk) text(name string) string {
	m, _ := find(k.src, k.members, name)
	text, _ := m.textIn(k.src)
	return text
}

func (k jwk) has(name string) bool {
	_, ok := find(k.src, k.members, name)
	return ok
}

// private reports whether the entry has a part that only the signer may know (RFC 7518
// section 6.3.2).
func (k jwk) private() bool {
	return slices.ContainsFunc([]string{"d", "p", "q", "dp", "dq", "qi", "oth"}, k.has)
}

// publicKey returns the key, or why it must not verify a token. Anyone can sign with a
// key of a published modulus.
func (k jwk) publicKey(published []*big.Int) (key *rsa.PublicKey, why string) {
	switch {
	case k.private():
		return nil, "its private part is published, so anyone can sign with it"
	case k.has("use") && k.text("use") != "sig":
		return nil, "its use is not sig"
	case k.has("alg") && k.text("alg") != "RS256":
		return nil, "its alg is not RS256"
	case k.has("key_ops") && !k.mayVerify():
		return nil, "its key_ops do not include verify"
	}
	n, e := k.number("n"), k.number("e")
	if n == nil || e == nil || e.BitLen() > 32 {
		return nil, "its modulus or exponent is missing, not base64url or too large"
	}
	if why := weakness(n, e.Int64()); why != "" {
		return nil, why
	}
	if slices.ContainsFunc(published, func(other *big.Int) bool { return n.Cmp(other) == 0 }) {
		return nil, "another entry publishes its private part, so anyone can sign with it"
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, ""
}

// weakness says why a key must not be used, or nothing. With e = 1 a signature is
// the padded hash itself, and anybody can write one.
func weakness(n *big.Int, e int64) string {
	switch bits := n.BitLen(); {
	case bits < minKeyBits:
		return fmt.Sprintf("it has %d bits; at least %d are safe", bits, minKeyBits)
	case bits > maxKeyBits:
		return fmt.Sprintf("it has %d bits; at most %d are accepted", bits, maxKeyBits)
	case n.Bit(0) == 0:
		return "its modulus is even"
	case e < 3 || e&1 == 0 || e > math.MaxInt32:
		return "its exponent is even, below 3 or above 2^31-1"
	}
	return ""
}

// mayVerify reads key_ops (RFC 7517 section 4.3).
func (k jwk) mayVerify() bool {
	m, _ := find(k.src, k.members, "key_ops")
	if m.kind != kindArray {
		return false
	}
	operations, _ := texts(m.rawIn(k.src))
	for _, operation := range operations {
		if operation == "verify" {
			return true
		}
	}
	return false
}

// number reads a Base64urlUInt (RFC 7518 section 2), nil when it is none.
func (k jwk) number(name string) *big.Int {
	text := k.text(name)
	octets := make([]byte, decodedLen(len(text)))
	if n, ok := decode64(octets, text); !ok || n == 0 {
		return nil
	}
	return new(big.Int).SetBytes(octets)
}
