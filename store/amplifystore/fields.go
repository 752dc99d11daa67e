package amplifystore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/store"
)

// fields are the values of an account's Amplify keys by the last part of the
// key's name. What is missing is empty. The values are secrets: they are never
// printed.
type fields map[string]string

// details is the value of signInDetails, with its members in Amplify's order.
type details struct {
	LoginID string `json:"loginId"`
	Flow    string `json:"authFlowType"`
}

// metadata is the value of oauthMetadata. Amplify writes it after a sign-in by
// redirect only, and its sign-out then leads over the logout page.
type metadata struct {
	SignIn bool `json:"oauthSignIn"`
}

const byRedirect = `{"oauthSignIn":true}`

// fieldsOf returns what Amplify's keys shall hold for a record. A session that
// ended is not shown, for Amplify would take it for a live one; nor is a device
// that lacks a part, which Amplify would not take for one.
func fieldsOf(record store.Record) (fields, error) {
	shown := fields{}
	if t := record.Tokens; t != nil && !t.Access.IsZero() && record.Ended == nil {
		shown[accessToken] = t.Access.Reveal()
		shown[idToken] = t.ID.Reveal()
		shown[refreshToken] = t.Refresh.Reveal()
		shown[clockDrift] = strconv.FormatInt(record.Drift.Milliseconds(), 10)
		if record.SignIn != nil {
			text, err := json.Marshal(details{record.SignIn.LoginID, record.SignIn.Flow})
			if err != nil {
				return nil, fmt.Errorf("amplifystore: encode %s: the text is not UTF-8", signInDetails)
			}
			shown[signInDetails] = string(text)
		}
		if record.Redirect != nil {
			shown[oauthMetadata] = byRedirect
		}
	}
	if d := record.Device; d != nil && d.Key != "" && d.GroupKey != "" && !d.Password.IsZero() {
		shown[deviceKey] = d.Key
		shown[deviceGroup] = d.GroupKey
		shown[devicePass] = d.Password.Reveal()
	}
	return shown, nil
}

// device is the inverse of fieldsOf. Amplify wants all three parts, or none.
func (f fields) device() *store.Device {
	for _, name := range deviceKeys {
		if f[name] == "" || !utf8.ValidString(f[name]) {
			return nil
		}
	}
	return &store.Device{Key: f[deviceKey], GroupKey: f[deviceGroup], Password: store.NewSecret(f[devicePass])}
}

func (f fields) hasTokens() bool {
	return f[accessToken] != "" || f[idToken] != "" || f[refreshToken] != ""
}

// same compares everything that a record is made of.
func (f fields) same(other fields) bool {
	for _, names := range [][]string{sessionKeys, deviceKeys} {
		for _, name := range names {
			if f[name] != other[name] {
				return false
			}
		}
	}
	return true
}

// digests returns a hash of each value that is there. Tokens and keys have more
// entropy than can be guessed from it.
func (f fields) digests() map[string]string {
	sums := make(map[string]string)
	for _, names := range [][]string{sessionKeys, deviceKeys} {
		for _, name := range names {
			if f[name] != "" {
				sums[name] = digest(f[name])
			}
		}
	}
	return sums
}

// digest is empty for the empty value, which is a missing one.
func digest(value string) string {
	if value == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// readFields reads an account's keys.
func (s *Store) readFields(ctx context.Context, account store.Account) (fields, error) {
	found := fields{}
	for _, names := range [][]string{sessionKeys, deviceKeys} {
		for _, name := range names {
			value, err := s.item(ctx, s.fieldKey(account, name))
			if err != nil {
				return nil, err
			}
			if value != "" {
				found[name] = value
			}
		}
	}
	return found, nil
}

// writeFields brings an account's keys from found to want; see the package's
// documentation for the order. What is right already is not written again: each
// write may be an event to a page that listens.
func (s *Store) writeFields(ctx context.Context, account store.Account, found, want fields) error {
	var order []string
	if want[accessToken] == "" {
		order = append(order, accessToken)
	}
	order = append(order, sessionKeys[1:]...)
	order = append(order, deviceKeys...)
	if want[accessToken] != "" {
		order = append(order, accessToken)
	}
	for _, name := range order {
		if found[name] == want[name] {
			continue
		}
		if err := s.set(ctx, s.fieldKey(account, name), want[name]); err != nil {
			return err
		}
	}
	return nil
}
