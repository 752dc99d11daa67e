package fault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
)

// Hints of faults that mean that the service was not reached.
const (
	// HintNetwork is that of a cause without a hint of its own.
	HintNetwork = "check the network connection"

	hintProxyLogin  = "the proxy requires a user name and a password: set HTTPS_PROXY and HTTP_PROXY to http://USER:PASSWORD@HOST:PORT"
	hintProxy       = "the proxy that HTTPS_PROXY or HTTP_PROXY names does not connect to the service: correct the variable, or add the service's host to NO_PROXY"
	hintAuthority   = "the service's certificate is not trusted; set Config.CAFile to the PEM file of its authority, or of the authority of a proxy that decrypts connections"
	hintHost        = "the service's certificate is for another host name; check the endpoint"
	hintCertificate = "the service's certificate is not valid now; check this machine's clock"
	// HintPortal is that of an answer that did not come from the service.
	HintPortal = "a proxy or a sign-in page of this network answered; open a browser, or check the network connection"
)

// NetworkHint says what to do about the error of a request that got no answer.
func NetworkHint(err error) string {
	if proxy, ok := errors.AsType[*ProxyError](err); ok {
		return StatusHint(proxy.Status, hintProxy)
	}
	if refused, ok := errors.AsType[*net.OpError](err); ok && refused.Op == "proxyconnect" {
		return hintProxy
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return hintHost
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return hintCertificate
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return hintAuthority
	}
	return HintNetwork
}

// StatusHint says what to do about an answer with a status that is not the service's;
// otherwise is the hint of those without a hint of their own.
func StatusHint(status int, otherwise string) string {
	switch {
	case status == http.StatusProxyAuthRequired:
		return hintProxyLogin
	case status >= 300 && status < 400, status == http.StatusNetworkAuthenticationRequired:
		return HintPortal
	}
	return otherwise
}
