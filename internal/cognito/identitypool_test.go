package cognito

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

var testLogins = map[string]string{"pool.example/us-east-1_a": "token"}

// TestIdentify checks the request for an identity, and which answers name one.
func TestIdentify(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"IdentityId":"us-east-1:1"}`: "us-east-1:1", `{}`: "", `{"IdentityId":""}`: "", `{"IdentityId":"1"}`: "", `{"IdentityId":"us-east-1:a b"}`: "",
	} {
		var got request
		p := &IdentityPool{Endpoint: answering(200, answer, &got), ID: "us-east-1:pool"}
		id, err := p.Identify(t.Context(), testLogins)
		if id != want || (err == nil) != (want != "") || err != nil && fault.Find(err).Class != fault.Malformed {
			t.Errorf("%s: %q, %v", answer, id, err)
		}
		body := `{"IdentityPoolId":"us-east-1:pool","Logins":{"pool.example/us-east-1_a":"token"}}`
		if got.op != OpIdentity || got.body != body {
			t.Errorf("%s: %s %s, want %s", answer, got.op, got.body, body)
		}
	}
}

// TestPlausibleIdentity checks the form of identity ids.
func TestPlausibleIdentity(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"us-east-1:7a7a7a7a-0000-4000-8000-000000000000": true,
		"us-east-1:a":     true,
		"us-gov-west-1:a": true,
		"":                false,
		":a":              false,
		"us-east-1:":      false,
		"us-east-1":       false,
		"us-east-1:a\n":   false,
		"us-east-1:ä":     false,
		"us-east-1:" + strings.Repeat("a", maxIdentity-10):   true,
		"us-east-1:" + strings.Repeat("a", maxIdentity-10+1): false,
	} {
		if got := PlausibleIdentity(id); got != want {
			t.Errorf("%q: %t", id, got)
		}
	}
}

// TestIssue checks the request for credentials and which answers have them. The identity
// of the answer counts.
func TestIssue(t *testing.T) {
	t.Parallel()
	const keys = `"Credentials":{"AccessKeyId":"A","SecretKey":"s","SessionToken":"t","Expiration":4102444800}`
	for name, test := range map[string]struct {
		answer, identity string
		malformed        bool
	}{
		"the same identity":   {`{"IdentityId":"us-east-1:1",` + keys + `}`, "us-east-1:1", false},
		"another identity":    {`{"IdentityId":"us-east-1:2",` + keys + `}`, "us-east-1:2", false},
		"no identity":         {`{` + keys + `}`, "us-east-1:1", false},
		"a strange identity":  {`{"IdentityId":"2",` + keys + `}`, "", true},
		"no credentials":      {`{"IdentityId":"us-east-1:1"}`, "", true},
		"no key":              {`{"Credentials":{"SecretKey":"s","SessionToken":"t","Expiration":4102444800}}`, "", true},
		"no secret":           {`{"Credentials":{"AccessKeyId":"A","SessionToken":"t","Expiration":4102444800}}`, "", true},
		"no expiration":       {`{"Credentials":{"AccessKeyId":"A","SecretKey":"s","SessionToken":"t"}}`, "", true},
		"nothing":             {`{}`, "", true},
		"without token, once": {`{"Credentials":{"AccessKeyId":"A","SecretKey":"s","Expiration":4102444800}}`, "us-east-1:1", false},
	} {
		var got request
		p := &IdentityPool{Endpoint: answering(200, test.answer, &got), ID: "us-east-1:pool"}
		issued, err := p.Issue(t.Context(), "us-east-1:1", testLogins, Clock{})
		if issued.Identity != test.identity || (err != nil) != test.malformed || err != nil && (fault.Find(err).Class != fault.Malformed || !fault.Find(err).Retryable) {
			t.Errorf("%s: %+v, %v", name, issued, err)
		}
		if err == nil && (issued.Credentials.AccessKeyID != "A" || issued.Credentials.SecretAccessKey.Reveal() != "s" || issued.Received.IsZero() || issued.Life <= 0) {
			t.Errorf("%s: %+v", name, issued)
		}
		if want := `{"IdentityId":"us-east-1:1","Logins":{"pool.example/us-east-1_a":"token"}}`; got.op != OpCredentials || got.body != want {
			t.Errorf("%s: %s %s, want %s", name, got.op, got.body, want)
		}
	}
}

// TestPoolWithoutGuestRole checks that a pool without a role for guests is a refusal of
// guests for a guest, and a mistake of the configuration for a user.
func TestPoolWithoutGuestRole(t *testing.T) {
	t.Parallel()
	refusal := func(message string) string {
		return fmt.Sprintf(`{"__type":%q,"message":%q}`, wire.InvalidIdentityPoolConfigurationException, message)
	}
	for name, test := range map[string]struct {
		logins  map[string]string
		message string
		guests  bool
	}{
		"guest":               {nil, wire.MessageIdentityPoolRoles, true},
		"user":                {testLogins, wire.MessageIdentityPoolRoles, false},
		"guest, other reason": {nil, "another", false},
	} {
		var got request
		p := &IdentityPool{Endpoint: answering(400, refusal(test.message), &got), ID: "us-east-1:pool"}
		_, err := p.Issue(t.Context(), "us-east-1:1", test.logins, Clock{})
		f := fault.Find(err)
		if errors.Is(err, fault.GuestsDisabled) != test.guests || !errors.Is(err, fault.Config) || f.Code != wire.InvalidIdentityPoolConfigurationException {
			t.Errorf("%s: %v", name, err)
		}
		if want := map[bool]fault.Class{true: fault.NoGuests, false: fault.Misconfigured}[test.guests]; f.Class != want || f.Hint == "" {
			t.Errorf("%s: class %d with the hint %q", name, f.Class, f.Hint)
		}
	}
}

// TestIdentityPoolEndsNothing checks the refusals of an identity pool: none ends a session
// of the user pool.
func TestIdentityPoolEndsNothing(t *testing.T) {
	t.Parallel()
	want := map[string]fault.Class{
		"NotAuthorizedException: Access to Identity 'us-east-1:1' is forbidden.":                  fault.IdentityGone,
		"NotAuthorizedException: Unauthenticated access is not supported for this identity pool.": fault.NoGuests,
		"NotAuthorizedException: Invalid login token. Token expired: 1 >= 0":                      fault.StaleLogin,
		"NotAuthorizedException: Token is inactive.":                                              fault.StaleLogin,
		"NotAuthorizedException: Invalid login token. Not a valid OpenId Connect identity token.": fault.Misconfigured,
		"ResourceNotFoundException: Identity 'us-east-1:1' not found.":                            fault.IdentityGone,
		"ResourceNotFoundException: IdentityPool 'us-east-1:pool' not found.":                     fault.Misconfigured,
		"ResourceConflictException: Logins don't match.":                                          fault.Conflict,
		"TooManyRequestsException: slow down":                                                     fault.TooManyCalls,
		"UserNotFoundException: of another operation":                                             fault.Refused,
		"SomethingNewException: a text":                                                           fault.Unknown,
	}
	got := map[string]fault.Class{}
	for text := range want {
		code, message, _ := strings.Cut(text, ": ")
		var r request
		p := &IdentityPool{Endpoint: answering(400, fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message), &r)}
		_, err := p.Issue(t.Context(), "us-east-1:1", testLogins, Clock{})
		f := fault.Find(err)
		if got[text] = f.Class; f.EndsSession {
			t.Errorf("%s ends a session", text)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
}

// TestRefusedLoginHint checks that the refusal of a login's token speaks of the token, and
// other mistakes of the pool's settings.
func TestRefusedLoginHint(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ exception, message, word string }{
		{wire.NotAuthorizedException, wire.MessageLoginNotOpenID, "token"}, {wire.NotAuthorizedException, wire.MessageUnsupportedProvider, "token"},
		{wire.ResourceNotFoundException, "IdentityPool 'us-east-1:x' not found.", "pool's id"},
	} {
		var got request
		p := &IdentityPool{Endpoint: answering(400, fmt.Sprintf(`{"__type":%q,"message":%q}`, test.exception, test.message), &got), ID: "us-east-1:pool"}
		_, err := p.Issue(t.Context(), "us-east-1:1", testLogins, Clock{})
		if f := fault.Find(err); !strings.Contains(f.Hint, test.word) {
			t.Errorf("%s: hint %q", test.message, f.Hint)
		}
	}
}
