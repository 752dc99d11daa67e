package admin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/admin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

func custom() *wire.CustomDomainConfigType {
	return &wire.CustomDomainConfigType{CertificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/x"}
}

func TestUserPoolDomains(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx, id, other := t.Context(), c.Pool(t, wire.CreateUserPoolRequest{}), c.Pool(t, wire.CreateUserPoolRequest{})
	made := pooltest.Must(c.Admin.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: "acme", UserPoolId: id, ManagedLoginVersion: new(int32(2))}))(t)
	if made.CloudFrontDomain != "" || *made.ManagedLoginVersion != 2 {
		t.Errorf("prefix: %+v", made)
	}
	whole := pooltest.Must(c.Admin.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: "auth.acme.example", UserPoolId: id, CustomDomainConfig: custom()}))(t)
	if whole.CloudFrontDomain != "auth.acme.example" {
		t.Errorf("whole name: %+v", whole)
	}
	want := &wire.DomainDescriptionType{UserPoolId: id, AWSAccountId: admin.AccountID, Domain: "acme", Status: "ACTIVE", ManagedLoginVersion: new(int32(2))}
	describe := func(name string) *wire.DomainDescriptionType {
		return pooltest.Must(c.Admin.DescribeUserPoolDomain(ctx, &wire.DescribeUserPoolDomainRequest{Domain: name}))(t).DomainDescription
	}
	if diff := cmp.Diff(want, describe("acme")); diff != "" {
		t.Errorf("DescribeUserPoolDomain (-want +got):\n%s", diff)
	}
	if got := describe("nobody"); *got != (wire.DomainDescriptionType{}) {
		t.Errorf("a domain that nobody has: %+v", got)
	}
	pool := pooltest.Must(c.Admin.DescribeUserPool(ctx, &wire.DescribeUserPoolRequest{UserPoolId: id}))(t).UserPool
	if pool.Domain != "acme" || pool.CustomDomain != "auth.acme.example" {
		t.Errorf("DescribeUserPool: %q and %q", pool.Domain, pool.CustomDomain)
	}
	for name, err := range map[string]error{
		admin.MessageDomainTaken:  pooltest.ErrorOf(c.Admin.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: "acme", UserPoolId: other})),
		"already has a domain":    pooltest.ErrorOf(c.Admin.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: "second", UserPoolId: id})),
		admin.MessageDomainPrefix: pooltest.ErrorOf(c.Admin.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: "a.b", UserPoolId: other})),
		"valid subdomain":         pooltest.ErrorOf(c.Admin.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: "a..b", UserPoolId: other, CustomDomainConfig: custom()})),
		"two labels":              pooltest.ErrorOf(c.Admin.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: "single", UserPoolId: other, CustomDomainConfig: custom()})),
		"No such domain":          pooltest.ErrorOf(c.Admin.UpdateUserPoolDomain(ctx, &wire.UpdateUserPoolDomainRequest{Domain: "acme", UserPoolId: other})),
		"No such domain or":       pooltest.ErrorOf(c.Admin.DeleteUserPoolDomain(ctx, &wire.DeleteUserPoolDomainRequest{Domain: "acme", UserPoolId: other})),
		"It has a domain":         pooltest.ErrorOf(c.Admin.DeleteUserPool(ctx, &wire.DeleteUserPoolRequest{UserPoolId: id})),
	} {
		wiretest.WantException(t, err, wire.InvalidParameterException, name)
	}
	pooltest.Must(c.Admin.UpdateUserPoolDomain(ctx, &wire.UpdateUserPoolDomainRequest{Domain: "acme", UserPoolId: id}))(t)
	if got := describe("acme"); *got.ManagedLoginVersion != 1 {
		t.Errorf("after the update: %+v", got)
	}
	for _, name := range []string{"acme", "auth.acme.example"} {
		if poolID, err := c.Tokens.PoolOfDomain(ctx, name); poolID != id || err != nil {
			t.Errorf("pool of %s: %q, %v", name, poolID, err)
		}
		pooltest.Must(c.Admin.DeleteUserPoolDomain(ctx, &wire.DeleteUserPoolDomainRequest{Domain: name, UserPoolId: id}))(t)
		if poolID, err := c.Tokens.PoolOfDomain(ctx, name); poolID != "" || err != nil {
			t.Errorf("pool of the deleted %s: %q, %v", name, poolID, err)
		}
	}
	pooltest.Must(c.Admin.DeleteUserPool(ctx, &wire.DeleteUserPoolRequest{UserPoolId: id}))(t)
}

