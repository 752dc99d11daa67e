package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

// askedSource is a RevocationSource that answers as it is told and remembers
// what it was asked.
type askedSource struct {
	over  bool
	err   error
	ref   jwt.SessionRef
	times int
}

func (s *askedSource) Revoked(_ context.Context, token jwt.SessionRef) (bool, error) {
	s.ref = token
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
		want := jwt.SessionRef{
			Subject: payload["sub"].(string), OriginID: payload["origin_jti"].(string), EventID: payload["event_id"].(string),
			IssuedAt: source.ref.IssuedAt,
		}
		if source.times != 2 || source.ref != want || source.ref.IssuedAt.Unix() != payload["iat"].(int64) {
			t.Errorf("%s token: asked %d times, about %+v", use, source.times, source.ref)
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
		if _, err := verify(v, use, bare); err != nil || source.ref.OriginID != "" || source.ref.EventID != "" {
			t.Errorf("%s token without ids: %v, asked about %+v", use, err, source.ref)
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
		feed.tell(fmt.Sprintf(`"user":"AAAAAAAAAAAAAAAAAAAAAA","before":%d,"until":%d`, time.Now().Unix(), time.Now().Add(time.Hour).Unix()))
		synctest.Wait()
		if got := testing.AllocsPerRun(100, func() { _, _ = v.VerifyAccess(ctx, raw) }); got > 0 {
			t.Errorf("a remembered token, beside an entry for a user: %v allocations, want none", got)
		}
		feed.tell(fmt.Sprintf(`"event_id":%q,"until":%d`, accessClaims()["event_id"], time.Now().Add(time.Hour).Unix()))
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
