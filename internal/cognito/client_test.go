package cognito

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
)

// TestHTTPClientKeepsLoopback: a transport of its own asks no proxy for hosts of the
// loopback interface; the caller's stays as it is. It changes http.DefaultTransport and
// cannot run beside other tests.
func TestHTTPClientKeepsLoopback(t *testing.T) {
	errProxy := errors.New("sent to the proxy")
	proxied := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, errProxy }}
	defer func(before http.RoundTripper) { http.DefaultTransport = before }(http.DefaultTransport)
	http.DefaultTransport = proxied
	asks := func(base *http.Client, address string) bool {
		t.Helper()
		client, release, err := HTTPClient(base, "")
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		r, err := http.NewRequest(http.MethodPost, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Transport.(*http.Transport).Proxy(r)
		return errors.Is(err, errProxy)
	}
	for address, want := range map[string]bool{
		"http://pool.localhost:9229/": false, "http://LOCALHOST.:9229/": false, "https://pool.localhost:9230/": false,
		"http://192.0.2.7:9229/": true, "https://cognito-idp.us-east-1.amazonaws.com/": true,
	} {
		if got := asks(nil, address); got != want {
			t.Errorf("%s: asks the proxy: %t", address, got)
		}
		if !asks(&http.Client{Transport: proxied}, address) {
			t.Errorf("%s: the caller's transport was changed", address)
		}
	}
}
