package latchkeytest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Fault is what happens to a call in the place of, or after, what should.
// The zero Fault does nothing.
type Fault struct {
	// Delay passes before anything else happens.
	Delay time.Duration
	// Status and Body are the answer, if Status is not 0. The operation is not
	// performed. Header is sent with it; the content type is JSON unless it says otherwise.
	Status int
	Body   string
	Header http.Header
	// Lose performs the operation and loses its answer.
	Lose bool
	// Refuse cuts the connection before the operation is performed.
	Refuse bool
}

// Exception is a fault that answers as Cognito answers an error.
func Exception(name, message string) Fault {
	recorder := httptest.NewRecorder()
	wire.WriteException(recorder, wire.NewException(name, message), "00000000-0000-4000-8000-000000000000")
	return Fault{Status: recorder.Code, Body: recorder.Body.String(), Header: recorder.Header()}
}

// Fail lets the next times calls of an operation run into a fault; times -1
// means all of them, until [Server.Heal]. The operation is named as Cognito
// names it, such as "GetTokensFromRefreshToken"; "*" stands for every one.
// Faults queue: when the first is used up, the next one takes over.
func (s *Server) Fail(operation string, times int, f Fault) { s.faults.add(operation, times, f) }

// Heal forgets all faults.
func (s *Server) Heal() { s.faults.clear() }

// Calls returns how many calls of an operation arrived, including those that failed by a
// fault.
func (s *Server) Calls(operation string) int { return s.faults.count(operation) }

type armed struct {
	fault Fault
	left  int
}

// faults stands before the service and counts what comes in.
type faults struct {
	over  chan struct{} // closed when the test ends
	mu    sync.Mutex
	armed map[string][]*armed
	calls map[string]int
}

func (f *faults) add(operation string, times int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.armed == nil {
		f.armed = map[string][]*armed{}
	}
	f.armed[operation] = append(f.armed[operation], &armed{fault, times})
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = nil
}

func (f *faults) count(operation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[operation]
}

// take counts a call and gives the fault that it runs into.
func (f *faults) take(operation string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[operation]++
	for _, name := range []string{operation, "*"} {
		for _, a := range f.armed[name] {
			if a.left == 0 {
				continue
			}
			a.left--
			return a.fault
		}
	}
	return Fault{}
}

// serve answers one request, with whatever fault is due.
func (f *faults) serve(service http.Handler, w http.ResponseWriter, r *http.Request) {
	_, operation, isCall := strings.Cut(r.Header.Get(wire.HeaderTarget), ".")
	if !isCall {
		service.ServeHTTP(w, r)
		return
	}
	// A call is read before its fault strikes: a connection that is cut while
	// the client still writes looks different from one that is cut later.
	body, err := io.ReadAll(io.LimitReader(r.Body, wire.MaxRequestBody+1))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	fault := f.take(operation)
	if fault.Delay > 0 {
		f.pause(r, fault.Delay)
	}
	switch {
	case fault.Refuse:
		panic(http.ErrAbortHandler)
	case fault.Lose:
		service.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case fault.Status != 0:
		w.Header().Set("Content-Type", wire.ContentType)
		maps.Copy(w.Header(), fault.Header)
		w.WriteHeader(fault.Status)
		_, _ = fmt.Fprint(w, fault.Body)
	default:
		service.ServeHTTP(w, r)
	}
}

// pause waits, but not longer than the client or the test does.
func (f *faults) pause(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-f.over:
	}
}
