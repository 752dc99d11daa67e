package localservice

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/tempkey"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestIdentityPool: a local service has an identity pool whose id, identities and
// credentials' key are the same after a restart, on another port too.
func TestIdentityPool(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	identity := ""
	for round := range 2 {
		s, err := Open(ctx, options(dir))
		if err != nil {
			t.Fatal(err)
		}
		ready := s.Ready()
		tokens, err := perform[wire.InitiateAuthResponse](ctx, s.server, "InitiateAuth", &wire.InitiateAuthRequest{
			AuthFlow: wire.AuthFlowUserPassword, ClientId: ready.ClientID,
			AuthParameters: wire.Parameters{"USERNAME": ready.Username, "PASSWORD": ready.Password},
		})
		if err != nil {
			t.Fatal(err)
		}
		login := wire.Parameters{s.server.Issuer(ready.UserPoolID)[len("http://"):]: string(tokens.AuthenticationResult.IdToken)}
		id, err := perform[wire.GetIdResponse](ctx, s.server, "GetId", &wire.GetIdRequest{IdentityPoolId: ready.IdentityPoolID, Logins: login})
		if err != nil {
			t.Fatal(err)
		}
		if identity != "" && identity != id.IdentityId {
			t.Errorf("round %d: identity %s, want %s", round, id.IdentityId, identity)
		}
		identity = id.IdentityId
		out, err := perform[wire.GetCredentialsForIdentityResponse](ctx, s.server, "GetCredentialsForIdentity", &wire.GetCredentialsForIdentityRequest{IdentityId: identity, Logins: login})
		if err != nil {
			t.Fatal(err)
		}
		wantOpens(t, ready.CredentialKeyFile, out.Credentials, authenticatedRole)
		guest, err := perform[wire.GetIdResponse](ctx, s.server, "GetId", &wire.GetIdRequest{IdentityPoolId: ready.IdentityPoolID})
		if err != nil {
			t.Fatal(err)
		}
		out, err = perform[wire.GetCredentialsForIdentityResponse](ctx, s.server, "GetCredentialsForIdentity", &wire.GetCredentialsForIdentityRequest{IdentityId: guest.IdentityId})
		if err != nil {
			t.Fatal(err)
		}
		wantOpens(t, ready.CredentialKeyFile, out.Credentials, guestRole)
		wantOutputs(t, ready)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// wantOpens demands credentials that an API with the key file accepts.
func wantOpens(t *testing.T, keyFile string, c *wire.Credentials, role string) {
	t.Helper()
	key, err := seal.ReadKey(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := tempkey.New(key)
	if err != nil {
		t.Fatal(err)
	}
	claims, _, err := codec.Open(c.AccessKeyId, string(c.SessionToken), time.Now())
	if err != nil || claims.RoleARN != role {
		t.Errorf("role %q, %v; want %s", claims.RoleARN, err, role)
	}
}

// wantOutputs demands that clients find the identity pool in their configuration.
func wantOutputs(t *testing.T, ready Ready) {
	t.Helper()
	data, err := os.ReadFile(ready.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	var o outputs
	if err := wire.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	if o.Auth.IdentityPoolID != ready.IdentityPoolID || !o.Auth.Guests || o.Latchkey.IdentityPoolEndpoint != ready.Endpoint {
		t.Errorf("the configuration has %q, guests %v, at %s", o.Auth.IdentityPoolID, o.Auth.Guests, o.Latchkey.IdentityPoolEndpoint)
	}
}
