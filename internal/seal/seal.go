// Package seal protects what the service stores with keys that are kept outside
// its database, so that a stolen database alone gives nothing.
//
// A [Box] is made of one or more master keys, each usually read from a file by
// [LoadKey]. From a master key it derives an own key for each purpose, named by
// a constant of the program, and then offers two things:
//
//   - [Box.Seal] and [Box.Open] encrypt and authenticate a secret that must be
//     read again, such as a signing key;
//   - [Box.MAC], [Box.StableMAC] and [Box.CheckMAC] authenticate, or make up, a value
//     that can be computed again, such as a refresh token.
//
// A sealed message is
//
//	version (1 byte) ‖ key id (8) ‖ nonce (24) ‖ ciphertext ‖ tag (16)
//
// encrypted by XAES-256-GCM as C2SP specifies it: 12 bytes of the nonce derive
// a key for this one message, the other 12 are the nonce of AES-256-GCM under
// that key. Plain AES-256-GCM allows about 2^32 messages with random nonces;
// this allows 2^80, which nobody needs to count. Version and key id are
// authenticated together with the caller's context.
//
// To replace a master key, put the new one first and keep the old one behind
// it: the first seals, all open. The MACs made from then on differ.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
)

// KeySize is the size of a master key in bytes.
const KeySize = 32

// Overhead is how many bytes a sealed message is longer than its plaintext.
const Overhead = headerSize + nonceSize + tagSize

const (
	version    = 1
	idSize     = 8
	headerSize = 1 + idSize
	tagSize    = 16
)

// The labels keep the three uses of a master key apart. They are part of the
// format: with another label nothing that was sealed opens.
const (
	labelID   = "latchkey/seal/v1 key id"
	labelSeal = "latchkey/seal/v1 seal\x00"
	labelMAC  = "latchkey/seal/v1 mac\x00"
)

// ErrOpen means that a message did not open. It never says why: changed, cut
// short, sealed for another purpose or context, or under another key.
var ErrOpen = errors.New("seal: message does not open")

// Box seals and opens. It is safe for concurrent use.
type Box struct{ keys []*masterKey }

// masterKey is one key of a Box with what was derived from it so far.
type masterKey struct {
	secret []byte
	id     [idSize]byte
	// The purposes are few and constant, so nothing is ever removed.
	sealers sync.Map // purpose → *xaes
	macs    sync.Map // purpose → []byte
}

// New makes a Box of master keys of [KeySize] bytes each. The first seals and
// computes MACs, all open and check. New copies the keys; it refuses an empty
// list, a key of another size, and the same key twice.
func New(keys ...[]byte) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: no master key given")
	}
	box := &Box{}
	for i, secret := range keys {
		if len(secret) != KeySize {
			return nil, fmt.Errorf("seal: master key %d has %d bytes, want %d", i+1, len(secret), KeySize)
		}
		id, err := hkdf.Key(sha256.New, secret, nil, labelID, idSize)
		if err != nil {
			return nil, fmt.Errorf("seal: deriving the id of master key %d: %w", i+1, err)
		}
		if box.find(id) != nil {
			return nil, fmt.Errorf("seal: master key %d is given twice", i+1)
		}
		key := &masterKey{secret: bytes.Clone(secret)}
		copy(key.id[:], id)
		box.keys = append(box.keys, key)
	}
	return box, nil
}

// Seal encrypts plaintext under the first key for a purpose. Context is not
// part of the result: the same context must be given to open the message, which
// ties it to its place, such as the row it is stored in. Purpose must be a
// constant of the program, since a key is kept for each.
func (b *Box) Seal(purpose string, plaintext, context []byte) []byte {
	key := b.keys[0]
	out := make([]byte, headerSize, len(plaintext)+Overhead)
	out[0] = version
	copy(out[1:], key.id[:])
	return key.sealer(purpose).seal(out, plaintext, additional(out[:headerSize], context))
}

// Open returns the plaintext of a sealed message, or [ErrOpen].
func (b *Box) Open(purpose string, sealed, context []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return nil, ErrOpen
	}
	header := sealed[:headerSize]
	key := b.find(header[1:])
	if key == nil {
		return nil, ErrOpen
	}
	plaintext, err := key.sealer(purpose).open(sealed[headerSize:], additional(header, context))
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// MAC is HMAC-SHA256 (RFC 2104) of parts under the first key, for a purpose: 32
// bytes, the same for the same input. Each part goes in behind its length, so
// that ("ab", "c") and ("a", "bc") differ.
func (b *Box) MAC(purpose string, parts ...[]byte) []byte {
	return b.keys[0].mac(purpose, parts)
}

// StableMAC is MAC under the last key, which stays the last while newer keys are put
// before it. It is for values that are made up again instead of stored and must not change
// with the first key.
func (b *Box) StableMAC(purpose string, parts ...[]byte) []byte {
	return b.keys[len(b.keys)-1].mac(purpose, parts)
}

// CheckMAC reports whether mac is the MAC of parts under any key of the Box.
// The comparison takes the same time wherever mac differs.
func (b *Box) CheckMAC(purpose string, mac []byte, parts ...[]byte) bool {
	valid := false
	for _, key := range b.keys {
		if hmac.Equal(mac, key.mac(purpose, parts)) {
			valid = true
		}
	}
	return valid
}

// KeyIDs returns the ids of the master keys in the order that [New] was given
// them, as hexadecimal digits. An id identifies a key and reveals nothing about
// it; every sealed message carries the id of its key.
func (b *Box) KeyIDs() []string {
	ids := make([]string, len(b.keys))
	for i, key := range b.keys {
		ids[i] = hex.EncodeToString(key.id[:])
	}
	return ids
}

// find returns the key with that id, or nil. Ids are public.
func (b *Box) find(id []byte) *masterKey {
	for _, key := range b.keys {
		if bytes.Equal(key.id[:], id) {
			return key
		}
	}
	return nil
}

func (k *masterKey) sealer(purpose string) *xaes {
	if cached, ok := k.sealers.Load(purpose); ok {
		return cached.(*xaes)
	}
	cached, _ := k.sealers.LoadOrStore(purpose, newXAES(k.derive(labelSeal+purpose)))
	return cached.(*xaes)
}

func (k *masterKey) mac(purpose string, parts [][]byte) []byte {
	cached, ok := k.macs.Load(purpose)
	if !ok {
		cached, _ = k.macs.LoadOrStore(purpose, k.derive(labelMAC+purpose))
	}
	h := hmac.New(sha256.New, cached.([]byte))
	var size [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return h.Sum(nil)
}

// derive makes a key of its own for one use (HKDF, RFC 5869).
func (k *masterKey) derive(info string) []byte {
	key, err := hkdf.Key(sha256.New, k.secret, nil, info, KeySize)
	if err != nil {
		// Only a length over 255 hashes, or a key too short for FIPS 140 mode,
		// fails; both were fixed when the Box was made.
		panic("seal: deriving a key: " + err.Error())
	}
	return key
}

// additional is the authenticated data of a message. The header has a fixed
// length, so no two pairs give the same bytes.
func additional(header, context []byte) []byte {
	out := make([]byte, 0, len(header)+len(context))
	return append(append(out, header...), context...)
}

// newAESGCM is AES-GCM with a random nonce in front of each message.
func newAESGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
