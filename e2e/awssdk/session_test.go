package awssdk

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestSignInGivesCognitosTokens(t *testing.T) {
	t.Parallel()
	user := newUser(t)
	before := time.Now().Unix()
	result := signIn(t, user, password)
	same(t, "TokenType", aws.ToString(result.TokenType), "Bearer")
	same(t, "ExpiresIn", result.ExpiresIn, 3600)
	if aws.ToString(result.RefreshToken) == "" {
		t.Error("there is no refresh token")
	}
	access, id := claims(t, result.AccessToken), claims(t, result.IdToken)
	issuer := local.Up().Endpoint + "/" + local.Up().UserPoolID
	for _, claim := range []struct {
		name      string
		got, want any
	}{
		{"access iss", access["iss"], issuer},
		{"id iss", id["iss"], issuer},
		{"access token_use", access["token_use"], "access"},
		{"id token_use", id["token_use"], "id"},
		{"client_id", access["client_id"], local.Up().ClientID},
		{"aud", id["aud"], local.Up().ClientID},
		{"access aud", access["aud"], nil},
		{"username", access["username"], user},
		{"cognito:username", id["cognito:username"], user},
		{"scope", access["scope"], "aws.cognito.signin.user.admin"},
		{"email", id["email"], user + "@example.com"},
		{"email_verified", id["email_verified"], true},
		{"sub of both", access["sub"], id["sub"]},
		{"origin_jti of both", access["origin_jti"], id["origin_jti"]},
		{"auth_time of both", access["auth_time"], id["auth_time"]},
		{"life", access["exp"].(float64) - access["iat"].(float64), 3600.0},
	} {
		if claim.got != claim.want {
			t.Errorf("%s is %v, want %v", claim.name, claim.got, claim.want)
		}
	}
	same(t, "one jti for two tokens", access["jti"] == id["jti"], false)
	if at := int64(access["auth_time"].(float64)); at < before || at > time.Now().Unix() {
		t.Errorf("auth_time is %d, the sign-in was at %d", at, before)
	}
}

func TestRefreshKeepsTheSignIn(t *testing.T) {
	t.Parallel()
	refresh := map[string]func(*testing.T, *string) *types.AuthenticationResultType{
		"REFRESH_TOKEN_AUTH": func(t *testing.T, token *string) *types.AuthenticationResultType {
			out, err := public(t).InitiateAuth(t.Context(), refreshAuth(local.Up().ClientID, token))
			check(t, err)
			return out.AuthenticationResult
		},
		"GetTokensFromRefreshToken": func(t *testing.T, token *string) *types.AuthenticationResultType {
			out, err := public(t).GetTokensFromRefreshToken(t.Context(), &cip.GetTokensFromRefreshTokenInput{
				ClientId: aws.String(local.Up().ClientID), RefreshToken: token,
			})
			check(t, err)
			return out.AuthenticationResult
		},
	}
	for way, call := range refresh {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			first := signIn(t, newUser(t), password)
			second := call(t, first.RefreshToken)
			if second.RefreshToken != nil {
				t.Error("a client that does not rotate was sent a refresh token")
			}
			for _, pair := range [][2]*string{{first.AccessToken, second.AccessToken}, {first.IdToken, second.IdToken}} {
				before, after := claims(t, pair[0]), claims(t, pair[1])
				for _, kept := range []string{"sub", "auth_time", "origin_jti", "token_use", "iss"} {
					same(t, kept, after[kept], before[kept])
				}
				same(t, "jti is kept", after["jti"] == before["jti"], false)
			}
			_, err := public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: second.AccessToken})
			check(t, err)
		})
	}
}

