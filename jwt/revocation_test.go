package jwt_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

// memoryFeed is an issuer's feed of revocations without a network, so that a
// synctest bubble can move its clock. It does what it can be asked to do wrong.
type memoryFeed struct {
	mu       sync.Mutex
	entries  []string // by number, from 1
	pruned   int      // numbers up to this one are gone
	news     chan struct{}
	down     bool
	pollOnly bool          // answers every request with a document
	mute     bool          // streams say nothing at all
	hasty    bool          // never waits, though asked to
	raw      string        // this instead of a document
	asked    []askedFeed   // every request
	lifted   time.Duration // how long entries last; default an hour
}

type askedFeed struct {
	at     time.Time
	stream bool
	query  string
}

func newMemoryFeed() *memoryFeed { return &memoryFeed{news: make(chan struct{})} }

// change alters the feed and wakes whoever waits.
func (m *memoryFeed) change(f func(*memoryFeed)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m)
	close(m.news)
	m.news = make(chan struct{})
}

func (m *memoryFeed) revoke(ids ...string) {
	m.change(func(m *memoryFeed) {
		life := time.Hour
		if m.lifted != 0 {
			life = m.lifted
		}
		for _, id := range ids {
			m.entries = append(m.entries, fmt.Sprintf(`{"seq":%d,"origin_jti":%q,"event_id":"event-%s","until":%d,"new":{}}`,
				len(m.entries)+1, id, id, time.Now().Add(life).Unix()))
		}
	})
}

// tell adds an entry as it is written, behind its number.
func (m *memoryFeed) tell(entry string) {
	m.change(func(m *memoryFeed) {
		m.entries = append(m.entries, fmt.Sprintf(`{"seq":%d,%s}`, len(m.entries)+1, entry))
	})
}

// requests are those made so far.
func (m *memoryFeed) requests() []askedFeed {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]askedFeed(nil), m.asked...)
}

// page is the document behind after, two entries a page.
func (m *memoryFeed) page(after int) (document string, next int, more bool) {
	end := min(after+2, len(m.entries))
	more = end < len(m.entries)
	document = fmt.Sprintf(`{"revocations":[%s],"next":%d,"more":%v}`, strings.Join(m.entries[after:end], ","), end, more)
	if m.raw != "" {
		document = m.raw
	}
	return document, end, more
}

func (m *memoryFeed) RoundTrip(r *http.Request) (*http.Response, error) {
	stream := r.Header.Get("Accept") == "text/event-stream"
	m.mu.Lock()
	m.asked = append(m.asked, askedFeed{time.Now(), stream, r.URL.RawQuery})
	down, gone := m.down, false
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	gone = after > len(m.entries) || after != 0 && after < m.pruned
	stream = stream && !m.pollOnly
	m.mu.Unlock()
	answer := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Request: r}
	switch {
	case down:
		return nil, errors.New("connection refused")
	case gone:
		answer.StatusCode, answer.Body = 410, http.NoBody
	case stream:
		out, in := io.Pipe()
		context.AfterFunc(r.Context(), func() { _ = in.CloseWithError(r.Context().Err()) })
		answer.Header.Set("Content-Type", "text/event-stream")
		answer.Body = out
		go m.stream(r.Context(), in, after)
	default:
		document, err := m.poll(r, after)
		if err != nil {
			return nil, err
		}
		answer.Body = io.NopCloser(strings.NewReader(document))
	}
	return answer, nil
}

func (m *memoryFeed) poll(r *http.Request, after int) (string, error) {
	wait, _ := strconv.Atoi(r.URL.Query().Get("wait"))
	deadline := time.After(time.Duration(wait) * time.Second)
	for {
		m.mu.Lock()
		document, next, _ := m.page(after)
		news, hasty := m.news, m.hasty
		m.mu.Unlock()
		if next > after || wait == 0 || hasty {
			return document, nil
		}
		select {
		case <-news:
		case <-deadline:
			wait = 0
		case <-r.Context().Done():
			return "", r.Context().Err()
		}
	}
}

