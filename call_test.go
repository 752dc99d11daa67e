package latchkey

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// attributesOf asks for the signed-in user's attributes.
func attributesOf(ctx context.Context, c *Client) (map[string]string, error) {
	var out wire.GetUserResponse
	if err := c.Call(ctx, "GetUser", nil, &out); err != nil {
		return nil, err
	}
	attributes := map[string]string{}
	for _, a := range out.UserAttributes {
		attributes[a.Name] = a.Value
	}
	return attributes, nil
}

// changePassword changes the signed-in user's password.
func changePassword(ctx context.Context, c *Client, old, next string) error {
	return c.Call(ctx, "ChangePassword", map[string]any{"PreviousPassword": NewSecret(old), "ProposedPassword": NewSecret(next)}, nil)
}

// TestCallRefuses checks what Call refuses without asking the service.
func TestCallRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		operation string
		in, out   any
		text      string
	}{
		"unknown":         {"Nothing", nil, nil, "not an operation"},
		"empty":           {"", nil, nil, "not an operation"},
		"identity pool's": {"GetId", nil, nil, "not an operation"},
		"administrator's": {"AdminGetUser", nil, nil, "for administrators"},
		"sign-in":         {"InitiateAuth", nil, nil, "call SignIn"},
		"challenge":       {"RespondToAuthChallenge", nil, nil, "call Step.Respond"},
		"refresh":         {"GetTokensFromRefreshToken", nil, nil, "call FetchTokens"},
		"revocation":      {"RevokeToken", nil, nil, "call SignOut"},
		"sign-out":        {"GlobalSignOut", nil, nil, "call GlobalSignOut"},
		"no object":       {"GetUser", "text", nil, "give an object"},
		"not encodable":   {"GetUser", func() {}, nil, "give an object"},
		"no pointer":      {"GetUser", nil, map[string]any{}, "non-nil pointer"},
		"nil pointer":     {"GetUser", nil, (*wire.GetUserResponse)(nil), "non-nil pointer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newFakePool()
			c := p.signedIn(t, "alice")
			before := p.total()
			err := c.Call(t.Context(), test.operation, test.in, test.out)
			if !errors.Is(err, ErrInvalidParameter) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error %v, want one with %q", err, test.text)
			}
			if p.total() != before {
				t.Error("the service was asked")
			}
		})
	}
}

// TestCallFillsIn checks the members that Call adds to a request, and those it leaves.
func TestCallFillsIn(t *testing.T) {
	t.Parallel()
	type request struct{ Username, ClientId, SecretHash, AccessToken, Session string }
	for name, test := range map[string]struct {
		operation string
		in        any
		secret    bool
		want      []string // members of the request, beside those of in
	}{
		"public":               {"ForgotPassword", request{Username: "ann"}, false, []string{"ClientId", "Username"}},
		"client with a secret": {"ForgotPassword", request{Username: "ann"}, true, []string{"ClientId", "SecretHash", "Username"}},
		"given by the caller":  {"ForgotPassword", map[string]any{"Username": "ann", "SecretHash": "own", "ClientId": "own"}, true, []string{"ClientId", "SecretHash", "Username"}},
		"of a user":            {"GetUser", nil, false, []string{"AccessToken"}},
		"own access token":     {"GetUser", request{AccessToken: "own"}, false, []string{"AccessToken"}},
		"in a sign-in":         {"AssociateSoftwareToken", request{Session: "s"}, false, []string{"Session"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newFakePool()
			c := p.signedIn(t, "alice", func(cfg *Config) {
				if test.secret {
					cfg.ClientSecret = NewSecret("s3cret")
				}
			})
			_ = c.Call(t.Context(), test.operation, test.in, nil) // the fake does not know all of them
			got := p.sent(test.operation)
			if diff := cmp.Diff(test.want, slices.Sorted(maps.Keys(got))); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
			if (got["SecretHash"] == "own") != (name == "given by the caller") || (got["AccessToken"] == "own") != (name == "own access token") {
				t.Errorf("request %v", got)
			}
		})
	}
}

// TestCallDecodesSecrets reads a member of a response into a Secret.
func TestCallDecodesSecrets(t *testing.T) {
	t.Parallel()
	c := newFakePool().signedIn(t, "alice")
	var out struct{ Username Secret }
	if err := c.Call(t.Context(), "GetUser", nil, &out); err != nil || out.Username.Reveal() != "alice" {
		t.Errorf("Username %q, %v", out.Username.Reveal(), err)
	}
}

// TestCallOfUnknownOperation says that the service lacks the operation.
func TestCallOfUnknownOperation(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	c := p.signedIn(t, "alice")
	p.set(func(p *fakePool) {
		p.script = func(string, *http.Request) (*http.Response, error) {
			return exception(wire.UnknownOperationException, "not offered"), nil
		}
	})
	err := c.Call(t.Context(), "ListDevices", nil, nil)
	if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "does not have the operation") {
		t.Errorf("error %v", err)
	}
}
