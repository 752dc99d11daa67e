package keys

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// purpose is what the sealing key of private keys is derived for.
const purpose = "signing key"

// maxJWKSAge bounds the time for which verifiers may cache a JWKS, so that they soon refuse a
// key that an administrator withdrew.
const maxJWKSAge = 5 * time.Minute

// ErrUnknownKey means that a pool has no key of that id, or has it no more. It
// is a jwt.ErrUnknownKey, so that a Source serves a jwt.Verifier.
var ErrUnknownKey error = unknownKey{}

type unknownKey struct{}

func (unknownKey) Error() string {
	return "keys: no such key in the pool's JWKS: " + jwt.ErrUnknownKey.Error()
}
func (unknownKey) Unwrap() error { return jwt.ErrUnknownKey }

// signingKey is a stored key that was opened.
type signingKey struct {
	row     storage.Key
	public  *rsa.PublicKey
	private *rsa.PrivateKey // nil for a key of Options.Signer
	handle  string          // of such a key
}

// snapshot has a pool's keys at one moment. It is immutable and has the time of its
// replacement.
type snapshot struct {
	ring     *Ring
	keys     []*signingKey // all of storage, oldest first
	signers  map[Use]*Signer
	public   map[string]*rsa.PublicKey
	jwks     []byte
	sequence uint64 // grows with each reading of storage

	changes   time.Time // the next ActiveAt or RetireAt; zero if there is none
	reload    time.Time // the next reading of storage
	due       time.Time // the earlier of the two
	reloading atomic.Bool
}

// newSnapshot determines which keys sign and which are published at now.
func newSnapshot(r *Ring, keys []*signingKey, now time.Time) *snapshot {
	s := &snapshot{ring: r, keys: keys, signers: map[Use]*Signer{}, public: map[string]*rsa.PublicKey{}}
	var published []*signingKey
	for _, k := range keys {
		s.changesAt(k.row.ActiveAt, now)
		if !k.row.RetireAt.IsZero() {
			s.changesAt(k.row.RetireAt, now)
			if !now.Before(k.row.RetireAt) {
				continue
			}
		}
		published = append(published, k)
		s.public[k.row.ID] = k.public
	}
	for _, use := range uses {
		if k := active(published, use, now); k != nil {
			s.signers[use] = &Signer{KeyID: k.row.ID, ring: r, key: k}
		}
	}
	s.jwks = marshalJWKS(published)
	return s
}

// at returns the snapshot of the same reading of storage at another moment.
func (s *snapshot) at(now time.Time) *snapshot {
	next := newSnapshot(s.ring, s.keys, now)
	next.sequence = s.sequence
	next.postpone(s.reload)
	return next
}

// changesAt notes a time from which newSnapshot returns another result.
func (s *snapshot) changesAt(t, now time.Time) {
	if t.After(now) && (s.changes.IsZero() || t.Before(s.changes)) {
		s.changes = t
	}
}

// postpone sets when storage is read again. Only for a snapshot not yet shared.
func (s *snapshot) postpone(reload time.Time) {
	s.reload, s.due = reload, reload
	if !s.changes.IsZero() && s.changes.Before(reload) {
		s.due = s.changes
	}
}

// active returns the key that signs: of those that are active the last to
// become so. Before any is, which a clock that was put back can bring about, it
// is the oldest.
func active(keys []*signingKey, use Use, now time.Time) *signingKey {
	var oldest, best *signingKey
	for _, k := range keys {
		if k.row.Use != string(use) {
			continue
		}
		if oldest == nil {
			oldest = k
		}
		if !k.row.ActiveAt.After(now) && (best == nil || signsAfter(k.row, best.row)) {
			best = k
		}
	}
	if best == nil {
		return oldest
	}
	return best
}

// sealKey fills in what a stored key consists of. Its id has the shape of
// Cognito's, 32 bytes in base64: the key's JWK thumbprint (RFC 7638).
func (r *Ring) sealKey(poolID string, private *rsa.PrivateKey) (storage.Key, error) {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return storage.Key{}, fmt.Errorf("keys: encoding a key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return storage.Key{}, fmt.Errorf("keys: encoding a key: %w", err)
	}
	id := thumbprint(&private.PublicKey)
	return storage.Key{
		PoolID:  poolID,
		ID:      id,
		Public:  public,
		Private: r.box.Seal(purpose, der, sealContext(poolID, id)),
	}, nil
}

// sealContext ties a sealed key to its row. A key id has a fixed length.
func sealContext(poolID, keyID string) []byte { return []byte(poolID + "\x00" + keyID) }