func (m *memoryFeed) stream(ctx context.Context, w *io.PipeWriter, after int) {
	for first := true; ; first = false {
		m.mu.Lock()
		document, next, more := m.page(after)
		news, down, mute := m.news, m.down, m.mute
		m.mu.Unlock()
		if down {
			_ = w.Close()
			return
		}
		text := ": still here\r\n"
		if next > after || first {
			text = fmt.Sprintf("id: %d\nevent: other\ndata: x\n\nevent: revocations\ndata: %s\n\n", next, document)
		}
		if !mute {
			if _, err := io.WriteString(w, text); err != nil {
				return
			}
			after = next
		}
		if more && !mute {
			continue
		}
		select {
		case <-news:
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return
		}
	}
}

// follower is a follower in a bubble, with the errors it has told.
type follower struct {
	*jwt.Revocations
	mu     sync.Mutex
	errors []error
}

func (f *follower) told() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]error(nil), f.errors...)
}

func follow(t *testing.T, feed *memoryFeed, change func(*jwt.RevocationOptions)) *follower {
	t.Helper()
	f := &follower{}
	r, err := jwt.FollowRevocations("https://idp.example.com/pool/", func(o *jwt.RevocationOptions) {
		o.HTTPClient = &http.Client{Transport: feed, Timeout: time.Second}
		o.OnError = func(err error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.errors = append(f.errors, err)
		}
		if change != nil {
			change(o)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Revocations = r
	t.Cleanup(r.Stop)
	return f
}

func failOpen(o *jwt.RevocationOptions) { o.WhenStale = jwt.FailOpen }

// inFeedTime runs f in a bubble, where feed and follower stop before it ends.
func inFeedTime(t *testing.T, f func(t *testing.T, feed *memoryFeed)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, newMemoryFeed()) })
}

// is asks about a session by its origin_jti.
func (f *follower) is(t *testing.T, id string, over bool, kind error) {
	t.Helper()
	ref := jwt.SessionRef{}
	if id != "" {
		ref = jwt.SessionRef{Subject: "sub", OriginID: id, EventID: "event-" + id, IssuedAt: time.Now()}
	}
	got, err := f.Revoked(t.Context(), ref)
	if got != over || !errors.Is(err, kind) || kind == nil && err != nil {
		t.Errorf("%s: over %v, error %v; want %v, %v", id, got, err, over, kind)
	}
}

func TestFollow(t *testing.T) {
	inFeedTime(t, func(t *testing.T, feed *memoryFeed) {
		feed.revoke("a", "b", "c", "d", "e") // three pages
		f := follow(t, feed, nil)
		f.is(t, "a", false, jwt.ErrRevocationsUnavailable) // not known yet
		if err := f.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			f.is(t, id, true, nil)
		}
		f.is(t, "f", false, nil)
		f.is(t, "", false, nil)
		if over, err := f.Revoked(t.Context(), jwt.SessionRef{EventID: "event-c"}); !over || err != nil {
			t.Errorf("by event_id: %v, %v", over, err)
		}
		feed.revoke("f")
		synctest.Wait()
		f.is(t, "f", true, nil)
		time.Sleep(10 * time.Minute) // signs of life keep it fresh
		f.is(t, "g", false, nil)
		if told := f.told(); len(told) > 0 || len(feed.requests()) != 1 {
			t.Errorf("%d requests, errors %v", len(feed.requests()), told)
		}
		f.Stop()
		f.Stop()
		f.is(t, "g", false, nil)
		time.Sleep(31 * time.Second)
		f.is(t, "g", false, jwt.ErrRevocationsUnavailable)
		f.is(t, "f", true, nil) // what is known stays known
	})
}

