// Package awscreds gets AWS credentials from a running service as programs do:
// with Latchkey's client, signed in or as a guest, which hands them to the AWS SDK
// through cognitocreds.
package awscreds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/cognitocreds"
	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// Provider is an aws.CredentialsProvider over a client of its own.
type Provider struct {
	*cognitocreds.Provider
	Client *latchkey.Client
}

// SignedIn signs the demo user in.
func SignedIn(ctx context.Context, up local.Ready) (*Provider, error) {
	p, err := open(up, false)
	if err != nil {
		return nil, err
	}
	_, err = p.Client.SignIn(ctx, latchkey.Password(up.Username, up.Password))
	return p, err
}

// Guest does not sign in.
func Guest(up local.Ready) (*Provider, error) { return open(up, true) }

func open(up local.Ready, guests bool) (*Provider, error) {
	client, err := latchkey.New(latchkey.Config{
		UserPoolID: up.UserPoolID, ClientID: up.ClientID, UserPoolEndpoint: up.Endpoint, Issuer: up.Endpoint + "/" + up.UserPoolID,
		IdentityPoolID: up.IdentityPoolID, IdentityPoolEndpoint: up.Endpoint, AllowGuests: guests,
	})
	if err != nil {
		return nil, err
	}
	return &Provider{Provider: cognitocreds.New(client), Client: client}, nil
}

// IdentityID is the identity that the credentials belong to.
func (p *Provider) IdentityID(ctx context.Context) (string, error) {
	session, err := p.Client.FetchSession(ctx)
	if err != nil {
		return "", err
	}
	return session.IdentityID()
}

// Close lets go of the client.
func (p *Provider) Close() error { return p.Client.Close() }

// Identities is the AWS SDK's client of the identity pool API, with the service's
// key for administration.
func Identities(up local.Ready) *cognitoidentity.Client {
	return cognitoidentity.New(cognitoidentity.Options{
		Region: up.Region, BaseEndpoint: &up.Endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: up.AccessKeyID, SecretAccessKey: up.SecretAccessKey}, nil
		}),
	})
}
