package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxSize bounds an encoded record, in bytes. A real one has two to eight
// kilobytes: three tokens of one to four each, and credentials. A bound far
// above that never meets a real session, and keeps a file that something else
// wrote, or a disk error made huge, from costing more than a moment and a
// megabyte.
const MaxSize = 1 << 20

// SchemaError tells that a record was written by a newer program. The record
// is sound, and a store leaves it where it is, because the newer program may
// still be in use beside this one; it is no [ErrDamaged].
type SchemaError struct {
	Found uint64 // the record's schema, greater than Schema
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("store: the record has schema %d and this program reads schemas up to %d; "+
		"upgrade this program, or sign out to forget the record", e.Found, Schema)
}

var errGeneration0 = errors.New("its generation is 0; the first is greater")

var errPending = fmt.Errorf("it has more than %d pending revocations", MaxPending)

// Encode turns a record to bytes: one line of JSON with the schema version and
// a checksum. Times are written in UTC without their monotonic reading.
//
// The bytes hold the session's secrets in the clear. Encode fails when the
// record has generation 0 or more than [MaxPending] revocations, holds text that is not UTF-8 or a year that RFC 3339
// cannot write, or would have more than [MaxSize] bytes.
func Encode(record Record) ([]byte, error) {
	if record.Generation == 0 {
		return nil, fmt.Errorf("store: encode record: %w", errGeneration0)
	}
	if len(record.Pending) > MaxPending {
		return nil, fmt.Errorf("store: encode record: %w", errPending)
	}
	return encode("record", newRecord3(record))
}

// Decode is the inverse of [Encode]. It reads every schema up to [Schema]; what
// an older one does not have is zero, and the next Encode writes the newest.
//
// It returns a whole record or none. A record of a newer schema is a
// [*SchemaError]; any other error means that data is damaged: cut, changed,
// followed by something, or never a record. Errors do not quote data, which
// may hold secrets.
func Decode(data []byte) (Record, error) {
	var shape record3
	err := decode("record", data, func(schema uint64, dec *jsontext.Decoder) error {
		switch schema {
		case 1:
			return shape.record1.read(dec)
		case 2:
			return shape.record2.read(dec)
		}
		return shape.read(dec)
	})
	if err != nil {
		return Record{}, err
	}
	return shape.record(), nil
}

// EncodeAccount turns an account to bytes in the manner of [Encode], for stores
// that keep the active account as a value of its own. It has looked the same in
// every schema.
func EncodeAccount(account Account) ([]byte, error) { return encode("account", account) }

// DecodeAccount is the inverse of [EncodeAccount]. Errors are as for [Decode].
func DecodeAccount(data []byte) (Account, error) {
	var account Account
	err := decode("account", data, func(_ uint64, dec *jsontext.Decoder) error { return readAccount(dec, &account) })
	if err != nil {
		return Account{}, err
	}
	return account, nil
}

func encode(member string, shape any) ([]byte, error) {
	payload, err := json.Marshal(shape)
	if err != nil {
		return nil, fmt.Errorf("store: encode %s: %w", member, withoutValues(err))
	}
	data := frame(member, payload)
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
