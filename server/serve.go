package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
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
// and returns the error.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	return s.ServeBehind(ctx, s, listeners...)
}

// ServeBehind is [Server.Serve] with a handler in front of s, which serves other paths of the
// program and passes the remaining requests to s.
func (s *Server) ServeBehind(ctx context.Context, front http.Handler, listeners ...net.Listener) error {
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
	return serve(ctx, s.httpServer(handler), s.open.Listener(listener))
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
