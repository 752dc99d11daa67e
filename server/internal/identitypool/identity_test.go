package identitypool_test

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
	h := newHarness(t, nil)
	first, second := h.mustID(nil), h.mustID(wire.Parameters{})
	if first == second || !strings.HasPrefix(first, "us-east-1:") || len(first) != len("us-east-1:")+36 {
		t.Errorf("guests %q and %q", first, second)
	}
	before := h.now()
	out := h.mustCredentials(first, nil)
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
	h := newHarness(t, func(s *wire.IdentityPoolSettings) { s.AllowUnauthenticatedIdentities = new(false) })
	_, err := h.getID(nil)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageGuestsNotSupported)
	if n := h.countIdentities(); n != 0 {
		t.Errorf("%d identities were made", n)
	}

	// Guests of before lose access too, and may still sign in.
	h.identities = h.addIdentityPool(nil)
	guest := h.mustID(nil)
	must[wire.UpdateIdentityPoolResponse](h, "UpdateIdentityPool", &wire.UpdateIdentityPoolRequest{IdentityPool: wire.IdentityPool{
		IdentityPoolId: h.identities,
		IdentityPoolSettings: wire.IdentityPoolSettings{
			IdentityPoolName: "closed", AllowUnauthenticatedIdentities: new(false),
			CognitoIdentityProviders: []wire.CognitoIdentityProvider{{ProviderName: h.awsKey(), ClientId: fakeClient}},
		},
	}})
	_, err = h.getCredentials(guest, nil)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageGuestsNotSupported)
	if got := h.mustCredentials(guest, h.signIn("ann", nil)).IdentityId; got != guest {
		t.Errorf("identity %s, want %s", got, guest)
	}
}

func TestGuestSignsIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	login := h.signIn("ann", nil)
	guest := h.mustID(nil)
	if got := h.mustCredentials(guest, login).IdentityId; got != guest {
		t.Errorf("identity %s, want the guest's %s", got, guest)
	}
	if got := h.mustID(login); got != guest {
		t.Errorf("GetId gives %s, want %s", got, guest)
	}
	_, err := h.getCredentials(guest, nil)
	wantException(t, err, wire.NotAuthorizedException, "Access to Identity '"+guest+"' is forbidden.")

	// On a second device the same user has been another guest.
	other := h.mustID(nil)
	for range 2 { // again: as after an answer that was lost
		if got := h.mustCredentials(other, login).IdentityId; got != guest {
			t.Errorf("identity %s, want the user's own %s", got, guest)
		}
	}
	_, err = h.getCredentials(other, nil)
	wantException(t, err, wire.NotAuthorizedException, "Access to Identity '"+other+"' is forbidden.")
	_, err = h.getCredentials(other, h.signIn("bob", nil))
	wantException(t, err, wire.NotAuthorizedException, "Access to Identity '"+other+"' is forbidden.")
}

// TestFirstSignInsAtOnce: of many at once, with and without a guest's identity,
// one makes the identity.
func TestFirstSignInsAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	login := h.signIn("ann", nil)
	const many = 30
	guests := make([]string, many)
	for i := range guests {
		guests[i] = h.mustID(nil)
	}
	got := make([]string, 2*many)
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() { got[2*i], _ = h.getID(login) })
		group.Go(func() {
			if out, err := h.getCredentials(guests[i], login); err == nil {
				got[2*i+1] = out.IdentityId
			}
		})
	}
	group.Wait()
	want := h.mustID(login)
	for i, id := range got {
		if id != want {
			t.Errorf("caller %d got %q, want %s", i, id, want)
		}
	}
}

// TestForeignIdentities: an identity is for who proves one of its logins.
func TestForeignIdentities(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	anns, bobs := h.signIn("ann", nil), h.signIn("bob", nil)
	ann := h.mustID(anns)
	_, err := h.getCredentials(ann, bobs)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageLoginsDoNotMatch)
	h.mustID(bobs)
	_, err = h.getCredentials(ann, bobs)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageLoginsDoNotMatch)

	const unknown = "us-east-1:00000000-0000-4000-8000-000000000000"
	_, err = h.getCredentials(unknown, anns)
	wantException(t, err, wire.ResourceNotFoundException, "Identity '"+unknown+"' not found.")
	_, err = h.getCredentials(unknown, nil)
	wantException(t, err, wire.ResourceNotFoundException, "Identity '"+unknown+"' not found.")
	own := h.identities
	h.identities = unknown
	_, err = h.getID(nil)
	wantException(t, err, wire.ResourceNotFoundException, "IdentityPool '"+unknown+"' not found.")

	// Another identity pool that takes the same users has other identities.
	h.identities = h.addIdentityPool(nil)
	if h.mustID(anns) == ann {
		t.Error("two pools share an identity")
	}
	other := h.addIdentityPool(func(s *wire.IdentityPoolSettings) { s.CognitoIdentityProviders = nil })
	h.identities = other
	_, err = h.getID(anns)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageUnsupportedProvider)
	h.identities = own
}

// TestBrokerFails: what a broker cannot do is told apart: its own trouble passes,
// a role that is refused does not.
func TestBrokerFails(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	guest := h.mustID(nil)
	fail := func(err error) {
		h.broker = func(context.Context, plug.Grant) (plug.Credentials, error) {
			return plug.Credentials{}, err
		}
	}
	fail(errors.New("no route to host"))
	_, err := h.getCredentials(guest, nil)
	wantException(t, err, wire.ExternalServiceException, wire.MessageBrokerUnavailable)
	fail(plug.ErrRole)
	_, err = h.getCredentials(guest, nil)
	wantException(t, err, wire.InvalidIdentityPoolConfigurationException, wire.MessageIdentityPoolRoles)
	h.broker = nil
	h.mustCredentials(guest, nil)
	must[wire.SetIdentityPoolRolesResponse](h, "SetIdentityPoolRoles", &wire.SetIdentityPoolRolesRequest{IdentityPoolRoles: wire.IdentityPoolRoles{
		IdentityPoolId: h.identities, Roles: map[string]string{wire.RoleAuthenticated: userRole},
	}})
	_, err = h.getCredentials(guest, nil)
	wantException(t, err, wire.InvalidIdentityPoolConfigurationException, wire.MessageIdentityPoolRoles)
}
