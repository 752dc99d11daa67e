package cognito

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Operations whose answers have rules of their own. Only a refresh can end a
// session: in every other operation a refusal may concern the request, its access
// token or another service.
const (
	OpRefresh = "GetTokensFromRefreshToken"
	// OpToken is POST /oauth2/token (RFC 6749, section 3.2).
	OpToken = "oauth2/token"
	// OpIdentity and OpCredentials are the identity pool's. Its errors end nothing.
	OpIdentity    = "GetId"
	OpCredentials = "GetCredentialsForIdentity"
)

// maxRetryAfter bounds Retry-After, so that a proxy that asks for years cannot keep
// a session from being refreshed.
const maxRetryAfter = 5 * time.Minute

// verdict is what follows from an answer.
type verdict struct {
	class fault.Class
	ends  bool // it ends a session, once the store was read again
	retry bool // the same call may succeed if it is repeated shortly
	wait  time.Duration
}

// classify says what an answer that is not a success means.
func classify(op string, got answer) (verdict, *wire.Exception) {
	e := wire.ReadException(got.status, got.header, got.body)
	if got.foreign() {
		e.Type, e.Message = "", "" // a proxy's page
	}
	v := byStatus(got.status)
	// Cognito's client faults have status 400, whatever AWS's model says. 401 and 403
	// are OAuth's and the firewall's.
	if got.status == http.StatusBadRequest || got.status == http.StatusUnauthorized || got.status == http.StatusForbidden {
		switch {
		case op == OpToken:
			v = byOAuthError(got.status, e, got.body)
		case got.status == http.StatusBadRequest:
			v = byException(op, e)
		case e.Type == wire.ForbiddenException: // AWS WAF answers 403
			v = verdict{class: fault.Policy}
		}
	}
	v.wait = retryAfter(got.header, time.Now())
	return v, e
}

// byStatus classifies by the HTTP status alone.
func byStatus(status int) verdict {
	switch {
	case status >= 300 && status < 400: // a captive portal; POST is not redirected, and the same answer comes again
		return verdict{class: fault.Unreached}
	case status == http.StatusProxyAuthRequired:
		return verdict{class: fault.Unreached}
	case status == http.StatusRequestTimeout, status == http.StatusNetworkAuthenticationRequired:
		return verdict{class: fault.Unreached, retry: true}
	case status == http.StatusTooManyRequests:
		return verdict{class: fault.TooManyCalls, retry: true}
	case status >= 500:
		return verdict{class: fault.ServerFailed, retry: true}
	}
	return verdict{class: fault.Unknown}
}

// byException classifies Cognito's exceptions, which have status 400.
func byException(op string, e *wire.Exception) verdict {
	switch {
	case op == OpIdentity || op == OpCredentials:
		return byIdentityException(e)
	case e.Type == wire.NotAuthorizedException:
		return byRefusal(op, e.Message)
	case op == OpRefresh && e.Message == wire.MessageDeviceDoesNotExist: // of any type
		return verdict{class: fault.DeviceUnknown}
	case op == OpRefresh && endings[e.Type]:
		return verdict{class: fault.Ended, ends: true}
	}
	return exceptions()[e.Type]
}

// byRefusal tells apart the meanings of NotAuthorizedException. An unknown text
// counts as a refusal.
func byRefusal(op, message string) verdict {
	// Cognito writes SECRET_HASH, SecretHash and "secret hash", and refuses a client
	// without its secret with NotAuthorizedException too. These are mistakes of the
	// configuration.
	plain := strings.NewReplacer(" ", "", "_", "").Replace(strings.ToLower(message))
	switch {
	case strings.Contains(plain, "secrethash"), strings.Contains(plain, "clientsecret"), strings.Contains(plain, "configuredwithsecret"):
		return verdict{class: fault.Misconfigured}
	case message == wire.MessagePasswordAttemptsExceeded:
		return verdict{class: fault.TooManyCalls} // a lockout never ends a live session
	case op != OpRefresh:
		return verdict{class: fault.Refused}
	case message == wire.MessageInvalidRefreshToken:
		return verdict{class: fault.Device}
	case strings.Contains(plain, "device"):
		return verdict{class: fault.DeviceUnknown}
	}
	return verdict{class: fault.Ended, ends: true}
}

// byIdentityException classifies the identity pool's exceptions, which never end a
// user pool session.
func byIdentityException(e *wire.Exception) verdict {
	if e.Type == wire.NotAuthorizedException {
		switch {
		case strings.HasPrefix(e.Message, "Access to Identity"):
			return verdict{class: fault.IdentityGone, retry: true}
		case strings.HasPrefix(e.Message, "Unauthenticated access"):
			return verdict{class: fault.NoGuests}
		// The login token was good once: it has expired, or, with ServerSideTokenCheck,
		// its session was ended.
		case strings.HasPrefix(e.Message, "Invalid login token. Token expired"), strings.HasPrefix(e.Message, "Token is inactive"):
			return verdict{class: fault.StaleLogin}
		}
		return verdict{class: fault.Misconfigured}
	}
	if e.Type == wire.ResourceNotFoundException && strings.HasPrefix(e.Message, "Identity '") {
		return verdict{class: fault.IdentityGone, retry: true}
	}
	return exceptions()[e.Type]
}

// byOAuthError classifies the token endpoint's errors (RFC 6749, section 5.2).
func byOAuthError(status int, e *wire.Exception, body []byte) verdict {
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return verdict{class: fault.Unknown}
	}
	e.Type, e.Message = fault.Sanitize(answer.Error), answer.Description
	switch answer.Error {
	case "invalid_grant":
		if status == http.StatusBadRequest {
			return verdict{class: fault.Ended, ends: true}
		}
	case "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
		return verdict{class: fault.Misconfigured}
	case "invalid_request":
		return verdict{class: fault.BadRequest}
	case "slow_down":
		return verdict{class: fault.TooManyCalls, retry: true}
	case "server_error", "temporarily_unavailable":
		return verdict{class: fault.ServerFailed, retry: true}
	}
	return verdict{class: fault.Unknown}
}

// retryAfter reads Retry-After, seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		wait = time.Duration(min(max(seconds, 0), int64(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
