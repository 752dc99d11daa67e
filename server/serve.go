package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/internal/oauth"
)

// Bounds of a connection. They close the connection of a slow client and refuse a large request
// before it is read.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 10 * time.Second

	// maxHeaderBytes has room for a token of the greatest length, in Authorization or in
	// an id_token_hint, for the longest query of the authorization endpoint, and for
	// cookies and other headers.
	maxHeaderBytes = wire.MaxToken + oauth.MaxQuery + 8<<10
)

// Serve serves listeners until ctx ends. It then stops accepting connections, waits ten seconds
// at most for requests in progress, and returns nil. Meanwhile it deletes expired rows and
// rotates signing keys that are due, once a minute. If a listener fails, Serve closes the others
// and returns the error. If one is nil, it serves none and closes the others.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	return s.ServeBehind(ctx, s, listeners...)
}

// ServeBehind is [Server.Serve] with a handler in front of s, which serves other paths of the
// program and passes the remaining requests to s.
func (s *Server) ServeBehind(ctx context.Context, front http.Handler, listeners ...net.Listener) error {
	if err := checkServed(front, listeners...); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	s.feed.start()
	defer context.AfterFunc(ctx, s.feed.stop)()
	for _, listener := range listeners {
		web := s.httpServer(s.keepReserve(front))
		group.Go(func() error { return serve(ctx, web, s.open.Listener(listener)) })
	}
	group.Go(func() error {
		s.keepHouse(ctx)
		return nil
	})
	return group.Wait()
}

// ServeHandler serves another handler, such as metrics, with the same bounds until ctx ends.
// It also answers requests on connections of the reserve (see [Limits]).
func (s *Server) ServeHandler(ctx context.Context, handler http.Handler, listener net.Listener) error {
	if err := checkServed(handler, listener); err != nil {
		return err
	}
	return serve(ctx, s.httpServer(handler), s.open.Listener(listener))
}

// checkServed refuses a nil handler and nil listeners, which would panic in a goroutine where
// the program cannot recover. It closes the listeners then, as a failure of one does.
func checkServed(handler http.Handler, listeners ...net.Listener) error {
	var err error
	if isNilPart(handler) {
		err = errors.New("server: serve: the handler is nil")
	}
	for i, listener := range listeners {
		if isNilPart(listener) {
			err = errors.Join(err, fmt.Errorf("server: serve: listener %d is nil", i))
		}
	}
	if err == nil {
		return nil
	}
	for _, listener := range listeners {
		if !isNilPart(listener) {
			err = errors.Join(err, listener.Close())
		}
	}
	return err
}

// isNilPart reports whether an interface is nil or holds a nil pointer or function.
func isNilPart(part any) bool {
	switch v := reflect.ValueOf(part); v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan:
		return v.IsNil()
	}
	return false
}

// keepReserve answers requests over connections of the reserve with status 503,
// except those that watch over the service.
func (s *Server) keepReserve(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if limits.Reserved(r.Context()) && r.URL.Path != healthPath && r.URL.Path != readyPath {
			allowBrowsers(w.Header())
			w.Header().Set("Retry-After", "5")
			plain(w, http.StatusServiceUnavailable, "too many connections\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) httpServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: s.open.Handler(handler), ConnState: s.open.State, ConnContext: s.open.Context,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// serve runs one server until ctx ends.
func serve(ctx context.Context, web *http.Server, listener net.Listener) error {
	done := make(chan error, 1)
	go func() { done <- web.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := web.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = web.Close()
	}
	<-done
	return err
}
