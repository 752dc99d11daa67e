package sessionpage

import (
	"context"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/jwt"
)

// listen begins to follow the service's feed of ended sessions, with the first
// visitor. p.mu is held.
func (p *Page) listen() {
	if p.ended != nil || p.cfg.Client.Issuer == "" {
		return
	}
	follower, err := jwt.FollowRevocations(p.cfg.Client.Issuer, func(o *jwt.RevocationOptions) {
		o.WhenStale = jwt.FailOpen
		o.OnError = func(err error) { p.cfg.Logger.Debug("session page: revocation feed", "error", err) }
	})
	if err != nil { // a service that is neither https nor on this machine
		p.cfg.Logger.Info("the session page does not hear of revocations", "error", err)
		return
	}
	p.ended = follower
}

// checkRevoked refreshes a session that the service says is over, so that the page
// learns why from the refusal. Whether it is over, only that refusal decides.
func (p *Page) checkRevoked(ctx context.Context, v *visitor) {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if ended == nil || !v.in(ctx) {
		return
	}
	tokens, err := v.client.FetchTokens(ctx)
	if err != nil {
		return
	}
	over, err := ended.Revoked(ctx, tokens.Access.SessionRef())
	if err == nil && over && v.mayAsk() {
		_, _ = v.client.FetchTokens(ctx, latchkey.ForceRefresh())
	}
}
