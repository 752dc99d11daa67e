package keys

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/latchkey-auth/latchkey/internal/outcall"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// purposeHandle is the purpose of the seal of a Signer's key handles, which are stored in place
// of private keys.
const purposeHandle = "signing key handle"

const (
	// externalWorkers is the number of concurrent calls of Signer.Sign.
	externalWorkers = 64
	// externalTimeout bounds a call of a Signer, whatever the context of the caller allows.
	externalTimeout = 5 * time.Second
	maxHandle       = 2048 // bytes
	leastModulus    = 2048 // bits
	mostModulus     = 4096
)

// ErrSigner means that a key that should sign is one of a Signer, and that there is no Signer.
var ErrSigner = errors.New("the private key is not in storage: set Config.Signer, or rotate the keys of the pool")

// Trusted is a Signer whose signatures are not verified, for measurements of what is left
// without signatures. Only packages of this module can implement it.
type Trusted interface {
	plug.Signer
	Trusted(*Ring)
}

// createExternal requests a key from the Signer.
func (r *Ring) createExternal(ctx context.Context, poolID string, use Use) (key storage.Key, err error) {
	made, err := outcall.Do(ctx, r.calls, func(ctx context.Context) (plug.SigningKey, error) {
		return r.options.Signer.CreateKey(ctx, plug.KeyRequest{PoolID: poolID, Use: string(use)})
	})
	if err == nil {
		err = checkKey(made)
	}
	if err != nil {
		return key, fmt.Errorf("keys: making a key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(made.Public)
	if err != nil {
		return key, fmt.Errorf("keys: encoding a key: %w", err)
	}
	id := thumbprint(made.Public)
	if err := r.prove(ctx, made); err != nil {
		return key, err
	}
	return storage.Key{
		PoolID: poolID, ID: id, Public: public, Private: r.box.Seal(purposeHandle, []byte(made.Handle), sealContext(poolID, id)),
	}, nil
}

// prove has a new key sign a random digest. A rotation to a key that does not sign would end
// every sign-in and refresh of the pool once the key is active.
func (r *Ring) prove(ctx context.Context, made plug.SigningKey) error {
	var digest [sha256.Size]byte
	_, _ = rand.Read(digest[:]) // never fails
	if _, err := r.signExternal(ctx, &signingKey{public: made.Public, handle: made.Handle}, digest); err != nil {
		return fmt.Errorf("keys: proving a new key: %w", err)
	}
	return nil
}

// checkKey validates a key of a Signer.
func checkKey(made plug.SigningKey) error {
	switch {
	case made.Handle == "" || len(made.Handle) > maxHandle:
		return fmt.Errorf("the signer's handle has %d bytes, want 1 to %d", len(made.Handle), maxHandle)
	case made.Public == nil || made.Public.N == nil:
		return errors.New("the signer gave no public key")
	case made.Public.N.BitLen() < leastModulus || made.Public.N.BitLen() > mostModulus:
		return fmt.Errorf("the signer's key has %d bits, want %d to %d", made.Public.N.BitLen(), leastModulus, mostModulus)
	case made.Public.E < 3 || made.Public.E%2 == 0:
		return fmt.Errorf("the signer's key has the exponent %d", made.Public.E)
	}
	return nil
}

// openHandle opens the handle of a Signer's key, if the row is one.
func openHandle(box *seal.Box, row storage.Key) (handle string, ok bool) {
	plain, err := box.Open(purposeHandle, row.Private, sealContext(row.PoolID, row.ID))
	return string(plain), err == nil
}

// openExternal reads a Signer's key. Without the Signer the key is published and does not sign.
// The id, which is under the seal of the handle, is the thumbprint of the public key, so that
// openExternal detects a public key that was exchanged in storage.
func openExternal(row storage.Key, handle string) (*signingKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(row.Public)
	if err != nil {
		return nil, fmt.Errorf("stored public key is damaged: %w", err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok || thumbprint(public) != row.ID {
		return nil, errors.New("stored public key is not that of the key's id; the database was altered")
	}
	return &signingKey{row: row, public: public, handle: handle}, nil
}

// signExternal requests a signature from the Signer and verifies it: every verifier would refuse
// a token with a wrong one.
func (r *Ring) signExternal(ctx context.Context, key *signingKey, digest [32]byte) ([]byte, error) {
	signature, err := outcall.Do(ctx, r.calls, func(ctx context.Context) ([]byte, error) {
		return r.options.Signer.Sign(ctx, key.handle, digest)
	})
	if _, trusted := r.options.Signer.(Trusted); err == nil && !trusted {
		err = rsa.VerifyPKCS1v15(key.public, crypto.SHA256, digest[:], signature)
	}
	switch {
	case err == nil:
		return signature, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("keys: signing by the signer: %w", err)
}

// removeRetired removes the Signer's keys among rows that have retired. It returns the ids of
// those whose removal failed, which stay in storage for the next attempt, and the errors.
func (r *Ring) removeRetired(ctx context.Context, rows []storage.Key) (stay map[string]bool, err error) {
	remover, ok := r.options.Signer.(plug.KeyRemover)
	if !ok {
		return nil, nil
	}
	stay = map[string]bool{}
	var failures []error
	for _, row := range rows {
		handle, external := openHandle(r.box, row)
		if !external || !retired(row, r.now()) {
			continue
		}
		_, err := outcall.Do(ctx, r.calls, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, remover.RemoveKey(ctx, handle)
		})
		if err != nil {
			stay[row.ID] = true
			failures = append(failures, fmt.Errorf("keys: removing key %s of pool %s: %w", row.ID, row.PoolID, err))
		}
	}
	return stay, errors.Join(failures...)
}
