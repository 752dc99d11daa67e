package loopback

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

// Listener listens at a callback URL on a loopback address and takes one answer
// (RFC 8252, section 7.3).
type Listener struct {
	URI        string // the callback URL with the port that it listens on
	host, path string
	listeners  []net.Listener
	server     *http.Server
	Arrived    chan string // the answer's query
	Failed     chan error  // why it has stopped before that
	outcome    chan bool   // whether the user is signed in, for the page
	state      secret.String
	taken      chan struct{} // holds one token: the answer's
}

// Listen listens for a callback URL, on a free port if it has none. Errors are faults.
func Listen(uri *url.URL) (*Listener, error) {
	port := cmp.Or(uri.Port(), "0")
	l := &Listener{
		path: uri.EscapedPath(), Arrived: make(chan string, 1), Failed: make(chan error, 2),
		outcome: make(chan bool, 1), taken: make(chan struct{}, 1),
	}
	for i, address := range addresses(uri, port) {
		listener, err := net.Listen("tcp", address)
		if err != nil && i > 0 && !errors.Is(err, syscall.EADDRINUSE) {
			break // this machine has no IPv6
		}
		if err != nil { // the browser might come back to whoever has the port
			l.Close()
			return nil, &fault.Fault{Kind: fault.Config, Message: "cannot listen on " + address, Hint: "close what uses the port, or name another in the callback URL", Err: err}
		}
		l.listeners = append(l.listeners, listener)
	}
	_, bound, _ := net.SplitHostPort(l.listeners[0].Addr().String())
	l.host = net.JoinHostPort(uri.Hostname(), bound)
	here := *uri
	here.Host = l.host
	if l.URI = here.String(); l.path == "" {
		l.path = "/"
	}
	return l, nil
}

// Serve answers until Close. The answer to the sign-in is the request that carries state.
func (l *Listener) Serve(state secret.String) {
	l.state = state
	l.server = &http.Server{
		Handler: l, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10, ErrorLog: silent,
	}
	for _, listener := range l.listeners {
		go func() {
			if err := l.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				l.Failed <- err
			}
		}()
	}
}

// Finish tells the browser's page how the sign-in ended, and waits until it is sent.
func (l *Listener) Finish(signedIn bool) {
	l.outcome <- signedIn
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.server.Shutdown(ctx) // Close does what it could not
}

// Close stops listening. It may be called more than once.
func (l *Listener) Close() {
	if l.server != nil {
		_ = l.server.Close()
	}
	for _, listener := range l.listeners {
		_ = listener.Close()
	}
}

// addresses are what to listen on for a callback URL.
func addresses(u *url.URL, port string) []string {
	switch u.Hostname() {
	case "::1":
		return []string{net.JoinHostPort("::1", port)}
	case "localhost": // a browser may take it for either
		return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}
	}
	return []string{net.JoinHostPort("127.0.0.1", port)}
}
