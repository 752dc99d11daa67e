package identitypool_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

const developerName = "login.example.app"

func developerHarness(t *testing.T) *harness {
	t.Helper()
	return newHarness(t, func(s *wire.IdentityPoolSettings) {
		s.DeveloperProviderName, s.AllowClassicFlow = developerName, new(true)
	})
}

// developerToken asks for a token as the application's server does.
func (h *harness) developerToken(user string, change func(*wire.GetOpenIdTokenForDeveloperIdentityRequest)) (*wire.GetOpenIdTokenForDeveloperIdentityResponse, error) {
	h.t.Helper()
	request := &wire.GetOpenIdTokenForDeveloperIdentityRequest{
		IdentityPoolId: h.identities, Logins: wire.Parameters{developerName: user},
	}
	if change != nil {
		change(request)
	}
	return call[wire.GetOpenIdTokenForDeveloperIdentityResponse](h, "GetOpenIdTokenForDeveloperIdentity", request)
}

func (h *harness) mustDeveloperToken(user string) *wire.GetOpenIdTokenForDeveloperIdentityResponse {
	h.t.Helper()
	out, err := h.developerToken(user, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// own is the Logins of an identity's own token.
func own(token wire.Sensitive) wire.Parameters {
	return wire.Parameters{"cognito-identity.amazonaws.com": string(token)}
}

// TestDeveloperIdentity: a user of the application's own gets an identity, and the
// client that has its token gets credentials for it.
func TestDeveloperIdentity(t *testing.T) {
	t.Parallel()
	h := developerHarness(t)
	first, second := h.mustDeveloperToken("ann"), h.mustDeveloperToken("ann")
	if first.IdentityId != second.IdentityId || h.mustDeveloperToken("bob").IdentityId == first.IdentityId {
		t.Error("a user has no identity of its own")
	}
	out := h.mustCredentials(first.IdentityId, own(first.Token))
	if want := first.IdentityId + " " + developerName + " ann"; string(out.Credentials.SessionToken) != want || string(out.Credentials.SecretKey) != userRole {
		t.Errorf("credentials for %s in role %s", string(out.Credentials.SessionToken), string(out.Credentials.SecretKey))
	}
	_, err := h.getCredentials(h.mustDeveloperToken("bob").IdentityId, own(first.Token))
	wantRefusal(t, "another identity", err, wire.MessageLoginsDoNotMatch)
	guest := h.mustID(nil)
	_, err = h.getCredentials(guest, own(first.Token))
	wantRefusal(t, "a guest's identity", err, wire.MessageLoginsDoNotMatch)
	_, err = h.getID(wire.Parameters{developerName: "ann"})
	wantRefusal(t, "a client that claims to be the developer", err, wire.MessageUnsupportedProvider)
	_, err = call[wire.GetOpenIdTokenResponse](h, "GetOpenIdToken", &wire.GetOpenIdTokenRequest{IdentityId: first.IdentityId, Logins: own(first.Token)})
	wantRefusal(t, "a token for a token", err, wire.MessageUnsupportedProvider)

	// A guest's token proves nothing.
	token := must[wire.GetOpenIdTokenResponse](h, "GetOpenIdToken", &wire.GetOpenIdTokenRequest{IdentityId: guest})
	_, err = h.getCredentials(guest, own(token.Token))
	wantRefusal(t, "a guest's own token", err, wire.MessageLoginsDoNotMatch)

	h.advance(15*time.Minute + time.Second)
	_, err = h.getCredentials(first.IdentityId, own(first.Token))
	if err == nil || !strings.Contains(err.Error(), "Token expired") {
		t.Errorf("after a quarter of an hour: %v", err)
	}
}

func TestDeveloperTokenOptions(t *testing.T) {
	t.Parallel()
	h := developerHarness(t)
	guest := h.mustID(nil)
	out, err := h.developerToken("ann", func(r *wire.GetOpenIdTokenForDeveloperIdentityRequest) {
		r.IdentityId, r.TokenDuration = guest, new(int64(86400))
		r.PrincipalTags = map[string]string{"team": "blue"}
	})
	if err != nil || out.IdentityId != guest {
		t.Fatalf("identity %v, %v, want the guest's", out, err)
	}
	for length, good := range map[int]bool{256: true, 257: false} {
		_, err := h.developerToken("ann", func(r *wire.GetOpenIdTokenForDeveloperIdentityRequest) {
			r.IdentityId, r.PrincipalTags = guest, map[string]string{"team": strings.Repeat("ö", length)}
		})
		if (err == nil) != good || !good && !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("a tag of %d characters: %v", length, err)
		}
	}
	decoded, err := jwt.Decode(string(out.Token))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Methods []string `json:"amr"`
		Tags    struct {
			Principal map[string][]string `json:"principal_tags"`
		} `json:"https://aws.amazon.com/tags"`
	}
	if err := decoded.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	if want := []string{"authenticated", developerName, developerName + ":" + h.identities + ":ann"}; !slices.Equal(claims.Methods, want) {
		t.Errorf("amr %q, want %q", claims.Methods, want)
	}
	if diff := cmp.Diff(map[string][]string{"team": {"blue"}}, claims.Tags.Principal); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if life := decoded.Expiry().Sub(decoded.IssuedAt()); life != 24*time.Hour {
		t.Errorf("the token lasts %v", life)
	}
	other := h.mustID(nil)
	_, err = h.developerToken("ann", func(r *wire.GetOpenIdTokenForDeveloperIdentityRequest) { r.IdentityId = other })
	wantType(t, "a user of another identity", err, wire.DeveloperUserAlreadyRegisteredException)
	for name, change := range map[string]func(*wire.GetOpenIdTokenForDeveloperIdentityRequest){
		"no developer login": func(r *wire.GetOpenIdTokenForDeveloperIdentityRequest) {
			r.Logins = wire.Parameters{"other.app": "ann"}
		},
		"too long": func(r *wire.GetOpenIdTokenForDeveloperIdentityRequest) { r.TokenDuration = new(int64(86401)) },
	} {
		_, err := h.developerToken("ann", change)
		wantType(t, name, err, wire.InvalidParameterException)
	}
	foreign := h.addIdentityPool(nil)
	_, err = h.developerToken("ann", func(r *wire.GetOpenIdTokenForDeveloperIdentityRequest) { r.IdentityPoolId = foreign })
	wantType(t, "a pool without a developer provider", err, wire.InvalidParameterException)
}

