package sessionpage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// glance is how often a stream looks whether the service has ended the session,
	// which costs no request, and breath how often it looks at everything and says
	// that it is there.
	glance = time.Second
	breath = 10 * time.Second
	// writeTime is how long a browser may take to take an event.
	writeTime = 10 * time.Second
)

// stream serves GET /session/events: the page's parts, whenever they change
// (server-sent events; HTML, section 9.2). The query says which layout the page has;
// the event "reload" asks for the other one, or for a new cookie.
func (p *Page) stream(w http.ResponseWriter, r *http.Request) {
	v, stale := p.find(r)
	switch {
	case v == nil && !stale, v != nil && !p.open(v):
		w.WriteHeader(http.StatusNoContent) // the browser does not ask again
		return
	case v != nil:
		defer p.shut(v)
	}
	out := &sender{w: w, control: http.NewResponseController(w), sent: make(map[string]string)}
	// The server's own limits are for requests that have an end.
	if err := out.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	if v == nil {
		_ = out.send("reload", "{}")
		return
	}
	p.follow(r.Context(), out, v, r.URL.Query().Get("layout"))
}

// follow sends what changes until the browser goes, or the service.
func (p *Page) follow(ctx context.Context, out *sender, v *visitor, layout string) {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	for {
		news := v.news()
		if !p.sendChanges(ctx, out, v, layout) {
			return
		}
		for next, due := false, time.Now().Add(breath); !next; {
			select {
			case <-ctx.Done():
				return
			case <-p.over:
				return
			case <-news:
				next = true
			case now := <-ticker.C:
				p.checkRevoked(ctx, v)
				next = now.After(due)
			}
		}
	}
}

// sendChanges sends the parts that are not what was sent last. It is false when the
// stream is over.
func (p *Page) sendChanges(ctx context.Context, out *sender, v *visitor, layout string) bool {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	page := p.look(bounded, v)
	if page.Layout != layout || v.replaced() {
		_ = out.send("reload", "{}")
		return false
	}
	if err := page.fillParts(); err != nil {
		p.cfg.Logger.ErrorContext(ctx, "the session page cannot be drawn", "error", err)
		return false
	}
	for _, id := range partsOf[layout] {
		part := page.Part(id)
		if out.sent[id] == part.Version {
			continue
		}
		out.sent[id] = part.Version
		text, err := json.Marshal(part) // one line: the JSON has no line breaks
		if err != nil || out.send("part", string(text)) != nil {
			return false
		}
	}
	return out.write(": here\n\n") == nil
}

// sender writes events.
type sender struct {
	w       http.ResponseWriter
	control *http.ResponseController
	sent    map[string]string // versions, by part
}

func (s *sender) send(event, data string) error {
	return s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", event, data))
}

func (s *sender) write(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
