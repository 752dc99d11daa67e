package keys

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// ErrClosed means that the Ring was closed.
var ErrClosed = errors.New("keys: ring is closed")

// SignFunc makes the RS256 signature (RFC 7518, section 3.3) of a SHA-256
// digest. It is called by several goroutines at once, and must not keep or
// change the digest.
type SignFunc func(key *rsa.PrivateKey, digest []byte) ([]byte, error)

// signPKCS1v15 passes no source of randomness: crypto/rsa computes in constant
// time, has ignored that argument since Go 1.20, and checks its result before
// it gives it away.
func signPKCS1v15(key *rsa.PrivateKey, digest []byte) ([]byte, error) {
	return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest)
}

// Signer signs with one key. It is safe for concurrent use and meant for one
// token: ask the Ring for the Signer, put KeyID in the token's header, sign.
type Signer struct {
	// KeyID is the "kid" of the key.
	KeyID string
	ring  *Ring
	key   *signingKey
}

// Signer returns the signer of a pool's tokens at this moment. It does not
// touch storage except at a pool's first use and now and then. A pool that does
// not exist gives [storage.ErrNotFound], a database of another master key
// an error that wraps seal.ErrOpen, and a key of an absent Options.Signer [ErrSigner].
func (r *Ring) Signer(ctx context.Context, poolID string, use Use) (*Signer, error) {
	s, err := r.current(ctx, poolID)
	if err != nil {
		return nil, err
	}
	signer := s.signers[use]
	if signer == nil {
		return nil, fmt.Errorf("keys: pool %s: key for %q tokens: %w", poolID, use, storage.ErrNotFound)
	}
	if signer.key.private == nil && r.options.Signer == nil {
		return nil, fmt.Errorf("keys: pool %s: signing key %s: %w", poolID, signer.KeyID, ErrSigner)
	}
	return signer, nil
}

// Sign signs a SHA-256 digest on the caller's goroutine, as soon as a worker's
// place is free. It fails with ctx's error when ctx ends before that, and with
// [ErrClosed] after the Ring was closed.
func (s *Signer) Sign(ctx context.Context, digest [32]byte) ([]byte, error) {
	if err := s.ring.enter(ctx); err != nil {
		return nil, err
	}
	defer s.ring.leave()
	return s.ring.sign(ctx, s.key, digest)
}

// Request is one of several signatures that are wanted together.
type Request struct {
	Signer *Signer
	Digest [32]byte
}

// SignAll signs requests side by side and returns the signatures in their
// order. Two tokens take the time of one if two places and cores are free; a
// Ring with one worker signs on the caller's goroutine, one after the other. It
// fails like Sign, when any of them fails.
func (r *Ring) SignAll(ctx context.Context, requests ...Request) ([][]byte, error) {
	signatures := make([][]byte, len(requests))
	if len(requests) == 0 {
		return signatures, nil
	}
	sign := func(i int) (err error) {
		signatures[i], err = requests[i].Signer.Sign(ctx, requests[i].Digest)
		return err
	}
	if cap(r.places) == 1 {
		for i := range requests {
			if err := sign(i); err != nil {
				return nil, err
			}
		}
		return signatures, nil
	}
	var others errgroup.Group
	for i := 1; i < len(requests); i++ {
		others.Go(func() error { return sign(i) })
	}
	err := sign(0)
	if err := cmp.Or(err, others.Wait()); err != nil {
		return nil, err
	}
	return signatures, nil
}

// enter takes a place among those who sign. Handing the work to goroutines of
// the Ring's own would bound it no better, and cost each token two switches.
func (r *Ring) enter(ctx context.Context) error {
	if r.closing.Err() != nil {
		return ErrClosed
	}
	select {
	case r.places <- struct{}{}:
		return nil
	default:
	}
	select {
	case r.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closing.Done():
		return ErrClosed
	}
}

func (r *Ring) leave() { <-r.places }

// sign turns a panic of the SignFunc, which on a goroutine of SignAll would end
// the process, into an error of the one request that met it.
func (r *Ring) sign(ctx context.Context, key *signingKey, digest [32]byte) (signature []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("keys: signing panicked: %v", p)
		}
	}()
	if key.private == nil {
		return r.signExternal(ctx, key, digest)
	}
	signature, err = r.options.Sign(key.private, digest[:])
	if err != nil {
		return nil, fmt.Errorf("keys: signing: %w", err)
	}
	return signature, nil
}
