package latchkey

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Bounds of what is read from outside.
const (
	maxAnswer = 1 << 20 // bytes; tokens and user attributes stay far below
	maxCAFile = 1 << 20 // bytes
	maxText   = 400     // bytes of the service's message that an error shows
)

// endpoint speaks with one service: AWS JSON 1.1, or forms with the token endpoint.
type endpoint struct {
	url     string
	service wire.Service
	client  *http.Client
	timeout time.Duration // of one call, from its start to the last byte
	reached func()        // if set, called after each success
}

// moment is when a call happened, on our clock (with its monotonic reading) and
// on the service's.
type moment struct {
	at      time.Time // the middle of the call
	service time.Time // the answer's Date header; zero without one
}

// call sends one request and decodes its answer into out. Errors are *Error,
// or the caller's context error when it was the caller who gave up.
func (e *endpoint) call(ctx context.Context, op string, in, out any) (moment, error) {
	body, err := wire.Marshal(in)
	if err != nil {
		return moment{}, &Error{Op: op, Kind: ErrInvalidParameter, Err: err}
	}
	return e.converse(ctx, op, out, func(r *http.Request) {
		r.Header.Set("Content-Type", wire.ContentType)
		r.Header.Set(wire.HeaderTarget, wire.Target(e.service, op))
	}, body)
}

// submit posts a form to the token endpoint, where url leads, in the name of an app
// client (RFC 6749 sections 2.3.1 and 3.2). Answers and errors are as for call.
func (e *endpoint) submit(ctx context.Context, form url.Values, clientID string, secret Secret, out any) (moment, error) {
	return e.converse(ctx, opToken, out, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "application/json")
		if !secret.IsZero() {
			r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret.Reveal()))
		}
	}, []byte(form.Encode()))
}

// converse sends one request, which dress completes, and reads its answer.
func (e *endpoint) converse(ctx context.Context, op string, out any, dress func(*http.Request), body []byte) (moment, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, e.timeout, errTimeout)
	defer cancel()
	sent := time.Now()
	status, header, answer, err := e.exchange(bounded, dress, body)
	when := moment{at: sent.Add(time.Since(sent) / 2)}
	if err != nil {
		return when, transportFault(ctx, bounded, op, err)
	}
	when.service, _ = http.ParseTime(header.Get("Date"))
	if status != http.StatusOK {
		v, exception := judge(op, status, header, answer)
		return when, answerFault(op, v, exception)
	}
	if err := decodeAnswer(answer, out); err != nil {
		return when, malformed(op, header, err)
	}
	if e.reached != nil {
		e.reached()
	}
	return when, nil
}

// Causes of a call without a usable answer. errTimeout also marks contexts that
// this package bounded itself, so that their end is told from a caller's.
var (
	errTimeout = errors.New("no answer in time")
	errTooLong = errors.New("the answer is longer than 1 MiB")
)

// exchange does one HTTP round trip and reads the whole answer.
func (e *endpoint) exchange(ctx context.Context, dress func(*http.Request), body []byte) (int, http.Header, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	dress(request)
	request.Header.Set("X-Amz-User-Agent", "latchkey/"+Version)
	request.Header.Set("Cache-Control", "no-store")
	response, err := e.client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil && response.StatusCode == http.StatusOK {
		return 0, nil, nil, err
	}
	if len(answer) > maxAnswer {
		answer = nil // see decodeAnswer
	}
	return response.StatusCode, response.Header, answer, nil
}

// decodeAnswer reads a success. It checks that even an answer that holds nothing
// is Cognito's: a captive portal says 200 too, and a sign-out must not be called
// done because of it.
func decodeAnswer(answer []byte, out any) error {
	switch {
	case answer == nil:
		return errTooLong
	case out == nil && len(answer) == 0:
		return nil // an operation without an output may answer nothing
	case out == nil:
		out = new(struct{})
	}
	return wire.Unmarshal(answer, out)
}

