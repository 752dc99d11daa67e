package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func userSub(w *world, name string) string {
	w.t.Helper()
	user := must[wire.AdminGetUserResponse](w, "AdminGetUser", &wire.AdminGetUserRequest{UserPoolId: w.pool, Username: name})
	for _, a := range user.UserAttributes {
		if a.Name == "sub" {
			return a.Value
		}
	}
	w.t.Fatal("no sub")
	return ""
}

// feedSize is how many ids a follower that reads the feed now holds.
func (w *world) feedSize() (ids int) {
	for page := (&feedPage{More: true}); page.More; {
		page = w.readFeed(page.Next, 0)
		for _, e := range page.Revocations {
			ids += 1 + len(e.Except)
		}
	}
	return ids
}

// TestFollowerMemoryPerUser: a user who signs in and out all the time takes a
// bounded part of a follower's memory. Sign-ins of the same second and sessions
// that go on are never refused, and no token of a session that ended passes.
func TestFollowerMemoryPerUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.stopClock()
	w.addUser("ann")
	w.addUser("bob")
	v := w.follow()
	passes := func(what string, tokens *wire.AuthenticationResultType) {
		t.Helper()
		for use, err := range map[string]error{
			"access": second(v.VerifyAccess(t.Context(), string(tokens.AccessToken))), "ID": second(v.VerifyID(t.Context(), string(tokens.IdToken))),
		} {
			if err != nil {
				t.Fatalf("%s token of %s: %v", use, what, err)
			}
		}
	}
	going, bobs := w.signIn("ann"), w.signIn("bob")
	var ended []*wire.AuthenticationResultType
	const rate = 10 // a second
	rounds := 800
	if testing.Short() {
		rounds = 400
	}
	most := 0
	for i := range rounds {
		w.advance(time.Second / rate)
		tokens := w.signIn("ann")
		passes(fmt.Sprint("sign-in ", i), tokens)
		w.revokeToken(tokens)
		if ended = append(ended, tokens); i%100 == 99 {
			most = max(most, w.feedSize())
		}
	}
	// 200 entries, those of the last seconds, and the entry for the user.
	if bound := 200 + 7*rate + 10; most > bound {
		t.Errorf("a follower holds %d ids of a user, want at most %d", most, bound)
	}
	for _, i := range []int{0, 1, rounds / 2, rounds - 1} {
		untilRevoked(t, v, string(ended[i].AccessToken))
	}
	passes("the session that goes on", going)
	passes("another user", bobs)
	refreshed, err := w.refresh(going.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	passes("the session that goes on, refreshed", refreshed)
	fresh := w.follow() // one that knows the feed as it is now
	for i := range ended {
		untilRevoked(t, fresh, string(ended[i].AccessToken))
	}
	v = fresh
	passes("the session that goes on", going)

	// Everything ends, and a sign-in of the same second goes on.
	must[wire.AdminUserGlobalSignOutResponse](w, "AdminUserGlobalSignOut", &wire.AdminUserGlobalSignOutRequest{UserPoolId: w.pool, Username: "ann"})
	last := w.signIn("ann")
	untilRevoked(t, v, string(going.AccessToken))
	untilRevoked(t, v, string(refreshed.AccessToken))
	passes("a sign-in after a global sign-out", last)

	// A clock that was set back does not make sign-ins look old.
	w.advance(-10 * time.Minute)
	late := w.signIn("ann")
	w.advance(10 * time.Minute)
	within(t, "a sign-in with a clock that was slow", func() bool {
		_, err := v.VerifyAccess(context.Background(), string(late.AccessToken))
		return err == nil
	})
	w.revokeToken(late)
	untilRevoked(t, v, string(late.AccessToken))
}

func second[T any](_ T, err error) error { return err }

// TestRevocationLife: an entry lasts until the last token of the session has
// expired, whatever became of the client's settings, and 3 minutes longer.
func TestRevocationLife(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first, next [2]int32 // minutes that access and ID tokens live
		refresh     bool     // in between, after a minute
		want        time.Duration
	}{
		"access":                  {[2]int32{30, 10}, [2]int32{30, 10}, false, 30 * time.Minute},
		"ID":                      {[2]int32{10, 30}, [2]int32{10, 30}, false, 30 * time.Minute},
		"refreshed":               {[2]int32{10, 10}, [2]int32{10, 10}, true, 11 * time.Minute},
		"shortened":               {[2]int32{60, 60}, [2]int32{5, 5}, false, time.Hour},
		"shortened and refreshed": {[2]int32{60, 60}, [2]int32{5, 5}, true, time.Hour},
		"prolonged":               {[2]int32{5, 5}, [2]int32{60, 60}, true, 61 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lives := func(c *wire.UserPoolClientSettings, minutes [2]int32) {
				c.AccessTokenValidity, c.IdTokenValidity = &minutes[0], &minutes[1]
				c.TokenValidityUnits = &wire.TokenValidityUnitsType{AccessToken: wire.TimeUnitMinutes, IdToken: wire.TimeUnitMinutes}
			}
			w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
				lives(&c.UserPoolClientSettings, test.first)
			})
			w.stopClock()
			w.addUser("ann")
			start := w.now()
			tokens := w.signIn("ann")
			change := &wire.UpdateUserPoolClientRequest{UserPoolId: w.pool, ClientId: w.client}
			change.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserPasswordAuth, wire.AllowRefreshTokenAuth}
			lives(&change.UserPoolClientSettings, test.next)
			must[wire.UpdateUserPoolClientResponse](w, "UpdateUserPoolClient", change)
			if w.advance(time.Minute); test.refresh {
				if _, err := w.refresh(tokens.RefreshToken); err != nil {
					t.Fatal(err)
				}
			}
			w.revokeToken(tokens)
			want := start.Add(test.want + 3*time.Minute + time.Second - 1).Unix() // the whole second after it
			if page := w.readFeed(0, 0); len(page.Revocations) != 1 || page.Revocations[0].Until != want {
				t.Errorf("feed %+v, want an entry until %d", page, want)
			}
		})
	}
}

