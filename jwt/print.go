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
// goes this way: fmt verbs, log/slog and encoding/json.
func (c Claims) String() string { return "jwt(" + c.summary() + ")" }

// GoString returns what String returns.
func (c Claims) GoString() string { return c.String() }

// Format writes what String returns, whatever the verb.
func (c Claims) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns what String returns.
func (c Claims) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON returns what String returns, as a JSON string. The claims
// themselves are [Claims.Payload].
func (c Claims) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }
