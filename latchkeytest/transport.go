package latchkeytest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
)

// HTTPClient reaches the service without a socket.
func (s *Server) HTTPClient() *http.Client { return &http.Client{Transport: transport{s}} }

type transport struct{ server *Server }

var errConnectionCut = errors.New("latchkeytest: connection cut")

// RoundTrip performs a request on a separate goroutine, so that a canceled caller returns at
// once while the service finishes the request, as over a socket.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	// The service is not canceled with its caller: it has read the request already.
	in := r.Clone(context.WithoutCancel(r.Context()))
	in.RemoteAddr = "127.0.0.1:1"
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	} else {
		data, err := io.ReadAll(in.Body)
		if err != nil {
			return nil, err
		}
		_ = r.Body.Close()
		in.Body = io.NopCloser(bytes.NewReader(data))
	}
	answers := make(chan *http.Response, 1)
	go func() { answers <- t.answer(in) }()
	select {
	case answer := <-answers:
		if answer == nil {
			return nil, errConnectionCut
		}
		answer.Request = r
		return answer, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// answer gives nil where a connection would have been cut.
func (t transport) answer(r *http.Request) (response *http.Response) {
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			response = nil
		}
	}()
	recorder := httptest.NewRecorder()
	t.server.faults.serve(t.server.service, recorder, r)
	return recorder.Result()
}
