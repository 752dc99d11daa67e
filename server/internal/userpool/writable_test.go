package userpool_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// withRole makes pools with an attribute that only administrators write, beside custom
// ones that clients write. WriteAttributes of the client is what list says.
func withRole(list ...string) func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest) {
	return func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		pooltest.Verifying(p, c)
		p.Schema = []wire.SchemaAttributeType{
			{Name: "role", DeveloperOnlyAttribute: new(true)}, {Name: "tenant"}, {Name: "kyc_verified"},
		}
		c.WriteAttributes = list
	}
}

// invite makes a user with a temporary password and opens the challenge for a new one.
func (w *world) invite(name string, attributes ...wire.AttributeType) *wire.InitiateAuthResponse {
	w.t.Helper()
	must[wire.AdminCreateUserResponse](w, "AdminCreateUser", &wire.AdminCreateUserRequest{
		UserPoolId: w.pool, Username: name, UserAttributes: attributes, TemporaryPassword: "Temporary-1",
		MessageAction: wire.MessageActionSuppress,
	})
	out, err := w.withPassword(name, "Temporary-1")
	if err != nil || out.ChallengeName != wire.ChallengeNewPasswordRequired {
		w.t.Fatalf("sign-in with a temporary password: %+v, %v", out, err)
	}
	return out
}

// renew answers the challenge for a new password, with attributes.
func (w *world) renew(name string, asked *wire.InitiateAuthResponse, pass string, attributes ...string) error {
	w.t.Helper()
	answers := wire.Parameters{"USERNAME": name, "NEW_PASSWORD": pass}
	for pair := range slices.Chunk(attributes, 2) {
		answers["userAttributes."+pair[0]] = pair[1]
	}
	_, err := call[wire.RespondToAuthChallengeResponse](w, "RespondToAuthChallenge", &wire.RespondToAuthChallengeRequest{
		ClientId: w.client, ChallengeName: wire.ChallengeNewPasswordRequired, Session: asked.Session, ChallengeResponses: answers,
	})
	return err
}

func TestDeveloperAttributesAreWrittenByAdministratorsOnly(t *testing.T) {
	t.Parallel()
	const role = "dev:custom:role"
	w := newWorld(t, withRole())
	w.addUser("ann", pooltest.Attributes(role, "reader")...)
	token := w.signIn("ann").AccessToken
	asked := w.invite("new")
	tries := map[string]func() error{
		"SignUp": func() error {
			_, err := call[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{
				ClientId: w.client, Username: "mallory", Password: password, UserAttributes: pooltest.Attributes(role, "admin"),
			})
			return err
		},
		"UpdateUserAttributes": func() error {
			_, err := call[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
				AccessToken: token, UserAttributes: pooltest.Attributes("custom:tenant", "blue", role, "admin"),
			})
			return err
		},
		"UpdateUserAttributes, empty": func() error {
			_, err := call[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
				AccessToken: token, UserAttributes: pooltest.Attributes(role, ""),
			})
			return err
		},
		"DeleteUserAttributes": func() error {
			_, err := call[wire.DeleteUserAttributesResponse](w, "DeleteUserAttributes", &wire.DeleteUserAttributesRequest{
				AccessToken: token, UserAttributeNames: []string{role},
			})
			return err
		},
		"NEW_PASSWORD_REQUIRED": func() error { return w.renew("new", asked, "Permanent-1", role, "admin") },
	}
	for what, try := range tries {
		t.Run(what, func(t *testing.T) {
			wantException(t, try(), wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute)
		})
	}
	if u := w.user("ann"); attribute(u, role) != "reader" || attribute(u, "custom:tenant") != "" {
		t.Errorf("a refused change changed the user: %v", u.UserAttributes)
	}

	must[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
		UserPoolId: w.pool, Username: "ann", UserAttributes: pooltest.Attributes(role, "admin"),
	})
	if got := pooltest.AllClaims(t, w.signIn("ann").IdToken)[role]; got != "admin" {
		t.Errorf("the ID token has %v, want what the administrator wrote", got)
	}
}

// TestCustomAttributesAreWritable covers the clients that must go on: one without a list
// writes every attribute that is not an administrator's, one with a list what is in it.
func TestCustomAttributesAreWritable(t *testing.T) {
	t.Parallel()
	for name, list := range map[string][]string{"no list": nil, "listed": {"email", "custom:tenant", "custom:kyc_verified"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withRole(list...))
			must[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{
				ClientId: w.client, Username: "ann", Password: password,
				UserAttributes: pooltest.Attributes("email", "ann@example.com", "custom:tenant", "red", "custom:kyc_verified", "no"),
			})
			if err := w.confirm("ann", w.code("ann@example.com"), false); err != nil {
				t.Fatal(err)
			}
			token := w.signIn("ann").AccessToken
			must[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
				AccessToken: token, UserAttributes: pooltest.Attributes("custom:tenant", "blue", "custom:kyc_verified", "yes"),
			})
			must[wire.DeleteUserAttributesResponse](w, "DeleteUserAttributes", &wire.DeleteUserAttributesRequest{
				AccessToken: token, UserAttributeNames: []string{"custom:kyc_verified"},
			})
			u := w.user("ann")
			if attribute(u, "custom:tenant") != "blue" || attribute(u, "custom:kyc_verified") != "" {
				t.Errorf("attributes are %v", u.UserAttributes)
			}
			for _, flag := range []string{"email_verified", "phone_number_verified", "sub", "identities"} {
				_, err := call[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
					AccessToken: token, UserAttributes: pooltest.Attributes(flag, "true"),
				})
				wantException(t, err, wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute)
			}
			if err := w.renew("new", w.invite("new"), "Permanent-1", "custom:tenant", "green"); err != nil {
				t.Errorf("a new password with a custom attribute: %v", err)
			}
		})
	}
}

// TestNewPasswordShowsReadableAttributes: what a client may not read does not stand in the
// challenge either, nor is it asked for in vain.
func TestNewPasswordShowsReadableAttributes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		list []string
		want map[string]string
	}{
		"no list": {nil, map[string]string{"custom:tenant": "red", "dev:custom:role": "reader", "email": "ann@example.com", "email_verified": "false"}},
		"listed":  {[]string{"email", "email_verified"}, map[string]string{"email": "ann@example.com", "email_verified": "false"}},
		"none":    {[]string{"nickname"}, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
				withRole()(p, c)
				p.Schema = append(p.Schema, wire.SchemaAttributeType{Name: "nickname", Required: new(true)})
				c.ReadAttributes = test.list
			})
			asked := w.invite("ann", pooltest.Attributes("email", "ann@example.com", "custom:tenant", "red", "dev:custom:role", "reader")...)
			var got map[string]string
			if err := wire.Unmarshal([]byte(asked.ChallengeParameters["userAttributes"]), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("userAttributes (-want +got):\n%s", diff)
			}
			if got := asked.ChallengeParameters["requiredAttributes"]; got != `["userAttributes.nickname"]` {
				t.Errorf("requiredAttributes %s", got)
			}
			if err := w.renew("ann", asked, "Permanent-1", "nickname", "An"); err != nil {
				t.Error(err)
			}
		})
	}
}
