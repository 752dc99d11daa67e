package oauth

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/random"
)

// Place is where a request came in: at which pool, and below which path.
type Place struct {
	PoolID string
	// Base stands before the paths of endpoints and pages: "" by host name,
	// "/" and the pool's id by path.
	Base string
}

// front finds out where a request came in.
type front struct {
	clients Clients
	note    func(ctx context.Context, code string)
	log     *slog.Logger
}

// Place finds the pool of a request: by path value "pool", or by host name, which
// is PREFIX.localhost or a whole name. Only names that a pool has count; nothing
// of the Host header goes into an answer. ok is false where there is no pool.
func (f *front) Place(r *http.Request) (place Place, ok bool) {
	if pool := r.PathValue("pool"); pool != "" {
		return Place{PoolID: pool, Base: "/" + pool}, true
	}
	name := domainOf(r.Host)
	if name == "" {
		return Place{}, false
	}
	pool, err := f.clients.PoolOfDomain(r.Context(), name)
	if err != nil {
		f.log.ErrorContext(r.Context(), "domain could not be looked up", "error", err)
	}
	return Place{PoolID: pool}, pool != ""
}

// Host names that are looked up have at most maxHost bytes, which are hostLetters
// (RFC 1035, section 2.3.4; RFC 1123, section 2.1).
const (
	maxHost     = 253
	hostLetters = random.Digits + random.Lower + "-."
)

// domainOf takes the name of a domain from a Host header.
func domainOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if len(host) > maxHost || net.ParseIP(host) != nil || strings.Trim(host, hostLetters) != "" {
		return ""
	}
	if prefix, ok := strings.CutSuffix(host, ".localhost"); ok {
		if strings.Contains(prefix, ".") {
			return ""
		}
		return prefix
	}
	if !strings.Contains(host, ".") {
		return "" // a prefix alone is no host name
	}
	return host
}

// enter finds the place of a request with one of these methods. It answers any other
// request, and one at a place that does not exist, and returns false.
func (f *front) enter(w http.ResponseWriter, r *http.Request, methods ...string) (Place, bool) {
	if !f.allow(w, r, methods...) {
		return Place{}, false
	}
	place, ok := f.Place(r)
	if !ok {
		f.note(r.Context(), codeNotFound)
		http.Error(w, "no user pool has this address", http.StatusNotFound)
	}
	return place, ok
}

// allow answers requests with methods other than these.
func (f *front) allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	f.note(r.Context(), codeMethod)
	for _, method := range methods {
		w.Header().Add("Allow", method)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	return false
}
