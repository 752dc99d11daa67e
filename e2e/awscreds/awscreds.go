// Package awscreds gets AWS credentials from a running service as programs do:
// signed in with Latchkey's client, or as a guest, and then with the AWS SDK's own
// identity pool client.
package awscreds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/e2e/local"
)

// Provider is an aws.CredentialsProvider. Each Retrieve asks the service.
type Provider struct {
	up       local.Ready
	client   *latchkey.Client // nil for guests
	identity *string
}

// SignedIn signs the demo user in.
func SignedIn(ctx context.Context, up local.Ready) (*Provider, error) {
	client, err := latchkey.New(latchkey.Config{
		UserPoolID: up.UserPoolID, ClientID: up.ClientID, UserPoolEndpoint: up.Endpoint, Issuer: up.Endpoint + "/" + up.UserPoolID,
	})
	if err != nil {
		return nil, err
	}
	if _, err := client.SignIn(ctx, latchkey.Password(up.Username, up.Password)); err != nil {
		return nil, err
	}
	return &Provider{up: up, client: client}, nil
}

// Guest does not sign in.
func Guest(up local.Ready) *Provider { return &Provider{up: up} }

// Retrieve asks the service for credentials, for the identity that the first call
// was given.
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	logins := map[string]string{}
	if p.client != nil {
		session, err := p.client.FetchSession(ctx)
		if err != nil {
			return aws.Credentials{}, err
		}
		tokens, err := session.Tokens()
		if err != nil {
			return aws.Credentials{}, err
		}
		logins["cognito-idp."+p.up.Region+".amazonaws.com/"+p.up.UserPoolID] = tokens.ID.Raw()
	}
	identities := Identities(p.up)
	if p.identity == nil {
		made, err := identities.GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: &p.up.IdentityPoolID, Logins: logins})
		if err != nil {
			return aws.Credentials{}, err
		}
		p.identity = made.IdentityId
	}
	got, err := identities.GetCredentialsForIdentity(ctx, &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: p.identity, Logins: logins})
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{
		AccessKeyID: aws.ToString(got.Credentials.AccessKeyId), SecretAccessKey: aws.ToString(got.Credentials.SecretKey),
		SessionToken: aws.ToString(got.Credentials.SessionToken), Source: "e2e", CanExpire: true, Expires: aws.ToTime(got.Credentials.Expiration),
	}, nil
}

// IdentityID is the identity of the last Retrieve.
func (p *Provider) IdentityID() string { return aws.ToString(p.identity) }

// Close lets go of the client.
func (p *Provider) Close() error {
	if p.client == nil {
		return nil
	}
	return p.client.Close()
}

// Identities is the AWS SDK's client of the identity pool API. Its administrative
// calls are signed with the service's key.
func Identities(up local.Ready) *cognitoidentity.Client {
	return cognitoidentity.New(cognitoidentity.Options{
		Region: up.Region, BaseEndpoint: &up.Endpoint, Credentials: administrator(up),
	})
}

func administrator(up local.Ready) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: up.AccessKeyID, SecretAccessKey: up.SecretAccessKey}, nil
	})
}
