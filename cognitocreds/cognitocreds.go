// Package cognitocreds hands the AWS credentials of a [latchkey.Client] to
// aws-sdk-go-v2: those of the user who is signed in, of the guest, or of the
// session of another provider, always fresh.
//
//	cfg, err := config.LoadDefaultConfig(ctx, config.WithCredentialsProvider(cognitocreds.New(client)))
//
// A [Provider] asks the client each time, which costs no more than aws.CredentialsCache
// does, and so follows a sign-in, sign-out or switch of users at once. There is no
// need to wrap it in an aws.CredentialsCache. Parts of the SDK wrap it anyway
// (config.LoadDefaultConfig, and clients made with New…FromConfig). That is
// harmless while the user stays the same, but the cache returns its credentials until
// they expire, also after another user has signed in. Programs in which users change
// pass the Provider in the client's own options, or make a client for each user:
//
//	s3.New(s3.Options{Region: region, Credentials: cognitocreds.New(client)})
//
// # Errors
//
// Errors keep their kinds, also inside the SDK's own:
//
//	switch {
//	case errors.Is(err, latchkey.ErrSignedOut), errors.Is(err, latchkey.ErrSessionExpired),
//		errors.Is(err, latchkey.ErrNeedsSignIn), errors.Is(err, latchkey.ErrGuestsDisabled):
//		// ask the user to sign in; see NeedsSignIn
//	case errors.Is(err, latchkey.ErrNetwork):
//		// offline; the user is still signed in
//	}
//
// This is the only package that imports aws-sdk-go-v2, of which it takes the core
// module alone.
package cognitocreds

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/latchkey-auth/latchkey"
)

// Source is what [Provider.Retrieve] gives as the credentials' Source.
const Source = "LatchkeyCognito"

// Provider is an aws.CredentialsProvider over a client. It is safe for concurrent
// use, and does not own the client. Make it with [New]: Retrieve of a nil or zero Provider
// panics in the caller's goroutine.
type Provider struct {
	client    *latchkey.Client
	accountID string
}

// Option changes a [Provider].
type Option struct{ apply func(*Provider) }

// AccountID sets the AWS account that the identity pool's roles belong to, which the
// pool does not return: twelve digits. The SDK uses it for endpoints that carry
// the account, such as DynamoDB's.
func AccountID(id string) Option { return Option{func(p *Provider) { p.accountID = id }} }

// New makes a provider of the client's credentials.
func New(client *latchkey.Client, options ...Option) *Provider {
	p := &Provider{client: client}
	for _, option := range options {
		if option.apply != nil {
			option.apply(p)
		}
	}
	return p
}

// Retrieve returns credentials that have not expired. Expires is when they do; the
// client has renewed them long before, so that nothing is taken off it here. While
// they are fresh that takes a clock read, no lock and no allocation. An error is
// that of [latchkey.Client.FetchCredentials].
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := p.client.FetchCredentials(ctx)
	if err != nil {
		return aws.Credentials{Source: Source}, fmt.Errorf("cognitocreds: %w", err)
	}
	return aws.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
		Source: Source, CanExpire: true, Expires: c.Expiration, AccountID: p.accountID,
	}, nil
}

// NeedsSignIn reports whether an error of Retrieve, or of the SDK's call that it
// failed, means that a user has to sign in, and that a retry cannot help.
func NeedsSignIn(err error) bool {
	for _, kind := range []error{
		latchkey.ErrSignedOut, latchkey.ErrSessionExpired, latchkey.ErrNeedsSignIn, latchkey.ErrGuestsDisabled,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
