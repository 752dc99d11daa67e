package jwt

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// summary describes the token without showing it: how far it was checked, its
// use, whose it is and until when. Values are escaped and cut, because an
// unverified token may carry anything.
func (c Claims) summary() string {
	if c.body() == nil {
		return "no token"
	}
	var b strings.Builder
	if c.body().verifiedAs() == "" {
		b.WriteString("un")
	}
	b.WriteString("verified")
	switch use := c.Use(); {
	case c.isID():
		b.WriteString(" " + UseID)
	case use == UseAccess:
		b.WriteString(" " + use)
	}
	b.WriteString(" token")
	if sub := c.Subject(); sub != "" {
		b.WriteString(", sub " + quote(sub))
	}
	if exp := c.Expiry(); !exp.IsZero() {
		b.WriteString(", expires " + exp.UTC().Format(time.RFC3339))
	}
	return b.String()
}

// String returns a summary such as
//
//	jwt(verified access token, sub "6f1e…", expires 2026-01-02T15:04:05Z)
//
// It never contains the token, its signature or any other claim. All printing
// goes this way: fmt verbs and log/slog.
func (c Claims) String() string { return "jwt(" + c.summary() + ")" }

// GoString returns what String returns.
func (c Claims) GoString() string { return c.String() }

// Format writes what String returns, whatever the verb.
func (c Claims) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns what String returns.
func (c Claims) LogValue() slog.Value { return slog.StringValue(c.String()) }

// claimsJSON is the JSON of claims. It has no personal data, such as a name or an e-mail
// address, which a username may be.
type claimsJSON struct {
	Verified  bool      `json:"verified"`
	Use       string    `json:"token_use,omitzero"`
	Subject   string    `json:"sub,omitzero"`
	ClientID  string    `json:"client_id,omitzero"`
	Issuer    string    `json:"iss,omitzero"`
	IssuedAt  time.Time `json:"issued_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// maxPrinted is how many bytes of one claim the JSON has: an unverified token may carry
// anything.
const maxPrinted = 256

// printed is a claim as its JSON has it.
func printed(claim string) string {
	if len(claim) > maxPrinted {
		return strings.ToValidUTF8(claim[:maxPrinted], "") + "…"
	}
	return claim
}

// MarshalJSON returns an object that says whose the token is and how far it was checked, for
// logs and reports: verified, token_use, sub, client_id, iss, and issued_at and expires_at
// in RFC 3339. It contains neither the token nor its signature nor any other
// claim, and long values are cut, so the result cannot be read back; the claims themselves
// are [Claims.Payload]. The zero Claims are null.
func (c Claims) MarshalJSON() ([]byte, error) {
	if c.body() == nil {
		return []byte("null"), nil
	}
	return json.Marshal(claimsJSON{
		Verified: c.body().verifiedAs() != "", Use: printed(c.Use()), Subject: printed(c.Subject()),
		ClientID: printed(c.ClientID()), Issuer: printed(c.Issuer()), IssuedAt: c.IssuedAt().UTC(), ExpiresAt: c.Expiry().UTC(),
	})
}
