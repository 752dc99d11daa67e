package identitypool

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// GetCredentialsForIdentity gives temporary AWS credentials for the role that
// the pool chooses (the enhanced flow). The identity in the answer may be another
// than the one asked for, see [Service.GetId].
func (s *Service) GetCredentialsForIdentity(ctx context.Context, in *wire.GetCredentialsForIdentityRequest) (*wire.GetCredentialsForIdentityResponse, error) {
	v, err := s.admit(ctx, in.IdentityId, in.Logins, enhancedFlow)
	if err != nil {
		return nil, err
	}
	role, lead, err := s.role(v, in.CustomRoleArn)
	if err != nil {
		return nil, err
	}
	g := plug.Grant{PoolID: v.pool.ID, IdentityID: v.identity.ID, RoleARN: role, Life: s.life}
	if lead != nil {
		g.Authenticated, g.Provider, g.Subject = true, lead.login.Provider, lead.login.Subject
		g.Tags = s.principalTags(ctx, v, lead)
	}
	g.OpenIDToken = func(ctx context.Context) (plug.Secret, error) {
		token, err := s.mint(ctx, v, openIDLife, g.Tags)
		return plug.NewSecret(string(token)), err
	}
	made, err := s.broke(ctx, g)
	if err != nil {
		return nil, err
	}
	return &wire.GetCredentialsForIdentityResponse{IdentityId: v.identity.ID, Credentials: &wire.Credentials{
		AccessKeyId: made.AccessKeyID, SecretKey: wire.Sensitive(made.SecretAccessKey.Reveal()),
		SessionToken: wire.Sensitive(made.SessionToken.Reveal()), Expiration: wire.NewTime(made.Expiration),
	}}, nil
}

// broke asks the broker. Its trouble is logged and answered as a temporary error,
// its refusal of the role as the pool's mistake.
func (s *Service) broke(ctx context.Context, g plug.Grant) (plug.Credentials, error) {
	if s.broker == nil {
		return plug.Credentials{}, wire.NewException(wire.InvalidIdentityPoolConfigurationException, wire.MessageNoBroker)
	}
	made, err := s.broker.Credentials(ctx, g)
	switch {
	case err == nil:
		return made, nil
	case ctx.Err() != nil:
		return made, err
	case errors.Is(err, plug.ErrRole):
		s.log.WarnContext(ctx, "role refused", "identity_pool", g.PoolID, "role", g.RoleARN, "error", err)
		return made, wire.NewException(wire.InvalidIdentityPoolConfigurationException, wire.MessageIdentityPoolRoles)
	}
	s.log.ErrorContext(ctx, "credentials could not be made", "identity_pool", g.PoolID, "role", g.RoleARN, "error", err)
	return made, wire.NewException(wire.ExternalServiceException, wire.MessageBrokerUnavailable)
}
