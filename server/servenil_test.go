package server_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestServeRefusesNil checks that a nil listener or handler is an error, not a panic in a
// goroutine, and that the other listeners are closed.
func TestServeRefusesNil(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var typed *net.TCPListener
	for name, test := range map[string]struct {
		serve func(context.Context, net.Listener) error
		want  string
	}{
		"listener":         {func(ctx context.Context, l net.Listener) error { return w.server.Serve(ctx, l, nil) }, "listener 1 is nil"},
		"typed listener":   {func(ctx context.Context, l net.Listener) error { return w.server.Serve(ctx, l, typed) }, "listener 1 is nil"},
		"handler in front": {func(ctx context.Context, l net.Listener) error { return w.server.ServeBehind(ctx, nil, l) }, "handler is nil"},
		"other handler": {func(ctx context.Context, l net.Listener) error {
			return w.server.ServeHandler(ctx, http.HandlerFunc(nil), l)
		}, "handler is nil"},
		"other listener": {func(ctx context.Context, l net.Listener) error {
			_ = l.Close()
			return w.server.ServeHandler(ctx, http.NotFoundHandler(), nil)
		}, "listener 0 is nil"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err = test.serve(ctx, l)
		cancel()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
			_ = conn.Close()
			t.Errorf("%s: the other listener is still open", name)
		}
	}
}