// openKeys opens the keys of a pool, except those that are in memory already.
func (r *Ring) openKeys(poolID string, rows []storage.Key) ([]*signingKey, error) {
	known := map[string]*signingKey{}
	if cached, ok := r.pools.Load(poolID); ok {
		for _, k := range cached.(*snapshot).keys {
			known[k.row.ID] = k
		}
	}
	opened := make([]*signingKey, 0, len(rows))
	for _, row := range rows {
		if k := known[row.ID]; k != nil && bytes.Equal(k.row.Private, row.Private) && bytes.Equal(k.row.Public, row.Public) {
			opened = append(opened, &signingKey{row: row, public: k.public, private: k.private, handle: k.handle})
			continue
		}
		key, err := r.openKey(row)
		if err != nil {
			return nil, fmt.Errorf("keys: pool %s: signing key %s: %w", row.PoolID, row.ID, err)
		}
		opened = append(opened, key)
	}
	return opened, nil
}

// openKey opens one stored key. It takes only sealed values, and so detects a public key that
// was exchanged in storage.
func (r *Ring) openKey(row storage.Key) (*signingKey, error) {
	der, err := r.box.Open(purpose, row.Private, sealContext(row.PoolID, row.ID))
	if err != nil {
		if handle, external := openHandle(r.box, row); external {
			return openExternal(row, handle)
		}
		return nil, fmt.Errorf("%w; start the service with the master key that this database was made with", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("sealed key is damaged: %w", err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("sealed key is a %T, want RSA", parsed)
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil || !bytes.Equal(public, row.Public) {
		return nil, errors.New("stored public key is not that of the sealed private key; the database was altered")
	}
	return &signingKey{row: row, public: &private.PublicKey, private: private}, nil
}

// Source looks up the public keys of one pool by their ids.
type Source struct {
	ring   *Ring
	poolID string
}

// Public returns the pool's public keys: those in its JWKS, without the detour
// over HTTP. The pool need not exist yet.
func (r *Ring) Public(poolID string) Source { return Source{r, poolID} }

// Key returns the key with that id, or [ErrUnknownKey], also when there is no
// such pool. An unknown id of a pool costs no access to storage.
func (s Source) Key(ctx context.Context, keyID string) (*rsa.PublicKey, error) {
	now, err := s.ring.current(ctx, s.poolID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, ErrUnknownKey
	}
	if err != nil {
		return nil, err
	}
	key, ok := now.public[keyID]
	if !ok {
		return nil, ErrUnknownKey
	}
	return key, nil
}

// JWKS returns the pool's key set (RFC 7517) with the members that Cognito's
// has, and how long a verifier may keep it. The bytes are shared: do not change
// them. A pool that does not exist gives [storage.ErrNotFound].
func (r *Ring) JWKS(ctx context.Context, poolID string) (set []byte, maxAge time.Duration, err error) {
	s, err := r.current(ctx, poolID)
	if err != nil {
		return nil, 0, err
	}
	return s.jwks, min(r.options.PublishAhead, maxJWKSAge), nil
}

// jwk is a member of the set, in the order of Cognito's.
type jwk struct {
	Algorithm string `json:"alg"`
	Exponent  string `json:"e"`
	KeyID     string `json:"kid"`
	KeyType   string `json:"kty"`
	Modulus   string `json:"n"`
	Use       string `json:"use"`
}

func marshalJWKS(keys []*signingKey) []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: make([]jwk, 0, len(keys))}
	for _, k := range keys {
		n, e := parameters(k.public)
		set.Keys = append(set.Keys, jwk{"RS256", e, k.row.ID, "RSA", n, "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		panic("keys: " + err.Error()) // strings always marshal
	}
	return text
}

// parameters are a key's members n and e (RFC 7518, section 6.3.1).
func parameters(key *rsa.PublicKey) (n, e string) {
	exponent := binary.BigEndian.AppendUint64(nil, uint64(key.E))
	return base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		base64.RawURLEncoding.EncodeToString(bytes.TrimLeft(exponent, "\x00"))
}

// thumbprint is the SHA-256 of the key's required members in the order and form
// that RFC 7638, section 3, prescribes.
func thumbprint(key *rsa.PublicKey) string {
	n, e := parameters(key)
	sum := sha256.Sum256([]byte(`{"e":"` + e + `","kty":"RSA","n":"` + n + `"}`))
	return base64.StdEncoding.EncodeToString(sum[:])
}
