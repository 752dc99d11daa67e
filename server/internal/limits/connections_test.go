package limits_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/limits"
)

// pipeListener accepts connections that exist in memory.
type pipeListener struct {
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), over: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.over) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return address("pipe") }

type address string

func (address) Network() string  { return "pipe" }
func (a address) String() string { return string(a) }

// fromAddress is a connection with an address.
type fromAddress struct {
	net.Conn
	remote address
}

func (c fromAddress) RemoteAddr() net.Addr { return c.remote }

// dial connects from an address.
func (l *pipeListener) dial(remote string) net.Conn {
	here, there := net.Pipe()
	l.conns <- fromAddress{there, address(remote)}
	return here
}

// boundServer serves until the test ends; a request for /slow waits for release.
type boundServer struct {
	*pipeListener
	release chan struct{}
	warned  []string // guarded by the bounds
}

func newBoundServer(t *testing.T, bounds *limits.Connections) *boundServer {
	t.Helper()
	s := &boundServer{pipeListener: newPipeListener(), release: make(chan struct{})}
	bounds.Warn = func(reason string) { s.warned = append(s.warned, reason) }
	web := &http.Server{
		IdleTimeout: time.Hour, ReadHeaderTimeout: time.Minute,
		ConnState: bounds.State, ConnContext: bounds.Context,
		Handler: bounds.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				<-s.release
			}
			_, _ = fmt.Fprint(w, limits.Reserved(r.Context()))
		})),
	}
	done := make(chan error, 1)
	go func() { done <- web.Serve(bounds.Listener(s)) }()
	t.Cleanup(func() {
		close(s.release)
		if err := web.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return s
}

// ask sends a request over a connection and reads the answer.
func ask(t *testing.T, conn net.Conn) (body string, closes bool) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), answer.Close
}

// ended reports whether the server has closed a connection by now.
func ended(conn net.Conn) bool {
	synctest.Wait()
	_ = conn.SetReadDeadline(time.Now().Add(time.Nanosecond))
	_, err := conn.Read(make([]byte, 1))
	_ = conn.SetReadDeadline(time.Time{})
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)
}

func open(t *testing.T, what string, conn net.Conn, want bool) {
	t.Helper()
	if got := !ended(conn); got != want {
		t.Errorf("%s: open is %v after %v", what, got, time.Now().Format("05.000"))
	}
}

// TestConnectionsReserve fills a server: what comes then has two seconds for one
// request, what comes after that is closed, and a place that becomes free is a
// place for a normal connection.
func TestConnectionsReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBoundServer(t, &limits.Connections{Max: 2, Reserve: 2})
		first, second := s.dial("192.0.2.1:1"), s.dial("192.0.2.2:1")
		if body, closes := ask(t, first); body != "false" || closes {
			t.Errorf("a normal connection: reserved %s, closes %v", body, closes)
		}
		silent, asking, late := s.dial("192.0.2.3:1"), s.dial("192.0.2.4:1"), s.dial("192.0.2.5:1")
		open(t, "beyond the reserve", late, false)
		if body, closes := ask(t, asking); body != "true" || !closes {
			t.Errorf("of the reserve: reserved %s, closes %v", body, closes)
		}
		open(t, "of the reserve, answered", asking, false)
		time.Sleep(1900 * time.Millisecond)
		open(t, "of the reserve, silent", silent, true)
		time.Sleep(200 * time.Millisecond)
		open(t, "of the reserve, silent for two seconds", silent, false)
		open(t, "a normal one", second, true)
		if body, _ := ask(t, first); body != "false" {
			t.Errorf("a normal connection, again: reserved %s", body)
		}
		first.Close()
		synctest.Wait()
		next := s.dial("192.0.2.6:1")
		if body, closes := ask(t, next); body != "false" || closes {
			t.Errorf("in place of one that ended: reserved %s, closes %v", body, closes)
		}
		if len(s.warned) != 1 {
			t.Errorf("warnings %q, want one a minute", s.warned)
		}
	})
}

// TestConnectionsReserveKeepsSlowRequest lets a request of the reserve take longer
// than a connection may take to send it.
func TestConnectionsReserveKeepsSlowRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBoundServer(t, &limits.Connections{Max: 1, Reserve: 1})
		s.dial("192.0.2.1:1")
		slow := s.dial("192.0.2.2:1")
		if _, err := io.WriteString(slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		time.Sleep(5 * time.Second)
		s.release <- struct{}{}
		answer, err := http.ReadResponse(bufio.NewReader(slow), nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("a slow answer: %v %v", answer, err)
		}
	})
}

// TestConnectionsIdle closes idle connections sooner near the bound: those without
// a request for ten seconds, and no others.
func TestConnectionsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBoundServer(t, &limits.Connections{Max: 4})
		silent, asked := s.dial("192.0.2.1:1"), s.dial("192.0.2.2:1")
		ask(t, asked)
		time.Sleep(30 * time.Second)
		open(t, "silent, with room", silent, true)
		open(t, "asked, with room", asked, true)
		busy := s.dial("192.0.2.3:1")
		if _, err := io.WriteString(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		ask(t, asked)
		time.Sleep(3 * time.Second)
		open(t, "silent for long", silent, false)
		open(t, "asked just now", asked, true)
		// Two are left, which is room again.
		time.Sleep(20 * time.Second)
		open(t, "asked, with room again", asked, true)
		another := s.dial("192.0.2.4:1")
		ask(t, another)
		time.Sleep(3 * time.Second)
		open(t, "asked long ago", asked, false)
		open(t, "the newest", another, true)
		open(t, "with a request", busy, true)
	})
}

// TestConnectionsPerSource gives each source its share, and exempt ones all.
func TestConnectionsPerSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proxies := netip.MustParsePrefix("198.51.100.0/24")
		s := newBoundServer(t, &limits.Connections{
			Max: 100, PerSource: 2,
			Exempt: func(a netip.Addr) bool { return a.IsLoopback() || proxies.Contains(a) },
		})
		for _, test := range []struct {
			name    string
			remotes [3]string
			third   bool // whether the third is open too
		}{
			{"one address", [3]string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"}, false},
			{"mapped", [3]string{"192.0.2.2:1", "[::ffff:192.0.2.2]:2", "192.0.2.2:3"}, false},
			{"neighbors", [3]string{"192.0.2.3:1", "192.0.2.3:2", "192.0.2.4:3"}, true},
			{"one /64", [3]string{"[2001:db8::1]:1", "[2001:db8::2]:2", "[2001:db8::3:4:5:6]:3"}, false},
			{"another /64", [3]string{"[2001:db8:1::1]:1", "[2001:db8:1::2]:2", "[2001:db8:1:1::1]:3"}, true},
			{"zones", [3]string{"[fe80::1%a]:1", "[fe80::2%b]:2", "[fe80::3]:3"}, false},
			{"loopback", [3]string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}, true},
			{"mapped loopback", [3]string{"[::ffff:127.0.0.1]:1", "[::1]:2", "[::1]:3"}, true},
			{"proxy", [3]string{"198.51.100.7:1", "198.51.100.7:2", "198.51.100.7:3"}, true},
			{"unix socket", [3]string{"@", "@", "@"}, true},
		} {
			var conns [3]net.Conn
			for i, remote := range test.remotes {
				conns[i] = s.dial(remote)
				open(t, fmt.Sprint(test.name, i), conns[i], i < 2 || test.third)
			}
			conns[0].Close()
			synctest.Wait()
			open(t, test.name+", after another has ended", s.dial(test.remotes[2]), true)
		}
	})
}
