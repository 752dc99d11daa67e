package server_test

import (
	"context"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Roles of the test pools.
const (
	userRole  = "arn:aws:iam::000000000000:role/user"
	guestRole = "arn:aws:iam::000000000000:role/guest"
)

// brokerFunc is a broker that the test stands in for: what the pool asks of it
// is what these tests are about. The brokers have tests of their own.
type brokerFunc func(context.Context, plug.Grant) (plug.Credentials, error)

func (f brokerFunc) Credentials(ctx context.Context, g plug.Grant) (plug.Credentials, error) {
	return f(ctx, g)
}

// credentials is the world's broker. It puts the grant into the credentials.
func (w *world) credentials(_ context.Context, g plug.Grant) (plug.Credentials, error) {
	return plug.Credentials{
		AccessKeyID: "ASIATEST", SecretAccessKey: plug.NewSecret(g.RoleARN),
		SessionToken: plug.NewSecret(g.IdentityID + " " + g.Provider + " " + g.Subject), Expiration: w.now().Add(g.Life),
	}, nil
}

// identityWorld is a world with an identity pool for its app client's users and
// for guests; change edits the request that makes it.
func identityWorld(t *testing.T, change func(*wire.IdentityPoolSettings)) *world {
	t.Helper()
	w := newWorld(t, nil)
	w.identities = w.addIdentityPool(change)
	return w
}

func (w *world) addIdentityPool(change func(*wire.IdentityPoolSettings)) string {
	w.t.Helper()
	request := &wire.CreateIdentityPoolRequest{IdentityPoolSettings: wire.IdentityPoolSettings{
		IdentityPoolName: "test", AllowUnauthenticatedIdentities: new(true),
		CognitoIdentityProviders: []wire.CognitoIdentityProvider{{
			ProviderName: w.awsKey(), ClientId: w.client, ServerSideTokenCheck: new(true),
		}},
	}}
	if change != nil {
		change(&request.IdentityPoolSettings)
	}
	id := must[wire.CreateIdentityPoolResponse](w, "CreateIdentityPool", request).IdentityPoolId
	w.setRoles(id, nil)
	return id
}

func (w *world) setRoles(poolID string, mappings map[string]wire.RoleMapping) {
	w.t.Helper()
	must[wire.SetIdentityPoolRolesResponse](w, "SetIdentityPoolRoles", &wire.SetIdentityPoolRolesRequest{IdentityPoolRoles: wire.IdentityPoolRoles{
		IdentityPoolId: poolID, RoleMappings: mappings,
		Roles: map[string]string{wire.RoleAuthenticated: userRole, wire.RoleUnauthenticated: guestRole},
	}})
}

// The two Logins keys of the world's user pool.
func (w *world) awsKey() string    { return "cognito-idp.us-east-1.amazonaws.com/" + w.pool }
func (w *world) issuerKey() string { return w.url[len("http://"):] + "/" + w.pool }

// login is the Logins of an ID token.
func (w *world) login(token wire.Sensitive) wire.Parameters {
	return wire.Parameters{w.awsKey(): string(token)}
}

// getID is GetId in the world's identity pool; nil is a guest.
func (w *world) getID(logins wire.Parameters) (string, error) {
	w.t.Helper()
	out, err := call[wire.GetIdResponse](w, "GetId", &wire.GetIdRequest{IdentityPoolId: w.identities, Logins: logins})
	if err != nil {
		return "", err
	}
	return out.IdentityId, nil
}

func (w *world) mustID(logins wire.Parameters) string {
	w.t.Helper()
	id, err := w.getID(logins)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) getCredentials(id string, logins wire.Parameters) (*wire.GetCredentialsForIdentityResponse, error) {
	w.t.Helper()
	return call[wire.GetCredentialsForIdentityResponse](w, "GetCredentialsForIdentity",
		&wire.GetCredentialsForIdentityRequest{IdentityId: id, Logins: logins})
}

func (w *world) mustCredentials(id string, logins wire.Parameters) *wire.GetCredentialsForIdentityResponse {
	w.t.Helper()
	out, err := w.getCredentials(id, logins)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// countIdentities is how many the identity pool has, disabled ones included.
func (w *world) countIdentities() int {
	w.t.Helper()
	n := 0
	err := w.store.View(context.Background(), func(tx storage.Tx) error {
		list, err := tx.Identities.List(w.identities, false, "", 10_000)
		n = len(list)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}
