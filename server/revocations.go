package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

const (
	feedPage = 500
	// feedPageIDs is how many ids a page names before it ends. An entry for a user
	// may name more, as many as the user may have sessions.
	feedPageIDs = 5000
	// feedMaxWait is the longest that a request may ask to wait, under a minute
	// because proxies give up then.
	feedMaxWait = 55 * time.Second
	// feedHeartbeat is how often an idle stream shows that it lives. Storage is
	// read then too, in case another process shares it.
	feedHeartbeat = 5 * time.Second
	// feedWriteTimeout bounds each write: who reads slower loses the connection,
	// and continues later from the last event's id.
	feedWriteTimeout = 10 * time.Second
)

// errFeedGone means that a feed does not continue from where a follower was.
var errFeedGone = errors.New("this feed does not continue from there: begin again without after")

// revocationPage is the document of the feed; see the package documentation.
type revocationPage struct {
	Revocations []revocationEntry `json:"revocations"`
	Next        int64             `json:"next"`
	More        bool              `json:"more,omitzero"`
}

// revocationEntry is an entry for a session, with an EventID, or for a user.
type revocationEntry struct {
	Seq       int64    `json:"seq"`
	OriginJTI string   `json:"origin_jti,omitzero"`
	EventID   string   `json:"event_id,omitzero"`
	User      string   `json:"user,omitzero"`
	Before    int64    `json:"before,omitzero"`
	Except    []string `json:"except,omitempty"`
	Replaced  []string `json:"replaced,omitempty"`
	Until     int64    `json:"until"`
}

