package hosted

import (
	_ "embed"
	"net/http"
)

// FaviconPath is where browsers look for the icon of a host.
const FaviconPath = "/favicon.ico"

//go:embed favicon.ico
var favicon []byte

// ServeFavicon serves Latchkey's icon. The pages name theirs themselves; browsers look here
// for the icon of anything else on the host.
func ServeFavicon(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", "image/vnd.microsoft.icon")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodGet {
		_, _ = w.Write(favicon)
	}
}
