package authflow

import (
	"errors"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

// TestReadCallback checks the forms in which an answer comes, and what is none.
func TestReadCallback(t *testing.T) {
	t.Parallel()
	const query = "code=S3CRET&state=s&iss=https%3A%2F%2Fi"
	for name, test := range map[string]struct{ text, code, hint string }{
		"query":               {query, "S3CRET", ""},
		"whole address":       {"http://127.0.0.1:1/callback?" + query, "S3CRET", ""},
		"with a fragment":     {"http://127.0.0.1:1/callback?state=s&code=S3CRET#_=_", "S3CRET", ""},
		"pasted with spaces":  {" \n?" + query + "\n", "S3CRET", ""},
		"empty":               {"", "", "neither code nor error"},
		"address alone":       {"http://127.0.0.1:1/callback", "", "neither code nor error"},
		"implicit grant":      {"http://127.0.0.1:1/callback#access_token=S3CRET", "", "implicit grant"},
		"implicit, ID token":  {"http://127.0.0.1:1/callback#id_token=S3CRET", "", "implicit grant"},
		"no query":            {"http://127.0.0.1:1/callback?code=%zzS3CRET", "", "give the whole address"},
		"two codes":           {query + "&code=b", "", "code more than once"},
		"two states":          {query + "&state=t", "", "state more than once"},
		"two issuers":         {query + "&iss=t", "", "iss more than once"},
		"longest":             {query + "&x=" + strings.Repeat("x", MaxCallback-len(query)-3), "S3CRET", ""},
		"too long":            {query + "&x=" + strings.Repeat("x", MaxCallback-len(query)-2), "", "longer than any"},
		"an error in its way": {"error=access_denied&state=s", "", ""},
	} {
		a, err := ReadCallback(test.text)
		if (err != nil) != (test.hint != "") || err != nil && (!errors.Is(err, fault.Flow) || !strings.Contains(err.Error(), test.hint) || strings.Contains(err.Error(), "S3CRET")) {
			t.Errorf("%s: %v, want %q", name, err, test.hint)
		}
		if a.Code.Reveal() != test.code {
			t.Errorf("%s: code %q", name, a.Code.Reveal())
		}
	}
}

// TestBelongs checks whose answers are taken: state first, then the issuer, which not every
// service sends (RFC 9207).
func TestBelongs(t *testing.T) {
	t.Parallel()
	flow := Flow{State: secret.New("s")}
	for query, hint := range map[string]string{
		"code=c&state=s":                                 "",
		"code=c&state=s&iss=https%3A%2F%2Fi":             "",
		"code=c&state=s&iss=https%3A%2F%2Fother":         "another issuer",
		"code=c&state=s&iss=https%3A%2F%2Fi%2F":          "another issuer",
		"code=c&state=t&iss=https%3A%2F%2Fother":         "another sign-in",
		"code=c&state=S":                                 "another sign-in",
		"code=c":                                         "no state",
		"code=c&state=":                                  "no state",
		"error=access_denied&state=t":                    "another sign-in",
		"error=access_denied&state=s&iss=https://other/": "another issuer",
	} {
		a, err := ReadCallback(query)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Belongs(flow, "https://i"); (err != nil) != (hint != "") || err != nil && (!errors.Is(err, fault.Flow) || !strings.Contains(err.Error(), hint)) {
			t.Errorf("%s: %v, want %q", query, err, hint)
		}
	}
}

// TestRefusal checks what the errors of the sign-in pages mean (RFC 6749, section 4.1.2.1;
// OpenID Connect Core 1.0, section 3.1.2.6).
func TestRefusal(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{
		"access_denied": fault.Denied, "login_required": fault.SignedOut, "interaction_required": fault.SignedOut,
		"account_selection_required": fault.SignedOut, "consent_required": fault.SignedOut, "unauthorized_client": fault.Config,
		"invalid_client": fault.Config, "unsupported_response_type": fault.Config, "invalid_scope": fault.Config,
		"invalid_request": fault.InvalidParameter, "server_error": fault.Service, "temporarily_unavailable": fault.Service, "new_error": fault.Service,
	} {
		a, err := ReadCallback("state=s&error=" + code + "&error_description=two%0Alines")
		if err != nil {
			t.Fatal(err)
		}
		f := fault.Find(a.Refusal())
		if !errors.Is(a.Refusal(), want) || f.Code != code || f.Message != "two lines" || f.EndsSession || (f.Hint == "") != (code == "new_error") {
			t.Errorf("%s: %+v, want %v", code, f, want)
		}
	}
	a, err := ReadCallback("state=s&code=c")
	if err != nil || a.Refusal() != nil {
		t.Errorf("a code: %v, %v", err, a.Refusal())
	}
}
