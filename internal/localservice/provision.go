package localservice

import (
	"context"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
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
	err := s.server.Call(ctx, "DescribeUserPool", &wire.DescribeUserPoolRequest{UserPoolId: s.state.UserPoolID}, nil)
	if !wire.IsException(err, wire.ResourceNotFoundException) {
		return err
	}
	err = s.server.Call(ctx, "CreateUserPool", &wire.CreateUserPoolRequest{
		PoolName:              "local",
		UsernameConfiguration: &wire.UsernameConfigurationType{CaseSensitive: new(false)},
		AliasAttributes:       []string{"email"},
		UserPoolSettings: wire.UserPoolSettings{
			UserPoolTags:           map[string]string{"_custom_id_": s.state.UserPoolID},
			AutoVerifiedAttributes: []string{"email"},
		},
	}, nil)
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
	pool, err := perform[wire.DescribeUserPoolResponse](ctx, s.server, "DescribeUserPool", &wire.DescribeUserPoolRequest{UserPoolId: s.state.UserPoolID})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(pool.UserPool.SchemaAttributes, func(a wire.SchemaAttributeType) bool { return a.Name == "custom:"+planName }) {
		return nil
	}
	err = s.server.Call(ctx, "AddCustomAttributes", &wire.AddCustomAttributesRequest{
		UserPoolId: s.state.UserPoolID, CustomAttributes: []wire.SchemaAttributeType{{Name: planName}},
	}, nil)
	if err != nil { // the operator has used up the room for attributes
		s.options.Logger.Warn("the user pool has no custom:plan", "reason", err)
		return nil
	}
	err = s.server.Call(ctx, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
		UserPoolId: s.state.UserPoolID, Username: s.state.Username,
		UserAttributes: []wire.AttributeType{{Name: "custom:" + planName, Value: demoPlan}},
	}, nil)
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
	out, err := perform[wire.DescribeUserPoolDomainResponse](ctx, s.server, "DescribeUserPoolDomain", &wire.DescribeUserPoolDomainRequest{Domain: domainPrefix})
	if err != nil || out.DomainDescription.UserPoolId != "" {
		return err
	}
	err = s.server.Call(ctx, "CreateUserPoolDomain", &wire.CreateUserPoolDomainRequest{Domain: domainPrefix, UserPoolId: s.state.UserPoolID}, nil)
	return err
}

func (s *Service) provisionClient(ctx context.Context) error {
	there, err := perform[wire.DescribeUserPoolClientResponse](ctx, s.server, "DescribeUserPoolClient", &wire.DescribeUserPoolClientRequest{
		UserPoolId: s.state.UserPoolID, ClientId: s.state.ClientID,
	})
	if err == nil {
		s.addressClient(ctx, there.UserPoolClient.UserPoolClientSettings)
		return nil
	}
	if !wire.IsException(err, wire.ResourceNotFoundException) {
		return err
	}
	err = s.server.Call(ctx, "CreateUserPoolClient", &wire.CreateUserPoolClientRequest{
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
	}, nil)
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
	err := s.server.Call(ctx, "UpdateUserPoolClient", &wire.UpdateUserPoolClientRequest{
		UserPoolId: s.state.UserPoolID, ClientId: s.state.ClientID, UserPoolClientSettings: settings,
	}, nil)
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
	pool, name := s.state.UserPoolID, s.state.Username
	user, err := perform[wire.AdminGetUserResponse](ctx, s.server, "AdminGetUser", &wire.AdminGetUserRequest{UserPoolId: pool, Username: name})
	if err == nil {
		// A first start that was interrupted leaves the password temporary.
		mine, err := s.server.HasPassword(ctx, pool, name, plug.NewSecret(s.state.Password))
		if err != nil || user.UserStatus != wire.UserStatusForceChangePassword || !mine {
			return err
		}
	}
	if wire.IsException(err, wire.UserNotFoundException) {
		err = s.server.Call(ctx, "AdminCreateUser", &wire.AdminCreateUserRequest{
			UserPoolId: pool, Username: name, MessageAction: wire.MessageActionSuppress,
			TemporaryPassword: wire.Sensitive(s.state.Password),
			UserAttributes: []wire.AttributeType{
				{Name: "email", Value: "demo@example.com"}, {Name: "email_verified", Value: "true"},
				{Name: "name", Value: "Demo User"},
			},
		}, nil)
	}
	if err != nil {
		return err
	}
	err = s.server.Call(ctx, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
		UserPoolId: pool, Username: name, Password: wire.Sensitive(s.state.Password), Permanent: true,
	}, nil)
	return err
}
