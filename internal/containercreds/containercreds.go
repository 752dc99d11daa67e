// Package containercreds serves AWS credentials to the AWS SDKs of another process on this
// machine, by the protocol of the ECS container credentials provider (AWS SDKs and Tools
// Reference Guide, "Container credential provider"): the process asks the URL in
// AWS_CONTAINER_CREDENTIALS_FULL_URI with the token in AWS_CONTAINER_AUTHORIZATION_TOKEN, and
// asks again before the credentials expire.
//
// The endpoint listens on 127.0.0.1 alone. A request must have the token, which is random and
// known to the environment of the process only, and a Host header of the listener, so that a
// web page cannot reach it by DNS rebinding.
package containercreds

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

// The environment variables that the AWS SDKs read.
const (
	URIVariable   = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	TokenVariable = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
)

// Credentials are temporary AWS credentials.
type Credentials struct {
	AccessKeyID                   string
	SecretAccessKey, SessionToken secret.String
	Expiration                    time.Time
}

// Source returns credentials that have not expired. It is called for each request, by several
// goroutines at once.
type Source func(ctx context.Context) (Credentials, error)

// Refusal is an error of a [Source] that the client must not retry, such as a session that
// has ended. Other errors are answered as failures of the server, which SDKs retry.
type Refusal struct {
	Code string // of the answer, such as SignedOut
	Err  error
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// Endpoint is a listener that serves credentials until Close.
type Endpoint struct {
	URL   string
	Token secret.String

	host   string
	source Source
	server *http.Server
}

const path = "/credentials"

// Listen starts an endpoint on a free port of 127.0.0.1.
func Listen(source Source) (*Endpoint, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	host := listener.Addr().String()
	e := &Endpoint{URL: "http://" + host + path, Token: secret.New(rand.Text() + rand.Text()), host: host, source: source}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() { _ = e.server.Serve(listener) }() // ends at Close
	return e, nil
}

// Close ends the endpoint and its connections.
func (e *Endpoint) Close() error { return e.server.Close() }

// Environment is what the other process needs to find the endpoint.
func (e *Endpoint) Environment() map[string]string {
	return map[string]string{URIVariable: e.URL, TokenVariable: e.Token.Reveal()}
}

// ServeHTTP answers one request.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.Host != e.host:
		fail(w, http.StatusForbidden, "WrongHost", "the Host header is not the endpoint's")
	case !secret.New(r.Header.Get("Authorization")).Equal(e.Token) || len(r.Header.Values("Authorization")) != 1:
		fail(w, http.StatusUnauthorized, "WrongToken", "the Authorization header is not the value of "+TokenVariable)
	case r.URL.Path != path:
		fail(w, http.StatusNotFound, "NotFound", "there is nothing at this path")
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		fail(w, http.StatusMethodNotAllowed, "WrongMethod", "use GET")
	default:
		e.serve(w, r)
	}
}

// serve answers a request that may have the credentials.
func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) {
	c, err := e.source(r.Context())
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		fail(w, http.StatusBadRequest, refusal.Code, err.Error())
		return
	}
	if err != nil {
		fail(w, http.StatusServiceUnavailable, "Unavailable", err.Error())
		return
	}
	write(w, struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		Token           string
		Expiration      string // RFC 3339
	}{c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.Expiration.UTC().Format(time.RFC3339)})
}

// fail answers with an error in the form that the SDKs read.
func fail(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	write(w, struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{code, message})
}

func write(w http.ResponseWriter, answer any) { _ = json.NewEncoder(w).Encode(answer) }
