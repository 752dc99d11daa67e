package pool

import (
	"errors"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// purposes of sealing; each has a different key.
const (
	purposeVerifier    = "userpool/verifier" // bound to the user name
	purposeSubVerifier = "userpool/verifier/sub"
	PurposeSecret      = "userpool/client-secret"
	PurposeChallenge   = "userpool/challenge"
	PurposeRefresh     = "userpool/refresh-token"
	PurposeMadeUp      = "userpool/made-up-user"
	purposePaging      = "userpool/paging"
	purposeQuota       = "userpool/quota"
	purposeCode        = "userpool/code"
	PurposeProvider    = "userpool/identity-provider"
)

// LoadApp finds the app client with its pool.
func (s *Pools) LoadApp(tx storage.Tx, clientID string) (*App, error) {
	client, err := tx.Clients.Client(clientID)
	if err != nil {
		return nil, NotFound(err, wire.ClientNotFound(clientID))
	}
	row, set, err := s.LoadPool(tx, client.PoolID)
	if err != nil {
		return nil, err
	}
	settings, err := s.clients.Decode(client.ID, client.Settings)
	if err != nil {
		return nil, err
	}
	a := &App{Pool: row, PoolSettings: set, Client: client, Settings: settings}
	if len(client.Secret) > 0 {
		secret, err := s.box.Open(PurposeSecret, client.Secret, []byte(client.ID))
		if err != nil {
			return nil, err
		}
		a.Secret = string(secret)
	}
	return a, nil
}

// LoadAppOf is loadApp for admin operations, which name the pool as well: a
// client of another pool does not exist for them.
func (s *Pools) LoadAppOf(tx storage.Tx, poolID, clientID string) (*App, error) {
	if _, _, err := s.LoadPool(tx, poolID); err != nil {
		return nil, err
	}
	a, err := s.LoadApp(tx, clientID)
	if err != nil {
		return nil, err
	}
	if a.Pool.ID != poolID {
		return nil, wire.ClientNotFound(clientID)
	}
	return a, nil
}

// LoadPool returns a pool and its settings, which callers must not change.
func (s *Pools) LoadPool(tx storage.Tx, poolID string) (storage.Pool, *Settings, error) {
	row, err := tx.Pools.Pool(poolID)
	if err != nil {
		return row, nil, NotFound(err, wire.PoolNotFound(poolID))
	}
	set, err := s.Decode(row)
	return row, set, err
}

// NotFound puts the answer that Cognito gives in the place of storage's ErrNotFound.
func NotFound(err error, answer *wire.Exception) error {
	if errors.Is(err, storage.ErrNotFound) {
		return answer
	}
	return err
}

// Invalid is an InvalidParameterException.
func Invalid(format string, args ...any) *wire.Exception {
	return wire.Exceptionf(wire.InvalidParameterException, format, args...)
}
