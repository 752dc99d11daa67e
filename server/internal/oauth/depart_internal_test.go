package oauth

import (
	"crypto/tls"
	"net/http/httptest"
	"testing"
)

// TestReturnURL: a browser comes back to where its cookie is. Of the Host header only
// a pool's name and the number of a port get into the address.
func TestReturnURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		public, host, base string
		secure             bool
		want               string
	}{
		{"http://127.0.0.1:9229", "127.0.0.1:9229", "/pool", false, "http://127.0.0.1:9229/pool/oauth2/idpresponse"},
		{"http://127.0.0.1:9229", "evil.example:1", "/pool", false, "http://127.0.0.1:9229/pool/oauth2/idpresponse"},
		{"http://127.0.0.1:9229", "127.0.0.1:9230", "/pool", true, "https://127.0.0.1:9230/pool/oauth2/idpresponse"},
		{"http://127.0.0.1:9229", "evil.example:9230", "/pool", true, "https://127.0.0.1:9230/pool/oauth2/idpresponse"},
		{"http://[::1]:9229", "[::1]:9230", "/pool", true, "https://[::1]:9230/pool/oauth2/idpresponse"},
		{"http://[::1]:9229", "[::1]", "/pool", true, "https://[::1]/pool/oauth2/idpresponse"},
		{"http://127.0.0.1:9229", "acme.localhost:1", "", false, "http://acme.localhost:9229/oauth2/idpresponse"},
		{"http://127.0.0.1:9229", "acme.localhost:9230", "", true, "https://acme.localhost:9230/oauth2/idpresponse"},
		{"http://127.0.0.1:9229", "ACME.localhost", "", true, "https://acme.localhost/oauth2/idpresponse"},
		{"http://127.0.0.1:9229", "acme.localhost:x", "", true, "https://acme.localhost/oauth2/idpresponse"},
		{"http://127.0.0.1:9229", "acme.localhost:70000", "", true, "https://acme.localhost/oauth2/idpresponse"},
		{"https://id.example.com", "id.example.com", "/pool", true, "https://id.example.com/pool/oauth2/idpresponse"},
		{"https://id.example.com", "auth.acme.example:8443", "", false, "https://auth.acme.example/oauth2/idpresponse"},
		{"https://id.example.com/below", "id.example.com", "/pool", false, "https://id.example.com/below/pool/oauth2/idpresponse"},
		{"https://id.example.com/below", "auth.acme.example", "", false, "https://auth.acme.example/oauth2/idpresponse"},
	} {
		d := &departures{publicURL: test.public}
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = test.host
		if test.secure {
			r.TLS = new(tls.ConnectionState)
		}
		if got := d.returnURL(r, Place{PoolID: "pool", Base: test.base}, ""); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
		if got := d.returnURL(r, Place{PoolID: "pool", Base: test.base}, "Corp"); got != test.want+"/Corp" {
			t.Errorf("%+v, a provider's own: %s", test, got)
		}
	}
}