func (h *harness) lookupDeveloper(id, user string) (*wire.LookupDeveloperIdentityResponse, error) {
	h.t.Helper()
	return call[wire.LookupDeveloperIdentityResponse](h, "LookupDeveloperIdentity", &wire.LookupDeveloperIdentityRequest{
		IdentityPoolId: h.identities, IdentityId: id, DeveloperUserIdentifier: user, MaxResults: new(int32(60)),
	})
}

// TestMergeDeveloperIdentities: two users of the application become one.
func TestMergeDeveloperIdentities(t *testing.T) {
	t.Parallel()
	h := developerHarness(t)
	ann, bob := h.mustDeveloperToken("ann"), h.mustDeveloperToken("bob")
	merge := func(from, to string) (*wire.MergeDeveloperIdentitiesResponse, error) {
		return call[wire.MergeDeveloperIdentitiesResponse](h, "MergeDeveloperIdentities", &wire.MergeDeveloperIdentitiesRequest{
			SourceUserIdentifier: from, DestinationUserIdentifier: to, DeveloperProviderName: developerName, IdentityPoolId: h.identities,
		})
	}
	for range 2 { // again changes nothing
		out, err := merge("ann", "bob")
		if err != nil || out.IdentityId != bob.IdentityId {
			t.Fatalf("merged into %v, %v", out, err)
		}
	}
	_, err := merge("ann", "nobody")
	wantType(t, "nobody", err, wire.ResourceNotFoundException)
	found, err := h.lookupDeveloper("", "ann")
	if err != nil || found.IdentityId != bob.IdentityId || !slices.Equal(found.DeveloperUserIdentifierList, []string{"ann", "bob"}) {
		t.Errorf("found %+v, %v", found, err)
	}
	_, err = h.getCredentials(ann.IdentityId, own(ann.Token))
	wantRefusal(t, "the token of before", err, "Access to Identity '"+ann.IdentityId+"' is forbidden.")
	h.mustCredentials(bob.IdentityId, own(bob.Token))
	page := must[wire.LookupDeveloperIdentityResponse](h, "LookupDeveloperIdentity", &wire.LookupDeveloperIdentityRequest{
		IdentityPoolId: h.identities, IdentityId: bob.IdentityId, MaxResults: new(int32(1)),
	})
	next := must[wire.LookupDeveloperIdentityResponse](h, "LookupDeveloperIdentity", &wire.LookupDeveloperIdentityRequest{
		IdentityPoolId: h.identities, IdentityId: bob.IdentityId, MaxResults: new(int32(1)), NextToken: page.NextToken,
	})
	if got := append(page.DeveloperUserIdentifierList, next.DeveloperUserIdentifierList...); !slices.Equal(got, []string{"ann", "bob"}) || next.NextToken != "" {
		t.Errorf("in pages %q", got)
	}

	// Two users of one other provider cannot become one.
	for user, login := range map[string]string{"x": "u1", "y": "u2"} {
		_, err := h.developerToken(user, func(r *wire.GetOpenIdTokenForDeveloperIdentityRequest) {
			r.Logins[h.awsKey()] = h.signIn(login, nil)[h.awsKey()]
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = merge("x", "y")
	wantType(t, "two users of one provider", err, wire.ResourceConflictException)
}

func TestLookupAndUnlinkDeveloper(t *testing.T) {
	t.Parallel()
	h := developerHarness(t)
	ann := h.mustDeveloperToken("ann")
	guest := h.mustID(nil)
	for name, c := range map[string]struct{ id, user, want string }{
		"nothing named":   {"", "", wire.InvalidParameterException},
		"unknown user":    {"", "nobody", wire.ResourceNotFoundException},
		"unknown id":      {"us-east-1:0", "", wire.ResourceNotFoundException},
		"not one":         {guest, "ann", wire.ResourceConflictException},
		"somebody else's": {guest, "nobody", wire.ResourceNotFoundException},
	} {
		_, err := h.lookupDeveloper(c.id, c.user)
		wantType(t, name, err, c.want)
	}
	if found, err := h.lookupDeveloper(guest, ""); err != nil || len(found.DeveloperUserIdentifierList) != 0 {
		t.Errorf("a guest's: %+v, %v", found, err)
	}
	unlink := func(id, name, user string) error {
		_, err := call[wire.UnlinkDeveloperIdentityResponse](h, "UnlinkDeveloperIdentity", &wire.UnlinkDeveloperIdentityRequest{
			IdentityId: id, IdentityPoolId: h.identities, DeveloperProviderName: name, DeveloperUserIdentifier: user,
		})
		return err
	}
	wantType(t, "another name", unlink(ann.IdentityId, "other.app", "ann"), wire.InvalidParameterException)
	wantType(t, "another user", unlink(ann.IdentityId, developerName, "bob"), wire.InvalidParameterException)
	wantType(t, "another identity", unlink("us-east-1:0", developerName, "ann"), wire.ResourceNotFoundException)
	login := h.signIn("u1", nil)
	_, err := h.developerToken("ann", func(r *wire.GetOpenIdTokenForDeveloperIdentityRequest) { r.Logins[h.awsKey()] = login[h.awsKey()] })
	if err != nil {
		t.Fatal(err)
	}
	if err := unlink(ann.IdentityId, developerName, "ann"); err != nil {
		t.Fatal(err)
	}
	_, err = h.getCredentials(ann.IdentityId, own(ann.Token))
	wantRefusal(t, "the token of who was unlinked", err, wire.MessageLoginsDoNotMatch)
	h.mustCredentials(ann.IdentityId, login) // by the other login
	if h.mustDeveloperToken("ann").IdentityId == ann.IdentityId {
		t.Error("the user still has the identity")
	}
}
