package awssdk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// newAppClient makes an app client in the service's own pool.
func newAppClient(t *testing.T, in cip.CreateUserPoolClientInput) *types.UserPoolClientType {
	t.Helper()
	in.UserPoolId, in.ClientName = aws.String(local.Up().UserPoolID), aws.String(name("client"))
	a := admin(t)
	out, err := a.CreateUserPoolClient(t.Context(), &in)
	check(t, err)
	t.Cleanup(func() {
		_, err := a.DeleteUserPoolClient(context.Background(), &cip.DeleteUserPoolClientInput{
			UserPoolId: in.UserPoolId, ClientId: out.UserPoolClient.ClientId,
		})
		if err != nil {
			t.Error(err)
		}
	})
	return out.UserPoolClient
}

func signInTo(t *testing.T, c *types.UserPoolClientType, user string) *types.AuthenticationResultType {
	t.Helper()
	out, err := public(t).InitiateAuth(t.Context(), passwordAuth(*c.ClientId, user, password))
	check(t, err)
	return out.AuthenticationResult
}

func rotate(t *testing.T, c *types.UserPoolClientType, token *string) (*types.AuthenticationResultType, error) {
	t.Helper()
	out, err := public(t).GetTokensFromRefreshToken(t.Context(), &cip.GetTokensFromRefreshTokenInput{
		ClientId: c.ClientId, RefreshToken: token,
	})
	if err != nil {
		return nil, err
	}
	if aws.ToString(out.AuthenticationResult.RefreshToken) == "" {
		t.Fatal("a client that rotates was sent no refresh token")
	}
	return out.AuthenticationResult, nil
}

func rotating(grace int32) cip.CreateUserPoolClientInput {
	return cip.CreateUserPoolClientInput{
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
		RefreshTokenRotation: &types.RefreshTokenRotationType{
			Feature: types.FeatureTypeEnabled, RetryGracePeriodSeconds: aws.Int32(grace),
		},
	}
}

func TestRotationWithoutGrace(t *testing.T) {
	t.Parallel()
	c := newAppClient(t, rotating(0))
	first := signInTo(t, c, newUser(t))
	second, err := rotate(t, c, first.RefreshToken)
	check(t, err)
	same(t, "refresh token is kept", *second.RefreshToken == *first.RefreshToken, false)
	for _, kept := range []string{"auth_time", "origin_jti", "sub"} {
		same(t, kept, claims(t, second.AccessToken)[kept], claims(t, first.AccessToken)[kept])
	}
	_, err = public(t).InitiateAuth(t.Context(), refreshAuth(*c.ClientId, second.RefreshToken))
	refused[*types.UnsupportedOperationException](t, err,
		"Refresh token rotation is enabled for this client: use GetTokensFromRefreshToken.")
	third, err := rotate(t, c, second.RefreshToken)
	check(t, err)
	_, err = rotate(t, c, first.RefreshToken)
	refused[*types.RefreshTokenReuseException](t, err, "Refresh token reuse detected")
	// docs/cognito-divergences.md: one of the two who hold the chain is a thief.
	_, err = rotate(t, c, third.RefreshToken)
	refused[*types.NotAuthorizedException](t, err, "Refresh Token has been revoked")
}

// TestRotationGivesRacersTheSameSuccessor has many processes of one user refresh
// at once: all end up with one session.
func TestRotationGivesRacersTheSameSuccessor(t *testing.T) {
	t.Parallel()
	c := newAppClient(t, rotating(60))
	first := signInTo(t, c, newUser(t))
	const racers = 16
	successors := make(chan string, racers)
	sdk := public(t)
	for range racers {
		go func() {
			out, err := sdk.GetTokensFromRefreshToken(t.Context(), &cip.GetTokensFromRefreshTokenInput{
				ClientId: c.ClientId, RefreshToken: first.RefreshToken,
			})
			if err != nil {
				successors <- err.Error()
				return
			}
			successors <- aws.ToString(out.AuthenticationResult.RefreshToken)
		}()
	}
	one := <-successors
	for range racers - 1 {
		same(t, "successor", <-successors, one)
	}
	last, err := rotate(t, c, &one)
	check(t, err)
	_, err = public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: last.AccessToken})
	check(t, err)
}

