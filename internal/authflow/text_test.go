package authflow

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

// TestFlowTextRoundTrip draws flows: the text of each reads back as the same flow, and
// stays in the alphabet of a URL.
func TestFlowTextRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := func(label string, least int) string { return rapid.StringN(least, 40, -1).Draw(t, label) }
		f := Flow{
			State: secret.New(text("state", 1)), Nonce: secret.New(text("nonce", 1)), Verifier: secret.New(text("verifier", 1)),
			ClientID: text("client", 0), Redirect: text("redirect", 0), Provider: text("provider", 0),
			Custom:  secret.New(string(rapid.SliceOf(rapid.Byte()).Draw(t, "custom"))),
			Created: time.Unix(rapid.Int64Range(0, 1<<35).Draw(t, "created"), 0),
		}
		written := f.Text()
		if written == "" || url.QueryEscape(written) != written {
			t.Fatalf("the text %q", written)
		}
		got, err := Parse(written)
		if err != nil {
			t.Fatal(err)
		}
		if !got.State.Equal(f.State) || !got.Nonce.Equal(f.Nonce) || !got.Verifier.Equal(f.Verifier) || !got.Custom.Equal(f.Custom) {
			t.Fatalf("secrets differ after %q", written)
		}
		if got.ClientID != f.ClientID || got.Redirect != f.Redirect || got.Provider != f.Provider || !got.Created.Equal(f.Created) {
			t.Fatalf("%+v, want %+v", got, f)
		}
	})
	if got := (Flow{State: secret.New("s"), ClientID: "\xff"}).Text(); got != "" {
		t.Errorf("a name that is not UTF-8 is written as %q", got)
	}
}

// TestParseRefuses checks texts that are no flow's; the error does not repeat them.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for name, text := range map[string]string{
		"empty":        "",
		"no base64url": "S3CRET+/",
		"no JSON":      encode("S3CRET"),
		"another type": encode(`["S3CRET"]`),
		"no state":     encode(`{"state":"","nonce":"n","verifier":"S3CRET"}`),
		"no nonce":     encode(`{"state":"S3CRET","verifier":"v"}`),
		"no verifier":  encode(`{"state":"S3CRET","nonce":"n"}`),
		"padded":       encode(`{"state":"s","nonce":"n","verifier":"S3CRET"}`) + "=",
		"two states":   encode(`{"state":"s","state":"S3CRET","nonce":"n","verifier":"v"}`),
		"too long":     encode(`{"state":"s","nonce":"n","verifier":"` + strings.Repeat("v", maxText) + `"}`),
	} {
		got, err := Parse(text)
		if !errors.Is(err, fault.Flow) || got != (Flow{}) || strings.Contains(err.Error(), "S3CRET") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestQuery checks the authorization request: the verifier itself stays here.
func TestQuery(t *testing.T) {
	t.Parallel()
	f := New("client", "https://app.example/in")
	// RFC 7636, appendix B.
	f.Verifier = secret.New("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
	want := url.Values{
		"response_type": {"code"}, "client_id": {"client"}, "redirect_uri": {"https://app.example/in"}, "scope": {"openid email"},
		"state": {f.State.Reveal()}, "nonce": {f.Nonce.Reveal()},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	if diff := cmp.Diff(want, f.Query("openid email")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	other := New("client", "https://app.example/in")
	for name, pair := range map[string][2]secret.String{"state": {f.State, other.State}, "nonce": {f.Nonce, other.Nonce}, "in one flow": {f.State, f.Nonce}} {
		if pair[0].Equal(pair[1]) || len(pair[0].Reveal()) < 43 {
			t.Errorf("%s: %d characters, equal %t", name, len(pair[0].Reveal()), pair[0].Equal(pair[1]))
		}
	}
}

// TestFlowLife checks until when a flow is good, also after it was a text.
func TestFlowLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := New("client", "https://app.example/in")
		read, err := Parse(f.Text())
		if err != nil {
			t.Fatal(err)
		}
		if !f.Expires().Equal(f.Created.Add(Life)) {
			t.Errorf("Expires is %v after Created", f.Expires().Sub(f.Created))
		}
		time.Sleep(Life - time.Second)
		for name, flow := range map[string]Flow{"as made": f, "as text": read} {
			if err := flow.Check("client"); err != nil {
				t.Errorf("%s, a second before the end: %v", name, err)
			}
		}
		time.Sleep(time.Second)
		for name, flow := range map[string]Flow{"as made": f, "as text": read} {
			if err := flow.Check("client"); !errors.Is(err, fault.Flow) {
				t.Errorf("%s, at the end: %v", name, err)
			}
		}
		set := New("client", "")
		set.Created = set.Created.Round(0).Add(expiry.Slack - time.Second) // a clock that was set back a little
		if err := set.Check("client"); err != nil {
			t.Errorf("a clock set back by less than %v: %v", expiry.Slack, err)
		}
	})
}
