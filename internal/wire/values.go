package wire

import (
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// EncodeValue writes a Go value of a program as the JSON of a request. Like the AWS
// SDKs it leaves out fields of structs that are zero, and writes a [time.Time] as a
// number of seconds. A nil slice or map is null, and so is v if it is nil. Secrets,
// which have a method Reveal, are written in clear text.
func EncodeValue(v any) ([]byte, error) { return json.Marshal(v, encoding()) }

// DecodeValue reads the JSON of an answer into a pointer to a Go value of a program.
// Names match exactly, unknown members are ignored, and a number of seconds can be
// read into a [time.Time].
func DecodeValue(data []byte, into any) error { return json.Unmarshal(data, into, decoding()) }

var encoding = sync.OnceValue(func() json.Options {
	return json.JoinOptions(
		json.OmitZeroStructFields(true), json.FormatNilSliceAsNull(true), json.FormatNilMapAsNull(true),
		json.WithMarshalers(json.JoinMarshalers(
			revealers(),
			json.MarshalToFunc(func(enc *jsontext.Encoder, s interface{ Reveal() string }) error {
				return enc.WriteToken(jsontext.String(s.Reveal()))
			}),
			json.MarshalToFunc(func(enc *jsontext.Encoder, t time.Time) error {
				seconds, err := NewTime(t).MarshalJSON()
				if err != nil {
					return err
				}
				return enc.WriteValue(seconds)
			}),
		)),
	)
})

var decoding = sync.OnceValue(func() json.Options {
	return json.WithUnmarshalers(json.UnmarshalFromFunc(func(dec *jsontext.Decoder, into *time.Time) error {
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		var t Time
		if err := t.UnmarshalJSON(value); err != nil {
			return err
		}
		*into = t.Time
		return nil
	}))
})
