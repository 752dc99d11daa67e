package localonly_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/localonly"
)

func TestLocalHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:9229": true, "LocalHost:1": true, "127.0.0.1": true, "127.0.0.1:9229": true,
		"127.9.9.9:1": true, "[::1]": true, "[::1]:9229": true, "[::ffff:127.0.0.1]:1": true, "localhost:": true,

		"": false, ":9229": false, "localhost.": false, "localhost.:9229": false, "127.0.0.1.": false, "127.0.0.1.:1": false,
		"latchkey.localhost": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "127.0.0.1.nip.io": false,
		"evil.example:9229": false, "localhost@evil.example": false, "evil.example@localhost:1": false, "0.0.0.0": false, "0.0.0.0:9229": false,
		"[::]:9229": false, "[::1%lo]:1": false, "[::1%25lo]": false, "[fe80::1%lo]:1": false, "[::ffff:10.0.0.1]:1": false,
		"[::127.0.0.1]": false, "10.0.0.1": false, "192.168.1.7:9229": false, "127.1": false, "0x7f.0.0.1": false, "017700000001": false,
		"2130706433": false, "127.0.0.01": false, "[::1": false, "[[::1]]": false, "[localhost": false, "localhost\x00": false, " localhost": false,
		"localhost:1:2": false, "ⓛocalhost": false, "ｌocalhost": false, "127。0。0。1": false,
	} {
		if got := localonly.LocalHost(host); got != want {
			t.Errorf("LocalHost(%q) is %v", host, got)
		}
	}
}

// request is one from a local program, changed by change.
func request(change func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/outbox", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:50123", "127.0.0.1:9229"
	if change != nil {
		change(r)
	}
	return r
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*http.Request)
		local  bool
	}{
		"program":            {nil, true},
		"IPv6 peer":          {func(r *http.Request) { r.RemoteAddr = "[::1]:50123" }, true},
		"IPv4-mapped peer":   {func(r *http.Request) { r.RemoteAddr = "[::ffff:127.0.0.1]:50123" }, true},
		"other loopback":     {func(r *http.Request) { r.RemoteAddr, r.Host = "127.0.0.5:1", "localhost" }, true},
		"browser":            {header("Sec-Fetch-Site", "none"), true},
		"HTTP/2":             {func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0 }, true},
		"neighbor":           {func(r *http.Request) { r.RemoteAddr = "192.168.1.7:50123" }, false},
		"neighbor, Host":     {func(r *http.Request) { r.RemoteAddr, r.Host = "192.168.1.7:50123", "localhost" }, false},
		"own outer address":  {func(r *http.Request) { r.RemoteAddr, r.Host = "10.0.0.2:1", "10.0.0.2:9229" }, false},
		"mapped neighbor":    {func(r *http.Request) { r.RemoteAddr = "[::ffff:192.168.1.7]:1" }, false},
		"link-local":         {func(r *http.Request) { r.RemoteAddr = "[fe80::1%lo]:1" }, false},
		"container gateway":  {func(r *http.Request) { r.RemoteAddr = "172.17.0.1:1" }, false},
		"unix socket":        {func(r *http.Request) { r.RemoteAddr = "@" }, false},
		"no peer":            {func(r *http.Request) { r.RemoteAddr = "" }, false},
		"rebound name":       {func(r *http.Request) { r.Host = "evil.example:9229" }, false},
		"pool's domain":      {func(r *http.Request) { r.Host = "latchkey.localhost:9230" }, false},
		"no Host":            {func(r *http.Request) { r.Host = "" }, false},
		"X-Forwarded-For":    {header("X-Forwarded-For", "203.0.113.9"), false},
		"it names loopback":  {header("X-Forwarded-For", "127.0.0.1"), false},
		"empty header":       {header("X-Forwarded-For", ""), false},
		"X-Forwarded-Host":   {header("X-Forwarded-Host", "localhost"), false},
		"X-Forwarded-Server": {header("X-Forwarded-Server", "web"), false},
		"Forwarded":          {header("Forwarded", "for=203.0.113.9"), false},
		"Via":                {header("Via", "1.1 proxy"), false},
		"X-Real-IP":          {header("X-Real-IP", "203.0.113.9"), false},
		"CF-Connecting-IP":   {header("CF-Connecting-IP", "203.0.113.9"), false},
		"HTTP/1.0":           {func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0 }, false},
	} {
		r := request(test.change)
		err := localonly.Check(r)
		if (err == nil) != test.local || err != nil && !errors.Is(err, localonly.ErrRemote) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "evil") {
			t.Errorf("%s: the error repeats the request: %v", name, err)
		}
		var passed string
		to := func(name string) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = name })
		}
		localonly.Guard(to("local"), to("remote")).ServeHTTP(httptest.NewRecorder(), r)
		if (passed == "local") != test.local {
			t.Errorf("%s: passed to %s", name, passed)
		}
	}
}
