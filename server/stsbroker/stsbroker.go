// Package stsbroker requests the credentials of identity pools from AWS STS, or from another
// server with the operation AssumeRoleWithWebIdentity (MinIO, versitygw, Ceph).
//
// The broker presents the identity's OpenID token, which the server verifies with the identity
// pool's discovery document and keys. The server must trust the pool's issuer with the identity
// pool's id as the audience, and have the roles that the pool names.
//
//	Grant ── OpenIDToken ── POST, unsigned, a form ──> STS ── XML ── Credentials
//	                        (request.go)                      (answer.go)
//
// The package makes this one small call itself, so that the service does not depend on the AWS
// SDK (docs/decisions/0007-brokers.md).
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

// Config names the server that issues credentials.
type Config struct {
	// Region is the AWS region of STS, such as "eu-west-1". It is used if Endpoint is empty.
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

// Broker is a plug.Broker that requests credentials from STS. It is safe for concurrent use.
type Broker struct {
	endpoint string
	client   *http.Client
	timeout  time.Duration
	now      func() time.Time
}

var _ plug.Broker = (*Broker)(nil)

// New checks c and returns a Broker. It does not connect to the endpoint.
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

// Credentials requests credentials for the role of g. They last for g.Life, at least [MinLife]
// and at most [MaxLife], which are the limits of STS.
//
// If STS refuses the role permanently, the error matches [plug.ErrRole]. Credentials retries
// once after a network failure, an error of the server, a failure to fetch the pool's keys, or an
// answer that STS does not give; its error is then a temporary one.
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