func TestResourceServers(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx, id := t.Context(), c.Pool(t, wire.CreateUserPoolRequest{})
	scopes := []wire.ResourceServerScopeType{{ScopeName: "read", ScopeDescription: "Reads"}}
	want := &wire.ResourceServerType{UserPoolId: id, Identifier: "https://api.example.com", Name: "API", Scopes: scopes}
	made := pooltest.Must(c.Admin.CreateResourceServer(ctx, &wire.CreateResourceServerRequest{UserPoolId: id, Identifier: want.Identifier, Name: "API", Scopes: scopes}))(t)
	if diff := cmp.Diff(want, made.ResourceServer); diff != "" {
		t.Errorf("CreateResourceServer (-want +got):\n%s", diff)
	}
	_, err := c.Admin.CreateResourceServer(ctx, &wire.CreateResourceServerRequest{UserPoolId: id, Identifier: want.Identifier, Name: "again"})
	wiretest.WantException(t, err, wire.InvalidParameterException, "already exists")
	_, err = c.Admin.CreateResourceServer(ctx, &wire.CreateResourceServerRequest{UserPoolId: id, Identifier: "x", Name: "x", Scopes: append(scopes, scopes...)})
	wiretest.WantException(t, err, wire.InvalidParameterException, "given twice")

	client := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id, UserPoolClientSettings: wire.UserPoolClientSettings{
		AllowedOAuthFlows: []string{"code"}, AllowedOAuthScopes: []string{"openid", "https://api.example.com/read"}, AllowedOAuthFlowsUserPoolClient: new(true),
	}})
	for _, scope := range []string{"https://api.example.com/write", "https://api.example.com/", "https://other.example.com/read", "read"} {
		_, err := c.Admin.CreateUserPoolClient(ctx, &wire.CreateUserPoolClientRequest{UserPoolId: id, ClientName: "x", UserPoolClientSettings: wire.UserPoolClientSettings{AllowedOAuthScopes: []string{scope}}})
		wiretest.WantException(t, err, wire.ScopeDoesNotExistException, scope)
	}
	want.Name, want.Scopes = "API 2", []wire.ResourceServerScopeType{{ScopeName: "write", ScopeDescription: "Writes"}}
	pooltest.Must(c.Admin.UpdateResourceServer(ctx, &wire.UpdateResourceServerRequest{UserPoolId: id, Identifier: want.Identifier, Name: "API 2", Scopes: want.Scopes}))(t)
	got := pooltest.Must(c.Admin.DescribeResourceServer(ctx, &wire.DescribeResourceServerRequest{UserPoolId: id, Identifier: want.Identifier}))(t)
	if diff := cmp.Diff(want, got.ResourceServer); diff != "" {
		t.Errorf("DescribeResourceServer (-want +got):\n%s", diff)
	}
	app, err := c.Tokens.AppClient(ctx, client.ClientId)
	if err != nil || strings.Join(app.Settings.AllowedOAuthScopes, " ") != "openid" {
		t.Errorf("scopes that are left: %v, %v", app, err)
	}
	for i := range admin.MaxResourceServers - 1 {
		pooltest.Must(c.Admin.CreateResourceServer(ctx, &wire.CreateResourceServerRequest{UserPoolId: id, Identifier: fmt.Sprintf("s%02d", i), Name: "x"}))(t)
	}
	_, err = c.Admin.CreateResourceServer(ctx, &wire.CreateResourceServerRequest{UserPoolId: id, Identifier: "more", Name: "x"})
	wiretest.WantException(t, err, wire.LimitExceededException, "25")
	page := pooltest.Must(c.Admin.ListResourceServers(ctx, &wire.ListResourceServersRequest{UserPoolId: id, MaxResults: new(int32(20))}))(t)
	rest := pooltest.Must(c.Admin.ListResourceServers(ctx, &wire.ListResourceServersRequest{UserPoolId: id, MaxResults: new(int32(20)), NextToken: page.NextToken}))(t)
	if len(page.ResourceServers) != 20 || len(rest.ResourceServers) != 5 || rest.NextToken != "" {
		t.Errorf("pages of %d and %d", len(page.ResourceServers), len(rest.ResourceServers))
	}
	pooltest.Must(c.Admin.DeleteResourceServer(ctx, &wire.DeleteResourceServerRequest{UserPoolId: id, Identifier: want.Identifier}))(t)
	for name, err := range map[string]error{
		"describe": pooltest.ErrorOf(c.Admin.DescribeResourceServer(ctx, &wire.DescribeResourceServerRequest{UserPoolId: id, Identifier: want.Identifier})),
		"update":   pooltest.ErrorOf(c.Admin.UpdateResourceServer(ctx, &wire.UpdateResourceServerRequest{UserPoolId: id, Identifier: want.Identifier, Name: "x"})),
		"delete":   pooltest.ErrorOf(c.Admin.DeleteResourceServer(ctx, &wire.DeleteResourceServerRequest{UserPoolId: id, Identifier: want.Identifier})),
	} {
		t.Run(name, func(t *testing.T) { wiretest.WantException(t, err, wire.ResourceNotFoundException, want.Identifier) })
	}
}

