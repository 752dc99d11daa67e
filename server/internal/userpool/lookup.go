package userpool

import (
	"errors"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// purposes of sealing; each has a key of its own.
const (
	purposeVerifier    = "userpool/verifier" // bound to the user name
	purposeSubVerifier = "userpool/verifier/sub"
	purposeSecret      = "userpool/client-secret"
	purposeChallenge   = "userpool/challenge"
	purposeRefresh     = "userpool/refresh-token"
	purposeMadeUp      = "userpool/made-up-user"
	purposePaging      = "userpool/paging"
	purposeQuota       = "userpool/quota"
	purposeCode        = "userpool/code"
	purposeProvider    = "userpool/identity-provider"
)

// loadApp finds the app client with its pool.
func (s *Service) loadApp(tx storage.Tx, clientID string) (*app, error) {
	client, err := tx.Clients.Client(clientID)
	if err != nil {
		return nil, notFound(err, wire.ClientNotFound(clientID))
	}
	pool, set, err := s.loadPool(tx, client.PoolID)
	if err != nil {
		return nil, err
	}
	settings, err := s.clients.decode(client.ID, client.ModifiedAt, client.Settings)
	if err != nil {
		return nil, err
	}
	a := &app{pool: pool, poolSet: set, client: client, settings: settings}
	if len(client.Secret) > 0 {
		secret, err := s.box.Open(purposeSecret, client.Secret, []byte(client.ID))
		if err != nil {
			return nil, err
		}
		a.secret = string(secret)
	}
	return a, nil
}

// loadAppOf is loadApp for admin operations, which name the pool as well: a
// client of another pool does not exist for them.
func (s *Service) loadAppOf(tx storage.Tx, poolID, clientID string) (*app, error) {
	if _, _, err := s.loadPool(tx, poolID); err != nil {
		return nil, err
	}
	a, err := s.loadApp(tx, clientID)
	if err != nil {
		return nil, err
	}
	if a.pool.ID != poolID {
		return nil, wire.ClientNotFound(clientID)
	}
	return a, nil
}

func (s *Service) loadPool(tx storage.Tx, poolID string) (storage.Pool, *PoolSettings, error) {
	pool, err := tx.Pools.Pool(poolID)
	if err != nil {
		return pool, nil, notFound(err, wire.PoolNotFound(poolID))
	}
	set, err := s.pools.decode(pool.ID, pool.ModifiedAt, pool.Settings)
	return pool, set, err
}

// notFound puts the answer that Cognito gives in the place of storage's ErrNotFound.
func notFound(err error, answer *wire.Exception) error {
	if errors.Is(err, storage.ErrNotFound) {
		return answer
	}
	return err
}
