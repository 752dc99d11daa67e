package amplifystore

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/store"
)

var (
	errOwn     = errors.New("it does not have the form that amplifystore writes")
	errSum     = errors.New("its checksum does not match: it was changed by something else")
	errAccount = errors.New("it is the record of another account")
)

// own is the value of an account's own key.
type own struct {
	// Record is what store.Encode made: without the secrets that Amplify's keys
	// hold, or whole while Cut. It is empty if the account is being deleted.
	Record string `json:"record,omitzero"`
	// Keys are digests of Amplify's keys as the last write leaves them.
	Keys map[string]string `json:"keys,omitzero"`
	// Before are digests from before that write.
	Before map[string]string `json:"before,omitzero"`
	// Cut says that the write is under way, or was cut off: each of Amplify's
	// keys may have its old value or its new one.
	Cut bool `json:"cut,omitzero"`

	record store.Record // decoded
}

// deleted reports whether a Delete was cut off.
func (o *own) deleted() bool { return o.Record == "" }

// matches reports whether the named keys hold what the last write left there.
func (o *own) matches(found fields, names []string) bool {
	for _, name := range names {
		sum := digest(found[name])
		if sum != o.Keys[name] && (!o.Cut || sum != o.Before[name]) {
			return false
		}
	}
	return true
}

// hadSession reports whether Amplify's keys were showing a session.
func (o *own) hadSession() bool { return o.Keys[accessToken] != "" || o.Before[accessToken] != "" }

// withTokens and withDevice put back what bare took out.
func (o *own) withTokens(record *store.Record, found fields) {
	if o.Cut || o.Keys[accessToken] == "" || record.Tokens == nil {
		return
	}
	record.Tokens.Access = store.NewSecret(found[accessToken])
	record.Tokens.ID = store.NewSecret(found[idToken])
	record.Tokens.Refresh = store.NewSecret(found[refreshToken])
}

func (o *own) withDevice(record *store.Record, found fields) {
	if !o.Cut && o.Keys[deviceKey] != "" && record.Device != nil {
		record.Device.Password = store.NewSecret(found[devicePass])
	}
}

// bare returns a record without the secrets that shown has.
func bare(record store.Record, shown fields) store.Record {
	record = record.Clone()
	if shown[accessToken] != "" {
		record.Tokens = &store.Tokens{ReceivedAt: record.Tokens.ReceivedAt}
	}
	if shown[deviceKey] != "" {
		record.Device.Password = store.Secret{}
	}
	return record
}

// withoutService is what an account is called in the storage.
func withoutService(account store.Account) store.Account {
	account.Service = ""
	return account
}

// seal turns a value of ours to text: a checksum, a space, JSON.
func seal(value any) (string, error) {
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return "", errors.New("amplifystore: a name is not valid UTF-8") // err may quote a value
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]) + " " + string(text), nil
}

// unseal is the inverse of seal. Its errors quote nothing.
func unseal(text string, value any) error {
	sum, payload, ok := strings.Cut(text, " ")
	if !ok {
		return errOwn
	}
	want := sha256.Sum256([]byte(payload))
	if sum != hex.EncodeToString(want[:]) {
		return errSum
	}
	if json.Unmarshal([]byte(payload), value) != nil {
		return errOwn
	}
	return nil
}

// parseOwn reads the value of an account's own key. The error of a newer record
// is a *store.SchemaError.
func parseOwn(text string, account store.Account) (*own, error) {
	var o own
	if err := unseal(text, &o); err != nil {
		return nil, err
	}
	if o.deleted() {
		return &o, nil
	}
	record, err := store.Decode([]byte(o.Record))
	if err != nil {
		return nil, fmt.Errorf("its record: %w", err)
	}
	if withoutService(record.Account) != withoutService(account) {
		return nil, errAccount
	}
	record.Account = account
	o.record = record
	return &o, nil
}
