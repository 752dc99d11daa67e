package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/testlength"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// feedPage is what the feed answers, read without the service's own types.
type feedPage struct {
	Revocations []struct {
		Seq       int64    `json:"seq"`
		OriginJTI string   `json:"origin_jti"`
		EventID   string   `json:"event_id"`
		User      string   `json:"user"`
		Before    int64    `json:"before"`
		Except    []string `json:"except"`
		Replaced  []string `json:"replaced"`
		Until     int64    `json:"until"`
	} `json:"revocations"`
	Next int64 `json:"next"`
	More bool  `json:"more"`
}

// askFeed makes one request of the feed.
func (w *world) askFeed(query string, header ...string) (*http.Response, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.url+"/"+w.pool+"/.well-known/revocations"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return w.do(r)
}

func (w *world) readFeed(after int64, wait int) *feedPage {
	w.t.Helper()
	answer, body := w.askFeed(fmt.Sprintf("?after=%d&wait=%d", after, wait))
	page := new(feedPage)
	if err := wire.Unmarshal(body, page); err != nil || answer.StatusCode != http.StatusOK {
		w.t.Fatalf("feed: %d %s: %v", answer.StatusCode, body, err)
	}
	return page
}

func (w *world) revokeToken(tokens *wire.AuthenticationResultType) {
	w.t.Helper()
	must[wire.RevokeTokenResponse](w, "RevokeToken", &wire.RevokeTokenRequest{ClientId: w.client, Token: tokens.RefreshToken})
}

// TestRevocationEntries: what each operation that ends sessions writes.
func TestRevocationEntries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end  func(w *world, mine *wire.AuthenticationResultType)
		ends []bool // mine, another of the user's, and somebody else's
	}{
		"RevokeToken": {(*world).revokeToken, []bool{true, false, false}},
		"RevokeToken twice": {func(w *world, mine *wire.AuthenticationResultType) {
			w.revokeToken(mine)
			w.revokeToken(mine)
		}, []bool{true, false, false}},
		"GlobalSignOut": {func(w *world, mine *wire.AuthenticationResultType) {
			must[wire.GlobalSignOutResponse](w, "GlobalSignOut", &wire.GlobalSignOutRequest{AccessToken: mine.AccessToken})
		}, []bool{true, true, false}},
		"AdminUserGlobalSignOut": {func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminUserGlobalSignOutResponse](w, "AdminUserGlobalSignOut", &wire.AdminUserGlobalSignOutRequest{UserPoolId: w.pool, Username: "ann"})
		}, []bool{true, true, false}},
		"AdminDisableUser": {func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: "ann"})
		}, []bool{true, true, false}},
		"AdminDeleteUser": {func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminDeleteUserResponse](w, "AdminDeleteUser", &wire.AdminDeleteUserRequest{UserPoolId: w.pool, Username: "ann"})
		}, []bool{true, true, false}},
		"AdminSetUserPassword": {func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminSetUserPasswordResponse](w, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{UserPoolId: w.pool, Username: "ann", Password: password, Permanent: true})
		}, []bool{true, true, false}},
		"AdminResetUserPassword": {func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminResetUserPasswordResponse](w, "AdminResetUserPassword", &wire.AdminResetUserPasswordRequest{UserPoolId: w.pool, Username: "ann"})
		}, []bool{true, true, false}},
		"ChangePassword": {func(w *world, mine *wire.AuthenticationResultType) {
			must[wire.ChangePasswordResponse](w, "ChangePassword", &wire.ChangePasswordRequest{
				AccessToken: mine.AccessToken, PreviousPassword: password, ProposedPassword: "New-Password-1",
			})
		}, []bool{false, true, false}},
		"reuse": {func(w *world, mine *wire.AuthenticationResultType) {
			next, err := w.refresh(mine.RefreshToken)
			if err == nil {
				_, err = w.refresh(next.RefreshToken)
			}
			if err != nil {
				w.t.Fatal(err)
			}
			_, err = w.refresh(mine.RefreshToken)
			wantException(w.t, err, wire.RefreshTokenReuseException, wire.MessageRefreshTokenReuse)
		}, []bool{true, false, false}},
		"DeleteUserPoolClient": {func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.DeleteUserPoolClientResponse](w, "DeleteUserPoolClient", &wire.DeleteUserPoolClientRequest{UserPoolId: w.pool, ClientId: w.client})
		}, []bool{true, true, true}},
		"an attempt that fails": {func(w *world, mine *wire.AuthenticationResultType) {
			_, err := call[wire.ChangePasswordResponse](w, "ChangePassword", &wire.ChangePasswordRequest{
				AccessToken: mine.AccessToken, PreviousPassword: "Wrong-Horse-1", ProposedPassword: "New-Password-1",
			})
			wantException(w.t, err, wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
		}, []bool{false, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
				if name == "reuse" {
					c.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserPasswordAuth}
					c.RefreshTokenRotation = &wire.RefreshTokenRotationType{Feature: wire.FeatureEnabled}
				}
			})
			w.addUser("ann")
			w.addUser("bob")
			tokens := []*wire.AuthenticationResultType{w.signIn("ann"), w.signIn("ann"), w.signIn("bob")}
			test.end(w, tokens[0])
			var got, want []string
			for _, e := range w.readFeed(0, 0).Revocations {
				got = append(got, e.OriginJTI+" "+e.EventID)
				left := time.Unix(e.Until, 0).Sub(w.now())
				if left < time.Hour || left > time.Hour+4*time.Minute {
					t.Errorf("until is %v from now", left)
				}
			}
			for i, over := range test.ends {
				if claims := pooltest.Claims(t, tokens[i].AccessToken); over {
					want = append(want, claims.OriginID()+" "+claims.EventID())
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRevocationWithoutOrigin: a client without token revocation has tokens that
// only event_id finds, and its users are signed out all the same.
func TestRevocationWithoutOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.EnableTokenRevocation = new(false)
	})
	w.addUser("ann")
	claims := pooltest.Claims(t, w.signIn("ann").AccessToken)
	must[wire.AdminUserGlobalSignOutResponse](w, "AdminUserGlobalSignOut", &wire.AdminUserGlobalSignOutRequest{UserPoolId: w.pool, Username: "ann"})
	page := w.readFeed(0, 0)
	if len(page.Revocations) != 1 || page.Revocations[0].EventID != claims.EventID() || claims.OriginID() != "" {
		t.Errorf("feed %+v for event_id %s, origin_jti %q", page, claims.EventID(), claims.OriginID())
	}
}

func TestRevocationFeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	if page := w.readFeed(0, 0); page.Next != 0 || page.Revocations == nil || len(page.Revocations) != 0 {
		t.Errorf("empty feed: %+v", page)
	}
	w.revokeToken(w.signIn("ann"))
	first := w.readFeed(0, 0)
	next := strconv.FormatInt(first.Next, 10)
	beyond := strconv.FormatInt(first.Next+1, 10)
	sse := []string{"Accept", "text/event-stream"}
	for _, test := range []struct {
		query  string
		header []string
		want   int
	}{
		{"", nil, 200}, {"?after=" + next, nil, 200}, {"?after=0&wait=0", nil, 200},
		{"?after=x", nil, 400}, {"?after=-1", nil, 400}, {"?after=1.5", nil, 400}, {"?after=99999999999999999999", nil, 400},
		{"?wait=x", nil, 400}, {"?wait=-1", nil, 400}, {"?wait=99999999999", nil, 400},
		{"?after=" + beyond, nil, 410}, {"?after=" + beyond, sse, 410},
		{"?after=" + next, append([]string{"Last-Event-ID", beyond}, sse...), 410},
		{"?after=" + next, append([]string{"Last-Event-ID", "x"}, sse...), 400},
		{"?after=" + next, []string{"Last-Event-ID", "x"}, 200}, // concerns streams only
	} {
		answer, body := w.askFeed(test.query, test.header...)
		if answer.StatusCode != test.want || answer.Header.Get("Access-Control-Allow-Origin") != "*" ||
			answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %v: %d %s %v, want %d", test.query, test.header, answer.StatusCode, body, answer.Header, test.want)
		}
	}
	// A wait ends with the revocation that it is for.
	tokens := w.signIn("ann")
	start := time.Now()
	done := make(chan *feedPage)
	go func() { done <- w.readFeed(first.Next, 50) }()
	w.revokeToken(tokens)
	if page := <-done; len(page.Revocations) != 1 || page.Revocations[0].OriginJTI != pooltest.Claims(t, tokens.AccessToken).OriginID() || page.Next <= first.Next {
		t.Errorf("after %v: %+v", time.Since(start), page)
	}
	pool := w.pool
	w.pool = "us-east-1_nothing00"
	if answer, _ := w.askFeed(""); answer.StatusCode != 404 {
		t.Errorf("feed of no pool: %d", answer.StatusCode)
	}
	w.pool = pool
	// What is pruned is not continued from, unless nothing is missing.
	w.advance(25 * time.Hour)
	err := w.store.Update(t.Context(), func(tx storage.Tx) error {
		_, err := tx.Revocations.Prune(w.now(), 10)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if answer, _ := w.askFeed("?after=" + next); answer.StatusCode != 410 {
		t.Errorf("from before what was pruned: %d", answer.StatusCode)
	}
	last := w.readFeed(0, 0).Next
	if page := w.readFeed(last, 0); page.Next != last || len(page.Revocations) != 0 {
		t.Errorf("from the last number, pruned or not: %+v", page)
	}
}

// TestRevocationPages reads a long feed page by page while its middle is pruned.
func TestRevocationPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const sessions = 1203 // of eight users, few enough per user for one entry per session
	var subs []string
	for i := range 8 {
		name := fmt.Sprint("ann", i)
		w.addUser(name)
		subs = append(subs, userSub(w, name))
	}
	err := w.store.Update(t.Context(), func(tx storage.Tx) error {
		now := w.now()
		for i := range sessions {
			err := tx.Sessions.Insert(storage.Session{
				ID: fmt.Sprintf("s%06d", i), OriginJTI: fmt.Sprintf("o%06d", i), PoolID: w.pool, ClientID: w.client, UserSub: subs[i%8],
				RefreshedAt: now, TokensEndAt: now.Add(time.Duration(1-i%2) * time.Hour), ExpiresAt: now.Add(time.Hour),
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
	must[wire.DeleteUserPoolClientResponse](w, "DeleteUserPoolClient", &wire.DeleteUserPoolClientRequest{UserPoolId: w.pool, ClientId: w.client})
	all := func() (seen map[string]bool) {
		seen = map[string]bool{}
		for page := (&feedPage{More: true}); page.More; {
			page = w.readFeed(page.Next, 0)
			for _, e := range page.Revocations {
				seen[e.EventID] = true
			}
		}
		return seen
	}
	if n := len(all()); n != sessions {
		t.Errorf("%d entries, want %d", n, sessions)
	}
	err = w.store.Update(t.Context(), func(tx storage.Tx) error {
		_, err := tx.Revocations.Prune(w.now().Add(30*time.Minute), sessions)
		return err
	})
	if n := len(all()); n != (sessions+1)/2 || err != nil {
		t.Errorf("%d entries are left, want every second one: %v", n, err)
	}
}

// follow makes a verifier that follows the world's feed and has caught up.
func (w *world) follow() *jwt.Verifier {
	w.t.Helper()
	revocations, err := jwt.FollowRevocations(w.server.Issuer(w.pool), func(o *jwt.RevocationOptions) {
		o.OnError = func(err error) { w.t.Logf("follower: %v", err) }
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(revocations.Stop)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := revocations.Ready(ctx); err != nil {
		w.t.Fatal(err)
	}
	v, err := jwt.NewVerifier(jwt.Config{
		Issuer: w.server.Issuer(w.pool), ClientIDs: []string{w.client}, Revocations: revocations,
		Now: w.now, Leeway: time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// untilRevoked verifies a token until it is refused as revoked, and says how long
// that took.
func untilRevoked(t *testing.T, v *jwt.Verifier, token string) time.Duration {
	t.Helper()
	for start := time.Now(); ; time.Sleep(100 * time.Microsecond) {
		_, err := v.VerifyAccess(context.Background(), token)
		took := time.Since(start)
		if errors.Is(err, jwt.ErrRevoked) {
			return took
		}
		if err != nil || took > 10*time.Second {
			t.Fatalf("after %v: %v, want ErrRevoked", took, err)
		}
	}
}

// TestTortureFollowerRefuses: a token of a session that ended is refused elsewhere
// within a second of the answer, also one that was remembered.
func TestTortureFollowerRefuses(t *testing.T) {
	w := newWorld(t, nil)
	w.addUser("ann")
	v := w.follow()
	trials := testlength.Rounds(t, 50)
	took := make([]time.Duration, trials)
	for i := range trials {
		tokens := w.signIn("ann")
		if _, err := v.VerifyAccess(context.Background(), string(tokens.AccessToken)); err != nil {
			t.Fatalf("trial %d, before: %v", i, err)
		}
		if i%2 == 0 {
			w.revokeToken(tokens)
		} else {
			must[wire.GlobalSignOutResponse](w, "GlobalSignOut", &wire.GlobalSignOutRequest{AccessToken: tokens.AccessToken})
		}
		took[i] = untilRevoked(t, v, string(tokens.AccessToken))
		if _, err := v.VerifyID(context.Background(), string(tokens.IdToken)); !errors.Is(err, jwt.ErrRevoked) {
			t.Errorf("the session's ID token: %v, want ErrRevoked", err)
		}
	}
	slices.Sort(took)
	t.Logf("%d trials: refused %v after the answer at most, %v in the middle", trials, took[trials-1], took[trials/2])
	if took[trials-1] > time.Second {
		t.Errorf("the slowest took %v, want at most a second", took[trials-1])
	}
	if _, err := v.VerifyAccess(context.Background(), string(w.signIn("ann").AccessToken)); err != nil {
		t.Errorf("a sign-in after all that: %v", err)
	}
}

// stream opens a feed as server-sent events and reads its first event.
func (w *world) stream(client *http.Client) (*http.Response, *bufio.Reader) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.url+"/"+w.pool+"/.well-known/revocations", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	answer, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	if media := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || media != "text/event-stream" {
		w.t.Fatalf("stream: %d %s", answer.StatusCode, media)
	}
	events := bufio.NewReader(answer.Body)
	if event := readEvent(w.t, events); !strings.HasPrefix(event, "id: ") || !strings.Contains(event, `"revocations":[]`) {
		w.t.Errorf("first event %q", event)
	}
	return answer, events
}

func readEvent(t *testing.T, events *bufio.Reader) string {
	t.Helper()
	for text := ""; ; {
		line, err := events.ReadString('\n')
		if err != nil {
			t.Errorf("stream: %v after %q", err, text)
			return text
		}
		if line == "\n" && !strings.HasPrefix(text, ":") {
			return text
		}
		if text += line; line == "\n" {
			text = "" // a comment
		}
	}
}

// TestManyFollowers: all who wait learn of a revocation, though one of them
// never reads a byte.
func TestManyFollowers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	address, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	deaf, err := net.Dial("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	fmt.Fprintf(deaf, "GET /%s/.well-known/revocations HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n", w.pool)

	const followers = 200
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var streams []*bufio.Reader
	for range followers {
		answer, events := w.stream(client)
		defer answer.Body.Close()
		streams = append(streams, events)
	}
	tokens := w.signIn("ann")
	w.revokeToken(tokens)
	start := time.Now()
	var group sync.WaitGroup
	for _, events := range streams {
		group.Go(func() {
			if event := readEvent(t, events); !strings.Contains(event, pooltest.Claims(t, tokens.AccessToken).OriginID()) {
				t.Errorf("event %q", event)
			}
		})
	}
	group.Wait()
	t.Logf("%d followers heard of it within %v", followers, time.Since(start))
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v to tell %d followers", took, followers)
	}
}
