package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// serving runs the world's service on an address of its own until stop.
func (w *world) serving(address string) (at string, stop func()) {
	w.t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.server.Serve(ctx, listener) }()
	return listener.Addr().String(), func() {
		w.t.Helper()
		start := time.Now()
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Serve: %v", err)
		}
		if took := time.Since(start); took > 3*time.Second {
			w.t.Errorf("the service took %v to stop", took)
		}
	}
}

// TestRestartWhileFollowed: the service stops at once though followers wait, and
// a follower learns of what happened while it was away.
func TestRestartWhileFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	address, stop := w.serving("127.0.0.1:0")
	feed := "http://" + address + "/" + w.pool
	revocations, err := jwt.FollowRevocations(feed, func(o *jwt.RevocationOptions) {
		o.OnError = func(err error) { t.Logf("follower: %v", err) }
	})
	if err != nil {
		t.Fatal(err)
	}
	defer revocations.Stop()
	if err := revocations.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	over := func(tokens *wire.AuthenticationResultType) bool {
		over, err := revocations.Revoked(t.Context(), pooltest.Claims(t, tokens.AccessToken).SessionRef())
		if err != nil {
			t.Error(err)
		}
		return over
	}
	first, second, third := w.signIn("ann"), w.signIn("ann"), w.signIn("ann")
	w.revokeToken(first)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	polled := make(chan error, 1)
	go func() {
		answer, err := client.Get(feed + "/.well-known/revocations?wait=50&after=0")
		if err == nil {
			answer, err = client.Get(feed + "/.well-known/revocations?wait=50&after=" + nextOf(t, answer))
		}
		if err == nil {
			err = answer.Body.Close()
		}
		polled <- err
	}()
	within(t, "the first revocation", func() bool { return over(first) })
	time.Sleep(50 * time.Millisecond) // so that the second request waits; it holds up nothing if it does not yet
	stop()
	if err := <-polled; err != nil {
		t.Logf("the request that waited: %v", err) // it may have come too late to be answered
	}
	w.revokeToken(second)
	if over(second) {
		t.Error("the follower knows what it cannot know")
	}
	_, stop = w.serving(address)
	defer stop()
	within(t, "what happened meanwhile", func() bool { return over(second) })
	w.revokeToken(third)
	within(t, "what happens now", func() bool { return over(third) })
}

func nextOf(t *testing.T, answer *http.Response) string {
	t.Helper()
	defer answer.Body.Close()
	var page feedPage
	data, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, wire.Unmarshal(data, &page)); err != nil {
		t.Error(err)
	}
	return strconv.FormatInt(page.Next, 10)
}

// within waits for something that comes from another goroutine.
func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%s: not within ten seconds", what)
		}
	}
}

// TestDeletedPool: the feed of a pool that is gone says so, and who relies on it
// is not left in the belief that all is well.
func TestDeletedPool(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	failures := make(chan error, 100)
	revocations, err := jwt.FollowRevocations(w.server.Issuer(w.pool), func(o *jwt.RevocationOptions) {
		o.OnError = func(err error) { failures <- err }
	})
	if err != nil {
		t.Fatal(err)
	}
	defer revocations.Stop()
	if err := revocations.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	must[wire.DeleteUserPoolResponse](w, "DeleteUserPool", &wire.DeleteUserPoolRequest{UserPoolId: w.pool})
	if answer, _ := w.askFeed(""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("feed of a deleted pool: %d", answer.StatusCode)
	}
	if err := w.server.Close(); err != nil { // ends the stream; else its next heartbeat does
		t.Fatal(err)
	}
	if err := <-failures; err == nil || errors.Is(err, jwt.ErrRevocationsUnavailable) {
		t.Errorf("the first failure: %v, want one that is not stale yet", err)
	}
}
