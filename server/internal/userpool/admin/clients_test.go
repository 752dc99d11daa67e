package admin_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/admin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// defaultClient are the settings of a bare CreateUserPoolClient.
func defaultClient() wire.UserPoolClientSettings {
	return wire.UserPoolClientSettings{
		ExplicitAuthFlows:               []wire.ExplicitAuthFlow{"ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
		RefreshTokenValidity:            new(int32(30)),
		PreventUserExistenceErrors:      "LEGACY",
		EnableTokenRevocation:           new(true),
		AuthSessionValidity:             new(int32(3)),
		AllowedOAuthFlowsUserPoolClient: new(false),

		EnablePropagateAdditionalUserContextData: new(false),
	}
}

func TestCreateUserPoolClientDefaults(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	poolID := c.Pool(t, wire.CreateUserPoolRequest{})
	made := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: poolID})
	if len(made.ClientId) != 26 || strings.Trim(made.ClientId, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		t.Errorf("client id %q has not Cognito's shape", made.ClientId)
	}
	want := &wire.UserPoolClientType{
		UserPoolId: poolID, ClientName: "web", ClientId: made.ClientId,
		CreationDate: wire.NewTime(c.Base.Now()), LastModifiedDate: wire.NewTime(c.Base.Now()), UserPoolClientSettings: defaultClient(),
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("CreateUserPoolClient (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, c.DescribeClient(t, poolID, made.ClientId)); diff != "" {
		t.Errorf("DescribeUserPoolClient (-want +got):\n%s", diff)
	}
}

func TestClientSecret(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	poolID := c.Pool(t, wire.CreateUserPoolRequest{})
	generated := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: poolID, GenerateSecret: true})
	if len(generated.ClientSecret) != 51 {
		t.Errorf("generated secret has %d characters, want 51", len(generated.ClientSecret))
	}
	const own = "0123456789abcdefghijklmn"
	made := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: poolID, ClientSecret: own})
	if made.ClientSecret != own || c.DescribeClient(t, poolID, made.ClientId).ClientSecret != own {
		t.Error("the secret that was given is not the one shown")
	}
	c.Update(t, func(tx storage.Tx) error {
		for _, id := range []string{made.ClientId, generated.ClientId} {
			stored, err := tx.Clients.Client(id)
			if err != nil {
				return err
			}
			for _, secret := range []wire.Sensitive{own, generated.ClientSecret} {
				if bytes.Contains(stored.Secret, []byte(secret)) || bytes.Contains(stored.Settings, []byte(secret)) {
					t.Errorf("client %s is stored with its secret in the clear", id)
				}
			}
		}
		return nil
	})
	// An update neither changes the secret nor loses it.
	updated := pooltest.Must(c.Admin.UpdateUserPoolClient(t.Context(), &wire.UpdateUserPoolClientRequest{UserPoolId: poolID, ClientId: made.ClientId}))(t)
	if updated.UserPoolClient.ClientSecret != own || c.DescribeClient(t, poolID, made.ClientId).ClientSecret != own {
		t.Error("the secret did not survive an update")
	}
	_, err := c.Admin.CreateUserPoolClient(t.Context(), &wire.CreateUserPoolClientRequest{
		UserPoolId: poolID, ClientName: "web", GenerateSecret: true, ClientSecret: own})
	wiretest.WantException(t, err, wire.InvalidParameterException, "exclude each other")
}

