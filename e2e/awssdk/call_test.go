package awssdk

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// TestCallTakesInputsOfTheSDK passes the SDK's inputs and outputs to server.Call.
func TestCallTakesInputsOfTheSDK(t *testing.T) {
	t.Parallel()
	store := memory.New()
	s, err := server.New(server.Config{Storage: store, SealingKeys: []server.SealingKey{server.NewKey()}, PublicURL: "https://auth.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	call := func(operation string, in, out any) {
		t.Helper()
		if err := s.Call(t.Context(), operation, in, out); err != nil {
			t.Fatal(err)
		}
	}
	var pool cip.CreateUserPoolOutput
	call("CreateUserPool", &cip.CreateUserPoolInput{
		PoolName: aws.String("staff"), UserPoolTags: map[string]string{"team": "a"},
		Policies:           &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(12)}},
		DeletionProtection: types.DeletionProtectionTypeActive,
	}, &pool)
	id := pool.UserPool.Id
	if p := pool.UserPool; p.CreationDate == nil || p.CreationDate.IsZero() || *p.Policies.PasswordPolicy.MinimumLength != 12 ||
		p.DeletionProtection != types.DeletionProtectionTypeActive || p.UserPoolTags["team"] != "a" || len(p.SchemaAttributes) == 0 {
		t.Errorf("pool %+v", p)
	}
	var client cip.CreateUserPoolClientOutput
	call("CreateUserPoolClient", cip.CreateUserPoolClientInput{
		UserPoolId: id, ClientName: aws.String("app"), GenerateSecret: true, EnableTokenRevocation: aws.Bool(false),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	}, &client)
	if c := client.UserPoolClient; aws.ToString(c.ClientSecret) == "" || aws.ToBool(c.EnableTokenRevocation) || len(c.ExplicitAuthFlows) != 2 {
		t.Errorf("client %+v", c)
	}
	var user cip.AdminCreateUserOutput
	call("AdminCreateUser", &cip.AdminCreateUserInput{
		UserPoolId: id, Username: aws.String("ann"), MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String("ann@example.com")}},
	}, &user)
	if user.User.UserStatus != types.UserStatusTypeForceChangePassword || !user.User.Enabled {
		t.Errorf("user %+v", user.User)
	}
	var identities cognitoidentity.CreateIdentityPoolOutput
	call("CreateIdentityPool", &cognitoidentity.CreateIdentityPoolInput{IdentityPoolName: aws.String("app"), AllowUnauthenticatedIdentities: true}, &identities)
	if aws.ToString(identities.IdentityPoolId) == "" || !identities.AllowUnauthenticatedIdentities {
		t.Errorf("identity pool %+v", identities)
	}
}
