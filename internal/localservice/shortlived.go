package localservice

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// shortName is the name of the app client whose tokens last as short as Cognito allows, so
// that a person at the session page can watch a refresh. Its id is random, because only the page uses it.
const (
	shortName    = "session page, short-lived tokens"
	shortMinutes = 5
)

// provisionShort makes that client with the settings of the pool's own, and lets the
// identity pool take its users.
func (s *Service) provisionShort(ctx context.Context) error {
	own, err := perform[wire.DescribeUserPoolClientResponse](ctx, s.server, "DescribeUserPoolClient", &wire.DescribeUserPoolClientRequest{UserPoolId: s.state.UserPoolID, ClientId: s.state.ClientID})
	if err != nil {
		return err
	}
	settings := own.UserPoolClient.UserPoolClientSettings
	minutes := int32(shortMinutes)
	settings.AccessTokenValidity, settings.IdTokenValidity = &minutes, &minutes
	units := wire.TokenValidityUnitsType{}
	if settings.TokenValidityUnits != nil {
		units = *settings.TokenValidityUnits
	}
	units.AccessToken, units.IdToken = wire.TimeUnitMinutes, wire.TimeUnitMinutes
	settings.TokenValidityUnits = &units
	if s.shortID, err = s.shortClient(ctx, settings); err != nil || s.shortID == "" {
		return err
	}
	return s.acceptShort(ctx)
}

// shortClient finds the client or makes it, and gives it the settings, whose redirect URIs
// follow the port. The id is empty where the settings need a client with a secret.
func (s *Service) shortClient(ctx context.Context, settings wire.UserPoolClientSettings) (id string, err error) {
	in := &wire.ListUserPoolClientsRequest{UserPoolId: s.state.UserPoolID, MaxResults: new(int32(60))}
	for {
		page, err := perform[wire.ListUserPoolClientsResponse](ctx, s.server, "ListUserPoolClients", in)
		if err != nil {
			return "", err
		}
		for _, c := range page.UserPoolClients {
			if c.ClientName != shortName {
				continue
			}
			err := s.server.Call(ctx, "UpdateUserPoolClient", &wire.UpdateUserPoolClientRequest{
				UserPoolId: s.state.UserPoolID, ClientId: c.ClientId, UserPoolClientSettings: settings,
			}, nil)
			return c.ClientId, err
		}
		if in.NextToken = page.NextToken; in.NextToken == "" {
			break
		}
	}
	made, err := perform[wire.CreateUserPoolClientResponse](ctx, s.server, "CreateUserPoolClient", &wire.CreateUserPoolClientRequest{
		UserPoolId: s.state.UserPoolID, ClientName: shortName, UserPoolClientSettings: settings,
	})
	if err != nil {
		s.options.Logger.Warn("the session page has no short-lived tokens", "reason", err)
		return "", nil
	}
	return made.UserPoolClient.ClientId, nil
}

// acceptShort adds the client to the identity pool, where the pool's own is accepted.
func (s *Service) acceptShort(ctx context.Context) error {
	pool, err := perform[wire.DescribeIdentityPoolResponse](ctx, s.server, "DescribeIdentityPool", &wire.DescribeIdentityPoolRequest{IdentityPoolId: s.state.IdentityPoolID})
	if err != nil {
		return err
	}
	providers := pool.CognitoIdentityProviders
	of := func(id string) int {
		return slices.IndexFunc(providers, func(p wire.CognitoIdentityProvider) bool { return p.ClientId == id })
	}
	own := of(s.state.ClientID)
	if own < 0 || of(s.shortID) >= 0 {
		return nil
	}
	entry := providers[own]
	entry.ClientId = s.shortID
	update := &wire.UpdateIdentityPoolRequest{IdentityPool: pool.IdentityPool}
	update.CognitoIdentityProviders = append(slices.Clone(providers), entry)
	err = s.server.Call(ctx, "UpdateIdentityPool", update, nil)
	return err
}

// passwordRules are the pool's rules for passwords of now, in words.
func (s *Service) passwordRules(ctx context.Context) []string {
	out, err := perform[wire.DescribeUserPoolResponse](ctx, s.server, "DescribeUserPool", &wire.DescribeUserPoolRequest{UserPoolId: s.state.UserPoolID})
	if err != nil || out.UserPool.Policies == nil || out.UserPool.Policies.PasswordPolicy == nil {
		return nil
	}
	p := out.UserPool.Policies.PasswordPolicy
	var rules []string
	if p.MinimumLength != nil {
		rules = append(rules, "At least "+strconv.Itoa(int(*p.MinimumLength))+" characters")
	}
	for _, rule := range []struct {
		on   bool
		text string
	}{
		{p.RequireUppercase, "An upper-case letter, A to Z"}, {p.RequireLowercase, "A lower-case letter, a to z"},
		{p.RequireNumbers, "A digit"}, {p.RequireSymbols, "A symbol, such as ! or -"},
	} {
		if rule.on {
			rules = append(rules, rule.text)
		}
	}
	if n := p.PasswordHistorySize; n != nil && *n > 0 {
		rules = append(rules, fmt.Sprintf("None of the last %d passwords", *n))
	}
	return rules
}
