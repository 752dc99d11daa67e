package torture

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// Bounds of the experiment. One call to the service may take callTime; the
// hasty caller gives up before that, the patient one lets the client decide.
const (
	callTime = 700 * time.Millisecond
	haste    = 400 * time.Millisecond
	slack    = 100 * time.Millisecond // beyond what the machine itself takes; see the figure for what it was
	patience = 20 * time.Second
)

// plagues are what happens between client and service, in Toxiproxy's words.
// Those downstream let the request through: the service spends the refresh
// token, and the client never learns its successor.
var plagues = []struct{ name, toxic string }{
	{"reset at once", `{"type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`},
	{"reset in the place of the answer", `{"type":"reset_peer","stream":"downstream","attributes":{"timeout":0}}`},
	{"reset after 100 ms", `{"type":"reset_peer","stream":"downstream","attributes":{"timeout":100}}`},
	{"black hole for requests", `{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`},
	{"black hole for answers", `{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`},
	{"answer at 1 byte per second", `{"type":"slicer","stream":"downstream","attributes":{"average_size":1,"size_variation":0,"delay":1000000}}`},
	{"request at 1 byte per second", `{"type":"slicer","stream":"upstream","attributes":{"average_size":1,"size_variation":0,"delay":1000000}}`},
	{"answer at 1 kB per second", `{"type":"bandwidth","stream":"downstream","attributes":{"rate":1}}`},
	{"answer 2 s late", `{"type":"latency","stream":"downstream","attributes":{"latency":2000}}`},
	{"answer cut after 1 byte", `{"type":"limit_data","stream":"downstream","attributes":{"bytes":1}}`},
	{"answer cut in its headers", `{"type":"limit_data","stream":"downstream","attributes":{"bytes":100}}`},
	{"answer cut in its body", `{"type":"limit_data","stream":"downstream","attributes":{"bytes":1000}}`},
	{"answer cut near its end", `{"type":"limit_data","stream":"downstream","attributes":{"bytes":2000}}`},
	{"connection refused", ""}, // the proxy stops
}

// TestBadNetwork lets a refresh run into each plague. The session is kept, the
// caller is back within its context, and when the network is well again the
// session refreshes, though the service may have spent its token long before.
func TestBadNetwork(t *testing.T) {
	s := startService(t)
	client := s.rotating(t, time.Minute)
	rounds := form(1, 30)
	results := make([]*misery, len(plagues))
	t.Run("all", func(t *testing.T) {
		for i, plague := range plagues {
			results[i] = new(misery)
			t.Run(plague.name, func(t *testing.T) {
				t.Parallel()
				for range rounds {
					suffer(t, s, client, plague.toxic, results[i])
				}
			})
		}
	})
	var total misery
	for i, r := range results {
		t.Logf("%-34s overdue at most %v; %s", plagues[i].name, r.overdue.Round(100*time.Microsecond), r.said)
		total.lost, total.spent, total.ended = total.lost+r.lost, total.spent+r.spent, total.ended+r.ended
		total.overdue = max(total.overdue, r.overdue)
	}
	n := rounds * len(plagues)
	figure(t, fmt.Sprintf("%d kinds of broken network × %d, rotation on (Toxiproxy: resets, black holes, 1 byte per second, cut answers)", len(plagues), rounds),
		fmt.Sprintf("%d of %d sessions lost, %d sign-outs told; in %d the service had spent the token and the answer was lost; callers back at most %v after their context's end",
			total.lost, n, total.ended, total.spent, total.overdue.Round(100*time.Microsecond)),
		"Amplify JS signed users out on any error but a network error until its pull request 14568; no figures are published")
}

// misery is what one plague did.
type misery struct {
	lost    int           // sessions that were over, or did not refresh afterwards
	spent   int           // rounds in which the service answered and the client never learned it
	ended   int64         // events that tell of an end
	overdue time.Duration // the longest that a caller was kept beyond its context
	said    string        // what the patient caller was told last
}