func TestAppClientWithSecret(t *testing.T) {
	t.Parallel()
	c := newAppClient(t, cip.CreateUserPoolClientInput{
		GenerateSecret: true,
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
		},
	})
	user, secret := newUser(t), *c.ClientSecret
	_, err := public(t).InitiateAuth(t.Context(), passwordAuth(*c.ClientId, user, password))
	refused[*types.NotAuthorizedException](t, err, "Client "+*c.ClientId+" is configured with secret but SECRET_HASH was not received")
	hashed := passwordAuth(*c.ClientId, user, password)
	hashed.AuthParameters["SECRET_HASH"] = secretHash("another secret", user, *c.ClientId)
	_, err = public(t).InitiateAuth(t.Context(), hashed)
	refused[*types.NotAuthorizedException](t, err, "Unable to verify secret hash for client "+*c.ClientId)
	hashed.AuthParameters["SECRET_HASH"] = secretHash(secret, user, *c.ClientId)
	out, err := public(t).InitiateAuth(t.Context(), hashed)
	check(t, err)
	token := out.AuthenticationResult.RefreshToken

	again := refreshAuth(*c.ClientId, token)
	again.AuthParameters["SECRET_HASH"] = secretHash(secret, user, *c.ClientId)
	_, err = public(t).InitiateAuth(t.Context(), again)
	check(t, err)
	_, err = public(t).GetTokensFromRefreshToken(t.Context(), &cip.GetTokensFromRefreshTokenInput{
		ClientId: c.ClientId, RefreshToken: token, ClientSecret: &secret,
	})
	check(t, err)
	revoke := &cip.RevokeTokenInput{ClientId: c.ClientId, Token: token, ClientSecret: aws.String("wrongwrongwrongwrongwrong")}
	_, err = public(t).RevokeToken(t.Context(), revoke)
	refusedAs(t, err, "UnauthorizedException")
	revoke.ClientSecret = &secret
	_, err = public(t).RevokeToken(t.Context(), revoke)
	check(t, err)
	_, err = public(t).InitiateAuth(t.Context(), again)
	refused[*types.NotAuthorizedException](t, err, "Refresh Token has been revoked")
}

// secretHash is SECRET_HASH as Cognito's developer guide defines it.
func secretHash(secret, user, clientID string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(user + clientID))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestTokenLivesAreTheClients(t *testing.T) {
	t.Parallel()
	c := newAppClient(t, cip.CreateUserPoolClientInput{
		ExplicitAuthFlows:   []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
		AccessTokenValidity: aws.Int32(5), IdTokenValidity: aws.Int32(10),
		TokenValidityUnits: &types.TokenValidityUnitsType{AccessToken: types.TimeUnitsTypeMinutes, IdToken: types.TimeUnitsTypeMinutes},
	})
	result := signInTo(t, c, newUser(t))
	same(t, "ExpiresIn", result.ExpiresIn, 300)
	access, id := claims(t, result.AccessToken), claims(t, result.IdToken)
	same(t, "life of the access token", access["exp"].(float64)-access["iat"].(float64), 300.0)
	same(t, "life of the ID token", id["exp"].(float64)-id["iat"].(float64), 600.0)
}

func TestAppClientThatAllowsNoFlow(t *testing.T) {
	t.Parallel()
	c := newAppClient(t, cip.CreateUserPoolClientInput{
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserSrpAuth},
	})
	_, err := public(t).InitiateAuth(t.Context(), passwordAuth(*c.ClientId, newUser(t), password))
	refused[*types.InvalidParameterException](t, err, "USER_PASSWORD_AUTH flow not enabled for this client")
}

func TestAppClientAdministration(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t)
	var ids []string
	for range 3 {
		out, err := a.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: &pool, ClientName: aws.String("one of three")})
		check(t, err)
		ids = append(ids, *out.UserPoolClient.ClientId)
	}
	_, err := a.UpdateUserPoolClient(t.Context(), &cip.UpdateUserPoolClientInput{
		UserPoolId: &pool, ClientId: &ids[0], ClientName: aws.String("renamed"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
	})
	check(t, err)
	described, err := a.DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &ids[0]})
	check(t, err)
	same(t, "ClientName", *described.UserPoolClient.ClientName, "renamed")
	same(t, "flow", described.UserPoolClient.ExplicitAuthFlows[0], types.ExplicitAuthFlowsTypeAllowUserPasswordAuth)
	same(t, "creation is dated", described.UserPoolClient.CreationDate.IsZero(), false)

	found := map[string]bool{}
	pages := cip.NewListUserPoolClientsPaginator(a, &cip.ListUserPoolClientsInput{UserPoolId: &pool, MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		check(t, err)
		if len(page.UserPoolClients) > 2 {
			t.Errorf("a page of two holds %d", len(page.UserPoolClients))
		}
		for _, c := range page.UserPoolClients {
			found[*c.ClientId] = true
		}
	}
	for _, id := range ids {
		same(t, "listed", found[id], true)
	}
	_, err = a.DeleteUserPoolClient(t.Context(), &cip.DeleteUserPoolClientInput{UserPoolId: &pool, ClientId: &ids[0]})
	check(t, err)
	_, err = a.DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &ids[0]})
	refused[*types.ResourceNotFoundException](t, err, "User pool client "+ids[0]+" does not exist.")
}