// TestSessionsPerUser: a sign-in beyond the bound ends the session that was
// refreshed least recently, which is logged; those within it end none.
func TestSessionsPerUser(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, nil, func(c *server.Config) { c.Limits.SessionsPerUser = 3 })
	w.addUser("ann")
	w.addUser("bob")
	w.stopClock()
	signIn := func(name string) *wire.AuthenticationResultType {
		w.advance(time.Second)
		return w.signIn(name)
	}
	goesOn := func(what string, tokens *wire.AuthenticationResultType, want bool) {
		t.Helper()
		w.advance(time.Second)
		_, err := call[wire.GetUserResponse](w, "GetUser", &wire.GetUserRequest{AccessToken: tokens.AccessToken})
		if got := err == nil; got != want {
			t.Errorf("%s: %v, want it to go on: %v", what, err, want)
		}
	}
	bobs := []*wire.AuthenticationResultType{signIn("bob"), signIn("bob"), signIn("bob")}
	first, second, third := signIn("ann"), signIn("ann"), signIn("ann")
	w.advance(time.Second)
	if _, err := w.refresh(first.RefreshToken); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(w.log.String(), "too many sessions") {
		t.Error("a session was ended though none was too many")
	}
	fourth := signIn("ann")
	goesOn("the first, refreshed since", first, true)
	goesOn("the second", second, false)
	goesOn("the third", third, true)
	goesOn("the fourth", fourth, true)
	_, err := w.refresh(second.RefreshToken)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
	w.revokeToken(third)
	fifth := signIn("ann")
	for i, tokens := range append(bobs, first, fourth, fifth) {
		goesOn(fmt.Sprint("the others, ", i), tokens, true)
	}
	logged := w.log.String()
	if n := strings.Count(logged, "too many sessions of one user"); n != 1 || !strings.Contains(logged, pooltest.Claims(t, second.AccessToken).EventID()) {
		t.Errorf("%d evictions are logged, want that of the second session", n)
	}
	entries := w.readFeed(0, 0).Revocations
	if len(entries) != 2 || entries[0].EventID != pooltest.Claims(t, second.AccessToken).EventID() {
		t.Errorf("feed %+v", entries)
	}
}

func TestSessionsPerUserRefused(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{-1: false, 0: true, 1: true, 10_000: true, 10_001: false} {
		s, err := server.New(server.Config{
			Storage: memory.New(), SealingKeys: []server.SealingKey{sealingKey(0)}, PublicURL: "http://127.0.0.1", Limits: server.Limits{SessionsPerUser: n},
		})
		if got := err == nil; got != want || err != nil && !strings.Contains(err.Error(), "SessionsPerUser") {
			t.Errorf("SessionsPerUser %d: %v", n, err)
		}
		if err == nil {
			_ = s.Close()
		}
	}
}

// TestFeedNamesNoUser: the public feed does not show the sub of a user, also where
// an entry is for a user.
func TestFeedNamesNoUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	sub := userSub(w, "ann")
	now := w.now()
	err := w.store.Update(t.Context(), func(tx storage.Tx) error {
		for i := range 300 {
			err := tx.Sessions.Insert(storage.Session{
				ID: fmt.Sprintf("s%03d", i), PoolID: w.pool, ClientID: w.client, UserSub: sub, RefreshedAt: now.Add(-time.Minute),
				TokensEndAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	must[wire.AdminUserGlobalSignOutResponse](w, "AdminUserGlobalSignOut", &wire.AdminUserGlobalSignOutRequest{UserPoolId: w.pool, Username: "ann"})
	_, body := w.askFeed("")
	page := w.readFeed(0, 0)
	if strings.Contains(string(body), sub) || len(page.Revocations) != 1 || page.Revocations[0].User == "" || page.Revocations[0].EventID != "" {
		t.Errorf("feed %s", body)
	}
	var unread []string // entries that no follower has seen are not named
	if diff := cmp.Diff(unread, page.Revocations[0].Replaced); diff != "" {
		t.Errorf("replaced (-want +got):\n%s", diff)
	}
	ref := jwt.SessionRef{Subject: sub, EventID: "s001", IssuedAt: now.Add(-time.Minute)}
	revocations, err := jwt.FollowRevocations(w.server.Issuer(w.pool))
	if err != nil {
		t.Fatal(err)
	}
	defer revocations.Stop()
	if err := revocations.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if over, err := revocations.Revoked(t.Context(), ref); !over || err != nil {
		t.Errorf("over %v, %v", over, err)
	}
}
