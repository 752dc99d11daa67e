package identitypool

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// clientOperations answers the operations of clients, which send no signature.
type clientOperations struct {
	admission *admission
	roles     roles
	tags      principalTags
	tokens    *identityTokens
	broker    plug.Broker
	life      time.Duration // of credentials
	log       *slog.Logger
}

func (o *clientOperations) operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"GetId":                     wire.Handle(o.getID),
		"GetCredentialsForIdentity": wire.Handle(o.getCredentials),
		"GetOpenIdToken":            wire.Handle(o.getOpenIDToken),
		"UnlinkIdentity":            wire.Handle(o.unlinkIdentity),
	}
}

// getID returns a login's identity, the same at every call and on every device.
// Without Logins it makes a new guest at every call; the client stores its id.
func (o *clientOperations) getID(ctx context.Context, in *wire.GetIdRequest) (*wire.GetIdResponse, error) {
	identity, err := o.admission.identify(ctx, in.IdentityPoolId, in.Logins)
	if err != nil {
		return nil, err
	}
	return &wire.GetIdResponse{IdentityId: identity.ID}, nil
}

// getCredentials returns temporary AWS credentials for the role that the pool chooses
// (the enhanced flow). The identity in the answer may be another than the requested one,
// see [admission.admit].
func (o *clientOperations) getCredentials(ctx context.Context, in *wire.GetCredentialsForIdentityRequest) (*wire.GetCredentialsForIdentityResponse, error) {
	v, err := o.admission.admit(ctx, in.IdentityId, in.Logins, enhancedFlow)
	if err != nil {
		return nil, err
	}
	role, lead, err := o.roles.choose(v, in.CustomRoleArn)
	if err != nil {
		return nil, err
	}
	g := plug.Grant{PoolID: v.pool.ID, IdentityID: v.identity.ID, RoleARN: role, Life: o.life}
	if lead != nil {
		g.Authenticated, g.Provider, g.Subject = true, lead.login.Provider, lead.login.Subject
		g.Tags = o.tags.of(ctx, v, lead)
	}
	g.OpenIDToken = func(ctx context.Context) (plug.Secret, error) {
		token, err := o.tokens.mint(ctx, v, openIDLife, g.Tags)
		return plug.NewSecret(string(token)), err
	}
	made, err := o.requestCredentials(ctx, g)
	if err != nil {
		return nil, err
	}
	return &wire.GetCredentialsForIdentityResponse{IdentityId: v.identity.ID, Credentials: &wire.Credentials{
		AccessKeyId: made.AccessKeyID, SecretKey: wire.Sensitive(made.SecretAccessKey.Reveal()),
		SessionToken: wire.Sensitive(made.SessionToken.Reveal()), Expiration: wire.NewTime(made.Expiration),
	}}, nil
}

// requestCredentials calls the broker. A broker that fails is logged and answered as a
// temporary error, a role that it refuses as an error of the pool's configuration.
func (o *clientOperations) requestCredentials(ctx context.Context, g plug.Grant) (plug.Credentials, error) {
	if o.broker == nil {
		return plug.Credentials{}, wire.NewException(wire.InvalidIdentityPoolConfigurationException, wire.MessageNoBroker)
	}
	made, err := o.broker.Credentials(ctx, g)
	switch {
	case err == nil:
		return made, nil
	case ctx.Err() != nil:
		return made, err
	case errors.Is(err, plug.ErrRole):
		o.log.WarnContext(ctx, "role refused", "identity_pool", g.PoolID, "role", g.RoleARN, "error", err)
		return made, wire.NewException(wire.InvalidIdentityPoolConfigurationException, wire.MessageIdentityPoolRoles)
	}
	o.log.ErrorContext(ctx, "credentials could not be made", "identity_pool", g.PoolID, "role", g.RoleARN, "error", err)
	return made, wire.NewException(wire.ExternalServiceException, wire.MessageBrokerUnavailable)
}

// getOpenIDToken returns the identity's own token, with which the client calls STS
// itself (the basic flow).
func (o *clientOperations) getOpenIDToken(ctx context.Context, in *wire.GetOpenIdTokenRequest) (*wire.GetOpenIdTokenResponse, error) {
	if _, ok := in.Logins[ownProvider]; ok {
		// With a token for a token a session would never end.
		return nil, refused(wire.MessageUnsupportedProvider)
	}
	v, err := o.admission.admit(ctx, in.IdentityId, in.Logins, classicFlow)
	if err != nil {
		return nil, err
	}
	var tags map[string]string
	if len(v.logins) > 0 {
		tags = o.tags.of(ctx, v, &v.logins[0])
	}
	token, err := o.tokens.mint(ctx, v, openIDLife, tags)
	if err != nil {
		return nil, err
	}
	return &wire.GetOpenIdTokenResponse{IdentityId: v.identity.ID, Token: token}, nil
}

// unlinkIdentity is [admission.unlink].
func (o *clientOperations) unlinkIdentity(ctx context.Context, in *wire.UnlinkIdentityRequest) (*wire.UnlinkIdentityResponse, error) {
	if err := o.admission.unlink(ctx, in); err != nil {
		return nil, err
	}
	return &wire.UnlinkIdentityResponse{}, nil
}
