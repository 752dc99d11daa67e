package wire_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

func TestLookupTarget(t *testing.T) {
	t.Parallel()
	const users, identities = "AWSCognitoIdentityProviderService.", "AWSCognitoIdentityService."
	for target, want := range map[string]wire.Operation{
		users + "InitiateAuth":              {Service: wire.UserPools, Name: "InitiateAuth", Auth: wire.Public},
		users + "GetTokensFromRefreshToken": {Service: wire.UserPools, Name: "GetTokensFromRefreshToken", Auth: wire.Public},
		users + "GetUser":                   {Service: wire.UserPools, Name: "GetUser", Auth: wire.AccessToken},
		users + "DeleteUser":                {Service: wire.UserPools, Name: "DeleteUser", Auth: wire.AccessToken, EmptyBody: true},
		users + "AdminDeleteUser":           {Service: wire.UserPools, Name: "AdminDeleteUser", Auth: wire.Signed, EmptyBody: true},
		users + "AdminRevokeUserSession":    {Service: wire.UserPools, Name: "AdminRevokeUserSession", Auth: wire.Signed},
		users + "UpdateAuthEventFeedback":   {Service: wire.UserPools, Name: "UpdateAuthEventFeedback", Auth: wire.Public},
		users + "TagResource":               {Service: wire.UserPools, Name: "TagResource", Auth: wire.Signed},
		identities + "TagResource":          {Service: wire.IdentityPools, Name: "TagResource", Auth: wire.Signed},
		identities + "GetId":                {Service: wire.IdentityPools, Name: "GetId", Auth: wire.Public},
		identities + "UnlinkIdentity":       {Service: wire.IdentityPools, Name: "UnlinkIdentity", Auth: wire.Public, EmptyBody: true},
		identities + "SetIdentityPoolRoles": {Service: wire.IdentityPools, Name: "SetIdentityPoolRoles", Auth: wire.Signed, EmptyBody: true},
	} {
		got, ok := wire.LookupTarget(target)
		if !ok || got != want || got.Target() != target {
			t.Errorf("%s: %+v, %v; want %+v", target, got, ok, want)
		}
	}
	for _, target := range []string{
		"", ".", "InitiateAuth", users, users + "initiateauth", users + "InitiateAuth ", users + "GetId",
		identities + "InitiateAuth", "awscognitoidentityproviderservice.InitiateAuth", users + "InitiateAuth.x",
	} {
		if o, ok := wire.LookupTarget(target); ok {
			t.Errorf("%q is taken for %+v", target, o)
		}
	}
}

func TestSigningNames(t *testing.T) {
	t.Parallel()
	if wire.UserPools.SigningName() != "cognito-idp" || wire.IdentityPools.SigningName() != "cognito-identity" {
		t.Error("signing names differ from AWS's")
	}
}

func TestClosedSets(t *testing.T) {
	t.Parallel()
	for value, valid := range map[interface{ Valid() bool }]bool{
		wire.AuthFlowUserSRP: true, wire.AuthFlow("user_srp_auth"): false, wire.AuthFlow(""): false,
		wire.ChallengePasswordVerifier: true, wire.ChallengeName("NONE"): false,
		wire.UserStatusForceChangePassword: true, wire.UserStatus("confirmed"): false,
		wire.AllowUserSRPAuth: true, wire.ExplicitAuthFlow("ALLOW_ALL"): false,
	} {
		if value.Valid() != valid {
			t.Errorf("%T %q: valid is %v", value, fmt.Sprint(value), !valid)
		}
	}
}

func TestHandleDecodesChecksAndAnswers(t *testing.T) {
	t.Parallel()
	trouble := errors.New("disk is full")
	handler := wire.Handle(func(_ context.Context, r *wire.DescribeUserPoolRequest) (*wire.DescribeUserPoolResponse, error) {
		if strings.HasSuffix(r.UserPoolId, "full") {
			return nil, trouble
		}
		return &wire.DescribeUserPoolResponse{UserPool: &wire.UserPoolType{Id: r.UserPoolId}}, nil
	})
	answer, err := handler(t.Context(), []byte(`{"UserPoolId":"us-east-1_a"}`))
	if response, ok := answer.(*wire.DescribeUserPoolResponse); err != nil || !ok || response.UserPool.Id != "us-east-1_a" {
		t.Errorf("%+v, %v", answer, err)
	}
	for body, want := range map[string]string{`[`: wire.SerializationException, `{}`: wire.InvalidParameterException} {
		if answer, err := handler(t.Context(), []byte(body)); answer != nil || !wire.IsException(err, want) {
			t.Errorf("%s: %v, %v; want %s", body, answer, err, want)
		}
	}
	if answer, err := handler(t.Context(), []byte(`{"UserPoolId":"us-east-1_full"}`)); answer != nil || !errors.Is(err, trouble) {
		t.Errorf("%v, %v", answer, err)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	initiate, _ := wire.LookupTarget(wire.Target(wire.UserPools, "ListDevices"))
	for want, e := range map[string]*wire.Exception{
		"ResourceNotFoundException: User pool us-east-1_a does not exist.":                                           wire.PoolNotFound("us-east-1_a"),
		"ResourceNotFoundException: User pool client c1 does not exist.":                                             wire.ClientNotFound("c1"),
		"UserNotFoundException: User does not exist.":                                                                wire.UserNotFound(),
		"InvalidParameterException: Missing required parameter USERNAME":                                             wire.MissingParameter("USERNAME"),
		"NotAuthorizedException: Client c1 is configured with secret but SECRET_HASH was not received":               wire.SecretHashMissing("c1"),
		"NotAuthorizedException: Unable to verify secret hash for client c1":                                         wire.SecretHashWrong("c1"),
		"NotAuthorizedException: SecretHash does not match for the client: c1":                                       wire.SecretHashMismatch("c1"),
		"InvalidParameterException: Attributes did not conform to the schema: email: The attribute is required":      wire.AttributeRequired("email"),
		"UsernameExistsException: An account with the given email already exists.":                                   wire.ContactExists("email"),
		"InvalidParameterException: Invalid search attribute: x":                                                     wire.InvalidSearchAttribute("x"),
		"UnknownOperationException: ListDevices is an operation of Amazon Cognito that this service does not offer.": wire.NotOffered(initiate),
		"ResourceNotFoundException: IdentityPool 'us-east-1:0' not found.":                                           wire.IdentityPoolNotFound("us-east-1:0"),
		"ResourceNotFoundException: Identity 'us-east-1:0' not found.":                                               wire.IdentityNotFound("us-east-1:0"),
		"NotAuthorizedException: Access to Identity 'us-east-1:0' is forbidden.":                                     wire.IdentityForbidden("us-east-1:0"),
		"NotAuthorizedException: Invalid login token. Token expired: 20 >= 10":                                       wire.LoginTokenExpired(20, 10),
	} {
		if got := e.Error(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// TestKnowsEveryUserPoolOperation compares the table with the 140 names of AWS's model of
// autumn 2026: the error for an operation that is not offered must differ from the one for
// an unknown operation.
func TestKnowsEveryUserPoolOperation(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/user_pool_operations.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(data))
	if len(names) != 140 {
		t.Errorf("the list has %d names", len(names))
	}
	for _, name := range names {
		if o, ok := wire.LookupTarget(wire.Target(wire.UserPools, name)); !ok || o.Name != name {
			t.Errorf("%s is unknown", name)
		}
	}
}
