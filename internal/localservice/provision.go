package localservice

import (
	"context"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// provision makes pool, app client, demo user and identity pool under their pinned ids. What
// is there already stays as it is, whatever became of it since, but for the addresses
// that a browser may come back to, which follow the port.
func (s *Service) provision(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.provisionPool, s.provisionDomain, s.provisionClient, s.provisionUser, s.provisionPlan, s.provisionIdentities, s.provisionShort,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) provisionPool(ctx context.Context) error {
	pools := s.server.Pools()
	_, err := pools.DescribeUserPool(ctx, &wire.DescribeUserPoolRequest{UserPoolId: s.state.UserPoolID})
	if !wire.IsException(err, wire.ResourceNotFoundException) {
		return err
	}
	_, err = pools.CreateUserPool(ctx, &wire.CreateUserPoolRequest{
		PoolName:              "local",
		UsernameConfiguration: &wire.UsernameConfigurationType{CaseSensitive: new(false)},
		AliasAttributes:       []string{"email"},
		UserPoolSettings: wire.UserPoolSettings{
			UserPoolTags:           map[string]string{"_custom_id_": s.state.UserPoolID},
			AutoVerifiedAttributes: []string{"email"},
		},
	})
	return err
}

// planName is the custom attribute that the pool has, custom:plan, and demoPlan the demo
// user's value: with them an example can show a custom claim without further steps.
const (
	planName = "plan"
	demoPlan = "free"
)

// provisionPlan adds the custom attribute, to a pool from before it as well, and gives it
// to the demo user once.
func (s *Service) provisionPlan(ctx context.Context) error {
	pools := s.server.Pools()
	pool, err := pools.DescribeUserPool(ctx, &wire.DescribeUserPoolRequest{UserPoolId: s.state.UserPoolID})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(pool.UserPool.SchemaAttributes, func(a wire.SchemaAttributeType) bool { return a.Name == "custom:"+planName }) {
		return nil
	}
	_, err = pools.AddCustomAttributes(ctx, &wire.AddCustomAttributesRequest{
		UserPoolId: s.state.UserPoolID, CustomAttributes: []wire.SchemaAttributeType{{Name: planName}},
	})
	if err != nil { // the operator has used up the room for attributes
		s.options.Logger.Warn("the user pool has no custom:plan", "reason", err)
		return nil
	}
	_, err = pools.AdminUpdateUserAttributes(ctx, &wire.AdminUpdateUserAttributesRequest{
		UserPoolId: s.state.UserPoolID, Username: s.state.Username,
		UserAttributes: []wire.AttributeType{{Name: "custom:" + planName, Value: demoPlan}},
	})
	return err
}

// domainPrefix is the prefix of the pool's domain: its pages are at
// latchkey.localhost, beside the path with the pool's id.
const domainPrefix = "latchkey"

// What the app client may do with a browser. The port of a loopback address is
// free (RFC 8252, section 7.3), that of localhost is not.
var (
	oauthScopes  = []string{"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"}
	callbackURLs = []string{"http://localhost:3000/", "http://localhost/callback", "http://127.0.0.1/callback", "http://[::1]/callback"}
	logoutURLs   = []string{"http://localhost:3000/", "http://localhost/", "http://127.0.0.1/", "http://[::1]/"}
)

func (s *Service) provisionDomain(ctx context.Context) error {
	pools := s.server.Pools()
	out, err := pools.DescribeUserPoolDomain(ctx, &wire.DescribeUserPoolDomainRequest{Domain: domainPrefix})
	if err != nil || out.DomainDescription.UserPoolId != "" {
		return err
	}
	_, err = pools.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: domainPrefix, UserPoolId: s.state.UserPoolID})
	return err
}

