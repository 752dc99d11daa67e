package sigv4auth_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/sigv4auth"
)

// again is the request that somebody who read r sends.
func again(r *http.Request, body string) *http.Request {
	copied := request(r.Method, r.URL.RequestURI(), body)
	copied.Header = r.Header.Clone()
	return copied
}

// TestReplays: what may change something is accepted once, the rest as often as
// it comes.
func TestReplays(t *testing.T) {
	t.Parallel()
	off := func(c *sigv4auth.Config) { c.NoReplayCheck = true }
	nonced := func(r *http.Request, nonce string) *http.Request {
		r.Header.Set("X-Amz-Request-Nonce", nonce)
		return r
	}
	c := mint(t, claims())
	for name, test := range map[string]struct {
		first, second *http.Request
		body          string
		change        func(*sigv4auth.Config)
		want          error
	}{
		"POST":             {first: sign(request("POST", "/", note), note, c), body: note, want: sigv4auth.ErrReplayed},
		"DELETE":           {first: sign(request("DELETE", "/", ""), "", c), want: sigv4auth.ErrReplayed},
		"own method":       {first: sign(request("get", "/", ""), "", c), want: sigv4auth.ErrReplayed},
		"GET":              {first: sign(request("GET", "/", ""), "", c)},
		"HEAD":             {first: sign(request("HEAD", "/", ""), "", c)},
		"switched off":     {first: sign(request("POST", "/", note), note, c), body: note, change: off},
		"presigned GET":    {first: presign(request("GET", "/", ""), hashOf(""), service, time.Minute, c)},
		"presigned PUT":    {first: presign(request("PUT", "/", note), hashOf(note), service, time.Minute, c), body: note, want: sigv4auth.ErrReplayed},
		"presigned DELETE": {first: presign(request("DELETE", "/", ""), hashOf(""), service, time.Minute, c), want: sigv4auth.ErrReplayed},
		"presigned, off":   {first: presign(request("DELETE", "/", ""), hashOf(""), service, time.Minute, c), change: off},
		"equal by chance":  {first: sign(request("POST", "/", note), note, c), second: sign(request("POST", "/", note), note, c), want: sigv4auth.ErrReplayed},
		"with a nonce": {
			first: sign(nonced(request("POST", "/", note), "1"), note, c), second: sign(nonced(request("POST", "/", note), "2"), note, c),
		},
		"other credentials": {first: sign(request("POST", "/", note), note, c), second: sign(request("POST", "/", note), note, mint(t, claims()))},
		"capital digits": {first: sign(request("POST", "/", note), note, c), body: note, second: func() *http.Request {
			r := sign(request("POST", "/", note), note, c)
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", a[:len(a)-64]+upper(a[len(a)-64:]))
			return r
		}(), want: sigv4auth.ErrReplayed},
	} {
		if test.change == nil {
			test.change = func(*sigv4auth.Config) {}
		}
		auth := newAuth(t, test.change)
		if test.second == nil {
			test.second = again(test.first, test.body)
		}
		if _, err := auth.Verify(test.first); err != nil {
			t.Errorf("%s: the first: %v", name, err)
		}
		if _, err := auth.Verify(test.second); !errors.Is(err, test.want) {
			t.Errorf("%s: the second: %v, want %v", name, err, test.want)
		}
	}
}

func upper(digits string) string {
	out := []byte(digits)
	for i, c := range out {
		if c >= 'a' {
			out[i] = c - 'a' + 'A'
		}
	}
	return string(out)
}

// TestForgedSignaturesAreNotRemembered: nobody can use up a request that he
// cannot sign.
func TestForgedSignaturesAreNotRemembered(t *testing.T) {
	t.Parallel()
	auth, r := newAuth(t), sign(request("POST", "/", note), note, mint(t, claims()))
	tampered := again(r, note)
	setBody(tampered, "another")
	if _, err := auth.Verify(tampered); !errors.Is(err, sigv4auth.ErrSignature) {
		t.Fatal(err)
	}
	if _, err := auth.Verify(r); err != nil {
		t.Errorf("the true request: %v", err)
	}
}

// TestReplayOfMany: of many that arrive at once one passes.
func TestReplayOfMany(t *testing.T) {
	t.Parallel()
	auth, r := newAuth(t), sign(request("POST", "/", note), note, mint(t, claims()))
	var passed atomic.Int32
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := auth.Verify(again(r, note)); err == nil {
				passed.Add(1)
			} else if !errors.Is(err, sigv4auth.ErrReplayed) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if passed.Load() != 1 {
		t.Errorf("%d of 50 passed", passed.Load())
	}
}

// slowBody makes time pass while it is read.
type slowBody struct {
	io.Reader
	pass func()
}

func (b slowBody) Read(p []byte) (int, error) { b.pass(); return b.Reader.Read(p) }

