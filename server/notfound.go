package server

import (
	"net/http"
	"strings"

	"github.com/latchkey-auth/latchkey/server/internal/hosted"
)

// anyPath stands for all paths that nothing is mounted at, where requests are counted.
const anyPath = "/"

// serveRest serves operations, whatever path the endpoint of a client has. Nothing else is
// at the paths that come here.
func (s *Server) serveRest(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		s.serveOperation(w, r)
	case http.MethodGet, http.MethodHead:
		s.observed(anyPath, s.bounded(s.notFound))(w, r)
	default:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
	}
}

// notFound answers for an address that does not exist: browsers get a page.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		s.hosted.ShowError(w, r.WithContext(hosted.At(r.Context(), hosted.Place{})), http.StatusNotFound, "not_found")
		return
	}
	noteOutcome(r.Context(), "not_found")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "no such address", http.StatusNotFound)
}

// atPool serves a page of the pools. Where no pool has the address, only the stylesheet
// exists: the page that says so uses it.
func (s *Server) atPool(path string, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.oauth.Place(r); !ok && path != hosted.StylePath {
			s.notFound(w, r)
			return
		}
		handler(w, r)
	}
}
