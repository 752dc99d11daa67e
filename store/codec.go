package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxSize bounds an encoded record, in bytes. A real one has two to eight
// kilobytes: three tokens of one to four each, and credentials. A bound far
// above that never meets a real session, and keeps a file that something else
// wrote, or a disk error made huge, from costing more than a moment and a
// megabyte.
const MaxSize = 1 << 20

// SchemaError means that a record was written by a newer version. The record
// is intact, and a store leaves it in place, because the newer program may
// still be in use; it is not an [ErrDamaged].
type SchemaError struct {
	Found uint64 // the record's schema, greater than Schema
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("store: the record has schema %d and this program reads schemas up to %d; "+
		"upgrade this program, or sign out to forget the record", e.Found, Schema)
}

var errGeneration0 = errors.New("its generation is 0; the first is greater")

var (
	errPending    = errors.New("it has more than " + strconv.Itoa(MaxPending) + " pending revocations")
	errIdentities = errors.New("it has more than " + strconv.Itoa(MaxIdentities) + " identities")
	errLongText   = errors.New("its service, issuer or an identity has a text of more than " + strconv.Itoa(MaxText) + " bytes")
	errSameKey    = errors.New("two of its identities have the same pool, endpoint and role")
	errNoIdentity = errors.New("one of its identities has neither an id nor credentials")
	errNoPool     = errors.New("one of its identities has an endpoint or a role and no pool")
)

// accountSchema is the schema that EncodeAccount writes for an account without a
// service: such an account has looked the same since schema 1, and programs that
// read up to schema 3 still find the active account.
const accountSchema = 3

// Encode turns a record to bytes: one line of JSON with the schema version and
// a checksum. Times are written in UTC without their monotonic reading.
//
// The bytes hold the session's secrets in the clear. Encode fails when the record
// has generation 0, more than [MaxPending] revocations, more than [MaxIdentities]
// identities or two of one key, an identity with neither an id nor credentials, a
// text that is longer than [MaxText] or is not UTF-8, a year that RFC 3339 cannot
// write, or would have more than [MaxSize] bytes.
func Encode(record Record) ([]byte, error) {
	if err := check(record); err != nil {
		return nil, fmt.Errorf("store: encode record: %w", err)
	}
	return encode(Schema, "record", newRecord4(record))
}

// check refuses records that neither Encode nor Decode accepts.
func check(record Record) error {
	switch {
	case record.Generation == 0:
		return errGeneration0
	case len(record.Pending) > MaxPending:
		return errPending
	case len(record.Identities) > MaxIdentities:
		return errIdentities
	case len(record.Account.Service) > MaxText || len(record.Issuer) > MaxText:
		return errLongText
	}
	for n, i := range record.Identities {
		switch {
		case i.empty():
			return errNoIdentity
		case i.PoolID == "" && i.Endpoint+i.Role != "":
			return errNoPool
		case max(len(i.PoolID), len(i.Endpoint), len(i.Role), len(i.ID)) > MaxText:
			return errLongText
		case slices.ContainsFunc(record.Identities[:n], i.SameKey):
			return errSameKey
		}
	}
	return nil
}

// Decode is the inverse of [Encode]. It reads every schema up to [Schema]; what
// an older one does not have is zero, and the next Encode writes the newest.
//
// It returns a whole record or none. A record of a newer schema is a
// [*SchemaError]; any other error means that data is damaged: cut, changed,
// followed by something, or never a record. Errors do not quote data, which
// may hold secrets.
func Decode(data []byte) (Record, error) {
	var shape record4
	err := decode("record", data, func(schema uint64, dec *jsontext.Decoder) error {
		read := shape.read
		switch schema {
		case 1:
			read = shape.record1.read
		case 2:
			read = shape.record2.read
		case 3:
			read = shape.record3.read
		}
		return readObject(dec, func(name string) error { return read(dec, name) })
	})
	if err != nil {
		return Record{}, err
	}
	record := shape.record()
	if err := check(record); err != nil {
		return Record{}, err
	}
	return record, nil
}

// EncodeAccount turns an account to bytes in the manner of [Encode], for stores
// that keep the active account as a separate value. An account without a
// [Scope.Service] has the same bytes as in schema 3.
func EncodeAccount(account Account) ([]byte, error) {
	if len(account.Service) > MaxText {
		return nil, fmt.Errorf("store: encode account: %w", errLongText)
	}
	if account.Service == "" {
		return encode(accountSchema, "account", account)
	}
	return encode(Schema, "account", account)
}

// DecodeAccount is the inverse of [EncodeAccount]. Errors are as for [Decode].
func DecodeAccount(data []byte) (Account, error) {
	var account Account
	err := decode("account", data, func(schema uint64, dec *jsontext.Decoder) error {
		if schema <= accountSchema {
			return readAccount1(dec, &account)
		}
		return readAccount4(dec, &account)
	})
	if err == nil && len(account.Service) > MaxText {
		err = errLongText
	}
	if err != nil {
		return Account{}, err
	}
	return account, nil
}

func encode(schema uint64, member string, shape any) ([]byte, error) {
	payload, err := json.Marshal(shape)
	if err != nil {
		return nil, fmt.Errorf("store: encode %s: %w", member, withoutValues(err))
	}
	data := frame(schema, member, payload)
	if len(data) > MaxSize {
		return nil, fmt.Errorf("store: encode %s: it would have %d bytes and may have %d", member, len(data), MaxSize)
	}
	return data, nil
}

// decode opens the frame and has read take the one value in it. Duplicate names
// and invalid UTF-8 are refused by the decoder itself.
func decode(member string, data []byte, read func(uint64, *jsontext.Decoder) error) error {
	schema, payload, err := unframe(member, data)
	if err != nil {
		return err
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(payload))
	if err := read(schema, dec); err != nil {
		return fmt.Errorf("%w at %q", withoutValues(err), dec.StackPointer())
	}
	if dec.InputOffset() != int64(len(payload)) {
		return errFrame
	}
	return nil
}

// withoutValues drops the text of a JSON library's error, which may quote the
// value, hence a token.
func withoutValues(err error) error {
	if _, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return errSyntax
	}
	if _, ok := errors.AsType[*json.SemanticError](err); ok {
		return errKind
	}
	if errors.Is(err, io.EOF) {
		return errSyntax
	}
	return err
}
