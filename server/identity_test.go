package server_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// TestGuest: a guest gets an identity of its own, credentials for the guests'
// role, and the same identity as long as it shows its id.
func TestGuest(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	first, second := w.mustID(nil), w.mustID(wire.Parameters{})
	if first == second || !strings.HasPrefix(first, "us-east-1:") || len(first) != len("us-east-1:")+36 {
		t.Errorf("guests %q and %q", first, second)
	}
	before := w.now()
	out := w.mustCredentials(first, nil)
	c := out.Credentials
	if out.IdentityId != first || string(c.SecretKey) != guestRole || string(c.SessionToken) != first+"  " {
		t.Errorf("identity %s, role %s, session %s", out.IdentityId, string(c.SecretKey), string(c.SessionToken))
	}
	if life := c.Expiration.Sub(before); life < time.Hour-time.Second || life > time.Hour+time.Minute {
		t.Errorf("credentials last %v, want an hour", life)
	}
}

func TestGuestsOff(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, func(s *wire.IdentityPoolSettings) { s.AllowUnauthenticatedIdentities = new(false) })
	_, err := w.getID(nil)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageGuestsNotSupported)
	if n := w.countIdentities(); n != 0 {
		t.Errorf("%d identities were made", n)
	}

	// Guests of before lose access too, and may still sign in.
	w.identities = w.addIdentityPool(nil)
	guest := w.mustID(nil)
	must[wire.UpdateIdentityPoolResponse](w, "UpdateIdentityPool", &wire.UpdateIdentityPoolRequest{IdentityPool: wire.IdentityPool{
		IdentityPoolId: w.identities,
		IdentityPoolSettings: wire.IdentityPoolSettings{
			IdentityPoolName: "closed", AllowUnauthenticatedIdentities: new(false),
			CognitoIdentityProviders: []wire.CognitoIdentityProvider{{ProviderName: w.awsKey(), ClientId: w.client}},
		},
	}})
	_, err = w.getCredentials(guest, nil)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageGuestsNotSupported)
	w.addUser("ann")
	if got := w.mustCredentials(guest, w.login(w.signIn("ann").IdToken)).IdentityId; got != guest {
		t.Errorf("identity %s, want %s", got, guest)
	}
}

// TestIdentityIsStable: over sign-ins, refreshes, devices and both forms of the
// Logins key a user has one identity.
func TestIdentityIsStable(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann")
	w.addUser("bob")
	tokens := w.signIn("ann")
	id := w.mustID(w.login(tokens.IdToken))
	refreshed, err := w.refresh(tokens.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	for name, logins := range map[string]wire.Parameters{
		"again":                w.login(tokens.IdToken),
		"refreshed":            w.login(refreshed.IdToken),
		"another device":       w.login(w.signIn("ann").IdToken),
		"issuer as Logins key": {w.issuerKey(): string(tokens.IdToken)},
	} {
		if got := w.mustID(logins); got != id {
			t.Errorf("%s: identity %s, want %s", name, got, id)
		}
		out := w.mustCredentials(id, logins)
		if out.IdentityId != id || string(out.Credentials.SecretKey) != userRole {
			t.Errorf("%s: credentials for %s in role %s", name, out.IdentityId, string(out.Credentials.SecretKey))
		}
	}
	if other := w.mustID(w.login(w.signIn("bob").IdToken)); other == id {
		t.Error("two users have one identity")
	}
	if n := w.countIdentities(); n != 2 {
		t.Errorf("%d identities, want 2", n)
	}
}

// TestIdentityIsNotTheName: who gets a deleted user's name does not get the
// identity.
func TestIdentityIsNotTheName(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"})
	id := w.mustID(w.login(w.signIn("ann").IdToken))
	must[wire.AdminDeleteUserResponse](w, "AdminDeleteUser", &wire.AdminDeleteUserRequest{UserPoolId: w.pool, Username: "ann"})
	w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"})
	if w.mustID(w.login(w.signIn("ann").IdToken)) == id {
		t.Error("the new user has the old user's identity")
	}
}

func TestGuestSignsIn(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann")
	login := w.login(w.signIn("ann").IdToken)
	guest := w.mustID(nil)
	if got := w.mustCredentials(guest, login).IdentityId; got != guest {
		t.Errorf("identity %s, want the guest's %s", got, guest)
	}
	if got := w.mustID(login); got != guest {
		t.Errorf("GetId gives %s, want %s", got, guest)
	}
	_, err := w.getCredentials(guest, nil)
	wantException(t, err, wire.NotAuthorizedException, "Access to Identity '"+guest+"' is forbidden.")

	// On a second device the same user has been another guest.
	other := w.mustID(nil)
	for range 2 { // again: as after an answer that was lost
		if got := w.mustCredentials(other, login).IdentityId; got != guest {
			t.Errorf("identity %s, want the user's own %s", got, guest)
		}
	}
	_, err = w.getCredentials(other, nil)
	wantException(t, err, wire.NotAuthorizedException, "Access to Identity '"+other+"' is forbidden.")
	w.addUser("bob")
	_, err = w.getCredentials(other, w.login(w.signIn("bob").IdToken))
	wantException(t, err, wire.NotAuthorizedException, "Access to Identity '"+other+"' is forbidden.")
}

// TestFirstSignInsAtOnce: of many at once, with and without a guest's identity,
// one makes the identity.
func TestFirstSignInsAtOnce(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann")
	login := w.login(w.signIn("ann").IdToken)
	const many = 30
	guests := make([]string, many)
	for i := range guests {
		guests[i] = w.mustID(nil)
	}
	got := make([]string, 2*many)
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() { got[2*i], _ = w.getID(login) })
		group.Go(func() {
			if out, err := w.getCredentials(guests[i], login); err == nil {
				got[2*i+1] = out.IdentityId
			}
		})
	}
	group.Wait()
	want := w.mustID(login)
	for i, id := range got {
		if id != want {
			t.Errorf("caller %d got %q, want %s", i, id, want)
		}
	}
}

