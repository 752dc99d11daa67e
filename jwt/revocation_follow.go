package jwt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// feedSilence is how long a connection may say nothing: the service sends a
	// sign of life every five seconds.
	feedSilence = 12 * time.Second
	// feedWait is how long a request asks to wait for news.
	feedWait = 10 * time.Second
	// feedPause keeps a service that does not wait, though asked to, from being
	// asked all the time.
	feedPause = 500 * time.Millisecond
	// pollFor is how long requests that wait do instead of a stream before the
	// stream is tried again.
	pollFor = 5 * time.Minute

	firstBackoff = 200 * time.Millisecond
	maxBackoff   = 5 * time.Second

	eventStream = "text/event-stream"
)

// errStartOver means that the feed does not continue from where we were.
var errStartOver = errors.New("it does not continue from before; it is read from its beginning")

// run follows the feed until ctx ends. A stream that brings nothing, as behind a
// proxy that holds it back, gives way to polling; polling gives way to a stream
// when it fails, or after a while.
func (r *Revocations) run(ctx context.Context) {
	defer close(r.done)
	defer func() {
		if ctx.Err() == nil {
			r.tell(errGoexit)
		}
	}()
	streams := true
	for failures := 0; ; {
		before := r.heard.Load()
		follow := r.poll
		if streams {
			follow = r.stream
		}
		err := protect(func() error { return follow(ctx) })
		if ctx.Err() != nil {
			return
		}
		heard := r.heard.Load() != before
		streams = !streams || heard || errors.Is(err, errStartOver)
		if err == nil {
			continue
		}
		if errors.Is(err, errStartOver) {
			r.next = 0
		}
		r.tell(err)
		if failures++; heard {
			failures = 0
		}
		if !pause(ctx, backoff(failures)) {
			return
		}
	}
}

// tell reports a failure.
func (r *Revocations) tell(err error) {
	if r.options.OnError == nil {
		return
	}
	err = fmt.Errorf("revocation feed: %w", err)
	if r.stale() {
		err = &Error{Kind: ErrRevocationsUnavailable, Err: err}
	} else {
		err = fmt.Errorf("jwt: %w", err)
	}
	report(r.options.OnError, err)
}

// backoff doubles with each failure in a row, and is drawn from its upper half.
func backoff(failures int) time.Duration {
	most := min(firstBackoff<<min(failures, 10), maxBackoff)
	return most/2 + rand.N(most/2)
}

// pause reports whether it lasted to its end.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ask makes one request, and returns the body of an answer of this media type.
func (r *Revocations) ask(ctx context.Context, media string, wait time.Duration) (io.ReadCloser, error) {
	query := "?after=" + strconv.FormatInt(r.next, 10)
	if wait > 0 {
		query += "&wait=" + strconv.Itoa(int(wait/time.Second))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+query, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", media)
	response, err := r.client.Do(request)
	if err != nil {
		return nil, cause(ctx, err)
	}
	got, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case response.StatusCode == http.StatusGone:
		err = errStartOver
	case response.StatusCode != http.StatusOK:
		err = fmt.Errorf("status %d; expected 200, redirects are not followed", response.StatusCode)
	case got != media:
		err = fmt.Errorf("its type is %s; expected %s", quote(got), media)
	default:
		return response.Body, nil
	}
	_ = response.Body.Close()
	return nil, err
}

// cause prefers the reason a context was ended to what that led to.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// poll follows the feed by requests that wait for news. The first one does not
// wait, so that it is known at once where we are. It returns nil when it is
// time to try a stream again.
func (r *Revocations) poll(ctx context.Context) error {
	wait := time.Duration(0)
	for end := time.Now().Add(pollFor); time.Now().Before(end); {
		start := time.Now()
		page, err := r.askPage(ctx, wait)
		if err != nil {
			return err
		}
		if err := r.apply(page); err != nil {
			return err
		}
		if page.more {
			wait = 0
			continue
		}
		r.current()
		if len(page.entries) == 0 && time.Since(start) < wait && !pause(ctx, feedPause) {
			return context.Cause(ctx)
		}
		wait = feedWait
	}
	return nil
}

func (r *Revocations) askPage(ctx context.Context, wait time.Duration) (*feedPage, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+fetchTimeout)
	defer cancel()
	body, err := r.ask(ctx, "application/json", wait)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxFeedPage+1))
	if err != nil {
		return nil, cause(ctx, err)
	}
	return parsePage(string(text))
}

// stream follows the feed as server-sent events until it breaks.
func (r *Revocations) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := fmt.Errorf("it said nothing for %v", feedSilence)
	watchdog := time.AfterFunc(feedSilence, func() { cancel(silence) })
	defer watchdog.Stop()
	body, err := r.ask(ctx, eventStream, 0)
	if err != nil {
		return err
	}
	defer body.Close()
	events := eventReader{lines: bufio.NewReaderSize(body, maxFeedPage), alive: func() { watchdog.Reset(feedSilence) }}
	for knowing := false; ; {
		page, err := events.next()
		if err != nil {
			return cause(ctx, err)
		}
		if page != nil {
			if err := r.apply(page); err != nil {
				return err
			}
			knowing = !page.more
		}
		if knowing {
			r.current()
		}
	}
}

// eventReader reads server-sent events (HTML standard, section 9.2.6).
type eventReader struct {
	lines *bufio.Reader
	alive func() // called for each line
	name  string
	data  strings.Builder
}

// next gives the page of the next event, or nil for a comment.
func (e *eventReader) next() (*feedPage, error) {
	for {
		line, err := e.lines.ReadSlice('\n')
		if err == io.EOF {
			return nil, errors.New("the stream ended")
		} else if err != nil {
			return nil, err
		}
		e.alive()
		text := strings.TrimRight(string(line), "\r\n")
		field, value, _ := strings.Cut(text, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case text == "":
			if page, err := e.dispatch(); page != nil || err != nil {
				return page, err
			}
		case field == "" && e.data.Len() == 0:
			return nil, nil
		case field == "event":
			e.name = value
		case field == "data" && e.data.Len()+len(value) > maxFeedPage:
			return nil, fmt.Errorf("an event is larger than %d bytes", maxFeedPage)
		case field == "data":
			e.data.WriteString(value)
			e.data.WriteByte('\n')
		}
	}
}

// dispatch ends an event. Events of other names are for others.
func (e *eventReader) dispatch() (*feedPage, error) {
	name, data := e.name, e.data.String()
	e.name = ""
	e.data.Reset()
	if name != "revocations" || data == "" {
		return nil, nil
	}
	return parsePage(strings.TrimSuffix(data, "\n"))
}