func TestPinnedClientID(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	poolID, other := c.Pool(t, wire.CreateUserPoolRequest{}), c.Pool(t, wire.CreateUserPoolRequest{})
	made := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: poolID, ClientName: "_custom_id_:my+client_1"})
	if made.ClientId != "my+client_1" || made.ClientName != "_custom_id_:my+client_1" {
		t.Errorf("client %q named %q, want the pinned id and the name as given", made.ClientId, made.ClientName)
	}
	tests := []struct{ pool, name, text string }{
		{poolID, "_custom_id_:my+client_1", "my+client_1 is taken"},
		{other, "_custom_id_:my+client_1", "my+client_1 is taken"},
		{poolID, "_custom_id_:", "must be a client id"},
		{poolID, "_custom_id_:a-b", "must be a client id"},
		{poolID, "_custom_id_:ALL", "ALL is reserved"},
		{poolID, "_custom_id_:a\n", "must be a client id"},
		{poolID, "_custom_id_:" + strings.Repeat("a", 129), "must be a client id"},
	}
	for _, tt := range tests {
		_, err := c.Admin.CreateUserPoolClient(t.Context(), &wire.CreateUserPoolClientRequest{UserPoolId: tt.pool, ClientName: tt.name})
		wiretest.WantException(t, err, wire.InvalidParameterException, tt.text)
	}
	for _, id := range []string{"all", "ALL1"} {
		if made := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: poolID, ClientName: "_custom_id_:" + id}); made.ClientId != id {
			t.Errorf("client %q, want %q", made.ClientId, id)
		}
	}
}

