package cognito

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// maxAnswer bounds an answer in bytes. Tokens and user attributes stay far below.
const maxAnswer = 1 << 20

// ErrTimeout is the cause of a context that this client bounded itself, so that its
// end is told from the caller's.
var ErrTimeout = errors.New("no answer in time")

// errTooLong is the cause of an answer beyond maxAnswer.
var errTooLong = errors.New("the answer is longer than 1 MiB")

// Endpoint calls one service. It is not changed once it is in use, and is safe for
// concurrent use.
type Endpoint struct {
	URL     string
	Service wire.Service
	Client  *http.Client
	Agent   string        // the value of X-Amz-User-Agent
	Timeout time.Duration // of one call, from its start to the last byte
	Reached func()        // if set, called after each success
}

// Timing is when a call happened, on this machine's clock and on the service's.
type Timing struct {
	At      time.Time // the middle of the call, with its monotonic reading
	Service time.Time // the answer's Date header; zero without one
}

// Call sends one request and decodes its answer into out; a nil out expects an
// answer without content. Errors are *fault.Fault, or the context's error when the
// caller's context ended.
func (e *Endpoint) Call(ctx context.Context, op string, in, out any) (Timing, error) {
	body, err := wire.Marshal(in)
	if err != nil {
		return Timing{}, &fault.Fault{Op: op, Kind: fault.InvalidParameter, Err: err}
	}
	return e.roundTrip(ctx, op, out, func(r *http.Request) {
		r.Header.Set("Content-Type", wire.ContentType)
		r.Header.Set(wire.HeaderTarget, wire.Target(e.Service, op))
	}, body)
}

// Submit posts a form to the token endpoint at address, authenticated as an app
// client (RFC 6749, sections 2.3.1 and 3.2). Answers and errors are as for Call.
func (e *Endpoint) Submit(ctx context.Context, address string, form url.Values, clientID string, clientSecret store.Secret, out any) (Timing, error) {
	tokens := *e
	tokens.URL, tokens.Reached = address, nil
	return tokens.roundTrip(ctx, OpToken, out, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "application/json")
		if !clientSecret.IsZero() {
			r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(clientSecret.Reveal()))
		}
	}, []byte(form.Encode()))
}

// roundTrip sends one request, which prepare completes, and reads its answer.
func (e *Endpoint) roundTrip(ctx context.Context, op string, out any, prepare func(*http.Request), body []byte) (Timing, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, e.Timeout, ErrTimeout)
	defer cancel()
	sent := time.Now()
	got, err := e.exchange(bounded, prepare, body)
	when := Timing{At: sent.Add(time.Since(sent) / 2)}
	if err != nil {
		return when, transportFault(ctx, bounded, op, err)
	}
	when.Service, _ = http.ParseTime(got.header.Get("Date"))
	if got.status != http.StatusOK {
		return when, refusal(op, got)
	}
	if err := got.decode(out); err != nil {
		return when, unusable(op, got, err)
	}
	if e.Reached != nil {
		e.Reached()
	}
	return when, nil
}

// answer is one HTTP answer, read whole. A body beyond maxAnswer is nil.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// exchange does one HTTP round trip.
func (e *Endpoint) exchange(ctx context.Context, prepare func(*http.Request), body []byte) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	prepare(request)
	request.Header.Set("X-Amz-User-Agent", e.Agent)
	request.Header.Set("Cache-Control", "no-store")
	response, err := e.Client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil && response.StatusCode == http.StatusOK {
		return answer{}, err
	}
	if len(read) > maxAnswer {
		read = nil
	}
	return answer{response.StatusCode, response.Header, read}, nil
}

// errForeign is the cause of a success in another format than JSON.
var errForeign = errors.New("the answer is not JSON")

// decode reads a success. What is not JSON and says so did not come from the service: a
// captive portal answers 200 too, and its answer, though it be empty, must not pass for a
// done sign-out.
func (a answer) decode(out any) error {
	switch {
	case a.body == nil:
		return errTooLong
	case out == nil && len(a.body) == 0 && !a.foreign():
		return nil // operations without an output may answer nothing
	case out == nil:
		out = new(struct{})
	}
	err := wire.Unmarshal(a.body, out)
	if err != nil && a.foreign() {
		return errForeign
	}
	return err
}

// foreign reports whether the answer says that it is something else than JSON.
func (a answer) foreign() bool {
	kind := a.header.Get("Content-Type")
	return kind != "" && !strings.Contains(strings.ToLower(kind), "json")
}
