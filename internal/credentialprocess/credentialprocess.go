// Package credentialprocess writes AWS credentials as credential_process in the AWS
// configuration file demands them (AWS SDKs and Tools Reference Guide, "Process
// credential provider").
package credentialprocess

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/latchkey-auth/latchkey/store"
)

// Append appends the credentials to out as one line of JSON. Version 1 is the only
// one there is; Expiration is RFC 3339 in UTC, with whole seconds.
func Append(out []byte, c store.Credentials) []byte {
	out = append(out, `{"Version":1`...)
	for _, member := range [...]struct{ name, value string }{
		{"AccessKeyId", c.AccessKeyID},
		{"SecretAccessKey", c.SecretAccessKey.Reveal()},
		{"SessionToken", c.SessionToken.Reveal()},
		{"Expiration", c.Expiration.UTC().Format(time.RFC3339)},
	} {
		out = append(append(append(out, `,"`...), member.name...), `":`...)
		// What is not UTF-8 becomes U+FFFD; no service issues such a key.
		out, _ = jsontext.AppendQuote(out, member.value)
	}
	return append(out, "}\n"...)
}
