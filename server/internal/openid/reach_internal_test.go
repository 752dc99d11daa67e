package openid

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAdmits(t *testing.T) {
	t.Parallel()
	for address, class := range map[string]string{
		"8.8.8.8": "public", "2606:4700::1111": "public", "172.32.0.1": "public", "::ffff:8.8.8.8": "public",
		"127.0.0.1": "loopback", "127.8.9.1": "loopback", "::1": "loopback", "::ffff:127.0.0.1": "loopback",
		"10.1.2.3": "private", "172.16.0.1": "private", "192.168.1.1": "private", "100.64.0.1": "private",
		"fd00::1": "private", "fc00::1": "private", "::ffff:10.0.0.1": "private",
		"169.254.169.254": "never", "::ffff:169.254.169.254": "never", "fe80::1": "never", "fe80::1%eth0": "never",
		"0.0.0.0": "never", "0.1.2.3": "never", "::": "never", "255.255.255.255": "never", "240.0.0.1": "never",
		"224.0.0.1": "never", "ff02::1": "never", "192.0.0.1": "never", "198.18.0.1": "never", "192.0.2.1": "never",
		"64:ff9b::7f00:1": "never", "2002:7f00:1::": "never", "2001::1": "never", "::7f00:1": "never", "2001:db8::1": "never",
	} {
		for _, p := range []Reach{{}, {AllowLoopback: true}, {AllowPrivate: true}, {AllowLoopback: true, AllowPrivate: true}} {
			want := class == "public" || class == "loopback" && p.AllowLoopback || class == "private" && p.AllowPrivate
			if got := p.admits(netip.MustParseAddr(address)); got != want {
				t.Errorf("%s (%s), loopback %v, private %v: %v", address, class, p.AllowLoopback, p.AllowPrivate, got)
			}
		}
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for text, class := range map[string]string{
		"https://idp.example.com/x": "https", "https://127.0.0.1/": "https",
		"http://127.0.0.1:8080/x": "here", "http://localhost/": "here", "http://[::1]:1/": "here",
		"http://idp.example.com/": "never", "http://localhost.example.com/": "never", "file:///etc/passwd": "never",
		"https://user@idp.example.com/": "never", "https:///x": "never", "https://idp.example.com/#x": "never", "": "never", "://": "never",
		"http://127.0.0.1.example.com/": "never", "gopher://127.0.0.1/": "never",
	} {
		for _, p := range []Reach{{}, {AllowLoopback: true}} {
			want := class == "https" || class == "here" && p.AllowLoopback
			if err := p.CheckURL(text); (err == nil) != want {
				t.Errorf("%q with loopback %v: %v", text, p.AllowLoopback, err)
			}
		}
	}
}

// FuzzReadMetadata: whatever a provider answers, its issuer is the one asked and
// its keys are at an admitted place, or there is an error.
func FuzzReadMetadata(f *testing.F) {
	const issuer = "https://idp.example.com"
	for _, seed := range []string{
		`{"issuer":"https://idp.example.com","jwks_uri":"https://idp.example.com/keys"}`,
		`{"issuer":"https://idp.example.com/","jwks_uri":"https://idp.example.com/keys"}`,
		`{"Issuer":"https://idp.example.com","jwks_uri":"x"}`, `[]`, `{"issuer":1}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		m, err := readMetadata(document, Reach{}, "test", issuer)
		if err == nil && (m.Issuer != issuer || !strings.HasPrefix(strings.ToLower(m.JWKSURI), "https://")) {
			t.Errorf("taken: %+v", m)
		}
	})
}
