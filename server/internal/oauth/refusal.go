package oauth

import (
	"context"
	"io"
	"log/slog"
	"net/http"
)

// refusals answers requests of browsers that are refused.
type refusals struct {
	page func(w http.ResponseWriter, r *http.Request, e *RequestError)
	note func(ctx context.Context, code string)
	log  *slog.Logger
}

// Refuse answers a request that ReadRequest refused: to the client where that is
// safe, to the person otherwise.
func (f *refusals) Refuse(w http.ResponseWriter, r *http.Request, e *RequestError) {
	f.note(r.Context(), e.Code)
	if e.cause != nil {
		f.log.ErrorContext(r.Context(), "authorization failed", "pool", e.PoolID, "error", e.cause)
	}
	if e.Redirect != "" {
		redirect(w, r, e.Redirect)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	f.page(w, r, e)
}

// plainError is the error page of a Provider that has none.
func plainError(w http.ResponseWriter, _ *http.Request, e *RequestError) {
	http.Error(w, e.Code+": "+e.Description, e.Status())
}

// plainSignedOut is the page of those who signed out of a Provider that has none.
func plainSignedOut(w http.ResponseWriter, _ *http.Request, _ string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "You are signed out.\n")
}

// Status is the HTTP status of a page that shows the error.
func (e *RequestError) Status() int {
	if e.Code == codeServerError {
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}
