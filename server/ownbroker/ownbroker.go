// Package ownbroker issues the credentials of identity pools for APIs that verify signatures
// with package sigv4auth. The credentials are self-contained: the APIs share a key with the
// broker. AWS does not accept them.
package ownbroker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/latchkey-auth/latchkey/internal/tempkey"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// Config is the configuration of a [Broker].
type Config struct {
	// Keys are 32 bytes each, the same as sigv4auth.Config.Keys. The first encrypts
	// credentials; the Broker does not use the others. Do not reuse the service's sealing
	// key: every API that verifies credentials holds these keys.
	Keys [][]byte

	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Broker is a plug.Broker that makes credentials in the process. It is safe for concurrent
// use.
type Broker struct {
	codec *tempkey.Codec
	now   func() time.Time
}

var _ plug.Broker = (*Broker)(nil)

// New returns a Broker. It refuses an empty list of keys, a key of another size and duplicate
// keys.
func New(c Config) (*Broker, error) {
	codec, err := tempkey.New(c.Keys...)
	if err != nil {
		return nil, fmt.Errorf("ownbroker: %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Broker{codec: codec, now: c.Now}, nil
}

// Credentials makes credentials for g that last for g.Life, at most 12 hours.
// Principal tags that do not fit into a session token (6,144 characters) are an
// [plug.ErrRole], as STS refuses a packed policy that is too large.
func (b *Broker) Credentials(ctx context.Context, g plug.Grant) (plug.Credentials, error) {
	if err := ctx.Err(); err != nil {
		return plug.Credentials{}, err
	}
	issued := b.now().Truncate(time.Second)
	expires := issued.Add(g.Life)
	made, err := b.codec.Mint(tempkey.Claims{
		PoolID: g.PoolID, IdentityID: g.IdentityID, RoleARN: g.RoleARN,
		Authenticated: g.Authenticated, Provider: g.Provider, Subject: g.Subject,
		Tags: g.Tags, Issued: issued, Expires: expires,
	})
	if errors.Is(err, tempkey.ErrTooLong) {
		return plug.Credentials{}, fmt.Errorf("%w: %w", plug.ErrRole, err)
	}
	if err != nil {
		return plug.Credentials{}, fmt.Errorf("ownbroker: %w", err)
	}
	return plug.Credentials{
		AccessKeyID: made.AccessKeyID, SecretAccessKey: plug.NewSecret(made.Secret.Reveal()), SessionToken: plug.NewSecret(made.SessionToken.Reveal()),
		Expiration: expires.Truncate(time.Second).UTC(),
	}, nil
}
