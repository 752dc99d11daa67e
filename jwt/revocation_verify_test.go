package jwt_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/latchkey-auth/latchkey/jwt"
)

// askedSource is a RevocationSource that answers as it is told and remembers
// what it was asked.
type askedSource struct {
	over          bool
	err           error
	origin, event string
	times         int
}

func (s *askedSource) Revoked(_ context.Context, originID, eventID string) (bool, error) {
	s.origin, s.event = originID, eventID
	s.times++
	return s.over, s.err
}

// TestVerifyRevoked: every use of a token is asked about, remembered or not, and
// only tokens that are right in every other way.
func TestVerifyRevoked(t *testing.T) {
	t.Parallel()
	for use, payload := range map[string]claims{jwt.UseAccess: accessClaims(), jwt.UseID: idClaims()} {
		source := &askedSource{}
		v := newVerifier(t, func(c *jwt.Config) { c.Revocations = source })
		raw := sign(payload.json())
		expect := func(what string, kind error) {
			t.Helper()
			if _, err := verify(v, use, raw); !errors.Is(err, kind) || kind == nil && err != nil {
				t.Errorf("%s token, %s: %v, want %v", use, what, err, kind)
			}
		}
		expect("new", nil)
		expect("remembered", nil)
		if source.times != 2 || source.origin != payload["origin_jti"] || source.event != payload["event_id"] {
			t.Errorf("%s token: asked %d times, about %q, %q", use, source.times, source.origin, source.event)
		}
		source.over = true
		expect("remembered, over", jwt.ErrRevoked)
		expect("still over", jwt.ErrRevoked)
		source.over, source.err = false, errors.New("no answer")
		expect("no answer", jwt.ErrRevocationsUnavailable)
		source.err = &jwt.Error{Kind: jwt.ErrKeysUnavailable}
		expect("an error of the package's own", jwt.ErrKeysUnavailable)
		source.err = nil
		expect("again", nil)

		fresh := newVerifier(t, func(c *jwt.Config) { c.Revocations = &askedSource{over: true} })
		if _, err := verify(fresh, use, raw); !errors.Is(err, jwt.ErrRevoked) {
			t.Errorf("%s token that was never seen: %v", use, err)
		}
		asked := source.times
		for name, bad := range map[string]string{
			"expired":   sign(payload.with("exp", clock.Unix()).json()),
			"forged":    signRaw(otherKey(), goodHeader, payload.json()),
			"other use": sign(payload.with("token_use", "refresh").json()),
		} {
			if _, err := verify(v, use, bad); err == nil || errors.Is(err, jwt.ErrRevoked) || source.times != asked {
				t.Errorf("%s %s token: %v, asked %d times more", name, use, err, source.times-asked)
			}
		}
		bare := sign(payload.with("origin_jti", nil).with("event_id", nil).json())
		if _, err := verify(v, use, bare); err != nil || source.origin != "" || source.event != "" {
			t.Errorf("%s token without ids: %v, asked about %q, %q", use, err, source.origin, source.event)
		}
	}
}

// TestFollowAllocations: following makes a remembered token no dearer in memory.
func TestFollowAllocations(t *testing.T) { // not parallel: AllocsPerRun counts everything
	synctest.Test(t, func(t *testing.T) {
		feed := newMemoryFeed()
		feed.revoke("a", "b", "c")
		f := follow(t, feed, nil)
		synctest.Wait()
		v := newVerifier(t, func(c *jwt.Config) { c.Revocations = f.Revocations })
		raw := typicalAccess()
		if _, err := v.VerifyAccess(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		if got := testing.AllocsPerRun(100, func() { _, _ = v.VerifyAccess(ctx, raw) }); got > 0 {
			t.Errorf("a remembered token: %v allocations, want none", got)
		}
		feed.revoke(accessClaims()["origin_jti"].(string))
		synctest.Wait()
		if _, err := v.VerifyAccess(ctx, raw); !errors.Is(err, jwt.ErrRevoked) {
			t.Errorf("the remembered token of a session that ended: %v", err)
		}
		f.Stop()
	})
}

func BenchmarkVerifyFollowing(b *testing.B) {
	feed := newMemoryFeed()
	r, err := jwt.FollowRevocations("https://idp.example.com/pool", func(o *jwt.RevocationOptions) { o.HTTPClient = &http.Client{Transport: feed} })
	if err != nil {
		b.Fatal(err)
	}
	defer r.Stop()
	if err := r.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	v := newVerifier(b, func(c *jwt.Config) { c.Revocations = r })
	raw := typicalAccess()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := v.VerifyAccess(context.Background(), raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}
