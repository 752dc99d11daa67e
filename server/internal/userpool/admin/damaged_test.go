package admin_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// furnished makes a pool that has one of each entity with settings.
func furnished(t *testing.T, c *pooltest.Console) (poolID, clientID string) {
	t.Helper()
	ctx, id := t.Context(), c.Pool(t, wire.CreateUserPoolRequest{})
	client := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id})
	pooltest.Must(c.Admin.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: "acme", UserPoolId: id}))(t)
	pooltest.Must(c.Admin.SetUICustomization(ctx, &wire.SetUICustomizationRequest{UserPoolId: id, CSS: ".banner-customizable { padding: 1px; }"}))(t)
	pooltest.Must(c.Admin.CreateResourceServer(ctx, &wire.CreateResourceServerRequest{UserPoolId: id, Identifier: "api", Name: "API"}))(t)
	pooltest.Must(c.Admin.CreateIdentityProvider(ctx, &wire.CreateIdentityProviderRequest{
		UserPoolId: id, ProviderName: "Other", ProviderType: "OIDC", ProviderDetails: pooltest.OIDC(), IdpIdentifiers: []string{"other.example.com"},
	}))(t)
	return id, client.ClientId
}

// TestDamagedSettingsAreOurError: settings that cannot be read are an error of the
// service that names what has them. They are no mistake of the caller, and are not
// taken for empty ones, also where the time of the last change stayed.
func TestDamagedSettingsAreOurError(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx := t.Context()
	id, clientID := furnished(t, c)
	cut := []byte(`{"Cut":"o`)
	damageProvider := func(tx storage.Tx) error {
		provider, err := tx.Providers.IdentityProvider(id, "Other")
		provider.Settings = cut
		return errors.Join(err, tx.Providers.Update(provider))
	}
	users := 0
	tests := []struct {
		name, entity string
		damage       func(storage.Tx) error
		call         func() error
	}{
		{"DescribeUserPoolDomain", "acme", func(tx storage.Tx) error {
			domain, err := tx.Domains.Domain("acme")
			domain.Settings = cut
			return errors.Join(err, tx.Domains.Update(domain))
		}, func() error {
			return pooltest.ErrorOf(c.Admin.DescribeUserPoolDomain(ctx, &wire.DescribeUserPoolDomainRequest{Domain: "acme"}))
		}},
		{"GetUICustomization", id, func(tx storage.Tx) error {
			look, err := tx.Brandings.Branding(id, "")
			look.Settings = cut
			return errors.Join(err, tx.Brandings.Put(look))
		}, func() error {
			return pooltest.ErrorOf(c.Admin.GetUICustomization(ctx, &wire.GetUICustomizationRequest{UserPoolId: id}))
		}},
		{"DescribeResourceServer", "api", func(tx storage.Tx) error {
			server, err := tx.Resources.ResourceServer(id, "api")
			server.Settings = cut
			return errors.Join(err, tx.Resources.Update(server))
		}, func() error {
			return pooltest.ErrorOf(c.Admin.DescribeResourceServer(ctx, &wire.DescribeResourceServerRequest{UserPoolId: id, Identifier: "api"}))
		}},
		{"DescribeIdentityProvider", "Other", damageProvider, func() error {
			return pooltest.ErrorOf(c.Admin.DescribeIdentityProvider(ctx, &wire.DescribeIdentityProviderRequest{UserPoolId: id, ProviderName: "Other"}))
		}},
		{"GetIdentityProviderByIdentifier", "Other", damageProvider, func() error {
			return pooltest.ErrorOf(c.Admin.GetIdentityProviderByIdentifier(ctx, &wire.GetIdentityProviderByIdentifierRequest{UserPoolId: id, IdpIdentifier: "other.example.com"}))
		}},
		{"AdminCreateUser", "Other", damageProvider, func() error {
			users++
			return pooltest.ErrorOf(c.Accounts.AdminCreateUser(ctx, &wire.AdminCreateUserRequest{UserPoolId: id, Username: fmt.Sprintf("some_%d", users)}))
		}},
		{"DescribeUserPoolClient", clientID, func(tx storage.Tx) error {
			client, err := tx.Clients.Client(clientID)
			client.Settings = cut
			return errors.Join(err, tx.Clients.Update(client))
		}, func() error {
			return pooltest.ErrorOf(c.Admin.DescribeUserPoolClient(ctx, &wire.DescribeUserPoolClientRequest{UserPoolId: id, ClientId: clientID}))
		}},
		{"DescribeUserPool", id, func(tx storage.Tx) error {
			pool, err := tx.Pools.Pool(id)
			pool.Settings = cut
			return errors.Join(err, tx.Pools.Update(pool))
		}, func() error {
			return pooltest.ErrorOf(c.Admin.DescribeUserPool(ctx, &wire.DescribeUserPoolRequest{UserPoolId: id}))
		}},
	}
	for _, test := range tests {
		if err := test.call(); err != nil {
			t.Fatalf("%s before the damage: %v", test.name, err)
		}
	}
	for _, test := range tests { // each damage stays for the operations after it
		c.Update(t, test.damage)
		err := test.call()
		if _, ok := errors.AsType[*wire.Exception](err); ok || err == nil {
			t.Errorf("%s answers %v, want an error of the service", test.name, err)
		} else if !strings.Contains(err.Error(), test.entity) {
			t.Errorf("%s: the error %q does not name %s", test.name, err, test.entity)
		}
	}
}
