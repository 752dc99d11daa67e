package server

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// serveJWKS gives a pool's public keys.
func (s *Server) serveJWKS(w http.ResponseWriter, r *http.Request) {
	document, maxAge, err := s.ring.JWKS(r.Context(), r.PathValue("pool"))
	if err != nil {
		s.documentFailed(w, r, err)
		return
	}
	writeDocument(w, document, maxAge)
}

// discovery is an identity pool's OpenID configuration (OpenID Connect Discovery
// 1.0, section 3). Its two endpoints do not exist. Servers that accept the pool's tokens, such
// as MinIO, refuse a document without them.
type discovery struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint,omitzero"`
	TokenEndpoint         string   `json:"token_endpoint,omitzero"`
	JWKSURI               string   `json:"jwks_uri"`
	SigningAlgs           []string `json:"id_token_signing_alg_values_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	Scopes                []string `json:"scopes_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	TokenEndpointAuthWays []string `json:"token_endpoint_auth_methods_supported"`
}

func (s *Server) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	pool := r.PathValue("pool")
	identity, ok := s.poolExists(w, r, pool)
	if !ok {
		return
	}
	if identity {
		s.serveIdentityDiscovery(w, r, pool)
		return
	}
	document, err := wire.Marshal(s.oauth.Describe(pool))
	if err != nil {
		s.documentFailed(w, r, err)
		return
	}
	writeDocument(w, document, time.Hour)
}

// serveIdentityDiscovery describes the tokens of an identity pool.
func (s *Server) serveIdentityDiscovery(w http.ResponseWriter, r *http.Request, pool string) {
	issuer := s.idIssuer(pool)
	document, err := wire.Marshal(discovery{
		Issuer: issuer, JWKSURI: issuer + "/.well-known/jwks.json",
		AuthorizationEndpoint: issuer + "/authorize", TokenEndpoint: issuer + "/token",
		SigningAlgs: []string{"RS256"}, ResponseTypes: []string{"id_token"},
		Scopes: []string{"openid"}, SubjectTypes: []string{"public"}, TokenEndpointAuthWays: []string{"none"},
	})
	if err != nil {
		s.documentFailed(w, r, err)
		return
	}
	writeDocument(w, document, time.Hour)
}

// poolExists reports whether the pool exists and whether it is an identity pool. It writes the
// response for a pool that does not exist.
func (s *Server) poolExists(w http.ResponseWriter, r *http.Request, pool string) (identity, ok bool) {
	err := s.store.View(r.Context(), func(tx storage.Tx) error {
		_, err := tx.Pools.Pool(pool)
		if identity = errors.Is(err, storage.ErrNotFound); identity {
			_, err = tx.IdentityPools.Pool(pool)
		}
		return err
	})
	if err != nil {
		s.documentFailed(w, r, err)
	}
	return identity, err == nil
}

func (s *Server) documentFailed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, storage.ErrNotFound) {
		noteOutcome(r.Context(), "not_found")
		http.Error(w, "no such pool", http.StatusNotFound)
		return
	}
	noteOutcome(r.Context(), "server_error")
	s.log.ErrorContext(r.Context(), "document failed", "path", r.URL.Path, "error", err)
	http.Error(w, "temporarily unavailable", http.StatusServiceUnavailable)
}

func writeDocument(w http.ResponseWriter, document []byte, maxAge time.Duration) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(document)
}

// The paths of what watches over the service, without bounds per source.
const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// healthz reports that the process answers requests.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") }

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, text)
}