// TestFeedDown: a feed that breaks fails as configured, at the configured time,
// and says so; what happened meanwhile is caught up with.
func TestFeedDown(t *testing.T) {
	for name, options := range map[string]func(*jwt.RevocationOptions){"closed": nil, "open": failOpen} {
		t.Run(name, func(t *testing.T) {
			inFeedTime(t, func(t *testing.T, feed *memoryFeed) {
				stale := jwt.ErrRevocationsUnavailable
				if options != nil {
					stale = nil
				}
				feed.revoke("a")
				f := follow(t, feed, options)
				synctest.Wait()
				feed.change(func(m *memoryFeed) { m.down = true })
				time.Sleep(30 * time.Second)
				f.is(t, "a", true, nil)
				f.is(t, "b", false, nil)
				before := len(f.told())
				if before == 0 || errors.Is(f.told()[before-1], jwt.ErrRevocationsUnavailable) {
					t.Errorf("told before it was stale: %v", f.told())
				}
				time.Sleep(time.Second)
				f.is(t, "b", false, stale)
				f.is(t, "a", true, nil)
				time.Sleep(10 * time.Second)
				if told := f.told(); !errors.Is(told[len(told)-1], jwt.ErrRevocationsUnavailable) {
					t.Errorf("told when it was stale: %v", told[before:])
				}
				feed.revoke("b")
				f.is(t, "b", false, stale)
				feed.change(func(m *memoryFeed) { m.down = false })
				time.Sleep(11 * time.Second) // two attempts
				f.is(t, "b", true, nil)
				f.is(t, "c", false, nil)
				asked := feed.requests()
				last := asked[len(asked)-1]
				if last.query != "after=1" && !strings.HasPrefix(last.query, "after=2") {
					t.Errorf("it asked for %q, not from where it was", last.query)
				}
			})
		})
	}
}

// TestFeedNeverUp: nothing passes, or all with a word, before the feed was heard.
func TestFeedNeverUp(t *testing.T) {
	inFeedTime(t, func(t *testing.T, feed *memoryFeed) {
		feed.down = true
		closed, open := follow(t, feed, nil), follow(t, feed, failOpen)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := closed.Ready(ctx)
		if !errors.Is(err, jwt.ErrRevocationsUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ready: %v", err)
		}
		closed.is(t, "a", false, jwt.ErrRevocationsUnavailable)
		open.is(t, "a", false, nil)
		for _, f := range []*follower{closed, open} {
			if told := f.told(); len(told) == 0 || !errors.Is(told[0], jwt.ErrRevocationsUnavailable) {
				t.Errorf("told %v", told)
			}
		}
		closed.Stop()
		if err := closed.Ready(t.Context()); !errors.Is(err, jwt.ErrRevocationsUnavailable) {
			t.Errorf("Ready after Stop: %v", err)
		}
	})
}

// TestFollowBackoff: pauses grow to at most five seconds, and differ.
func TestFollowBackoff(t *testing.T) {
	inFeedTime(t, func(t *testing.T, feed *memoryFeed) {
		feed.down = true
		follow(t, feed, nil)
		time.Sleep(10 * time.Minute)
		asked := feed.requests()
		distinct := map[time.Duration]bool{}
		for i, ask := range asked[1:] {
			gap := ask.at.Sub(asked[i].at)
			most := min(200*time.Millisecond<<min(i+1, 10), 5*time.Second)
			if gap < most/2 || gap >= most {
				t.Errorf("pause %d is %v, want between %v and %v", i, gap, most/2, most)
			}
			distinct[gap] = true
		}
		if n := len(asked); n < 120 || n > 260 || len(distinct) < n/2 {
			t.Errorf("%d attempts in ten minutes with %d different pauses", n, len(distinct))
		}
	})
}

