package sessionpage

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey"
)

// listener is a tab that follows the stream.
type listener struct {
	t      *testing.T
	events chan [2]string
}

// listen opens the stream of a layout; the test ends it.
func (b *browser) listen(layout string) (status int, l *listener) {
	b.w.t.Helper()
	answer, err := b.client.Do(b.request(http.MethodGet, "/session/events?layout="+layout))
	if err != nil {
		b.w.t.Fatal(err)
	}
	l = &listener{b.w.t, make(chan [2]string, 64)}
	b.w.t.Cleanup(func() { answer.Body.Close() })
	go func() {
		defer close(l.events)
		lines, event := bufio.NewScanner(answer.Body), ""
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			b.w.mu.Lock()
			b.w.answers.WriteString(lines.Text())
			b.w.mu.Unlock()
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				event = name
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				l.events <- [2]string{event, data}
			}
		}
	}()
	return answer.StatusCode, l
}

const soon = 15 * time.Second

// next gives the next event; ok is false at the end of the stream.
func (l *listener) next() (event, data string, ok bool) {
	l.t.Helper()
	select {
	case e, ok := <-l.events:
		return e[0], e[1], ok
	case <-time.After(soon):
		l.t.Fatal("nothing came")
		return "", "", false
	}
}

// until reads on to a part that holds a text.
func (l *listener) until(id, text string) {
	l.t.Helper()
	for {
		event, data, ok := l.next()
		if !ok || event != "part" {
			l.t.Fatalf("%s before %q in %s", event, text, id)
		}
		var got part
		if err := json.Unmarshal([]byte(data), &got); err != nil {
			l.t.Fatal(err)
		}
		if got.ID == id && strings.Contains(string(got.HTML), text) {
			return
		}
	}
}

// wantReload reads on to the event that has the page loaded again, which is the last.
func (l *listener) wantReload() {
	l.t.Helper()
	for {
		event, _, ok := l.next()
		if !ok {
			l.t.Fatal("the stream ended without a word")
		}
		if event == "reload" {
			break
		}
	}
	if event, _, ok := l.next(); ok {
		l.t.Errorf("%s after reload", event)
	}
}

// TestStream: a tab is told of what happens, in parts, and only of what has changed.
func TestStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.signIn()
	status, tab := b.listen(layoutIn)
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	for _, id := range partsOf[layoutIn] {
		var got part
		event, data, _ := tab.next()
		if err := json.Unmarshal([]byte(data), &got); err != nil || event != "part" || got.ID != id {
			t.Fatalf("%s %s: %v, want %s", event, got.ID, err, id)
		}
	}
	b.post("/session/refresh")
	tab.until("events", "<strong>Refreshed</strong>")
	b.post("/session/sign-out")
	tab.wantReload()
}

// TestStreamVersions: what the page shows already has the version that the stream sends.
func TestStreamVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	page := b.get("/")
	_, tab := b.listen(layoutOut)
	for range partsOf[layoutOut] {
		var got part
		_, data, _ := tab.next()
		if err := json.Unmarshal([]byte(data), &got); err != nil {
			t.Fatal(err)
		}
		w.wants(page, `id="`+got.ID+`"`, `data-version="`+got.Version+`"`)
	}
}

// TestStreamHearsOfTheEnd: a session that somebody else ends is over in an open tab
// within seconds, though its tokens look good.
func TestStreamHearsOfTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.signIn()
	_, tab := b.listen(layoutIn)
	for range partsOf[layoutIn] {
		tab.next()
	}
	elsewhere, err := latchkey.New(w.service.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	if _, err := elsewhere.SignIn(t.Context(), latchkey.Password("demo", password)); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.GlobalSignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	tab.wantReload()
	w.wants(b.get("/"), "The service has ended the session", "Nobody is signed in")
}

// TestStreamRefusals: no cookie, one that nobody knows, the other layout, too many tabs.
func TestStreamRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if status, _ := w.browser().listen(layoutOut); status != http.StatusNoContent {
		t.Errorf("without a cookie: %d", status)
	}
	stale := w.browser()
	r := stale.request(http.MethodGet, "/session/events")
	r.Header.Set("Cookie", "latchkey-page-"+w.service.UserPoolID+"=gone")
	if status, _, text := stale.do(r); status != http.StatusOK || text != "event: reload\ndata: {}\n\n" {
		t.Errorf("with a stale cookie: %d %q", status, text)
	}
	b := w.browser()
	b.get("/")
	if _, tab := b.listen(layoutIn); true {
		tab.wantReload()
	}
	for i := range maxStreams {
		if status, _ := b.listen(layoutOut); status != http.StatusOK {
			t.Errorf("tab %d: %d", i, status)
		}
	}
	if status, _ := b.listen(layoutOut); status != http.StatusNoContent {
		t.Errorf("one tab too many: %d", status)
	}
}

// TestStreamEndsWithThePage: Close ends streams, so that a service can stop.
func TestStreamEndsWithThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get("/")
	_, tab := b.listen(layoutOut)
	for range partsOf[layoutOut] {
		tab.next()
	}
	if err := w.page.Close(); err != nil {
		t.Fatal(err)
	}
	if event, _, ok := tab.next(); ok {
		t.Errorf("%s after the end", event)
	}
}
