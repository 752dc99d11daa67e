package pooltest

import (
	"maps"
	"regexp"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/outbox"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

// Verifying makes pools that verify e-mail addresses by themselves.
func Verifying(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
	p.AutoVerifiedAttributes = []string{"email"}
	p.AliasAttributes = []string{"email"}
	c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsLegacy
}

// Hiding is Verifying for a client that hides who exists.
func Hiding(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
	Verifying(p, c)
	c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
}

// Email is the attribute of an e-mail address.
func Email(address string) []wire.AttributeType { return Attributes("email", address) }

// Verified is Email of an address that is verified.
func Verified(address string) []wire.AttributeType {
	return Attributes("email", address, "email_verified", "true")
}

var sixDigits = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b[0-9]{6}\b`) })

// Code is the code of the newest message, which must have gone to an address.
func Code(t *testing.T, sent *outbox.Outbox, address string) wire.Sensitive {
	t.Helper()
	entries := sent.Entries()
	if len(entries) == 0 || entries[0].Address != address {
		t.Fatalf("no message to %s", address)
	}
	return wire.Sensitive(sixDigits().FindString(entries[0].Text.Reveal()))
}

// Claims are the claims of a token, unverified.
func Claims(t *testing.T, token wire.Sensitive) jwt.Claims {
	t.Helper()
	decoded, err := jwt.Decode(string(token))
	if err != nil {
		t.Fatal(err)
	}
	return decoded.Claims()
}

// AllClaims are the claims of a token, unverified, by their names.
func AllClaims(t *testing.T, token wire.Sensitive) map[string]any {
	t.Helper()
	all, err := Claims(t, token).All()
	if err != nil {
		t.Fatal(err)
	}
	return maps.Clone(all)
}