// TestFollowPolls: where streams do not come through, requests that wait do, and
// the stream gets another chance.
func TestFollowPolls(t *testing.T) {
	for name, spoil := range map[string]func(*memoryFeed){
		"no streams":      func(m *memoryFeed) { m.pollOnly = true },
		"streams held up": func(m *memoryFeed) { m.mute = true },
		"no waiting":      func(m *memoryFeed) { m.pollOnly, m.hasty = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			inFeedTime(t, func(t *testing.T, feed *memoryFeed) {
				spoil(feed)
				feed.revoke("a", "b", "c")
				f := follow(t, feed, nil)
				time.Sleep(13 * time.Second) // twelve of silence, and a pause
				f.is(t, "c", true, nil)
				f.is(t, "d", false, nil)
				feed.revoke("d")
				time.Sleep(time.Second)
				f.is(t, "d", true, nil)
				time.Sleep(4 * time.Minute)
				f.is(t, "e", false, nil)
				if n := len(feed.requests()); n > 600 || len(f.told()) != 1 {
					t.Errorf("%d requests in four minutes, errors %v", n, f.told())
				}
				feed.change(func(m *memoryFeed) { m.pollOnly, m.mute, m.hasty = false, false, false })
				time.Sleep(2 * time.Minute)
				f.is(t, "e", false, nil)
				if asked := feed.requests(); !asked[len(asked)-1].stream {
					t.Errorf("the stream was not tried again: %+v", asked[len(asked)-1])
				}
			})
		})
	}
}

// TestFollowStartsOver: a feed that lost its end or its beginning is read anew,
// and nothing that was known is forgotten.
func TestFollowStartsOver(t *testing.T) {
	inFeedTime(t, func(t *testing.T, feed *memoryFeed) {
		feed.revoke("a", "b", "c")
		f := follow(t, feed, nil)
		synctest.Wait()
		feed.change(func(m *memoryFeed) { m.down = true })
		time.Sleep(time.Second)
		feed.change(func(m *memoryFeed) { m.entries = nil })
		feed.revoke("d")
		feed.change(func(m *memoryFeed) { m.down = false })
		time.Sleep(10 * time.Second)
		for _, id := range []string{"a", "b", "c", "d"} {
			f.is(t, id, true, nil)
		}
		f.is(t, "e", false, nil)
	})
}

// TestFollowForgets: what no token can refer to any more takes no memory, and
// more than fits is a failure that is told.
func TestFollowForgets(t *testing.T) {
	inFeedTime(t, func(t *testing.T, feed *memoryFeed) {
		feed.lifted = 10 * time.Minute
		f := follow(t, feed, func(o *jwt.RevocationOptions) { o.MaxIDs = 2 })
		feed.revoke("a", "b")
		synctest.Wait()
		f.is(t, "b", true, nil)
		time.Sleep(11 * time.Minute) // and a minute for clocks that differ
		f.is(t, "b", true, nil)
		time.Sleep(2 * time.Minute)
		f.is(t, "b", false, nil)
		feed.revoke("c", "d")
		synctest.Wait()
		f.is(t, "d", true, nil)
		feed.revoke("e")
		time.Sleep(time.Minute)
		f.is(t, "e", false, jwt.ErrRevocationsUnavailable)
		told := f.told()
		if len(told) == 0 || !strings.Contains(told[0].Error(), "MaxIDs") {
			t.Errorf("told %v", told)
		}
		time.Sleep(12 * time.Minute)
		f.is(t, "d", false, nil)
		f.is(t, "f", false, nil)
	})
}

