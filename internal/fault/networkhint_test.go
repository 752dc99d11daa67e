package fault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestNetworkHint(t *testing.T) {
	t.Parallel()
	untrusted := func(err error) error { return fmt.Errorf("Post: %w", &tls.CertificateVerificationError{Err: err}) }
	for want, causes := range map[string][]error{
		HintNetwork:     {errors.New("refused"), &net.OpError{Op: "dial", Err: errors.New("refused")}},
		hintProxy:       {&net.OpError{Op: "proxyconnect", Err: errors.New("refused")}, &ProxyError{http.StatusForbidden}, &ProxyError{http.StatusBadGateway}},
		hintProxyLogin:  {fmt.Errorf("Post: %w", &ProxyError{http.StatusProxyAuthRequired})},
		HintPortal:      {&ProxyError{http.StatusFound}, &ProxyError{http.StatusNetworkAuthenticationRequired}},
		hintAuthority:   {untrusted(x509.UnknownAuthorityError{})},
		hintHost:        {untrusted(x509.HostnameError{Certificate: &x509.Certificate{}})},
		hintCertificate: {untrusted(x509.CertificateInvalidError{Reason: x509.Expired})},
	} {
		for _, cause := range causes {
			if got := NetworkHint(cause); got != want {
				t.Errorf("%v: %q, want %q", cause, got, want)
			}
		}
	}
}

// TestReportProxy connects through a proxy that requires a login.
func TestReportProxy(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(address)}
	ReportProxy(transport)
	response, err := (&http.Client{Transport: transport}).Get("https://pool.example.com/")
	if err == nil {
		_ = response.Body.Close()
	}
	if refused, ok := errors.AsType[*ProxyError](err); !ok || refused.Status != http.StatusProxyAuthRequired {
		t.Errorf("%v", err)
	}
}
