package admin_test

import (
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// with changes a detail; "" takes it out.
func with(details wire.Parameters, name, value string) wire.Parameters {
	if details[name] = value; value == "" {
		delete(details, name)
	}
	return details
}

func TestCreateIdentityProvider(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx := t.Context()
	id := c.Pool(t, wire.CreateUserPoolRequest{Schema: []wire.SchemaAttributeType{
		{Name: "id", AttributeDataType: "String", Mutable: new(false)}, {Name: "role", AttributeDataType: "String", DeveloperOnlyAttribute: new(true)},
		{Name: "birthdate", AttributeDataType: "String", Mutable: new(false)},
	}})
	social := wire.Parameters{"client_id": "app", "client_secret": "s"}
	for name, test := range map[string]struct {
		in   wire.CreateIdentityProviderRequest
		want string
	}{
		"SAML":                                 {wire.CreateIdentityProviderRequest{ProviderName: "Corp", ProviderType: wire.ProviderSAML, ProviderDetails: wire.Parameters{"MetadataURL": "x"}}, "providers of type SAML are not supported; use OIDC"},
		"the pool's name":                      {wire.CreateIdentityProviderRequest{ProviderName: "Cognito", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC()}, "The provider name Cognito is reserved"},
		"a social name":                        {wire.CreateIdentityProviderRequest{ProviderName: "google", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC()}, "The provider name google is reserved"},
		"Google by another name":               {wire.CreateIdentityProviderRequest{ProviderName: "Goo", ProviderType: wire.ProviderGoogle, ProviderDetails: social}, "A provider of type Google must have the name Google"},
		"no client id":                         {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: with(pooltest.OIDC(), "client_id", "")}, "client_id is missing"},
		"client id with a space":               {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: with(pooltest.OIDC(), "client_id", "a b")}, "client_id must be visible"},
		"no issuer":                            {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: with(pooltest.OIDC(), "oidc_issuer", "")}, "oidc_issuer is missing"},
		"issuer in capitals":                   {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: with(pooltest.OIDC(), "oidc_issuer", "HTTPS://idp.example.com")}, "oidc_issuer must begin with https://"},
		"no openid":                            {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: with(pooltest.OIDC(), "authorize_scopes", "email")}, "authorize_scopes must contain openid"},
		"some endpoints":                       {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: with(pooltest.OIDC(), "token_url", "https://x.example")}, "must be there together"},
		"a method":                             {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: with(pooltest.OIDC(), "attributes_request_method", "PUT")}, "must be GET or POST"},
		"an unknown key":                       {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: with(pooltest.OIDC(), "evil\n", "x")}, "ProviderDetails has the key evil, which"},
		"a long value":                         {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: with(pooltest.OIDC(), "client_secret", strings.Repeat("x", 9000))}, "longer than 8192 bytes"},
		"Apple's key":                          {wire.CreateIdentityProviderRequest{ProviderName: "SignInWithApple", ProviderType: wire.ProviderApple, ProviderDetails: wire.Parameters{"client_id": "a", "team_id": "t", "key_id": "k", "private_key": "no key"}}, "private_key is no P-256 key"},
		"Facebook, no secret":                  {wire.CreateIdentityProviderRequest{ProviderName: "Facebook", ProviderType: wire.ProviderFacebook, ProviderDetails: wire.Parameters{"client_id": "a"}}, "client_secret is missing"},
		"mapping of nothing":                   {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(), AttributeMapping: map[string]string{"shoe_size": "x"}}, "User pool does not have mutable attribute shoe_size to map"},
		"mapping of the sub":                   {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(), AttributeMapping: map[string]string{"sub": "x"}}, "User pool does not have mutable attribute sub to map"},
		"mapping of identities":                {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(), AttributeMapping: map[string]string{"identities": "x"}}, "User pool does not have mutable attribute identities to map"},
		"mapping of an immutable attribute":    {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(), AttributeMapping: map[string]string{"custom:id": "x"}}, "User pool does not have mutable attribute custom:id to map"},
		"mapping of an immutable standard one": {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(), AttributeMapping: map[string]string{"birthdate": "x"}}, "User pool does not have mutable attribute birthdate to map"},
		"mapping of a developer's attribute":   {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(), AttributeMapping: map[string]string{"dev:custom:role": "x"}}, "User pool does not have mutable attribute dev:custom:role to map"},
		"user name by e-mail":                  {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(), AttributeMapping: map[string]string{"username": "email"}}, "The attribute username can only be mapped to sub"},
		"mapping to nothing":                   {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(), AttributeMapping: map[string]string{"email": ""}}, "claim without a name"},
		"one identifier, twice":                {wire.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(), IdpIdentifiers: []string{"a", "a"}}, "The identifier a is given twice"},
	} {
		test.in.UserPoolId = id
		_, err := c.Admin.CreateIdentityProvider(ctx, &test.in)
		if !wire.IsException(err, wire.InvalidParameterException) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if list := pooltest.Must(c.Admin.ListIdentityProviders(ctx, &wire.ListIdentityProvidersRequest{UserPoolId: id}))(t); len(list.Providers) != 0 {
		t.Errorf("made all the same: %v", list.Providers)
	}
}

