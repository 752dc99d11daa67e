// Package stsbroker has somebody else make the identity pool's credentials: AWS
// STS, or any server that speaks AssumeRoleWithWebIdentity (MinIO, versitygw,
// Ceph), so that they are good wherever that server's credentials are.
//
// The broker presents the identity's OpenID token, which the other side verifies
// with the identity pool's discovery document and keys: it has to trust the
// pool's issuer, with the identity pool's id as the audience, and the roles that
// the pool names have to be its roles.
//
//	Grant ── OpenIDToken ── POST, unsigned, a form ──> STS ── XML ── Credentials
//	                        (request.go)                      (answer.go)
//
// The call is small and its answer is short, so it is made here and not by the
// AWS SDK, of which the service is free (docs/decisions/0007-brokers.md).
package stsbroker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/latchkey-auth/latchkey/server/plug"
)

const (
	// MinLife is the shortest life that STS gives.
	MinLife = 15 * time.Minute

	// MaxLife is the longest life that STS gives, if the role allows it.
	MaxLife = 12 * time.Hour

	// DefaultTimeout is [Config.Timeout] where it is zero.
	DefaultTimeout = 10 * time.Second

	sessionName = "CognitoIdentityCredentials" // as Amazon Cognito names it
	attempts    = 2
	pause       = 100 * time.Millisecond // before the second attempt, and as much again at random

	minToken, maxToken = 4, 20_000 // characters of WebIdentityToken
	minRole, maxRole   = 20, 2048  // characters of RoleArn
)

// Config says where credentials come from.
type Config struct {
	// Region is the AWS region whose STS is asked, such as "eu-west-1", where
	// Endpoint is empty.
	Region string

	// Endpoint is the address of another server: https, or http on a loopback
	// address. No redirect is followed.
	Endpoint string

	// Transport makes the calls; nil is one like [http.DefaultTransport] with
	// tighter limits. Give one that trusts the authority of a private server.
	Transport http.RoundTripper

	// Timeout bounds one grant, a second attempt included.
	Timeout time.Duration

	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Broker asks STS. It is safe for concurrent use.
type Broker struct {
	endpoint string
	client   *http.Client
	timeout  time.Duration
	now      func() time.Time
}

var _ plug.Broker = (*Broker)(nil)

// New checks c and makes a Broker. It does not ask the endpoint anything.
func New(c Config) (*Broker, error) {
	endpoint, err := endpointOf(c)
	if err != nil {
		return nil, err
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("stsbroker: Timeout is %v; it must not be negative", c.Timeout)
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Broker{
		endpoint: endpoint,
		client: &http.Client{
			Transport:     c.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: cmp.Or(c.Timeout, DefaultTimeout),
		now:     c.Now,
	}, nil
}

// Credentials asks for credentials for the role of g. They last for g.Life, but
// for no less than [MinLife] and no more than [MaxLife]: STS knows nothing else.
//
// A role that STS will not give, for whatever reason that asking again does not
// change, is an [plug.ErrRole]. A network that fails, a server that is
// overloaded, broken or cannot reach the pool's keys, and an answer that is none
// of STS's are asked once more and are temporary errors then.
func (b *Broker) Credentials(ctx context.Context, g plug.Grant) (plug.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	form, err := formOf(ctx, g)
	if err != nil {
		return plug.Credentials{}, err
	}
	for attempt := 1; ; attempt++ {
		credentials, err := b.ask(ctx, form)
		if err == nil || attempt == attempts || errors.Is(err, plug.ErrRole) || !wait(ctx) {
			return credentials, err
		}
	}
}

// formOf is the form that asks for the role of g.
func formOf(ctx context.Context, g plug.Grant) (url.Values, error) {
	if n := len(g.RoleARN); n < minRole || n > maxRole {
		return nil, fmt.Errorf("%w: stsbroker: the role %.40q has %d characters, and STS takes %d to %d", plug.ErrRole, g.RoleARN, n, minRole, maxRole)
	}
	if g.OpenIDToken == nil {
		return nil, errors.New("stsbroker: the grant has no OpenID token to present")
	}
	token, err := g.OpenIDToken(ctx)
	if err != nil {
		return nil, fmt.Errorf("stsbroker: the identity's OpenID token: %w", err)
	}
	if n := len(token.Reveal()); n < minToken || n > maxToken {
		return nil, fmt.Errorf("%w: stsbroker: the OpenID token has %d characters, and STS takes %d to %d", plug.ErrRole, n, minToken, maxToken)
	}
	life := min(max(g.Life, MinLife), MaxLife)
	return url.Values{
		"Action":           {"AssumeRoleWithWebIdentity"},
		"Version":          {"2011-06-15"},
		"RoleArn":          {g.RoleARN},
		"RoleSessionName":  {sessionName},
		"WebIdentityToken": {token.Reveal()},
		"DurationSeconds":  {fmt.Sprint(int(life / time.Second))},
	}, nil
}

// wait pauses before the next attempt and reports whether there is time for it.
func wait(ctx context.Context) bool {
	timer := time.NewTimer(pause + rand.N(pause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
