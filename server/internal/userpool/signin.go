package userpool

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// outcome is where a step of a sign-in leads: to tokens or to a challenge.
// The responses of the four sign-in operations have its shape.
type outcome = wire.InitiateAuthResponse

// InitiateAuth begins a sign-in or refreshes a session.
func (s *Service) InitiateAuth(ctx context.Context, in *wire.InitiateAuthRequest) (*wire.InitiateAuthResponse, error) {
	var a *app
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.loadApp(tx, in.ClientId)
		return err
	})
	if err != nil {
		return nil, err
	}
	switch in.AuthFlow {
	case wire.AuthFlowUserPassword:
		if !a.settings.allows(wire.AllowUserPasswordAuth, wire.LegacyUserPasswordAuth) {
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageUserPasswordFlowDisabled)
		}
		return veiled(ctx, a, func() (*outcome, error) { return s.signInWithPassword(ctx, a, in.AuthParameters) })
	default:
		return s.initiate(ctx, a, in.AuthFlow, in.AuthParameters)
	}
}

// AdminInitiateAuth is InitiateAuth for an administrator's program, which may
// use the flows that hand the service a password on the user's behalf.
func (s *Service) AdminInitiateAuth(ctx context.Context, in *wire.AdminInitiateAuthRequest) (*wire.AdminInitiateAuthResponse, error) {
	var a *app
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.loadAppOf(tx, in.UserPoolId, in.ClientId)
		return err
	})
	if err != nil {
		return nil, err
	}
	var out *outcome
	switch in.AuthFlow {
	case wire.AuthFlowAdminUserPassword, wire.AuthFlowAdminNoSRP:
		if !a.settings.allows(wire.AllowAdminUserPasswordAuth, wire.LegacyAdminNoSRPAuth) {
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageAuthFlowDisabled)
		}
		out, err = veiled(ctx, a, func() (*outcome, error) { return s.signInWithPassword(ctx, a, in.AuthParameters) })
	default:
		out, err = s.initiate(ctx, a, in.AuthFlow, in.AuthParameters)
	}
	if err != nil {
		return nil, err
	}
	return (*wire.AdminInitiateAuthResponse)(out), nil
}

// initiate serves the flows that users and administrators share.
func (s *Service) initiate(ctx context.Context, a *app, flow wire.AuthFlow, params wire.Parameters) (*outcome, error) {
	switch flow {
	case wire.AuthFlowUserSRP:
		if !a.settings.allows(wire.AllowUserSRPAuth) && !a.settings.legacyFlows() {
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageSRPFlowDisabled)
		}
		return veiled(ctx, a, func() (*outcome, error) { return s.signInWithSRP(ctx, a, params) })
	case wire.AuthFlowRefreshTokenAuth, wire.AuthFlowRefreshToken:
		return s.refreshTokenAuth(ctx, a, params)
	}
	return nil, wire.NewException(wire.InvalidParameterException, wire.MessageAuthFlowDisabled)
}

// checkSecretHash checks SECRET_HASH of a client with a secret. names are the
// user names that it may cover: USERNAME as it was sent, and in an answer to a
// challenge also USER_ID_FOR_SRP and the name that was typed.
func (a *app) checkSecretHash(hash string, names ...string) error {
	if a.secret == "" {
		return nil
	}
	if hash == "" {
		return wire.SecretHashMissing(a.client.ID)
	}
	for _, name := range names {
		if equal(hash, srp.SecretHash(name, a.client.ID, a.secret)) {
			return nil
		}
	}
	return wire.SecretHashWrong(a.client.ID)
}