func TestClientRedirects(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	for target, text := range map[string]string{
		"https://app.example.com/callback": "", "http://localhost:3000/": "", "http://127.0.0.1/callback": "", "http://[::1]/callback": "", "myapp://x": "", "com.example.app:/x": "",
		"http://app.example.com/": "HTTP protocol", "/callback": "absolute", "https:///x": "absolute", "app": "absolute",
		"https://a.example/#x": "fragment", "https://a.example/#": "fragment", "https://ann@a.example/": "user name", `https://a.example\@evil.example/`: "", `https://a.example/\x`: "backslash",
		"javascript:alert(1)": "scheme", "JavaScript:alert(1)": "scheme", "data:text/html,x": "scheme", "vbscript:x": "scheme", "file:///etc/passwd": "scheme", "blob:https://x/": "scheme", "view-source:https://x/": "scheme",
	} {
		for _, set := range []wire.UserPoolClientSettings{{CallbackURLs: []string{target}}, {LogoutURLs: []string{target}}} {
			_, err := c.Admin.CreateUserPoolClient(t.Context(), &wire.CreateUserPoolClientRequest{UserPoolId: id, ClientName: "x", UserPoolClientSettings: set})
			if text == "" && !strings.Contains(target, `\`) {
				if err != nil {
					t.Errorf("%s: %v", target, err)
				}
				continue
			}
			wiretest.WantException(t, err, wire.InvalidParameterException, text)
		}
	}
	for _, set := range []wire.UserPoolClientSettings{
		{AllowedOAuthFlowsUserPoolClient: new(true)},
		{AllowedOAuthFlowsUserPoolClient: new(true), AllowedOAuthFlows: []string{"code"}},
		{AllowedOAuthFlowsUserPoolClient: new(true), AllowedOAuthScopes: []string{"openid"}},
	} {
		_, err := c.Admin.CreateUserPoolClient(t.Context(), &wire.CreateUserPoolClientRequest{UserPoolId: id, ClientName: "x", UserPoolClientSettings: set})
		wiretest.WantException(t, err, wire.InvalidOAuthFlowException, "are required")
	}
}
