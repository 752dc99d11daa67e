package oauth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// refused is an error that a program gets (RFC 6749, section 5.2).
type refused struct {
	status            int
	code, description string
	basic             bool // the client tried the Authorization header
}

func (e *refused) Error() string { return "oauth: " + e.code + ": " + e.description }

func bad(code, description string) *refused {
	return &refused{status: http.StatusBadRequest, code: code, description: description}
}

// errorAnswer is an error of an endpoint that programs call.
type errorAnswer struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitzero"`
}

// replies writes the errors of the endpoints that programs call.
type replies struct {
	note func(ctx context.Context, code string)
	log  *slog.Logger
}

// broken is the answer to the service's own trouble, which is logged.
func (rp *replies) broken(ctx context.Context, err error) *refused {
	if ctx.Err() == nil {
		rp.log.ErrorContext(ctx, "oauth request failed", "error", err)
	}
	return &refused{status: http.StatusServiceUnavailable, code: codeServerError, description: "try again later"}
}

// judge makes the client's error of an error of the Issuer.
func (rp *replies) judge(ctx context.Context, err error) *refused {
	e, final := errors.AsType[*wire.Exception](err)
	switch {
	case err == nil:
		return nil
	case !final:
		return rp.broken(ctx, err)
	case e.Type == wire.TooManyRequestsException:
		return &refused{status: http.StatusTooManyRequests, code: codeServerError, description: "too many requests"}
	case e.Type == wire.InvalidUserPoolConfigurationException: // not the grant's fault, which stays good
		return &refused{status: http.StatusInternalServerError, code: codeServerError, description: e.Message}
	case e.Type == wire.ScopeDoesNotExistException:
		return bad(codeInvalidScope, "the session has fewer scopes")
	}
	return bad(codeInvalidGrant, strings.Trim(e.Message, "."))
}

// write answers with an error.
func (rp *replies) write(w http.ResponseWriter, r *http.Request, e *refused) {
	rp.note(r.Context(), e.code)
	if e.basic {
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth2", charset="UTF-8"`)
	}
	writeJSON(w, e.status, errorAnswer{e.code, e.description})
}

// writeJSON writes an answer that must not be cached (RFC 6749, section 5.1).
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := wire.Marshal(v)
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("x-amz-cognito-request-id", random.UUID())
	noStore(h)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func noStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
}
