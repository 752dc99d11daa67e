package server

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// administration is the service's own API beside Cognito's two: what an
// operator of Cognito would leave to AWS. Its operations are signed like
// Cognito's admin operations, for the signing name cognito-idp.
const administration wire.Service = "LatchkeyAdministrationService"

// RotateSigningKeysRequest asks for new signing keys of a pool.
type RotateSigningKeysRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
}

// RotateSigningKeysResponse is empty.
type RotateSigningKeysResponse struct{}

// RotateSigningKeysTarget is the X-Amz-Target of the operation.
var RotateSigningKeysTarget = wire.Target(administration, "RotateSigningKeys")

// rotateSigningKeys publishes new keys. They sign once every verifier has had
// the time to fetch them, and the old ones stay published until the last token
// they signed has expired: no token is refused.
func (s *Server) rotateSigningKeys(ctx context.Context, in *RotateSigningKeysRequest) (*RotateSigningKeysResponse, error) {
	err := s.ring.Rotate(ctx, in.UserPoolId)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, wire.PoolNotFound(in.UserPoolId)
	}
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "signing keys rotated", "pool", in.UserPoolId)
	return &RotateSigningKeysResponse{}, nil
}

// lookup finds an operation of any of the three APIs.
func lookup(target string) (wire.Operation, bool) {
	if target == RotateSigningKeysTarget {
		return wire.Operation{Service: administration, Name: "RotateSigningKeys", Auth: wire.Signed}, true
	}
	return wire.LookupTarget(target)
}