// malformed is a success that cannot be understood: a captive portal's page, or
// an answer that was cut.
func malformed(op string, header http.Header, err error) *Error {
	v := verdict{class: classMalformed, retry: true}
	return &Error{
		Op: op, Kind: ErrService, Message: "the answer cannot be understood", Hint: v.hint(),
		RequestID: header.Get(wire.HeaderRequestID), Err: err, verdict: v,
	}
}

// answerFault is the error of an answer that is not a success.
func answerFault(op string, v verdict, e *wire.Exception) *Error {
	fault := &Error{
		Op: op, Kind: v.kind(e.Type), Code: e.Type, Message: presentable(e.Message), RequestID: e.RequestID,
		Hint: v.hint(), RetryAfter: v.wait, verdict: v,
	}
	if v.class == classConfig && (op == opIdentity || op == opCredentials) {
		fault.Hint = "check the identity pool's id, its login providers and its roles"
	}
	if e.Type == "" {
		fault.Message = fmt.Sprintf("HTTP status %d", e.Status)
	}
	return fault
}

// transportFault makes the one kind of network error that all operations share.
func transportFault(ctx, bounded context.Context, op string, err error) error {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errTimeout) {
		return ctx.Err() // the caller gave up
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err // the URL may hold what must not be printed
	}
	if errors.Is(context.Cause(bounded), errTimeout) {
		err = errTimeout
	}
	v := judgeTransport(err)
	hint := "check the network connection"
	if !v.retry {
		hint = "the service's certificate is not trusted; set Config.CAFile to its authority"
	}
	return &Error{Op: op, Kind: ErrNetwork, Hint: hint, Err: err, verdict: v}
}

// echoed is how Cognito repeats the value of a member that it does not like,
// which may be a password or a token.
var echoed = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s)Value '.*?' at '`) })

// presentable is the service's text on one line, without echoed values.
func presentable(message string) string {
	message = echoed().ReplaceAllLiteralString(message, "Value '[redacted]' at '")
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > maxText {
		message = strings.ToValidUTF8(message[:maxText], "") + "…"
	}
	return message
}

// newHTTPClient makes the client that calls the service: the caller's transport
// or one of our own, without redirects (a POST with a password must not be
// carried elsewhere) and without cookies.
func newHTTPClient(base *http.Client, caFile string) (*http.Client, error) {
	client := &http.Client{}
	if base != nil {
		client.Transport, client.Timeout = base.Transport, base.Timeout
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if caFile == "" && client.Transport != nil {
		return client, nil
	}
	round := client.Transport
	if round == nil {
		round = http.DefaultTransport
	}
	standard, ok := round.(*http.Transport)
	if !ok && caFile == "" {
		return client, nil
	}
	if !ok {
		return nil, fault("New", ErrConfig, "CAFile needs an HTTPClient whose Transport is an *http.Transport, or none")
	}
	standard = standard.Clone()
	if caFile != "" {
		if err := trust(standard, caFile); err != nil {
			return nil, err
		}
	}
	client.Transport = standard
	return client, nil
}

// trust adds the authorities of a PEM file to the system's.
func trust(transport *http.Transport, path string) error {
	data, err := readBounded(path, maxCAFile)
	if err != nil {
		return &Error{Op: "New", Kind: ErrConfig, Hint: "Config.CAFile must name a readable PEM file", Err: err}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(data) {
		return fault("New", ErrConfig, path+" holds no certificate in PEM form")
	}
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.RootCAs = roots
	return nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var text bytes.Buffer
	// The size is only a first guess: a pipe has none, and a file may grow.
	if info, err := file.Stat(); err == nil {
		text.Grow(int(min(max(info.Size(), 0), limit)) + bytes.MinRead)
	}
	if _, err := text.ReadFrom(io.LimitReader(file, limit+1)); err != nil {
		return nil, err
	}
	if int64(text.Len()) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return text.Bytes(), nil
}
