package stsbroker

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/server/plug"
)

// Error is a refusal in STS's own words. It is an [plug.ErrRole] unless
// asking again may help.
type Error struct {
	Code      string // such as "InvalidIdentityToken"
	Message   string
	RequestID string
	Status    int // of HTTP
}

// temporary are the codes that say nothing about the role, whatever their status.
var temporary = []string{
	"IDPCommunicationError", "Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown",
	"InternalError", "InternalFailure", "ServiceUnavailable", "RequestTimeout", "RequestTimeTooSkewed",
}

// hints say what to look at.
var hints = map[string]string{
	"InvalidIdentityToken":    "does the other side know the pool's issuer, and the identity pool's id as an audience?",
	"InvalidParameterValue":   "does the other side know the pool's issuer, and the identity pool's id as an audience?",
	"AccessDenied":            "does the role trust the pool, and identities like this one?",
	"ExpiredTokenException":   "compare the clocks",
	"ExpiredToken":            "compare the clocks",
	"IDPCommunicationError":   "the other side cannot reach the pool's discovery document or keys",
	"RegionDisabledException": "activate STS in this region",
}

// Error is code, message and what to do.
func (e *Error) Error() string {
	text := fmt.Sprintf("stsbroker: STS refuses with %s (status %d): %s", e.Code, e.Status, e.Message)
	if e.RequestID != "" {
		text += " [" + e.RequestID + "]"
	}
	if hint, ok := hints[e.Code]; ok {
		text = strings.TrimSpace(text) + "; " + hint
	}
	return text
}

// Is reports a refusal of the role as [plug.ErrRole].
func (e *Error) Is(target error) bool { return target == plug.ErrRole && !e.isTemporary() }

func (e *Error) isTemporary() bool {
	return e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout ||
		slices.Contains(temporary, e.Code)
}
