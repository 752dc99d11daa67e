package oauth

import (
	"net"
	"net/http"
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

// Place finds the pool of a request: by path value "pool", or by host name, which
// is PREFIX.localhost or a whole name. Only names that a pool has count; nothing
// of the Host header goes into an answer. ok is false where there is no pool.
func (p *Provider) Place(r *http.Request) (place Place, ok bool) {
	if pool := r.PathValue("pool"); pool != "" {
		return Place{PoolID: pool, Base: "/" + pool}, true
	}
	name := domainOf(r.Host)
	if name == "" {
		return Place{}, false
	}
	pool, err := p.Clients.PoolOfDomain(r.Context(), name)
	if err != nil {
		p.Logger.ErrorContext(r.Context(), "domain could not be looked up", "error", err)
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

// at finds the place of a request and answers for it where there is none.
func (p *Provider) at(w http.ResponseWriter, r *http.Request) (Place, bool) {
	place, ok := p.Place(r)
	if !ok {
		p.Note(r.Context(), codeNotFound)
		http.Error(w, "no user pool has this address", http.StatusNotFound)
	}
	return place, ok
}
