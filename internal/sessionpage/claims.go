package sessionpage

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

// maxClaims is how many claims of a token are listed.
const maxClaims = 100

// claim is one of a token's, as it stands there.
type claim struct {
	Name, Value string
	Time        string // what a number of seconds means
}

// timeClaims count seconds since 1970 (RFC 7519, section 2, NumericDate).
var timeClaims = []string{"exp", "iat", "nbf", "auth_time"}

// claimsOf lists what a token says, in its own order: its header, then its payload.
// The signature, without which it is worth nothing, is left out.
func claimsOf(token *jwt.Unverified, zone *time.Location) (header, payload []claim) {
	return list(token.HeaderBytes(), zone), list(token.Payload(), zone)
}

// list reads the members of a JSON object, which the jwt package has checked.
func list(object []byte, zone *time.Location) (claims []claim) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	for decoder.More() && len(claims) < maxClaims {
		name, err := decoder.Token()
		var value json.RawMessage
		if err == nil {
			err = decoder.Decode(&value)
		}
		text, ok := name.(string)
		if err != nil || !ok {
			return claims
		}
		claims = append(claims, newClaim(text, value, zone))
	}
	return claims
}

func newClaim(name string, value json.RawMessage, zone *time.Location) claim {
	c := claim{Name: name, Value: string(value)}
	var text string
	if json.Unmarshal(value, &text) == nil {
		c.Value = text
	}
	for _, known := range timeClaims {
		seconds, err := strconv.ParseInt(c.Value, 10, 64)
		if name == known && err == nil && seconds > 0 && seconds < 1<<37 {
			c.Time = time.Unix(seconds, 0).In(zone).Format("2006-01-02 " + clockLayout + " MST")
		}
	}
	return c
}

// clockLayout is a time of day.
const clockLayout = "15:04:05"