func TestClientSettings(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	poolID := c.Pool(t, wire.CreateUserPoolRequest{Schema: []wire.SchemaAttributeType{
		{Name: "email", Required: new(true)}, {Name: "tier"}, {Name: "note", DeveloperOnlyAttribute: new(true)},
	}})
	lives := func(access, id, refresh int32, units ...string) wire.UserPoolClientSettings {
		s := wire.UserPoolClientSettings{AccessTokenValidity: &access, IdTokenValidity: &id, RefreshTokenValidity: &refresh}
		if len(units) == 3 {
			s.TokenValidityUnits = &wire.TokenValidityUnitsType{AccessToken: units[0], IdToken: units[1], RefreshToken: units[2]}
		}
		return s
	}
	flows := func(names ...wire.ExplicitAuthFlow) wire.UserPoolClientSettings {
		return wire.UserPoolClientSettings{ExplicitAuthFlows: names}
	}
	rotation := func(grace int32, names ...wire.ExplicitAuthFlow) wire.UserPoolClientSettings {
		s := flows(names...)
		s.RefreshTokenRotation = &wire.RefreshTokenRotationType{Feature: "ENABLED", RetryGracePeriodSeconds: &grace}
		return s
	}
	callback := func(target string) wire.UserPoolClientSettings {
		return wire.UserPoolClientSettings{CallbackURLs: []string{target}}
	}
	const outOfRange = "Invalid range for token validity. "
	tests := []struct {
		name string
		in   wire.UserPoolClientSettings
		text string // empty: good
	}{
		{"hours and days", lives(1, 1, 1), ""},
		{"longest", lives(24, 24, 3650), ""},
		{"shortest", lives(5, 5, 60, "minutes", "minutes", "minutes"), ""},
		{"seconds", lives(300, 86400, 315360000, "seconds", "seconds", "seconds"), ""},
		{"one day", lives(1, 1, 1, "days", "days", "days"), ""},
		{"access too short", lives(299, 300, 86400, "seconds", "seconds", "seconds"), outOfRange + "AccessTokenValidity"},
		{"access too long", lives(25, 1, 30), outOfRange + "AccessTokenValidity"},
		{"access far too long", lives(86400, 1, 30, "days", "hours", "days"), outOfRange + "AccessTokenValidity"},
		{"id too short", lives(5, 4, 60, "minutes", "minutes", "minutes"), outOfRange + "IdTokenValidity"},
		{"id too long", lives(1, 2, 30, "hours", "days", "days"), outOfRange + "IdTokenValidity"},
		{"refresh too short", lives(5, 5, 59, "minutes", "minutes", "minutes"), outOfRange + "RefreshTokenValidity"},
		{"refresh too long", lives(1, 1, 3651), outOfRange + "RefreshTokenValidity"},
		{"refresh beyond a Duration", lives(1, 1, 315360000), outOfRange + "RefreshTokenValidity"},
		{"refresh negative", lives(1, 1, -1), outOfRange + "RefreshTokenValidity"},
		{"refresh shorter than access", lives(2, 1, 1, "hours", "hours", "hours"), "must not be shorter"},
		{"refresh shorter than id", lives(1, 2, 1, "hours", "hours", "hours"), "must not be shorter"},
		{"refresh 0 is the default", lives(1, 1, 0, "hours", "hours", "minutes"), ""},
		{"session too short", wire.UserPoolClientSettings{AuthSessionValidity: new(int32(2))}, "AuthSessionValidity"},
		{"session too long", wire.UserPoolClientSettings{AuthSessionValidity: new(int32(16))}, "AuthSessionValidity"},

		{"new flows", flows("ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"), ""},
		{"old flows", flows("ADMIN_NO_SRP_AUTH", "USER_PASSWORD_AUTH"), ""},
		{"mixed flows", flows("ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"), "must not mix"},
		{"client token flow", flows("ALLOW_CLIENT_TOKEN_AUTH"), ""},
		{"client token flow with another", flows("ALLOW_CLIENT_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"), "must be the only one"},
		{"rotation", rotation(60, "ALLOW_USER_SRP_AUTH"), ""},
		{"rotation with flows left out", rotation(0), ""},
		{"rotation with the refresh flow", rotation(10, "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"), "GetTokensFromRefreshToken"},
		{"grace too long", rotation(61, "ALLOW_USER_SRP_AUTH"), "RetryGracePeriodSeconds"},
		{"grace negative", rotation(-1, "ALLOW_USER_SRP_AUTH"), "RetryGracePeriodSeconds"},

		{"https", callback("https://app.example.com/cb?x=1"), ""},
		{"localhost", callback("http://localhost:3000/"), ""},
		{"loopback", callback("http://127.0.0.1:3000/cb"), ""},
		{"loopback 6", callback("http://[::1]:3000/cb"), ""},
		{"app scheme", callback("myapp://callback"), ""},
		{"plain http", callback("http://app.example.com/cb"), "cannot use the HTTP protocol"},
		{"lookalike of localhost", callback("http://localhost.example.com/"), "cannot use the HTTP protocol"},
		{"fragment", callback("https://app.example.com/#x"), "must not have a fragment"},
		{"relative", callback("/cb"), "not an absolute URI"},
		{"no host", callback("https:///cb"), "not an absolute URI"},
		{"script", callback("JavaScript:alert(1)"), "scheme that is not allowed"},
		{"data", callback("data:text/html,x"), "scheme that is not allowed"},
		{"logout", wire.UserPoolClientSettings{LogoutURLs: []string{"http://app.example.com"}}, "cannot use the HTTP protocol"},
		{"default redirect", wire.UserPoolClientSettings{CallbackURLs: []string{"https://a.example/"}, DefaultRedirectURI: "https://a.example/"}, ""},
		{"default redirect elsewhere", wire.UserPoolClientSettings{CallbackURLs: []string{"https://a.example/"}, DefaultRedirectURI: "https://b.example/"}, "one of CallbackURLs"},
		{"own provider", wire.UserPoolClientSettings{SupportedIdentityProviders: []string{"COGNITO"}}, ""},
		{"unknown provider", wire.UserPoolClientSettings{SupportedIdentityProviders: []string{"Google"}}, "The provider Google does not exist"},

		{"attributes", wire.UserPoolClientSettings{ReadAttributes: []string{"email", "email_verified", "custom:tier"}, WriteAttributes: []string{"email", "custom:tier"}}, ""},
		{"reads unknown", wire.UserPoolClientSettings{ReadAttributes: []string{"tier"}}, "Invalid read attributes specified while creating a client"},
		{"writes unknown", wire.UserPoolClientSettings{WriteAttributes: []string{"email", "tier"}}, "Invalid write attributes specified while creating a client"},
		{"writes verified flag", wire.UserPoolClientSettings{WriteAttributes: []string{"email", "email_verified"}}, "email_verified cannot be written"},
		{"writes sub", wire.UserPoolClientSettings{WriteAttributes: []string{"email", "sub"}}, "sub cannot be written"},
		{"writes developer-only", wire.UserPoolClientSettings{WriteAttributes: []string{"email", "dev:custom:note"}}, "cannot be written"},
		{"does not write required", wire.UserPoolClientSettings{WriteAttributes: []string{"custom:tier"}}, "email is required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := c.Admin.CreateUserPoolClient(t.Context(), &wire.CreateUserPoolClientRequest{
				UserPoolId: poolID, ClientName: "web", UserPoolClientSettings: tt.in})
			if tt.text != "" {
				wiretest.WantException(t, err, wire.InvalidParameterException, tt.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(out.UserPoolClient, c.DescribeClient(t, poolID, out.UserPoolClient.ClientId)); diff != "" {
				t.Errorf("described otherwise than made (-made +described):\n%s", diff)
			}
			// What is shown can be sent back.
			back := pooltest.Must(c.Admin.UpdateUserPoolClient(t.Context(), &wire.UpdateUserPoolClientRequest{
				UserPoolId: poolID, ClientId: out.UserPoolClient.ClientId, UserPoolClientSettings: out.UserPoolClient.UserPoolClientSettings}))(t)
			if diff := cmp.Diff(out.UserPoolClient.UserPoolClientSettings, back.UserPoolClient.UserPoolClientSettings); diff != "" {
				t.Errorf("sent back (-made +updated):\n%s", diff)
			}
		})
	}
}