// TestFollowUser: an entry for a user covers the tokens that were issued to the
// user before a time, except those of some sessions.
func TestFollowUser(t *testing.T) {
	inFeedTime(t, func(t *testing.T, feed *memoryFeed) {
		const sub = "0ccccccc-0000-4000-8000-000000000000"
		sum := sha256.Sum256([]byte(sub))
		user := base64.RawURLEncoding.EncodeToString(sum[:16])
		start := time.Now().Truncate(time.Second)
		f := follow(t, feed, nil)
		expect := func(what string, ref jwt.SessionRef, over bool) {
			t.Helper()
			synctest.Wait()
			if got, err := f.Revoked(t.Context(), ref); got != over || err != nil {
				t.Errorf("%s: over %v, error %v, want %v", what, got, err, over)
			}
		}
		of := func(event string, issued time.Time) jwt.SessionRef {
			return jwt.SessionRef{Subject: sub, OriginID: "origin-" + event, EventID: event, IssuedAt: issued}
		}
		feed.tell(fmt.Sprintf(`"event_id":"a","until":%d`, start.Add(time.Hour).Unix()))
		expect("one that ended", of("a", start), true)
		expect("another", of("b", start), false)
		cut := start.Add(10 * time.Second)
		tell := func(except, replaced string, until time.Time) {
			feed.tell(fmt.Sprintf(`"user":%q,"before":%d,"except":%s,"replaced":%s,"until":%d`, user, cut.Unix(), except, replaced, until.Unix()))
		}
		tell(`["live","exempt"]`, `["a"]`, start.Add(10*time.Minute))
		expect("one that was replaced", of("a", start), true)
		expect("one that was never named", of("b", cut.Add(-time.Second)), true)
		expect("one without a time", jwt.SessionRef{Subject: sub, EventID: "b"}, true)
		expect("a token of the same second", of("c", cut), false)
		expect("a later one", of("c", cut.Add(time.Hour)), false)
		expect("one that goes on", of("live", start), false)
		expect("another that goes on", of("exempt", start), false)
		expect("another user's", jwt.SessionRef{Subject: "0ddddddd", EventID: "b", IssuedAt: start}, false)
		expect("a token without a user", jwt.SessionRef{EventID: "b", IssuedAt: start}, false)
		tell(`[]`, `[]`, start.Add(20*time.Minute))
		expect("one that went on", of("live", start), true)
		cut = start.Add(-time.Hour)
		tell(`["a","b","live"]`, `[]`, start.Add(20*time.Minute))
		expect("one that an older entry excepts", of("live", start), true)
		feed.tell(fmt.Sprintf(`"event_id":"c","until":%d`, start.Add(time.Hour).Unix()))
		expect("one that ended later", of("c", start.Add(time.Minute)), true)
		time.Sleep(23 * time.Minute)
		expect("one of the entry whose time has passed", of("b", start), false)
		expect("one whose time has not", of("c", start.Add(time.Minute)), true)
		if told := f.told(); len(told) > 0 {
			t.Errorf("errors %v", told)
		}
	})
}

// TestFollowUserLimit: exceptions count like ids, and an entry that does not fit
// takes nothing away.
func TestFollowUserLimit(t *testing.T) {
	inFeedTime(t, func(t *testing.T, feed *memoryFeed) {
		until := time.Now().Add(time.Hour).Unix()
		f := follow(t, feed, func(o *jwt.RevocationOptions) { o.MaxIDs = 4 })
		feed.revoke("a", "b", "c")
		feed.tell(fmt.Sprintf(`"user":"AAAAAAAAAAAAAAAAAAAAAA","before":1,"except":["x","y"],"replaced":["event-a","event-b"],"until":%d`, until))
		synctest.Wait()
		f.is(t, "a", false, nil) // the user is not the one of the entry
		f.is(t, "c", true, nil)
		feed.revoke("d")
		synctest.Wait()
		if told := f.told(); len(told) != 1 || !strings.Contains(told[0].Error(), "MaxIDs") {
			t.Errorf("told %v", told)
		}
		f.is(t, "c", true, nil)
		f.Stop()
	})
}

