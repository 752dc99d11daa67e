package outbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/outbox"
	"github.com/latchkey-auth/latchkey/server/plug"
)

func message(i int) plug.Message {
	return plug.Message{
		Medium: plug.MediumEmail, Address: "ann@example.com", Subject: "Your code",
		Text: plug.NewSecret(fmt.Sprintf("<b>Your</b> code is %06d", i)),
	}
}

func TestKeepsTheLatest(t *testing.T) {
	t.Parallel()
	var told []outbox.Entry
	o := outbox.New(func(e outbox.Entry) { told = append(told, e) })
	for i := range 150 {
		if err := o.Send(t.Context(), message(i)); err != nil {
			t.Fatal(err)
		}
	}
	entries := o.Entries()
	if len(entries) != 100 || len(told) != 150 {
		t.Fatalf("%d kept, %d told", len(entries), len(told))
	}
	if newest, oldest := entries[0].Text.Reveal(), entries[99].Text.Reveal(); !strings.Contains(newest, "000149") || !strings.Contains(oldest, "000050") {
		t.Errorf("newest %q, oldest %q", newest, oldest)
	}
	if text := fmt.Sprintf("%v %+v", entries[0], entries[0].Message); strings.Contains(text, "000149") {
		t.Errorf("printing an entry shows its code: %s", text)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	const local, neighbor = "127.0.0.1:50123", "192.168.1.7:50123"
	o := outbox.New(nil)
	ask := func(method, target, host, peer string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		r.Host, r.RemoteAddr = host, peer
		w := httptest.NewRecorder()
		o.ServeHTTP(w, r)
		return w
	}
	if body := ask("GET", "/", "127.0.0.1:9229", local).Body.String(); !strings.Contains(body, "Nothing yet") {
		t.Errorf("empty outbox: %s", body)
	}
	if err := o.Send(t.Context(), message(7)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		method, target, host, peer string
		status                     int
		want                       string
	}{
		{"GET", "/outbox", "127.0.0.1:9229", local, http.StatusOK, "&lt;b&gt;Your&lt;/b&gt; code is 000007"},
		{"HEAD", "/outbox", "localhost", local, http.StatusOK, ""},
		{"GET", "/outbox", "[::1]:9229", local, http.StatusOK, "ann@example.com"},
		{"GET", "/outbox?style", "localhost:9229", local, http.StatusOK, "color-scheme"},
		{"GET", "/outbox", "evil.example:9229", local, http.StatusForbidden, "127.0.0.1"},
		{"GET", "/outbox", "localhost.evil.example", local, http.StatusForbidden, "127.0.0.1"},
		{"GET", "/outbox", "localhost", neighbor, http.StatusForbidden, "terminal"},
		{"GET", "/outbox", "127.0.0.1:9229", neighbor, http.StatusForbidden, "terminal"},
		{"GET", "/outbox?style", "192.168.1.7:9229", neighbor, http.StatusForbidden, "terminal"},
		{"POST", "/outbox", "localhost", local, http.StatusMethodNotAllowed, "read"},
	} {
		w := ask(test.method, test.target, test.host, test.peer)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s %s at %s: %d %s", test.method, test.target, test.host, w.Code, w.Body)
		}
		if test.status != http.StatusOK {
			if strings.Contains(w.Body.String(), "000007") {
				t.Errorf("%s shows the code", test.host)
			}
			continue
		}
		if h := w.Header(); h.Get("Access-Control-Allow-Origin") != "" || h.Get("Cache-Control") != "no-store" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("headers %v", h)
		}
	}
}
