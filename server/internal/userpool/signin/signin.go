package signin

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// InitiateAuth begins a sign-in or refreshes a session.
func (s *Service) InitiateAuth(ctx context.Context, in *wire.InitiateAuthRequest) (*wire.InitiateAuthResponse, error) {
	var a *pool.App
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.pools.LoadApp(tx, in.ClientId)
		return err
	})
	if err != nil {
		return nil, err
	}
	switch in.AuthFlow {
	case wire.AuthFlowUserPassword:
		if !a.Settings.Allows(wire.AllowUserPasswordAuth, wire.LegacyUserPasswordAuth) {
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageUserPasswordFlowDisabled)
		}
		return pool.Veiled(ctx, a, func() (*pool.Outcome, error) { return s.signInWithPassword(ctx, a, in.AuthParameters) })
	default:
		return s.initiate(ctx, a, in.AuthFlow, in.AuthParameters)
	}
}

// AdminInitiateAuth is InitiateAuth for an administrator's program, which may
// use the flows that hand the service a password on the user's behalf.
func (s *Service) AdminInitiateAuth(ctx context.Context, in *wire.AdminInitiateAuthRequest) (*wire.AdminInitiateAuthResponse, error) {
	var a *pool.App
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.pools.LoadAppOf(tx, in.UserPoolId, in.ClientId)
		return err
	})
	if err != nil {
		return nil, err
	}
	var out *pool.Outcome
	switch in.AuthFlow {
	case wire.AuthFlowAdminUserPassword, wire.AuthFlowAdminNoSRP:
		if !a.Settings.Allows(wire.AllowAdminUserPasswordAuth, wire.LegacyAdminNoSRPAuth) {
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageAuthFlowDisabled)
		}
		out, err = pool.Veiled(ctx, a, func() (*pool.Outcome, error) { return s.signInWithPassword(ctx, a, in.AuthParameters) })
	default:
		out, err = s.initiate(ctx, a, in.AuthFlow, in.AuthParameters)
	}
	if err != nil {
		return nil, err
	}
	return (*wire.AdminInitiateAuthResponse)(out), nil
}

// initiate serves the flows that users and administrators share.
func (s *Service) initiate(ctx context.Context, a *pool.App, flow wire.AuthFlow, params wire.Parameters) (*pool.Outcome, error) {
	switch flow {
	case wire.AuthFlowUserSRP:
		if !a.Settings.Allows(wire.AllowUserSRPAuth) && !a.Settings.LegacyFlows() {
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageSRPFlowDisabled)
		}
		return pool.Veiled(ctx, a, func() (*pool.Outcome, error) { return s.signInWithSRP(ctx, a, params) })
	case wire.AuthFlowRefreshTokenAuth, wire.AuthFlowRefreshToken:
		return s.tokens.RefreshTokenAuth(ctx, a, params)
	}
	return nil, wire.NewException(wire.InvalidParameterException, wire.MessageAuthFlowDisabled)
}
