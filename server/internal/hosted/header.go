package hosted

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"sync"
)

//go:embed page.js
var script string

// scriptHash is how the policy names the page's one script (CSP Level 3, section 2.3.1).
var scriptHash = sync.OnceValue(func() string { return hashSource(script) })

func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// header sets what every answer carries. Pages with a form have no form-action:
// Chromium holds it against every redirect that follows a posted form, and where the
// client's callback leads on to is not for this page to know. A client may itself be
// what another application signs in at.
func header(h http.Header, form bool) {
	// The service lets pages of any origin read its answers; not these.
	h.Del("Access-Control-Allow-Origin")
	h.Del("Access-Control-Expose-Headers")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	policy := "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src " + scriptHash() + "; frame-ancestors 'none'; base-uri 'none'"
	if !form {
		policy += "; form-action 'none'"
	}
	h.Set("Content-Security-Policy", policy)
}
