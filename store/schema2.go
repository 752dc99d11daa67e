package store

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The types of this file are schema 2: schema 1 and what is still to be revoked.
// Like those of schema 1 they change no more.

// record2 is the whole payload; its members stand beside those of record1.
type record2 struct {
	record1
	Pending []revocation2 `json:"pending,omitzero"`
}

// revocation2 is a [Revocation].
type revocation2 struct {
	Token string    `json:"token"`
	Since time.Time `json:"since,omitzero"`
}

// newRecord2 reveals the record's secrets.
func newRecord2(r Record) *record2 {
	shape := &record2{record1: *newRecord1(r)}
	for _, p := range r.Pending {
		shape.Pending = append(shape.Pending, revocation2{Token: p.Token.Reveal(), Since: p.Since.UTC()})
	}
	return shape
}

// record wraps the secrets again.
func (shape *record2) record() Record {
	r := shape.record1.record()
	for _, p := range shape.Pending {
		r.Pending = append(r.Pending, Revocation{Token: NewSecret(p.Token), Since: p.Since.UTC()})
	}
	return r
}

// read reads the value of one member of the payload.
func (shape *record2) read(dec *jsontext.Decoder, name string) error {
	if name != "pending" {
		return shape.record1.read(dec, name)
	}
	return readList(dec, &shape.Pending, MaxPending, errPending, (*revocation2).read)
}

func (p *revocation2) read(dec *jsontext.Decoder) error {
	return readObject(dec, func(name string) error {
		switch name {
		case "token":
			return readText(dec, &p.Token)
		case "since":
			return readTime(dec, &p.Since)
		}
		return errUnknownName
	})
}

// readList reads an array of at most limit elements. A longer one is tooLong.
func readList[T any](dec *jsontext.Decoder, list *[]T, limit int, tooLong error, read func(*T, *jsontext.Decoder) error) error {
	begin, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if begin.Kind() != jsontext.KindBeginArray {
		return errKind
	}
	for n := 0; dec.PeekKind() != jsontext.KindEndArray; n++ {
		if n == limit {
			return tooLong
		}
		var element T
		if err := read(&element, dec); err != nil {
			return err
		}
		*list = append(*list, element)
	}
	_, err = dec.ReadToken()
	return err
}
