package awssdk

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go/auth"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	try := func(user, password string) error {
		_, err := public(t).InitiateAuth(t.Context(), passwordAuth(local.Up().ClientID, user, password))
		return err
	}
	user := newUser(t)
	const incorrect = "Incorrect username or password."
	refused[*types.NotAuthorizedException](t, try(user, "Wrong-Horse-9"), incorrect)
	refused[*types.NotAuthorizedException](t, try(name("nobody"), password), incorrect)

	pool := local.Up().UserPoolID
	_, err := admin(t).AdminDisableUser(t.Context(), &cip.AdminDisableUserInput{UserPoolId: &pool, Username: &user})
	check(t, err)
	refused[*types.NotAuthorizedException](t, try(user, password), "User is disabled.")
	refused[*types.NotAuthorizedException](t, try(user, "Wrong-Horse-9"), incorrect)
	_, err = admin(t).AdminEnableUser(t.Context(), &cip.AdminEnableUserInput{UserPoolId: &pool, Username: &user})
	check(t, err)
	check(t, try(user, password))

	_, err = admin(t).AdminResetUserPassword(t.Context(), &cip.AdminResetUserPasswordInput{UserPoolId: &pool, Username: &user})
	check(t, err)
	refused[*types.PasswordResetRequiredException](t, try(user, password), "Password reset required for the user")
}

// TestSixthPasswordMeetsTheLock: after five wrong passwords the right one is refused too.
// The lock lasts a second, so that a user whose sixth attempt came later proves nothing,
// and another one is asked.
func TestSixthPasswordMeetsTheLock(t *testing.T) {
	t.Parallel()
	const rounds, lock = 50, time.Second
	for range rounds {
		user := newUser(t)
		var last time.Time
		for range 5 {
			last = time.Now()
			_, err := public(t).InitiateAuth(t.Context(), passwordAuth(local.Up().ClientID, user, "Wrong-Horse-9"))
			refused[*types.NotAuthorizedException](t, err, "Incorrect username or password.")
		}
		_, err := public(t).InitiateAuth(t.Context(), passwordAuth(local.Up().ClientID, user, password))
		if took := time.Since(last); err == nil && took >= lock {
			t.Logf("too slow to tell: the sixth attempt was answered %v after the fifth was made", took)
			continue
		}
		refused[*types.NotAuthorizedException](t, err, "Password attempts exceeded")
		return
	}
	t.Errorf("no sixth attempt of %d users came within %v", rounds, lock)
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	user := newUser(t)
	_, err := public(t).InitiateAuth(t.Context(), passwordAuth("0123456789abcdefghijklmnop", user, password))
	refused[*types.ResourceNotFoundException](t, err, "User pool client 0123456789abcdefghijklmnop does not exist.")
	_, err = public(t).InitiateAuth(t.Context(), refreshAuth(local.Up().ClientID, aws.String("no-token")))
	refused[*types.NotAuthorizedException](t, err, "Invalid Refresh Token.")
	_, err = public(t).InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeUserPasswordAuth, ClientId: aws.String(local.Up().ClientID),
		AuthParameters: map[string]string{"USERNAME": user},
	})
	refused[*types.InvalidParameterException](t, err, "Missing required parameter PASSWORD")
	_, err = public(t).InitiateAuth(t.Context(), passwordAuth("not a client id!", user, password))
	refused[*types.InvalidParameterException](t, err, "1 validation error detected: Value at 'clientId' failed to satisfy "+
		`constraint: Member must satisfy regular expression pattern: [\w+]+`)
}

// TestSigningIsDemanded calls one operation of each kind without a signature,
// with an unknown key and with a wrong secret.
func TestSigningIsDemanded(t *testing.T) {
	t.Parallel()
	up, user := local.Up(), newUser(t)
	for code, c := range map[string]*cip.Client{
		"UnrecognizedClientException": client(t, "AKIAIOSFODNN7EXAMPLE", up.SecretAccessKey),
		"InvalidSignatureException":   client(t, up.AccessKeyID, "not-the-secret"),
	} {
		_, err := c.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &up.UserPoolID, Username: &user})
		refusedAs(t, err, code)
		_, err = c.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &up.UserPoolID})
		refusedAs(t, err, code)
		_, err = c.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: &up.UserPoolID})
		refusedAs(t, err, code)
	}
	unsigned := public(t)
	for _, call := range []func(...func(*cip.Options)) error{
		func(o ...func(*cip.Options)) error {
			_, err := unsigned.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &up.UserPoolID, Username: &user}, o...)
			return err
		},
		func(o ...func(*cip.Options)) error {
			_, err := unsigned.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &up.UserPoolID}, o...)
			return err
		},
	} {
		refusedAs(t, call(neverSign), "MissingAuthenticationTokenException")
	}
	signIn(t, user, password) // the pool is still there
}

// neverSign has the SDK send an operation without a signature that it would
// rather sign.
func neverSign(o *cip.Options) {
	o.AuthSchemeResolver = anonymous{}
}

type anonymous struct{}

func (anonymous) ResolveAuthSchemes(context.Context, *cip.AuthResolverParameters) ([]*auth.Option, error) {
	return []*auth.Option{{SchemeID: auth.SchemeIDAnonymous}}, nil
}
