package localservice

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

// TestShortLivedClient: the session page's second client has tokens of five minutes, the
// identity pool takes its users, and a second start makes no other.
func TestShortLivedClient(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir())
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ready, first := s.Ready(), s.shortID
	if first == "" || first == ready.ClientID {
		t.Fatalf("the second client is %q", first)
	}
	in, err := perform[wire.InitiateAuthResponse](t.Context(), s.server, "InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: first,
		AuthParameters: wire.Parameters{"USERNAME": ready.Username, "PASSWORD": ready.Password},
	})
	if err != nil {
		t.Fatal(err)
	}
	if in.AuthenticationResult.ExpiresIn != 300 {
		t.Errorf("tokens last %d s", in.AuthenticationResult.ExpiresIn)
	}
	id, err := jwt.Decode(string(in.AuthenticationResult.IdToken))
	if err != nil {
		t.Fatal(err)
	}
	if life := id.Expiry().Sub(id.IssuedAt()); life.Minutes() != 5 {
		t.Errorf("the ID token lasts %v", life)
	}
	err = s.server.Call(t.Context(), "GetId", &wire.GetIdRequest{IdentityPoolId: ready.IdentityPoolID, Logins: wire.Parameters{
		"cognito-idp.us-east-1.amazonaws.com/" + ready.UserPoolID: string(in.AuthenticationResult.IdToken),
	}}, nil)
	if err != nil {
		t.Errorf("the identity pool: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if s, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, err := perform[wire.ListUserPoolClientsResponse](t.Context(), s.server, "ListUserPoolClients", &wire.ListUserPoolClientsRequest{UserPoolId: ready.UserPoolID})
	if err != nil || len(list.UserPoolClients) != 2 || s.shortID != first {
		t.Errorf("after a second start: %+v, %v, %s", list, err, s.shortID)
	}
	pool, err := perform[wire.DescribeIdentityPoolResponse](t.Context(), s.server, "DescribeIdentityPool", &wire.DescribeIdentityPoolRequest{IdentityPoolId: ready.IdentityPoolID})
	if err != nil || len(pool.CognitoIdentityProviders) != 2 {
		t.Fatalf("%+v, %v", pool, err)
	}
	if !slices.ContainsFunc(pool.CognitoIdentityProviders, func(p wire.CognitoIdentityProvider) bool { return p.ClientId == first && *p.ServerSideTokenCheck }) {
		t.Errorf("the identity pool takes %+v", pool.CognitoIdentityProviders)
	}
}

func TestPasswordRulesInWords(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := []string{"At least 8 characters", "An upper-case letter, A to Z", "A lower-case letter, a to z", "A digit", "A symbol, such as ! or -"}
	if diff := cmp.Diff(want, s.passwordRules(t.Context())); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	in := &wire.UpdateUserPoolRequest{UserPoolId: s.state.UserPoolID}
	in.Policies = &wire.UserPoolPolicyType{PasswordPolicy: &wire.PasswordPolicyType{MinimumLength: new(int32(12)), RequireNumbers: true, PasswordHistorySize: new(int32(3))}}
	if err := s.server.Call(t.Context(), "UpdateUserPool", in, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"At least 12 characters", "A digit", "None of the last 3 passwords"}, s.passwordRules(t.Context())); diff != "" {
		t.Errorf("rules after an update (-want +got):\n%s", diff)
	}
}
