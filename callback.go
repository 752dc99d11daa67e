package latchkey

import (
	"net/url"
	"strings"
)

// maxCallback bounds what comes back from the sign-in pages, in bytes.
const maxCallback = 16 << 10

// callback is the answer of the sign-in pages, read and not believed yet (RFC 6749
// section 4.1.2, RFC 9207).
type callback struct {
	state                   Secret
	code                    Secret
	issuer                  string
	failure, failureMessage string
}

// readCallback takes the answer out of a whole URL, of its query, or of what a
// person pasted. Errors do not repeat it.
func readCallback(op, text string) (callback, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxCallback {
		return callback{}, fault(op, ErrFlow, "the answer is longer than any that the service gives")
	}
	text, fragment, _ := strings.Cut(text, "#")
	if _, query, ok := strings.Cut(text, "?"); ok {
		text = query
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return callback{}, fault(op, ErrFlow, "the answer is no query of a URL; give the whole address that the browser came back to")
	}
	for _, name := range []string{"state", "code", "iss", "error", "error_description"} {
		if len(values[name]) > 1 {
			return callback{}, fault(op, ErrFlow, "the answer has "+name+" more than once")
		}
	}
	answer := callback{
		state: NewSecret(values.Get("state")), code: NewSecret(values.Get("code")), issuer: values.Get("iss"),
		failure: values.Get("error"), failureMessage: values.Get("error_description"),
	}
	if answer.code.IsZero() && answer.failure == "" {
		hint := "the answer has neither code nor error; give the whole address that the browser came back to"
		if strings.Contains(fragment, "access_token=") || strings.Contains(fragment, "id_token=") {
			hint = "the answer is one of the implicit grant, which has no refresh token; use the code grant"
		}
		return callback{}, fault(op, ErrFlow, hint)
	}
	return answer, nil
}

// belongs checks that an answer is one to this flow, from this issuer. The state
// comes first: nothing is made of an answer that somebody else has begun.
func (a callback) belongs(op string, flow *RedirectFlow, issuer string) error {
	switch {
	case a.state.IsZero():
		return fault(op, ErrFlow, "the answer has no state; start the sign-in again")
	case !a.state.Equal(flow.state):
		return fault(op, ErrFlow, "the answer belongs to another sign-in, which was not started here; start it again")
	case a.issuer != "" && a.issuer != issuer:
		return fault(op, ErrFlow, "the answer comes from another issuer; check Config.Issuer")
	}
	return nil
}

// refusal is the error of an answer that is one; nil for a code.
func (a callback) refusal(op string) error {
	if a.failure == "" {
		return nil
	}
	e := &Error{Op: op, Kind: ErrService, Code: presentable(a.failure), Message: presentable(a.failureMessage)}
	switch a.failure {
	case "access_denied":
		e.Kind, e.Hint = ErrDenied, "start the sign-in again to try once more"
	case "login_required", "interaction_required", "account_selection_required", "consent_required":
		e.Kind, e.Hint = ErrSignedOut, "start the sign-in again without Prompt(\"none\")"
	case "unauthorized_client":
		e.Kind, e.Hint = ErrConfig, "allow the app client the code grant"
	case "invalid_client", "unsupported_response_type":
		e.Kind, e.Hint = ErrConfig, "check the app client and its OAuth settings"
	case "invalid_scope":
		e.Kind, e.Hint = ErrConfig, "check Config.OAuth.Scopes against the app client's"
	case "invalid_request":
		e.Kind, e.Hint = ErrInvalidParameter, "check the options of the sign-in"
	case "server_error", "temporarily_unavailable":
		e.Hint = "try again later"
	}
	return e
}