func TestClientDefaultsInOtherUnits(t *testing.T) {
	t.Parallel()
	for unit, want := range map[string]int32{"": 30, "days": 30, "hours": 720, "minutes": 43200, "seconds": 2592000} {
		units := &wire.TokenValidityUnitsType{RefreshToken: unit}
		settings := &pool.ClientSettings{UserPoolClientType: wire.UserPoolClientType{UserPoolClientSettings: admin.CompleteClient(wire.UserPoolClientSettings{TokenValidityUnits: units})}}
		if *settings.RefreshTokenValidity != want || settings.RefreshLife() != 30*24*time.Hour {
			t.Errorf("unit %q: validity %d, life %v", unit, *settings.RefreshTokenValidity, settings.RefreshLife())
		}
	}
	rotating := admin.CompleteClient(wire.UserPoolClientSettings{RefreshTokenRotation: &wire.RefreshTokenRotationType{Feature: "ENABLED"}})
	if diff := cmp.Diff([]wire.ExplicitAuthFlow{"ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"}, rotating.ExplicitAuthFlows); diff != "" {
		t.Errorf("default flows of a client that rotates (-want +got):\n%s", diff)
	}
}

func TestClientOAuth(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	poolID := c.Pool(t, wire.CreateUserPoolRequest{})
	tests := []struct {
		flows, scopes []string
		secret        bool
		typ, text     string
	}{
		{flows: []string{"code", "implicit"}, scopes: []string{"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"}},
		{flows: []string{"client_credentials"}, secret: true},
		{flows: []string{"client_credentials"}, typ: wire.InvalidOAuthFlowException, text: "does not have a client secret"},
		{flows: []string{"client_credentials", "code"}, secret: true, typ: wire.InvalidOAuthFlowException, text: "along with code flow"},
		{flows: []string{"code"}, scopes: []string{"openid", "api/read"}, typ: wire.ScopeDoesNotExistException, text: "api/read"},
	}
	for _, tt := range tests {
		_, err := c.Admin.CreateUserPoolClient(t.Context(), &wire.CreateUserPoolClientRequest{
			UserPoolId: poolID, ClientName: "web", GenerateSecret: tt.secret,
			UserPoolClientSettings: wire.UserPoolClientSettings{AllowedOAuthFlows: tt.flows, AllowedOAuthScopes: tt.scopes},
		})
		switch {
		case tt.typ != "":
			wiretest.WantException(t, err, tt.typ, tt.text)
		case err != nil:
			t.Errorf("flows %v, scopes %v: %v", tt.flows, tt.scopes, err)
		}
	}
}

func TestUpdateUserPoolClientResetsWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	poolID := c.Pool(t, wire.CreateUserPoolRequest{})
	made := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: poolID, UserPoolClientSettings: wire.UserPoolClientSettings{
		PreventUserExistenceErrors: "ENABLED", EnableTokenRevocation: new(false), AccessTokenValidity: new(int32(2)),
		ExplicitAuthFlows: []wire.ExplicitAuthFlow{"ALLOW_USER_PASSWORD_AUTH"}, CallbackURLs: []string{"https://app.example.com/"},
	}})
	for i, name := range []string{"", "renamed"} {
		in := &wire.UpdateUserPoolClientRequest{UserPoolId: poolID, ClientId: made.ClientId, ClientName: name}
		got := pooltest.Must(c.Admin.UpdateUserPoolClient(t.Context(), in))(t).UserPoolClient
		if diff := cmp.Diff(defaultClient(), got.UserPoolClientSettings); diff != "" {
			t.Errorf("after an empty update (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(got, c.DescribeClient(t, poolID, made.ClientId)); diff != "" {
			t.Errorf("described otherwise (-updated +described):\n%s", diff)
		}
		if want := []string{"web", "renamed"}[i]; got.ClientName != want {
			t.Errorf("name = %q, want %q", got.ClientName, want)
		}
	}
	_, err := c.Admin.UpdateUserPoolClient(t.Context(), &wire.UpdateUserPoolClientRequest{UserPoolId: poolID, ClientId: made.ClientId,
		UserPoolClientSettings: wire.UserPoolClientSettings{WriteAttributes: []string{"nick"}}})
	wiretest.WantException(t, err, wire.InvalidParameterException, "while updating a client")
	if got := c.DescribeClient(t, poolID, made.ClientId); got.ClientName != "renamed" || got.WriteAttributes != nil {
		t.Errorf("a refused update changed the client: %+v", got)
	}
}

func TestListAndDeleteUserPoolClients(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	poolID, other := c.Pool(t, wire.CreateUserPoolRequest{}), c.Pool(t, wire.CreateUserPoolRequest{})
	var want []wire.UserPoolClientDescription
	for i := range 5 {
		id := fmt.Sprintf("client%d", i)
		c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: poolID, ClientName: admin.CustomIDPrefix + id})
		want = append(want, wire.UserPoolClientDescription{ClientId: id, UserPoolId: poolID, ClientName: admin.CustomIDPrefix + id})
	}
	c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: other})

	var got []wire.UserPoolClientDescription
	for token, page := "", 0; page == 0 || token != ""; page++ {
		out := pooltest.Must(c.Admin.ListUserPoolClients(t.Context(), &wire.ListUserPoolClientsRequest{UserPoolId: poolID, MaxResults: new(int32(2)), NextToken: token}))(t)
		got, token = append(got, out.UserPoolClients...), out.NextToken
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}

	pooltest.Must(c.Admin.DeleteUserPoolClient(t.Context(), &wire.DeleteUserPoolClientRequest{UserPoolId: poolID, ClientId: "client0"}))(t)
	_, err := c.Admin.DescribeUserPoolClient(t.Context(), &wire.DescribeUserPoolClientRequest{UserPoolId: poolID, ClientId: "client0"})
	wiretest.WantException(t, err, wire.ResourceNotFoundException, "User pool client client0 does not exist.")
	_, err = c.Admin.ListUserPoolClients(t.Context(), &wire.ListUserPoolClientsRequest{UserPoolId: "local_none"})
	wiretest.WantException(t, err, wire.ResourceNotFoundException, "User pool local_none does not exist.")
}
