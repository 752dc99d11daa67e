package cognito

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// UserPool is one app client of a user pool.
type UserPool struct {
	*Endpoint
	Secret store.Secret // of the app client; empty if it has none
	Tokens Audience
}

// Refresh spends a record's refresh token (GetTokensFromRefreshToken). An answer that is
// refused, though it is of the record's sign-in, is an error together with a Grant that
// has its refresh token and nothing else: the one that was sent may be spent.
func (p *UserPool) Refresh(ctx context.Context, r store.Record) (Grant, error) {
	request := wire.GetTokensFromRefreshTokenRequest{
		RefreshToken: wire.Sensitive(r.Tokens.Refresh.Reveal()),
		ClientId:     p.Tokens.ClientID,
		ClientSecret: wire.Sensitive(p.Secret.Reveal()),
	}
	// Where the pool tracks devices, it refuses a token that was issued to a device
	// without that device's key, as "Invalid Refresh Token."
	if r.Device != nil {
		request.DeviceKey = r.Device.Key
	}
	var response wire.GetTokensFromRefreshTokenResponse
	when, err := p.Call(ctx, OpRefresh, &request, &response)
	if err != nil {
		return Grant{}, err
	}
	issued, err := NewGrant(OpRefresh, response.AuthenticationResult, when, p.Tokens)
	if err == nil {
		err = issued.BelongsTo(r)
	}
	if err != nil {
		return salvage(r, response.AuthenticationResult, err)
	}
	return issued, nil
}

// Revoke revokes a refresh token and the access tokens of its sign-in (RevokeToken).
func (p *UserPool) Revoke(ctx context.Context, refresh store.Secret) error {
	request := wire.RevokeTokenRequest{
		Token: wire.Sensitive(refresh.Reveal()), ClientId: p.Tokens.ClientID, ClientSecret: wire.Sensitive(p.Secret.Reveal()),
	}
	_, err := p.Call(ctx, "RevokeToken", &request, nil)
	return err
}
