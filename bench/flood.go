package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/latchkey-auth/latchkey/bench/measure"
	"github.com/latchkey-auth/latchkey/jwt"
)

// The flood: 100,000 tokens of unknown keys within a minute, in windows that
// alternate with quiet ones, so that whatever else the machine does hits both.
const (
	floodTokens  = 100_000
	floodWindows = 10
	floodWindow  = 3 * time.Second
)

// benchFlood asks what tokens of unknown keys cost those of known keys: how often
// the JWKS is fetched, and how long a good token takes meanwhile.
func benchFlood(b *bench) error {
	set, err := newTokenSet()
	if err != nil {
		return err
	}
	var fetches atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetches.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(set.jwks)
	}))
	defer server.Close()
	keys, err := jwt.NewRemoteKeys(server.URL)
	if err != nil {
		return err
	}
	verifier, err := jwt.NewVerifier(jwt.Config{Issuer: issuer, ClientIDs: []string{set.client}, Keys: keys, CacheSize: -1})
	if err != nil {
		return err
	}
	var ratios, quiets, floods []float64
	sent := 0
	for range floodWindows {
		quiet, err := goodTokens(verifier, set.raw)
		if err != nil {
			return err
		}
		stop := make(chan struct{})
		done := make(chan error, 1)
		from := sent
		go func() { done <- flood(verifier, set.raw, from, stop) }()
		flooded, err := goodTokens(verifier, set.raw)
		close(stop)
		if err := errors.Join(err, <-done); err != nil {
			return err
		}
		sent += floodTokens / floodWindows
		quiets, floods, ratios = append(quiets, quiet), append(floods, flooded), append(ratios, flooded/quiet)
	}
	b.table([]string{"a good token, verified anew each time", "99 % within"}, [][]string{
		{"quiet", measure.ShowSpread(quiets)}, {"during the flood", measure.ShowSpread(floods)},
	})
	ratio := measure.Spread(ratios)
	fmt.Fprintf(b.out, "\n%d tokens of unknown keys in %v: %d fetches of the JWKS, the first included. Good tokens' p99: %s of the quiet one.\n",
		sent, 2*floodWindows*floodWindow, fetches.Load(), ratio)
	b.atMost(7, float64(fetches.Load()), "100,000 tokens of unknown keys in a minute: fetches of the JWKS")
	b.atMost(1.1, ratio.Median, "the same flood: p99 of known keys, of the quiet p99")
	return nil
}

// goodTokens verifies one good token again and again for a window, and gives the
// time in nanoseconds within which 99 % were done.
func goodTokens(verifier *jwt.Verifier, raw string) (float64, error) {
	ctx := context.Background()
	took := make([]time.Duration, 0, 1<<17)
	for start := time.Now(); time.Since(start) < floodWindow; {
		began := time.Now()
		if _, err := verifier.VerifyAccess(ctx, raw); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return float64(took[len(took)*99/100]), nil
}

// flood presents tokens whose keys nobody has, evenly over a window.
func flood(verifier *jwt.Verifier, raw string, from int, stop <-chan struct{}) error {
	const n = floodTokens / floodWindows
	_, rest, _ := strings.Cut(raw, ".")
	start := time.Now()
	for i := range n {
		for due := start.Add(floodWindow * time.Duration(i) / n); time.Until(due) > 0; {
			time.Sleep(min(time.Until(due), time.Millisecond))
		}
		header := fmt.Sprintf(`{"kid":"unknown-%d","alg":"RS256"}`, from+i)
		_, err := verifier.VerifyAccess(context.Background(), base64.RawURLEncoding.EncodeToString([]byte(header))+"."+rest)
		if !errors.Is(err, jwt.ErrUnknownKey) {
			return fmt.Errorf("a token of an unknown key: %w", err)
		}
	}
	<-stop
	return nil
}
