package loopback

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOpeners: what is run to open a browser.
func TestOpeners(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		variable, system string
		want             [][]string
	}{
		{"", "linux", [][]string{{"xdg-open"}}},
		{"", "darwin", [][]string{{"open"}}},
		{"", "windows", [][]string{{"rundll32", "url.dll,FileProtocolHandler"}}},
		{"firefox --new-window %s:lynx:", "linux", [][]string{{"firefox", "--new-window", "%s"}, {"lynx"}}},
		{"firefox", "windows", [][]string{{"rundll32", "url.dll,FileProtocolHandler"}}},
	} {
		if diff := cmp.Diff(tt.want, openers(tt.variable, tt.system)); diff != "" {
			t.Errorf("%q on %s (-want +got):\n%s", tt.variable, tt.system, diff)
		}
	}
	const address = "https://x.example/?a=b"
	for name, tt := range map[string]struct {
		command []string
		fails   bool
	}{
		"good": {[]string{"true"}, false}, "fails": {[]string{"false"}, true}, "missing": {[]string{"no-such-browser"}, true},
		"placed": {[]string{"test", "%s", "=", address}, false},
	} {
		if err := start(t.Context(), append(tt.command, address), address); (err != nil) != tt.fails || err != nil && strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"file:///etc/passwd", "javascript:alert(1)", "--help", "", "https:///x"} {
		if err := Browse(t.Context(), bad); err == nil {
			t.Errorf("%q was opened", bad)
		}
	}
}

// TestAddresses checks where a callback URL is listened for: "localhost" may be either
// address for a browser.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"http://127.0.0.1/callback":  {"127.0.0.1:7"},
		"http://[::1]/in":            {"[::1]:7"},
		"http://localhost:3000/in":   {"127.0.0.1:7", "[::1]:7"},
		"http://127.0.0.1:8000/here": {"127.0.0.1:7"},
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, addresses(u, "7")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}
