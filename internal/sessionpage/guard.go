package sessionpage

import (
	"net/http"
	"net/url"
	"strings"
)

// header sets what every answer carries.
func (p *Page) header(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Content-Security-Policy", p.policy)
}

// policy allows the page its stylesheet, its script and its stream, and forms that
// lead on to the sign-in pages: Chromium holds form-action against redirects too.
func policy(pages ...string) string {
	targets := "'self'"
	for _, base := range pages {
		// The policy's grammar cannot write an address such as [::1]; then the page
		// is there as well, which is 'self'.
		if u, err := url.Parse(base); err == nil && u.Host != "" && !strings.Contains(u.Host, "[") {
			targets += " " + u.Scheme + "://" + u.Host
		}
	}
	return "default-src 'none'; style-src 'self'; img-src data:; connect-src 'self'; script-src " + scriptHash() +
		"; form-action " + targets + "; frame-ancestors 'none'; base-uri 'none'"
}

// hostname is a Host header without its port.
func hostname(host string) string {
	u := url.URL{Host: host}
	return u.Hostname()
}

// originOf is scheme and host that the browser used.
func originOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