// TestForeignIdentities: an identity is for who proves one of its logins.
func TestForeignIdentities(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann")
	w.addUser("bob")
	anns, bobs := w.login(w.signIn("ann").IdToken), w.login(w.signIn("bob").IdToken)
	ann := w.mustID(anns)
	_, err := w.getCredentials(ann, bobs)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageLoginsDoNotMatch)
	w.mustID(bobs)
	_, err = w.getCredentials(ann, bobs)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageLoginsDoNotMatch)

	const unknown = "us-east-1:00000000-0000-4000-8000-000000000000"
	_, err = w.getCredentials(unknown, anns)
	wantException(t, err, wire.ResourceNotFoundException, "Identity '"+unknown+"' not found.")
	_, err = w.getCredentials(unknown, nil)
	wantException(t, err, wire.ResourceNotFoundException, "Identity '"+unknown+"' not found.")
	own := w.identities
	w.identities = unknown
	_, err = w.getID(nil)
	wantException(t, err, wire.ResourceNotFoundException, "IdentityPool '"+unknown+"' not found.")

	// Another identity pool that takes the same users has other identities.
	w.identities = w.addIdentityPool(nil)
	if w.mustID(anns) == ann {
		t.Error("two pools share an identity")
	}
	other := w.addIdentityPool(func(s *wire.IdentityPoolSettings) { s.CognitoIdentityProviders = nil })
	w.identities = other
	_, err = w.getID(anns)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageUnsupportedProvider)
	w.identities = own
}

// TestBrokerFails: what a broker cannot do is told apart: its own trouble passes,
// a role that is refused does not.
func TestBrokerFails(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	guest := w.mustID(nil)
	fail := func(err error) {
		w.broker = func(context.Context, plug.Grant) (plug.Credentials, error) {
			return plug.Credentials{}, err
		}
	}
	fail(errors.New("no route to host"))
	_, err := w.getCredentials(guest, nil)
	wantException(t, err, wire.ExternalServiceException, wire.MessageBrokerUnavailable)
	fail(plug.ErrRole)
	_, err = w.getCredentials(guest, nil)
	wantException(t, err, wire.InvalidIdentityPoolConfigurationException, wire.MessageIdentityPoolRoles)
	w.broker = nil
	w.mustCredentials(guest, nil)
	must[wire.SetIdentityPoolRolesResponse](w, "SetIdentityPoolRoles", &wire.SetIdentityPoolRolesRequest{IdentityPoolRoles: wire.IdentityPoolRoles{
		IdentityPoolId: w.identities, Roles: map[string]string{wire.RoleAuthenticated: userRole},
	}})
	_, err = w.getCredentials(guest, nil)
	wantException(t, err, wire.InvalidIdentityPoolConfigurationException, wire.MessageIdentityPoolRoles)
}