// TestFeedDocuments: a document that cannot be taken whole is not taken at all.
func TestFeedDocuments(t *testing.T) {
	const good = `{"origin_jti":"x","until":99999999999}`
	for name, raw := range map[string]string{
		"not JSON":       "<html>",
		"no next":        `{"revocations":[]}`,
		"negative next":  `{"revocations":[],"next":-1}`,
		"next as text":   `{"revocations":[],"next":"1"}`,
		"no list":        `{"next":1}`,
		"null list":      `{"revocations":null,"next":1}`,
		"entry as text":  `{"revocations":["x"],"next":1}`,
		"no id":          `{"revocations":[` + good + `,{"until":99999999999}],"next":1}`,
		"no user":        `{"revocations":[{"before":1767225600,"until":99999999999}],"next":1}`,
		"short user":     `{"revocations":[{"user":"AAAA","before":1767225600,"until":99999999999}],"next":1}`,
		"user not text":  `{"revocations":[{"user":"AAAAAAAAAAAAAAAAAAAAA+","before":1767225600,"until":99999999999}],"next":1}`,
		"user, no time":  `{"revocations":[{"user":"AAAAAAAAAAAAAAAAAAAAAA","until":99999999999}],"next":1}`,
		"except as text": `{"revocations":[{"user":"AAAAAAAAAAAAAAAAAAAAAA","before":1767225600,"except":"x","until":99999999999}],"next":1}`,
		"except numbers": `{"revocations":[{"user":"AAAAAAAAAAAAAAAAAAAAAA","before":1767225600,"except":["x",1],"until":99999999999}],"next":1}`,
		"empty except":   `{"revocations":[{"user":"AAAAAAAAAAAAAAAAAAAAAA","before":1767225600,"except":[""],"until":99999999999}],"next":1}`,
		"replaced null":  `{"revocations":[{"user":"AAAAAAAAAAAAAAAAAAAAAA","before":1767225600,"replaced":null,"until":99999999999}],"next":1}`,
		"no time":        `{"revocations":[` + good + `,{"event_id":"y"}],"next":1}`,
		"milliseconds":   `{"revocations":[{"event_id":"y","until":1767225600000}],"next":1}`,
		"long id":        `{"revocations":[{"event_id":"` + strings.Repeat("y", 129) + `","until":99999999999}],"next":1}`,
		"number as id":   `{"revocations":[{"event_id":7,"until":99999999999}],"next":1}`,
		"twice":          `{"revocations":[],"next":1,"next":2}`,
		"stands still":   `{"revocations":[],"next":0,"more":true}`,
		"too many":       `{"revocations":[` + strings.Repeat(good+",", 4096) + good + `],"next":1}`,
		"too large":      `{"revocations":[],"next":1,"x":"` + strings.Repeat("x", 1<<20) + `"}`,
		"nothing at all": " ",
	} {
		t.Run(name, func(t *testing.T) {
			inFeedTime(t, func(t *testing.T, feed *memoryFeed) {
				feed.raw = raw
				f := follow(t, feed, nil)
				time.Sleep(30 * time.Second) // streams and polls
				f.is(t, "x", false, jwt.ErrRevocationsUnavailable)
				if len(f.told()) < 2 {
					t.Errorf("told %v", f.told())
				}
				for _, err := range f.told() {
					if len(err.Error()) > 400 {
						t.Errorf("an error of %d bytes", len(err.Error()))
					}
				}
			})
		})
	}
}

func TestFollowOptions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		issuer string
		change func(*jwt.RevocationOptions)
		want   string
	}{
		"plain http":           {"http://idp.example.com/pool", nil, "https"},
		"no URL":               {"", nil, "host"},
		"short":                {issuer, func(o *jwt.RevocationOptions) { o.MaxStale = time.Second }, "MaxStale"},
		"negative":             {issuer, func(o *jwt.RevocationOptions) { o.MaxIDs = -1 }, "MaxIDs"},
		"mode":                 {issuer, func(o *jwt.RevocationOptions) { o.WhenStale = 7 }, "FailClosed"},
		"open and nobody told": {issuer, failOpen, "OnError"},
	} {
		r, err := jwt.FollowRevocations(test.issuer, func(o *jwt.RevocationOptions) {
			if test.change != nil {
				test.change(o)
			}
		})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one about %s", name, err, test.want)
		}
		if err == nil {
			r.Stop()
		}
	}
}
