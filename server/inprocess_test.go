package server_test

import (
	"errors"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/plug"
)

func TestHasPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	w.addUser("bob")
	must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: "bob"})
	for _, test := range []struct {
		name     string
		password string
		want     bool
	}{{"ann", password, true}, {"ann", "Wrong-Horse-9", false}, {"bob", password, false}, {"nobody", password, false}} {
		for range 10 { // counts no attempts
			if got, err := w.server.HasPassword(t.Context(), w.pool, test.name, plug.NewSecret(test.password)); err != nil || got != test.want {
				t.Errorf("HasPassword(%s) = %t, %v", test.name, got, err)
			}
		}
	}
	w.signIn("ann")
	if _, err := w.server.HasPassword(t.Context(), "us-east-1_None00000", "ann", plug.NewSecret(password)); !errors.Is(err, &server.Error{Code: wire.ResourceNotFoundException}) {
		t.Errorf("HasPassword in an unknown pool: %v", err)
	}
}

// TestHousekeepDeletesWhatExpired needs no Serve.
func TestHousekeepDeletesWhatExpired(t *testing.T) {
	t.Parallel()
	const life = 48 * time.Hour
	w := newWorldOf(t, nil, func(c *server.Config) { c.GuestLife = life })
	w.stopClock()
	w.identities = w.addIdentityPool(nil)
	id := must[wire.GetIdResponse](w, "GetId", &wire.GetIdRequest{IdentityPoolId: w.identities}).IdentityId
	describe := func() error {
		return w.server.Call(t.Context(), "DescribeIdentity", members{"IdentityId": id}, nil)
	}
	for _, test := range []struct {
		after time.Duration
		gone  bool
	}{{0, false}, {life / 2, false}, {4 * life, true}} {
		w.advance(test.after)
		if err := w.server.Housekeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := describe(); wire.IsException(err, wire.ResourceNotFoundException) != test.gone || !test.gone && err != nil {
			t.Errorf("%v later: %v", test.after, err)
		}
	}
}