func TestRevokeTokenEndsOneSession(t *testing.T) {
	t.Parallel()
	user := newUser(t)
	one, other := signIn(t, user, password), signIn(t, user, password)
	revoke := &cip.RevokeTokenInput{ClientId: aws.String(local.Up().ClientID), Token: one.RefreshToken}
	for range 2 { // the second time there is nothing left to do, and no error
		_, err := public(t).RevokeToken(t.Context(), revoke)
		check(t, err)
	}
	_, err := public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: one.AccessToken})
	refused[*types.NotAuthorizedException](t, err, "Access Token has been revoked")
	_, err = public(t).InitiateAuth(t.Context(), refreshAuth(local.Up().ClientID, one.RefreshToken))
	refused[*types.NotAuthorizedException](t, err, "Refresh Token has been revoked")
	_, err = public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: other.AccessToken})
	check(t, err)

	_, err = public(t).RevokeToken(t.Context(), &cip.RevokeTokenInput{
		ClientId: aws.String(local.Up().ClientID), Token: other.AccessToken,
	})
	refusedAs(t, err, "UnsupportedTokenTypeException")
}

func TestGlobalSignOutEndsAllSessions(t *testing.T) {
	t.Parallel()
	user := newUser(t)
	one, other := signIn(t, user, password), signIn(t, user, password)
	_, err := public(t).GlobalSignOut(t.Context(), &cip.GlobalSignOutInput{AccessToken: one.AccessToken})
	check(t, err)
	for _, ended := range []*types.AuthenticationResultType{one, other} {
		_, err = public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: ended.AccessToken})
		refused[*types.NotAuthorizedException](t, err, "Access Token has been revoked")
		_, err = public(t).InitiateAuth(t.Context(), refreshAuth(local.Up().ClientID, ended.RefreshToken))
		refused[*types.NotAuthorizedException](t, err, "Refresh Token has been revoked")
	}
	// A sign-in in the same second is a new session.
	again := signIn(t, user, password)
	_, err = public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: again.AccessToken})
	check(t, err)
}

func TestGetUser(t *testing.T) {
	t.Parallel()
	user := newUser(t)
	tokens := signIn(t, user, password)
	out, err := public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: tokens.AccessToken})
	check(t, err)
	same(t, "Username", aws.ToString(out.Username), user)
	found := map[string]string{}
	for _, a := range out.UserAttributes {
		found[*a.Name] = *a.Value
	}
	same(t, "sub", any(found["sub"]), claims(t, tokens.AccessToken)["sub"])
	same(t, "email", found["email"], user+"@example.com")
	same(t, "email_verified", found["email_verified"], "true")

	forged := (*tokens.AccessToken)[:len(*tokens.AccessToken)-8] + "AAAAAAAA"
	_, err = public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: &forged})
	refused[*types.NotAuthorizedException](t, err, "Could not verify signature for Access Token")
	_, err = public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: aws.String("a.b.c")})
	refused[*types.NotAuthorizedException](t, err, "Invalid Access Token")
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	user := newUser(t)
	own, other := signIn(t, user, password), signIn(t, user, password)
	change := func(previous, proposed string) error {
		_, err := public(t).ChangePassword(t.Context(), &cip.ChangePasswordInput{
			AccessToken: own.AccessToken, PreviousPassword: &previous, ProposedPassword: &proposed,
		})
		return err
	}
	refused[*types.NotAuthorizedException](t, change("Wrong-Horse-9", "Other-Horse-10"), "Incorrect username or password.")
	refused[*types.InvalidPasswordException](t, change(password, "other-horse-10"),
		"Password did not conform with policy: Password must have uppercase characters")
	check(t, change(password, "Other-Horse-10"))

	_, err := public(t).InitiateAuth(t.Context(), passwordAuth(local.Up().ClientID, user, password))
	refused[*types.NotAuthorizedException](t, err, "Incorrect username or password.")
	signIn(t, user, "Other-Horse-10")
	_, err = public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: own.AccessToken})
	check(t, err)
	// docs/cognito-divergences.md: sessions other than the caller's end.
	_, err = public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: other.AccessToken})
	refused[*types.NotAuthorizedException](t, err, "Access Token has been revoked")
}
