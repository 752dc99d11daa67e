package identitypool_test

import (
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/identitypool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// TestGuestLife: a guest that is not used goes, one that is used stays, and so do
// users' and merged identities. Nothing goes by default, nor before uses have been
// noted for the guests' life.
func TestGuestLife(t *testing.T) {
	t.Parallel()
	const life = 100 * time.Hour
	for name, test := range map[string]struct {
		life   time.Duration
		pruned bool
	}{"on": {life, true}, "off": {0, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newService(t, func(c *identitypool.Config) { c.GuestLife = test.life })
			h.stopClock()
			h.identities = h.addIdentityPool(nil)
			guest := func() string {
				return must[wire.GetIdResponse](h, "GetId", &wire.GetIdRequest{IdentityPoolId: h.identities}).IdentityId
			}
			logins := func() wire.Parameters { return h.signIn("ann", nil) }
			use := func(id string, logins wire.Parameters) error {
				_, err := call[wire.GetCredentialsForIdentityResponse](h, "GetCredentialsForIdentity", &wire.GetCredentialsForIdentityRequest{IdentityId: id, Logins: logins})
				return err
			}
			housekeeping := func() (pruned int) {
				err := h.store.Update(t.Context(), func(tx storage.Tx) (err error) {
					pruned, err = h.service.PruneGuests(tx, 100)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				return pruned
			}
			anns := must[wire.GetIdResponse](h, "GetId", &wire.GetIdRequest{IdentityPoolId: h.identities, Logins: logins()}).IdentityId
			idle, used, merged := guest(), guest(), guest()
			if err := use(merged, logins()); err != nil { // becomes ann's
				t.Fatal(err)
			}
			h.advance(2 * life)
			if n := housekeeping(); n != 0 {
				t.Errorf("%d guests went before any use was noted", n)
			}
			for range 5 {
				h.advance(life / 4)
				if err := use(used, nil); err != nil {
					t.Errorf("the guest in use: %v", err)
				}
			}
			want := 0
			if test.pruned {
				want = 1
			}
			if n := housekeeping(); n != want {
				t.Errorf("%d guests went, want %d", n, want)
			}
			for what, err := range map[string]error{"the guest in use": use(used, nil), "the user's": use(anns, logins()), "the merged one": use(merged, logins())} {
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			if err := use(idle, nil); test.pruned {
				wantException(t, err, wire.ResourceNotFoundException, wire.IdentityNotFound(idle).Message)
			} else if err != nil {
				t.Errorf("the idle guest, where guests are kept: %v", err)
			}
			if err := use(guest(), nil); err != nil {
				t.Errorf("a new guest: %v", err)
			}
		})
	}
}
