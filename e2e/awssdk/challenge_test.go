package awssdk

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// invite makes a user with a temporary password.
func invite(t *testing.T) string {
	t.Helper()
	user := name("invited")
	out, err := admin(t).AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: aws.String(local.Up().UserPoolID), Username: &user, TemporaryPassword: aws.String("Temporary-1"),
		MessageAction: types.MessageActionTypeSuppress, UserAttributes: attributes("email", user+"@example.com"),
	})
	check(t, err)
	same(t, "UserStatus", out.User.UserStatus, types.UserStatusTypeForceChangePassword)
	return user
}

func TestNewPasswordRequired(t *testing.T) {
	t.Parallel()
	user, clientID := invite(t), local.Up().ClientID
	asked, err := public(t).InitiateAuth(t.Context(), passwordAuth(clientID, user, "Temporary-1"))
	check(t, err)
	same(t, "ChallengeName", asked.ChallengeName, types.ChallengeNameTypeNewPasswordRequired)
	if asked.AuthenticationResult != nil {
		t.Error("tokens came with the challenge")
	}
	var known map[string]string
	check(t, json.Unmarshal([]byte(asked.ChallengeParameters["userAttributes"]), &known))
	same(t, "email", known["email"], user+"@example.com")
	var required []string
	check(t, json.Unmarshal([]byte(asked.ChallengeParameters["requiredAttributes"]), &required))
	same(t, "required attributes", len(required), 0)

	answer := func(proposed string) (*cip.RespondToAuthChallengeOutput, error) {
		return public(t).RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
			ClientId: &clientID, ChallengeName: asked.ChallengeName, Session: asked.Session,
			ChallengeResponses: map[string]string{"USERNAME": user, "NEW_PASSWORD": proposed},
		})
	}
	_, err = answer("short")
	if err == nil {
		t.Error("a password of five characters was taken")
	}
	_, err = answer("correct-horse-9")
	refused[*types.InvalidPasswordException](t, err, "Password did not conform with policy: Password must have uppercase characters")
	done, err := answer(password)
	check(t, err)
	same(t, "cognito:username", claims(t, done.AuthenticationResult.IdToken)["cognito:username"], any(user))
	_, err = answer("Other-Horse-10")
	refused[*types.NotAuthorizedException](t, err, "Invalid session for the user, session can only be used once.")

	got, err := admin(t).AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: aws.String(local.Up().UserPoolID), Username: &user})
	check(t, err)
	same(t, "UserStatus", got.UserStatus, types.UserStatusTypeConfirmed)
	signIn(t, user, password)
}

func TestSessionOfAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	user, other, clientID := invite(t), invite(t), local.Up().ClientID
	asked, err := public(t).InitiateAuth(t.Context(), passwordAuth(clientID, user, "Temporary-1"))
	check(t, err)
	for _, session := range []*string{asked.Session, aws.String("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")} {
		_, err = public(t).RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
			ClientId: &clientID, ChallengeName: asked.ChallengeName, Session: session,
			ChallengeResponses: map[string]string{"USERNAME": other, "NEW_PASSWORD": password},
		})
		refused[*types.NotAuthorizedException](t, err, "Invalid session for the user.")
	}
}

func TestAdminSignIn(t *testing.T) {
	t.Parallel()
	pool, clientID, user := local.Up().UserPoolID, local.Up().ClientID, invite(t)
	asked, err := admin(t).AdminInitiateAuth(t.Context(), &cip.AdminInitiateAuthInput{
		UserPoolId: &pool, ClientId: &clientID, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": user, "PASSWORD": "Temporary-1"},
	})
	check(t, err)
	same(t, "ChallengeName", asked.ChallengeName, types.ChallengeNameTypeNewPasswordRequired)
	done, err := admin(t).AdminRespondToAuthChallenge(t.Context(), &cip.AdminRespondToAuthChallengeInput{
		UserPoolId: &pool, ClientId: &clientID, ChallengeName: asked.ChallengeName, Session: asked.Session,
		ChallengeResponses: map[string]string{"USERNAME": user, "NEW_PASSWORD": password},
	})
	check(t, err)
	refreshed, err := admin(t).AdminInitiateAuth(t.Context(), &cip.AdminInitiateAuthInput{
		UserPoolId: &pool, ClientId: &clientID, AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
		AuthParameters: map[string]string{"REFRESH_TOKEN": *done.AuthenticationResult.RefreshToken},
	})
	check(t, err)
	same(t, "origin_jti", claims(t, refreshed.AuthenticationResult.AccessToken)["origin_jti"],
		claims(t, done.AuthenticationResult.AccessToken)["origin_jti"])

	_, err = admin(t).AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: &pool, Username: &user})
	check(t, err)
	_, err = public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: refreshed.AuthenticationResult.AccessToken})
	refused[*types.NotAuthorizedException](t, err, "Access Token has been revoked")
}