// feedUser names a user in the public feed to those who know the sub, from a token.
func feedUser(sub string) string {
	sum := sha256.Sum256([]byte(sub))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func feedEntry(r storage.Revocation) revocationEntry {
	e := revocationEntry{
		Seq: r.Seq, OriginJTI: r.OriginJTI, EventID: r.SessionID, Except: r.Except, Replaced: r.Replaced,
		Until: r.Until.Add(time.Second - 1).Unix(),
	}
	if !r.Before.IsZero() {
		e.User, e.Before = feedUser(r.UserSub), r.Before.Unix()
	}
	return e
}

// serveRevocations answers followers of a pool's feed of revocations.
func (s *Server) serveRevocations(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept")
	if !s.admits(s.sources, r) {
		http.Error(w, "too many requests", http.StatusTooManyRequests)
		return
	}
	streams := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	after, wait, err := feedPosition(r, streams)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reader, ok := s.feed.join(r.PathValue("pool"), s.source(r))
	switch {
	case ok:
		defer reader.leave()
		unhurried(w)
	case streams:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many followers wait: poll without waiting", http.StatusServiceUnavailable)
		return
	default:
		wait = 0 // who polls is served, only not at leisure
	}
	if streams {
		s.streamRevocations(w, r, reader, after)
	} else {
		s.pollRevocations(w, r, reader, after, wait)
	}
}

// unhurried lifts the server's bounds on a whole request, which is meant to
// last: what is written is bounded write by write.
func unhurried(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // a connection that cannot keeps its bounds
	_ = control.SetWriteDeadline(time.Now().Add(feedMaxWait + feedWriteTimeout))
}

// feedPosition reads where a follower is and how long it would wait. The header
// of a stream that reconnects goes before the URL it began with (HTML standard,
// section 9.2.4).
func feedPosition(r *http.Request, streams bool) (after int64, wait time.Duration, err error) {
	query := r.URL.Query()
	position, seconds := query.Get("after"), query.Get("wait")
	if last := r.Header.Get("Last-Event-ID"); streams && last != "" {
		position = last
	}
	if position != "" {
		if after, err = strconv.ParseInt(position, 10, 64); err != nil || after < 0 {
			return 0, 0, errors.New("after and Last-Event-ID must be what next or an event's id was: a whole number")
		}
	}
	if seconds != "" {
		n, err := strconv.ParseUint(seconds, 10, 31)
		if err != nil {
			return 0, 0, errors.New("wait must be a whole number of seconds")
		}
		wait = min(time.Duration(n)*time.Second, feedMaxWait)
	}
	return after, wait, nil
}

// readPage reads the page behind after.
func (s *Server) readPage(ctx context.Context, poolID string, after int64) (*revocationPage, error) {
	page := &revocationPage{Next: after, Revocations: []revocationEntry{}}
	err := s.store.View(ctx, func(tx storage.Tx) error {
		if _, err := tx.Pools.Pool(poolID); err != nil {
			return err
		}
		last, err := continues(tx, poolID, after)
		if err != nil {
			return err
		}
		list, err := tx.Revocations.List(poolID, after, feedPage)
		page.fill(list, last)
		return err
	})
	return page, err
}

// continues gives the pool's last number, or errFeedGone when the feed does not
// continue from after: all up to there is pruned, and something behind it too; or
// the number is beyond the last, and so from a database that is lost.
func continues(tx storage.Tx, poolID string, after int64) (last int64, err error) {
	pruned, last, err := tx.Revocations.Bounds(poolID)
	if err != nil || after > last {
		return last, cmp.Or(err, errFeedGone)
	}
	if after == 0 || after >= pruned {
		return last, nil
	}
	first, err := tx.Revocations.List(poolID, 0, 1)
	if err == nil && (len(first) == 0 || first[0].Seq > after) {
		err = errFeedGone
	}
	return last, err
}

// fill takes over the beginning of a list. A full page leaves the rest for the
// next; otherwise the follower has all up to the last number, pruned or not.
func (p *revocationPage) fill(list []storage.Revocation, last int64) {
	p.More = len(list) == feedPage
	ids := 0
	for i, r := range list {
		if ids += 1 + len(r.Except) + len(r.Replaced); i > 0 && ids > feedPageIDs {
			p.More = true
			break
		}
		p.Revocations = append(p.Revocations, feedEntry(r))
		p.Next = r.Seq
	}
	if !p.More {
		p.Next = last
	}
}

// pollRevocations answers with one page, and waits for its first entry.
func (s *Server) pollRevocations(w http.ResponseWriter, r *http.Request, reader *reader, after int64, wait time.Duration) {
	end := time.Now().Add(wait)
	for {
		var news <-chan struct{}
		if reader != nil {
			news = reader.news()
		}
		page, err := s.readPage(r.Context(), r.PathValue("pool"), after)
		if err != nil {
			s.feedFailed(w, r, err)
			return
		}
		left := time.Until(end)
		if len(page.Revocations) > 0 || left <= 0 || !reader.wait(r.Context(), news, min(left, feedHeartbeat)) {
			s.writePage(w, r, page)
			return
		}
	}
}

func (s *Server) writePage(w http.ResponseWriter, r *http.Request, page *revocationPage) {
	document, err := wire.Marshal(page)
	if err != nil {
		s.documentFailed(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(document)
}

func (s *Server) feedFailed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errFeedGone) {
		http.Error(w, err.Error(), http.StatusGone)
		return
	}
	s.documentFailed(w, r, err)
}

// streamRevocations sends pages as events until the follower disconnects or the service stops.
// It sends the first event at once, even without entries: the follower learns its position from
// it, and that it has all entries so far.
func (s *Server) streamRevocations(w http.ResponseWriter, r *http.Request, reader *reader, after int64) {
	news := reader.news()
	page, err := s.readPage(r.Context(), reader.pool, after)
	if err != nil {
		s.feedFailed(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	for event := true; ; event = len(page.Revocations) > 0 {
		if err := sendPage(w, page, event); err != nil {
			return
		}
		if !page.More && !reader.wait(r.Context(), news, feedHeartbeat) {
			return
		}
		news = reader.news()
		if page, err = s.readPage(r.Context(), reader.pool, page.Next); err != nil {
			return // the follower learns why when it asks again
		}
	}
}

// sendPage writes a page as an event, or else a comment.
func sendPage(w http.ResponseWriter, page *revocationPage, event bool) error {
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(feedWriteTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	text := ": nothing new\n\n"
	if event {
		document, err := wire.Marshal(page)
		if err != nil {
			return err
		}
		text = fmt.Sprintf("id: %d\nevent: revocations\ndata: %s\n\n", page.Next, document)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	return control.Flush()
}
