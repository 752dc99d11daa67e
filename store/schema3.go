package store

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The types of this file are schema 3: schema 2, when credentials were issued,
// sessions of another provider, and sign-ins by redirect. Like those before they change no more.

// record3 is the whole payload; its members stand beside those of record2.
type record3 struct {
	record2
	CredentialsAt time.Time    `json:"credentials_received_at,omitzero"`
	Federation    *federation3 `json:"federation,omitzero"`
	Redirect      *redirect3   `json:"redirect,omitzero"`
}

// redirect3 has the fields of [Redirect] in the same order.
type redirect3 struct {
	URI     string `json:"uri"`
	Browser bool   `json:"browser,omitzero"`
}

// federation3 has the fields of [Federation] in the same order: one converts to
// the other.
type federation3 struct {
	Provider   string `json:"provider"`
	Subject    string `json:"subject,omitzero"`
	IdentityID string `json:"identity_id,omitzero"`
}

// newRecord3 reveals the record's secrets.
func newRecord3(r Record) *record3 {
	return &record3{record2: *newRecord2(r), Federation: (*federation3)(r.Federation), Redirect: (*redirect3)(r.Redirect)}
}

// record wraps the secrets again.
func (shape *record3) record() Record {
	r := shape.record2.record()
	r.Federation, r.Redirect = (*Federation)(shape.Federation), (*Redirect)(shape.Redirect)
	for _, i := range r.Identities { // at most the one of schema 1
		if i.Credentials != nil {
			i.Credentials.ReceivedAt = shape.CredentialsAt.UTC()
		}
	}
	return r
}

// read reads the value of one member of the payload.
func (shape *record3) read(dec *jsontext.Decoder, name string) error {
	switch name {
	case "credentials_received_at":
		return readTime(dec, &shape.CredentialsAt)
	case "federation":
		return readPart(dec, &shape.Federation, (*federation3).read)
	case "redirect":
		return readPart(dec, &shape.Redirect, (*redirect3).read)
	}
	return shape.record2.read(dec, name)
}

func (f *federation3) read(dec *jsontext.Decoder) error {
	return readTexts(dec, map[string]*string{"provider": &f.Provider, "subject": &f.Subject, "identity_id": &f.IdentityID})
}

func (r *redirect3) read(dec *jsontext.Decoder) error {
	return readObject(dec, func(name string) error {
		switch name {
		case "uri":
			return readText(dec, &r.URI)
		case "browser":
			return readFlag(dec, &r.Browser)
		}
		return errUnknownName
	})
}

// readFlag reads true or false.
func readFlag(dec *jsontext.Decoder, flag *bool) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != jsontext.KindTrue && token.Kind() != jsontext.KindFalse {
		return errKind
	}
	*flag = token.Bool()
	return nil
}
