package awsidentity

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func getID(t *testing.T, pool string, logins map[string]string) string {
	t.Helper()
	out, err := public(t).GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: logins})
	check(t, err)
	return *out.IdentityId
}

// TestGuestAndUser: the pool that is ready gives a guest credentials, and a user
// the identity of before on every device.
func TestGuestAndUser(t *testing.T) {
	t.Parallel()
	pool, p := local.Up().IdentityPoolID, public(t)
	guest := getID(t, pool, nil)
	if !strings.HasPrefix(guest, local.Up().Region+":") || getID(t, pool, nil) == guest {
		t.Errorf("guest %s", guest)
	}
	out, err := p.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &guest})
	check(t, err)
	c := out.Credentials
	if left := time.Until(*c.Expiration); left < 50*time.Minute || left > time.Hour {
		t.Errorf("the credentials last %v", left)
	}
	if !strings.HasPrefix(*c.AccessKeyId, "ASIA") || *c.SecretKey == "" || *c.SessionToken == "" {
		t.Errorf("access key %q", *c.AccessKeyId)
	}
	user := newUser(t)
	out, err = p.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &guest, Logins: signIn(t, user)})
	check(t, err)
	same(t, "the identity after the sign-in", *out.IdentityId, guest)
	same(t, "the identity on another device", getID(t, pool, signIn(t, user)), guest)
	_, err = p.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &guest})
	refused[*types.NotAuthorizedException](t, err, "Access to Identity '"+guest+"' is forbidden.")
	other := getID(t, pool, nil)
	out, err = p.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &other, Logins: signIn(t, user)})
	check(t, err)
	same(t, "the identity of a guest who is the user", *out.IdentityId, guest)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	p, pool := public(t), newPool(t, nil)
	user := newUser(t)
	logins := signIn(t, user)
	id := getID(t, pool, logins)
	_, err := p.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
	refused[*types.InvalidIdentityPoolConfigurationException](t, err, "Invalid identity pool configuration. Check assigned IAM roles for this pool.")
	_, err = p.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: signIn(t, newUser(t))})
	refused[*types.NotAuthorizedException](t, err, "Logins don't match. Please include at least one valid login for this identity or identity pool.")
	const unknown = "us-east-1:00000000-0000-4000-8000-000000000000"
	_, err = p.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: aws.String(unknown)})
	refused[*types.ResourceNotFoundException](t, err, "IdentityPool '"+unknown+"' not found.")
	_, err = p.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(unknown)})
	refused[*types.ResourceNotFoundException](t, err, "Identity '"+unknown+"' not found.")
	_, err = p.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: map[string]string{"accounts.google.com": "a.b.c"}})
	refused[*types.NotAuthorizedException](t, err, "Token is not from a supported provider of this identity pool.")
	_, err = p.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: map[string]string{provider(): logins[provider()] + "x"}})
	refused[*types.NotAuthorizedException](t, err, "")
	_, err = p.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: aws.String("no pool")})
	refused[*types.InvalidParameterException](t, err, "")
	_, err = userPools().AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: aws.String(local.Up().UserPoolID), Username: &user})
	check(t, err)
	_, err = p.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: logins})
	refused[*types.NotAuthorizedException](t, err, "Token is inactive")
}

// TestUnlink: who proves a login may take it away.
func TestUnlink(t *testing.T) {
	t.Parallel()
	pool, logins := newPool(t, nil), signIn(t, newUser(t))
	id := getID(t, pool, logins)
	described, err := admin(t).DescribeIdentity(t.Context(), &ci.DescribeIdentityInput{IdentityId: &id})
	check(t, err)
	same(t, "logins", strings.Join(described.Logins, " "), provider())
	_, err = public(t).UnlinkIdentity(t.Context(), &ci.UnlinkIdentityInput{IdentityId: &id, Logins: logins, LoginsToRemove: []string{provider()}})
	check(t, err)
	if getID(t, pool, logins) == id {
		t.Error("the login still has the identity")
	}
	_, err = admin(t).DeleteIdentities(t.Context(), &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{id}})
	check(t, err)
	_, err = admin(t).DescribeIdentity(t.Context(), &ci.DescribeIdentityInput{IdentityId: &id})
	refused[*types.ResourceNotFoundException](t, err, "Identity '"+id+"' not found.")
}

// TestDeveloperIdentities goes through a developer's whole part of the API.
func TestDeveloperIdentities(t *testing.T) {
	t.Parallel()
	a, p, pool := admin(t), public(t), newPool(t, nil)
	setRoles(t, pool, nil)
	token := func(user string) *ci.GetOpenIdTokenForDeveloperIdentityOutput {
		t.Helper()
		out, err := a.GetOpenIdTokenForDeveloperIdentity(t.Context(), &ci.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: &pool, Logins: map[string]string{"login.example.app": user}, TokenDuration: aws.Int64(600),
		})
		check(t, err)
		return out
	}
	ann, bob := token("ann"), token("bob")
	_, err := p.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{
		IdentityId: ann.IdentityId, Logins: map[string]string{"cognito-identity.amazonaws.com": *ann.Token},
	})
	check(t, err)
	_, err = a.GetOpenIdTokenForDeveloperIdentity(t.Context(), &ci.GetOpenIdTokenForDeveloperIdentityInput{
		IdentityPoolId: &pool, IdentityId: bob.IdentityId, Logins: map[string]string{"login.example.app": "ann"},
	})
	refused[*types.DeveloperUserAlreadyRegisteredException](t, err, "")
	merged, err := a.MergeDeveloperIdentities(t.Context(), &ci.MergeDeveloperIdentitiesInput{
		IdentityPoolId: &pool, DeveloperProviderName: aws.String("login.example.app"),
		SourceUserIdentifier: aws.String("ann"), DestinationUserIdentifier: aws.String("bob"),
	})
	check(t, err)
	same(t, "the identity that survives", *merged.IdentityId, *bob.IdentityId)
	found, err := a.LookupDeveloperIdentity(t.Context(), &ci.LookupDeveloperIdentityInput{IdentityPoolId: &pool, DeveloperUserIdentifier: aws.String("ann")})
	check(t, err)
	same(t, "users", strings.Join(found.DeveloperUserIdentifierList, " "), "ann bob")
	_, err = a.UnlinkDeveloperIdentity(t.Context(), &ci.UnlinkDeveloperIdentityInput{
		IdentityPoolId: &pool, IdentityId: bob.IdentityId, DeveloperProviderName: aws.String("login.example.app"), DeveloperUserIdentifier: aws.String("ann"),
	})
	check(t, err)
	_, err = a.LookupDeveloperIdentity(t.Context(), &ci.LookupDeveloperIdentityInput{IdentityPoolId: &pool, DeveloperUserIdentifier: aws.String("ann")})
	refused[*types.ResourceNotFoundException](t, err, "")
}

// TestBasicFlow: a client gets the identity's own token, where the pool allows it.
func TestBasicFlow(t *testing.T) {
	t.Parallel()
	pool := newPool(t, nil)
	id := getID(t, pool, nil)
	out, err := public(t).GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: &id})
	check(t, err)
	same(t, "parts of the token", strings.Count(*out.Token, "."), 2)
	closed := newPool(t, func(in *ci.CreateIdentityPoolInput) { in.AllowClassicFlow = nil })
	id = getID(t, closed, nil)
	_, err = public(t).GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: &id})
	refused[*types.InvalidParameterException](t, err, "Basic (classic) flow is not enabled, please use enhanced flow.")
}