// suffer does one round: plague, two callers, recovery, and a new start.
func suffer(t *testing.T, s *service, client, toxic string, r *misery) {
	t.Helper()
	meter := newMeter(t, s.Endpoint)
	proxy := newProxy(t, meter.URL)
	p := s.signIn(t, client, "http://"+proxy.Listen)
	p.config.Timeout = callTime
	c, err := latchkey.New(p.config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var ended atomic.Int64
	stop, _ := c.Subscribe(func(e latchkey.Event) {
		if e.Kind == latchkey.EventSessionExpired || e.Kind == latchkey.EventSignedOut {
			ended.Add(1)
		}
	})
	defer stop()
	if _, err := c.FetchSession(t.Context()); err != nil {
		t.Fatal(err)
	}
	heal := proxy.poison(t, toxic)
	r.hasty(t, c)
	r.patient(t, c)
	if calls, refused := meter.counts(); calls > refused {
		r.spent++
	}
	if _, err := p.generation(t); err != nil {
		t.Errorf("the stored session: %v", err)
	}
	heal()
	r.recover(t, c, p)
	r.ended += ended.Load()
	if ended.Load() > 0 {
		t.Error("an event told of the session's end")
	}
}

// hasty is a caller with little time.
func (r *misery) hasty(t *testing.T, c *latchkey.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), haste)
	defer cancel()
	heard := make(chan time.Time, 1)
	go func() { // hears of the end as soon as the machine lets anybody hear of it
		<-ctx.Done()
		heard <- time.Now()
	}()
	session, err := c.FetchSession(ctx, latchkey.ForceRefresh())
	back := time.Now()
	if deadline, _ := ctx.Deadline(); back.After(deadline) {
		r.overdue = max(r.overdue, back.Sub(deadline))
		if late := back.Sub(<-heard); late > slack {
			t.Errorf("the caller was kept %v beyond its context", late)
		}
	}
	switch {
	case err == nil && !session.SignedIn():
		t.Error("the hasty caller was told that nobody is signed in")
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		t.Errorf("the hasty caller was told: %v", err)
	}
}

// patient is a caller who waits until the client gives up.
func (r *misery) patient(t *testing.T, c *latchkey.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	session, err := c.FetchSession(ctx, latchkey.ForceRefresh())
	if err != nil || !session.SignedIn() {
		t.Errorf("the patient caller: %v, %v", session, err)
		return
	}
	_, err = session.Tokens()
	if !errors.Is(err, latchkey.ErrNetwork) && !errors.Is(err, latchkey.ErrService) {
		t.Errorf("the patient caller was told: %v", err)
	}
	r.said = fmt.Sprint(err)
}

// recover refreshes over the network that is well again, with the client that
// suffered and with one that starts anew.
func (r *misery) recover(t *testing.T, c *latchkey.Client, p *place) {
	t.Helper()
	files, err := filestore.New(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	p.config.Store = files
	anew, err := latchkey.New(p.config)
	if err != nil {
		t.Fatal(err)
	}
	defer anew.Close()
	for _, client := range []*latchkey.Client{c, anew} {
		session, err := client.FetchSession(t.Context(), latchkey.ForceRefresh())
		if err == nil {
			_, err = session.Tokens()
		}
		if err != nil {
			r.lost++
			t.Errorf("after the plague: %v", err)
			return
		}
	}
}

// proxy is a Toxiproxy in this process.
type proxy struct{ *toxiproxy.Proxy }

func newProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	target, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxics log past the server's logger
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &proxy{toxiproxy.NewProxy(server, "service", "127.0.0.1:0", target.Host)}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// poison adds a toxic, or stops the proxy if there is none, and returns what
// takes it back.
func (p *proxy) poison(t *testing.T, toxic string) (heal func()) {
	t.Helper()
	if toxic == "" {
		p.Stop()
		return func() {
			if err := p.Start(); err != nil { // on the same port
				t.Fatal(err)
			}
		}
	}
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		t.Fatal(err)
	}
	return func() { p.Toxics.ResetToxics(context.Background()) }
}