// TestSlowBodyIsNoWayRound: a body that takes as long as a signature is
// remembered does not bring the request through a second time.
func TestSlowBodyIsNoWayRound(t *testing.T) {
	t.Parallel()
	clock := now
	auth := newAuth(t, func(c *sigv4auth.Config) { c.Now = func() time.Time { return clock } })
	r := sign(request("POST", "/", note), note, mint(t, claims()))
	second := again(r, note)
	if _, err := auth.Verify(r); err != nil {
		t.Fatal(err)
	}
	second.Body = io.NopCloser(slowBody{second.Body, func() { clock = now.Add(20 * time.Minute) }})
	if _, err := auth.Verify(second); !errors.Is(err, sigv4auth.ErrSignature) {
		t.Errorf("the second: %v", err)
	}
}

// failing is a shared memory that is down.
type failing struct{ err error }

func (f failing) First(context.Context, [32]byte, time.Time) (bool, error) { return false, f.err }

func TestReplaysThatFail(t *testing.T) {
	t.Parallel()
	down := errors.New("no route to 10.0.0.7")
	auth := newAuth(t, func(c *sigv4auth.Config) { c.Replays = failing{down} })
	if _, err := auth.Verify(sign(request("POST", "/", note), note, mint(t, claims()))); !errors.Is(err, sigv4auth.ErrUnavailable) || !errors.Is(err, down) {
		t.Error(err)
	}
	w := httptest.NewRecorder()
	auth.Require(http.NotFoundHandler()).ServeHTTP(w, sign(request("PUT", "/", note), note, mint(t, claims())))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || errorText(w.Body.String(), down) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if _, err := auth.Verify(sign(request("GET", "/", ""), "", mint(t, claims()))); err != nil {
		t.Errorf("GET: %v", err)
	}
}

func errorText(body string, err error) bool { return len(body) == 0 || body == err.Error() }

func signatureOf(n uint64) (s [32]byte) {
	binary.BigEndian.PutUint64(s[:], n)
	return s
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	clock := now
	m := sigv4auth.NewMemory(3, func() time.Time { return clock })
	first := func(n uint64, until time.Time) (bool, error) { return m.First(t.Context(), signatureOf(n), until) }
	for n := range uint64(3) {
		if ok, err := first(n, now.Add(time.Minute)); !ok || err != nil {
			t.Fatalf("%d: %v, %v", n, ok, err)
		}
	}
	if ok, err := first(3, now.Add(time.Minute)); ok || !errors.Is(err, sigv4auth.ErrFull) {
		t.Errorf("a fourth: %v, %v", ok, err)
	}
	if ok, err := first(0, now.Add(time.Minute)); ok || err != nil {
		t.Errorf("one that is held, when full: %v, %v", ok, err)
	}
	clock = now.Add(2 * time.Minute)
	for n := range uint64(3) {
		if ok, err := first(10+n, clock.Add(time.Minute)); !ok || err != nil {
			t.Errorf("later, %d: %v, %v", n, ok, err)
		}
	}
	if ok, err := first(20, clock.Add(time.Hour)); ok || err == nil {
		t.Errorf("an hour ahead: %v, %v", ok, err)
	}
	if ok, err := first(21, clock); ok || err != nil {
		t.Errorf("a time that has passed: %v, %v", ok, err)
	}
}

// TestMemoryNeverForgetsTooEarly compares a Memory with a map that keeps
// everything, under a clock that runs on and now and then jumps back.
func TestMemoryNeverForgetsTooEarly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		clock, latest := now, now
		m := sigv4auth.NewMemory(1000, func() time.Time { return clock })
		untils, seen := map[uint64]time.Time{}, map[uint64]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			clock = clock.Add(time.Duration(rapid.IntRange(-5, 120).Draw(t, "passes")) * time.Second)
			latest = maxTime(latest, clock)
			n := rapid.Uint64Range(0, 8).Draw(t, "signature")
			until, known := untils[n] // a signature has one date
			if !known {
				until = clock.Add(time.Duration(rapid.IntRange(1, 1200).Draw(t, "life")) * time.Second)
				untils[n] = until
			}
			ok, err := m.First(context.Background(), signatureOf(n), until)
			if err != nil {
				t.Fatal(err)
			}
			if ok && seen[n] && until.After(latest) {
				t.Fatalf("signature %d passed twice before its time", n)
			}
			if !ok && !seen[n] && until.After(clock) {
				t.Fatalf("signature %d was refused the first time", n)
			}
			seen[n] = seen[n] || ok
		}
	})
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// BenchmarkVerify is a request with a small body.
func BenchmarkVerify(b *testing.B) {
	auth := newAuth(b, func(c *sigv4auth.Config) { c.NoReplayCheck = true })
	r := sign(request("POST", "/", note), note, mint(b, claims()))
	b.ReportAllocs()
	for b.Loop() {
		setBody(r, note)
		if _, err := auth.Verify(r); err != nil {
			b.Fatal(err)
		}
	}
}