func TestIdentityProviderLife(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx := t.Context()
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	made := pooltest.Must(c.Admin.CreateIdentityProvider(ctx, &wire.CreateIdentityProviderRequest{
		UserPoolId: id, ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(),
		AttributeMapping: map[string]string{"email": "mail"}, IdpIdentifiers: []string{"other.example.com"},
	}))(t).IdentityProvider
	if made.AttributeMapping["username"] != "sub" || made.ProviderDetails["client_secret"] != "s3cret" || made.CreationDate.IsZero() {
		t.Errorf("made %+v", made)
	}
	for _, kind := range []string{wire.ProviderGoogle, wire.ProviderAmazon, wire.ProviderFacebook} {
		got := pooltest.Must(c.Admin.CreateIdentityProvider(ctx, &wire.CreateIdentityProviderRequest{
			UserPoolId: id, ProviderName: kind, ProviderType: kind, ProviderDetails: wire.Parameters{"client_id": "a", "client_secret": "s"},
		}))(t).IdentityProvider
		if got.ProviderDetails["authorize_scopes"] == "" || got.ProviderDetails["oidc_issuer"] == "" && got.ProviderDetails["token_url"] == "" {
			t.Errorf("%s is filled in with %v", kind, map[string]string(got.ProviderDetails))
		}
	}
	again := &wire.CreateIdentityProviderRequest{UserPoolId: id, ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC()}
	wiretest.WantException(t, pooltest.ErrorOf(c.Admin.CreateIdentityProvider(ctx, again)), wire.DuplicateProviderException, "")
	again.ProviderName, again.IdpIdentifiers = "Third", []string{"other.example.com"}
	wiretest.WantException(t, pooltest.ErrorOf(c.Admin.CreateIdentityProvider(ctx, again)), wire.DuplicateProviderException, "")

	byID := pooltest.Must(c.Admin.GetIdentityProviderByIdentifier(ctx, &wire.GetIdentityProviderByIdentifierRequest{UserPoolId: id, IdpIdentifier: "other.example.com"}))(t)
	if byID.IdentityProvider.ProviderName != "Other" {
		t.Errorf("by identifier: %s", byID.IdentityProvider.ProviderName)
	}
	_, err := c.Admin.GetIdentityProviderByIdentifier(ctx, &wire.GetIdentityProviderByIdentifierRequest{UserPoolId: id, IdpIdentifier: "x"})
	wiretest.WantException(t, err, wire.ResourceNotFoundException, "")

	// What is left out stays; what is given is replaced whole.
	changed := pooltest.Must(c.Admin.UpdateIdentityProvider(ctx, &wire.UpdateIdentityProviderRequest{
		UserPoolId: id, ProviderName: "Other", AttributeMapping: map[string]string{"name": "display"},
	}))(t).IdentityProvider
	if changed.AttributeMapping["email"] != "" || changed.AttributeMapping["username"] != "sub" || changed.ProviderDetails["client_secret"] != "s3cret" || len(changed.IdpIdentifiers) != 1 {
		t.Errorf("changed %+v", changed)
	}
	_, err = c.Admin.UpdateIdentityProvider(ctx, &wire.UpdateIdentityProviderRequest{UserPoolId: id, ProviderName: "Other", ProviderDetails: wire.Parameters{"client_id": "b"}})
	wiretest.WantException(t, err, wire.InvalidParameterException, "")

	var names []string
	for token := ""; ; {
		page := pooltest.Must(c.Admin.ListIdentityProviders(ctx, &wire.ListIdentityProvidersRequest{UserPoolId: id, MaxResults: new(int32(3)), NextToken: token}))(t)
		for _, p := range page.Providers {
			names = append(names, p.ProviderName+" "+p.ProviderType)
		}
		if token = page.NextToken; token == "" {
			break
		}
	}
	if got := strings.Join(names, ", "); got != "Facebook Facebook, Google Google, LoginWithAmazon LoginWithAmazon, Other OIDC" {
		t.Errorf("listed %s", got)
	}

	client := wire.CreateUserPoolClientRequest{UserPoolId: id}
	client.SupportedIdentityProviders = []string{"COGNITO", "Other"}
	app := c.Client(t, client)
	if got := pooltest.Must(c.Tokens.AppClient(ctx, app.ClientId))(t); got.Identifiers["other.example.com"] != "Other" || len(got.Settings.SupportedIdentityProviders) != 2 {
		t.Errorf("client %+v", got)
	}
	client.ClientName, client.SupportedIdentityProviders = "web", []string{"Nobody"}
	wiretest.WantException(t, pooltest.ErrorOf(c.Admin.CreateUserPoolClient(ctx, &client)), wire.InvalidParameterException, "")

	pooltest.Must(c.Admin.DeleteIdentityProvider(ctx, &wire.DeleteIdentityProviderRequest{UserPoolId: id, ProviderName: "Other"}))(t)
	_, err = c.Admin.DescribeIdentityProvider(ctx, &wire.DescribeIdentityProviderRequest{UserPoolId: id, ProviderName: "Other"})
	wiretest.WantException(t, err, wire.ResourceNotFoundException, "Identity provider Other does not exist.")
	if got := pooltest.Must(c.Tokens.AppClient(ctx, app.ClientId))(t); len(got.Settings.SupportedIdentityProviders) != 1 || len(got.Identifiers) != 0 {
		t.Errorf("client after the deletion %+v", got)
	}
}