func (s *Service) provisionClient(ctx context.Context) error {
	pools := s.server.Pools()
	there, err := pools.DescribeUserPoolClient(ctx, &wire.DescribeUserPoolClientRequest{
		UserPoolId: s.state.UserPoolID, ClientId: s.state.ClientID,
	})
	if err == nil {
		s.addressClient(ctx, there.UserPoolClient.UserPoolClientSettings)
		return nil
	}
	if !wire.IsException(err, wire.ResourceNotFoundException) {
		return err
	}
	_, err = pools.CreateUserPoolClient(ctx, &wire.CreateUserPoolClientRequest{
		UserPoolId: s.state.UserPoolID, ClientName: "_custom_id_:" + s.state.ClientID,
		UserPoolClientSettings: wire.UserPoolClientSettings{
			ExplicitAuthFlows: []wire.ExplicitAuthFlow{
				wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth,
				wire.AllowAdminUserPasswordAuth, wire.AllowRefreshTokenAuth,
			},
			PreventUserExistenceErrors:      wire.PreventUserExistenceErrorsEnabled,
			AllowedOAuthFlowsUserPoolClient: new(true),
			AllowedOAuthFlows:               []string{"code"},
			AllowedOAuthScopes:              oauthScopes,
			CallbackURLs:                    append(slices.Clone(callbackURLs), url("https", s.secure)+"/callback"),
			LogoutURLs:                      append(slices.Clone(logoutURLs), url("https", s.secure)+"/"),
			SupportedIdentityProviders:      []string{"COGNITO"},
		},
	})
	return err
}

// maxAddresses is how many callback URLs a client may have that is started on
// another port each time. Cognito allows a hundred.
const maxAddresses = 50

// addressClient lets a browser that came by https come back to this service's own
// address, which is not a loopback URI to OAuth and has a port therefore. Whatever
// else the client's settings are is left as it is.
func (s *Service) addressClient(ctx context.Context, settings wire.UserPoolClientSettings) {
	callback, logout := url("https", s.secure)+"/callback", url("https", s.secure)+"/"
	if settings.AllowedOAuthFlowsUserPoolClient == nil || !*settings.AllowedOAuthFlowsUserPoolClient ||
		slices.Contains(settings.CallbackURLs, callback) && slices.Contains(settings.LogoutURLs, logout) ||
		max(len(settings.CallbackURLs), len(settings.LogoutURLs)) >= maxAddresses {
		return
	}
	settings.CallbackURLs = with(settings.CallbackURLs, callback)
	settings.LogoutURLs = with(settings.LogoutURLs, logout)
	_, err := s.server.Pools().UpdateUserPoolClient(ctx, &wire.UpdateUserPoolClientRequest{
		UserPoolId: s.state.UserPoolID, ClientId: s.state.ClientID, UserPoolClientSettings: settings,
	})
	if err != nil { // somebody has set it up in a way that does not go with that
		s.options.Logger.Warn("the app client does not know the https address", "reason", err)
	}
}

// with is a list with one more element, unless it is there.
func with(list []string, element string) []string {
	if slices.Contains(list, element) {
		return list
	}
	return append(slices.Clone(list), element)
}

func (s *Service) provisionUser(ctx context.Context) error {
	pools := s.server.Pools()
	pool, name := s.state.UserPoolID, s.state.Username
	user, err := pools.AdminGetUser(ctx, &wire.AdminGetUserRequest{UserPoolId: pool, Username: name})
	if err == nil {
		// A first start that was interrupted leaves the password temporary.
		mine, err := pools.HasPassword(ctx, pool, name, wire.Sensitive(s.state.Password))
		if err != nil || user.UserStatus != wire.UserStatusForceChangePassword || !mine {
			return err
		}
	}
	if wire.IsException(err, wire.UserNotFoundException) {
		_, err = pools.AdminCreateUser(ctx, &wire.AdminCreateUserRequest{
			UserPoolId: pool, Username: name, MessageAction: wire.MessageActionSuppress,
			TemporaryPassword: wire.Sensitive(s.state.Password),
			UserAttributes: []wire.AttributeType{
				{Name: "email", Value: "demo@example.com"}, {Name: "email_verified", Value: "true"},
				{Name: "name", Value: "Demo User"},
			},
		})
	}
	if err != nil {
		return err
	}
	_, err = pools.AdminSetUserPassword(ctx, &wire.AdminSetUserPasswordRequest{
		UserPoolId: pool, Username: name, Password: wire.Sensitive(s.state.Password), Permanent: true,
	})
	return err
}
