package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
)

// nonceSize is the length of an XAES-256-GCM nonce: half of it derives the key
// of the message, half is the nonce under that key.
const nonceSize = 2 * halfNonce

const halfNonce = 12

// xaes is XAES-256-GCM (C2SP, XAES-256-GCM version 1.0.0) under one key:
// AES-256-GCM with a nonce long enough to be drawn at random without limit.
type xaes struct {
	block cipher.Block
	// k1 is the first subkey of CMAC (NIST SP 800-38B, section 6.1).
	k1 [aes.BlockSize]byte
}

// newXAES takes a key of [KeySize] bytes.
func newXAES(key []byte) *xaes {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("seal: " + err.Error()) // the size is fixed by derive
	}
	x := &xaes{block: block}
	block.Encrypt(x.k1[:], x.k1[:])
	var carry byte
	for i := len(x.k1) - 1; i >= 0; i-- {
		next := x.k1[i] >> 7
		x.k1[i] = x.k1[i]<<1 | carry
		carry = next
	}
	x.k1[len(x.k1)-1] ^= carry * 0x87
	return x
}

// messageKey derives the key of one message from the first half of its nonce,
// by the counter mode of NIST SP 800-108r1 over CMAC.
func (x *xaes) messageKey(half []byte) []byte {
	key := make([]byte, 0, KeySize)
	for counter := byte(1); counter <= 2; counter++ {
		block := [aes.BlockSize]byte{0, counter, 'X', 0}
		copy(block[4:], half)
		subtle.XORBytes(block[:], block[:], x.k1[:])
		x.block.Encrypt(block[:], block[:])
		key = append(key, block[:]...)
	}
	return key
}

// seal appends nonce, ciphertext and tag to out.
func (x *xaes) seal(out, plaintext, additional []byte) []byte {
	half := make([]byte, halfNonce)
	rand.Read(half) // ends the program rather than fail
	aead, err := newAESGCM(x.messageKey(half))
	if err != nil {
		panic("seal: " + err.Error()) // the key has a valid size
	}
	return aead.Seal(append(out, half...), nil, plaintext, additional)
}

// open takes what seal appended.
func (x *xaes) open(message, additional []byte) ([]byte, error) {
	aead, err := newAESGCM(x.messageKey(message[:halfNonce]))
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, message[halfNonce:], additional)
}
