package store

import (
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Reading schema 1 is written out, because a command that prints a token
// decodes one record and ends: for the first record of a process json.Unmarshal
// takes about 0.2 ms, most of it to learn the types, and this half of that or
// less. The decoder refuses
// duplicate names, invalid UTF-8 and trailing data; what follows refuses
// unknown names, for a program that read them, changed the record and wrote it
// back would lose them, and null, which is never written.

var (
	errSyntax      = errors.New("its JSON is malformed")
	errUnknownName = errors.New("its JSON has a member that does not belong there")
	errKind        = errors.New("its JSON has a value that does not belong there")
)

// read reads the value of one member of the payload. Members may come in any order.
func (r *record1) read(dec *jsontext.Decoder, name string) error {
	switch name {
	case "generation":
		return readNumber(dec, &r.Generation, strconv.ParseUint)
	case "account":
		return readAccount1(dec, &r.Account)
	case "sub":
		return readText(dec, &r.Sub)
	case "sign_in":
		return readPart(dec, &r.SignIn, (*signIn1).read)
	case "tokens":
		return readPart(dec, &r.Tokens, (*tokens1).read)
	case "drift_ns":
		return readNumber(dec, &r.Drift, strconv.ParseInt)
	case "device":
		return readPart(dec, &r.Device, (*device1).read)
	case "identity_id":
		return readText(dec, &r.IdentityID)
	case "credentials":
		return readPart(dec, &r.Credentials, (*credentials1).read)
	case "ended":
		return readPart(dec, &r.Ended, (*ended1).read)
	case "saved_at":
		return readTime(dec, &r.SavedAt)
	}
	return errUnknownName
}

// readAccount1 reads an [Account] of schemas 1 to 3, within a record and on its own.
func readAccount1(dec *jsontext.Decoder, a *Account) error {
	return readTexts(dec, map[string]*string{
		"pool_id": &a.PoolID, "client_id": &a.ClientID, "username": &a.Username,
	})
}

func (s *signIn1) read(dec *jsontext.Decoder) error {
	return readTexts(dec, map[string]*string{"login_id": &s.LoginID, "flow": &s.Flow})
}

func (t *tokens1) read(dec *jsontext.Decoder) error {
	return readObject(dec, func(name string) error {
		switch name {
		case "id":
			return readText(dec, &t.ID)
		case "access":
			return readText(dec, &t.Access)
		case "refresh":
			return readText(dec, &t.Refresh)
		case "received_at":
			return readTime(dec, &t.ReceivedAt)
		}
		return errUnknownName
	})
}

func (d *device1) read(dec *jsontext.Decoder) error {
	return readTexts(dec, map[string]*string{"key": &d.Key, "group_key": &d.GroupKey, "password": &d.Password})
}

func (c *credentials1) read(dec *jsontext.Decoder) error {
	return readObject(dec, func(name string) error { return c.readMember(dec, name) })
}

func (c *credentials1) readMember(dec *jsontext.Decoder, name string) error {
	switch name {
	case "access_key_id":
		return readText(dec, &c.AccessKeyID)
	case "secret_access_key":
		return readText(dec, &c.SecretAccessKey)
	case "session_token":
		return readText(dec, &c.SessionToken)
	case "expiration":
		return readTime(dec, &c.Expiration)
	}
	return errUnknownName
}

func (e *ended1) read(dec *jsontext.Decoder) error {
	return readObject(dec, func(name string) error {
		switch name {
		case "reason":
			return readText(dec, &e.Reason)
		case "detail":
			return readText(dec, &e.Detail)
		case "at":
			return readTime(dec, &e.At)
		}
		return errUnknownName
	})
}

// readObject reads an object and has member read the value of each name.
func readObject(dec *jsontext.Decoder, member func(name string) error) error {
	begin, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if begin.Kind() != jsontext.KindBeginObject {
		return errKind
	}
	for {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if name.Kind() == jsontext.KindEndObject {
			return nil
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
}

// readTexts reads an object whose members are all texts.
func readTexts(dec *jsontext.Decoder, members map[string]*string) error {
	return readObject(dec, func(name string) error {
		value, ok := members[name]
		if !ok {
			return errUnknownName
		}
		return readText(dec, value)
	})
}

// readPart makes a part of the record and reads it.
func readPart[T any](dec *jsontext.Decoder, part **T, read func(*T, *jsontext.Decoder) error) error {
	*part = new(T)
	return read(*part, dec)
}

// readText reads a JSON string. token.String copies: what it returns does not
// keep the file's bytes alive.
func readText(dec *jsontext.Decoder, text *string) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != jsontext.KindString {
		return errKind
	}
	*text = token.String()
	return nil
}

// readTime reads a time as UnmarshalText takes it, which is stricter about RFC
// 3339 than time.Parse. It refuses a time that has no four-digit year in UTC, because
// Encode could not write it.
func readTime(dec *jsontext.Decoder, at *time.Time) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != jsontext.KindString || at.UnmarshalText([]byte(token.String())) != nil {
		return errKind
	}
	if year := at.UTC().Year(); year < 0 || year > 9999 {
		return errKind
	}
	return nil
}

// readNumber reads an integer of 64 bits exactly. JSON numbers are often taken
// for floats, which hold only 53 of them.
func readNumber[N int64 | uint64](dec *jsontext.Decoder, number *N, parse func(string, int, int) (N, error)) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != jsontext.KindNumber {
		return errKind
	}
	*number, err = parse(token.String(), 10, 64)
	if err != nil {
		return errKind
	}
	return nil
}
