package localservice

import (
	"context"
	"path/filepath"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/ownbroker"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/stsbroker"
)

// Roles of the identity pool, of an account that AWS gives to nobody. The own
// broker's credentials carry them; for an STS, set roles that it knows.
const (
	authenticatedRole = "arn:aws:iam::000000000000:role/latchkey-authenticated"
	guestRole         = "arn:aws:iam::000000000000:role/latchkey-guest"
)

// broker makes the broker of the identity pool's credentials: its own, with a key
// in the folder, or an STS.
func (s *Service) broker(ctx context.Context) (plug.Broker, error) {
	if s.options.STS != "" {
		return stsbroker.New(stsbroker.Config{Endpoint: s.options.STS})
	}
	key, err := s.credentialsKey(ctx)
	if err != nil {
		return nil, err
	}
	return ownbroker.New(ownbroker.Config{Keys: [][]byte{key}})
}

func credentialKeyFile(dir string) string { return filepath.Join(dir, "credentials.key") }

// provisionIdentities makes the identity pool for the app client's users and for
// guests. One that is there stays as it is.
func (s *Service) provisionIdentities(ctx context.Context) error {
	err := s.server.Call(ctx, "DescribeIdentityPool", &wire.DescribeIdentityPoolRequest{IdentityPoolId: s.state.IdentityPoolID}, nil)
	if !wire.IsException(err, wire.ResourceNotFoundException) {
		return err
	}
	err = s.server.Call(ctx, "CreateIdentityPool", &wire.CreateIdentityPoolRequest{IdentityPoolSettings: wire.IdentityPoolSettings{
		IdentityPoolName: "local", AllowUnauthenticatedIdentities: new(true), AllowClassicFlow: new(true),
		IdentityPoolTags: map[string]string{"_custom_id_": s.state.IdentityPoolID},
		CognitoIdentityProviders: []wire.CognitoIdentityProvider{{
			ProviderName: "cognito-idp." + Region + ".amazonaws.com/" + s.state.UserPoolID,
			ClientId:     s.state.ClientID, ServerSideTokenCheck: new(true),
		}},
	}}, nil)
	if err != nil {
		return err
	}
	err = s.server.Call(ctx, "SetIdentityPoolRoles", &wire.SetIdentityPoolRolesRequest{IdentityPoolRoles: wire.IdentityPoolRoles{
		IdentityPoolId: s.state.IdentityPoolID,
		Roles:          map[string]string{wire.RoleAuthenticated: authenticatedRole, wire.RoleUnauthenticated: guestRole},
	}}, nil)
	return err
}
