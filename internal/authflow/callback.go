package authflow

import (
	"net/url"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

// MaxCallback bounds what comes back from the sign-in pages, in bytes.
const MaxCallback = 16 << 10

// Callback is the answer of the sign-in pages, read and not verified (RFC 6749,
// section 4.1.2; RFC 9207).
type Callback struct {
	Code                    secret.String
	state                   secret.String
	issuer                  string
	failure, failureMessage string
}

// ReadCallback takes the answer out of a whole URL, of its query, or of what a
// person pasted. Errors do not repeat it.
func ReadCallback(text string) (Callback, error) {
	text = strings.TrimSpace(text)
	if len(text) > MaxCallback {
		return Callback{}, fault.New("", fault.Flow, "the answer is longer than any that the service gives")
	}
	text, fragment, _ := strings.Cut(text, "#")
	if _, query, ok := strings.Cut(text, "?"); ok {
		text = query
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return Callback{}, fault.New("", fault.Flow, "the answer is no query of a URL; give the whole address that the browser came back to")
	}
	for _, name := range []string{"state", "code", "iss", "error", "error_description"} {
		if len(values[name]) > 1 {
			return Callback{}, fault.New("", fault.Flow, "the answer has "+name+" more than once")
		}
	}
	answer := Callback{
		state: secret.New(values.Get("state")), Code: secret.New(values.Get("code")), issuer: values.Get("iss"),
		failure: values.Get("error"), failureMessage: values.Get("error_description"),
	}
	if answer.Code.IsZero() && answer.failure == "" {
		hint := "the answer has neither code nor error; give the whole address that the browser came back to"
		if strings.Contains(fragment, "access_token=") || strings.Contains(fragment, "id_token=") {
			hint = "the answer is one of the implicit grant, which has no refresh token; use the code grant"
		}
		return Callback{}, fault.New("", fault.Flow, hint)
	}
	return answer, nil
}

// Belongs checks that an answer is one to this flow, from this issuer. The state
// comes first: nothing is made of an answer that somebody else has begun.
func (a Callback) Belongs(flow Flow, issuer string) error {
	switch {
	case a.state.IsZero():
		return fault.New("", fault.Flow, "the answer has no state; start the sign-in again")
	case !a.state.Equal(flow.State):
		return fault.New("", fault.Flow, "the answer belongs to another sign-in, which was not started here; start it again")
	case a.issuer != "" && a.issuer != issuer:
		return fault.New("", fault.Flow, "the answer comes from another issuer; check Config.Issuer")
	}
	return nil
}

// Refusal is the error of an answer that is one; nil for a code.
func (a Callback) Refusal() error {
	if a.failure == "" {
		return nil
	}
	e := &fault.Fault{Kind: fault.Service, Code: fault.Sanitize(a.failure), Message: fault.Sanitize(a.failureMessage)}
	switch a.failure {
	case "access_denied":
		e.Kind, e.Hint = fault.Denied, "start the sign-in again to try once more"
	case "login_required", "interaction_required", "account_selection_required", "consent_required":
		e.Kind, e.Hint = fault.SignedOut, "start the sign-in again without Prompt(\"none\")"
	case "unauthorized_client":
		e.Kind, e.Hint = fault.Config, "allow the app client the code grant"
	case "invalid_client", "unsupported_response_type":
		e.Kind, e.Hint = fault.Config, "check the app client and its OAuth settings"
	case "invalid_scope":
		e.Kind, e.Hint = fault.Config, "check Config.OAuth.Scopes against the app client's"
	case "invalid_request":
		e.Kind, e.Hint = fault.InvalidParameter, "check the options of the sign-in"
	case "server_error", "temporarily_unavailable":
		e.Hint = "try again later"
	}
	return e
}
