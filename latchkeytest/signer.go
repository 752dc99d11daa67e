package latchkeytest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"sync"

	"github.com/latchkey-auth/latchkey/server/plug"
)

// firstKeys are generated once and are the first keys of every server: generating RSA keys is
// slow, and a test does not need them to be secret.
var firstKeys = sync.OnceValues(func() (made [3]*rsa.PrivateKey, err error) {
	for i := range made {
		if made[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return made, fmt.Errorf("make a test key: %w", err)
		}
	}
	return made, nil
})

// signer signs with keys in memory: the first three are shared by all servers, those of
// a rotation are new.
type signer struct {
	mu   sync.Mutex
	keys map[string]*rsa.PrivateKey
}

// CreateKey gives a shared key, or makes one.
func (s *signer) CreateKey(context.Context, plug.KeyRequest) (plug.SigningKey, error) {
	shared, err := firstKeys()
	if err != nil {
		return plug.SigningKey{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	handle := fmt.Sprint(len(s.keys))
	var key *rsa.PrivateKey
	if n := len(s.keys); n < len(shared) {
		key = shared[n]
	} else if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return plug.SigningKey{}, err
	}
	s.keys[handle] = key
	return plug.SigningKey{Handle: handle, Public: &key.PublicKey}, nil
}

// Sign signs with a key of CreateKey.
func (s *signer) Sign(_ context.Context, handle string, digest [32]byte) ([]byte, error) {
	s.mu.Lock()
	key := s.keys[handle]
	s.mu.Unlock()
	if key == nil {
		return nil, fmt.Errorf("no key %s", handle)
	}
	return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
}
