package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// version is the version of the format.
const version = "1"

// errNewer means that a newer version of this program wrote the file.
var errNewer = errors.New("a newer version of latchkey wrote it")

// encode writes the services as indented JSON. Texts must be valid UTF-8.
func (s Services) encode() []byte {
	var out bytes.Buffer
	e := jsontext.NewEncoder(&out, jsontext.WithIndent("  "))
	write := func(tokens ...jsontext.Token) {
		for _, token := range tokens {
			_ = e.WriteToken(token) // a buffer takes everything, and the texts were checked
		}
	}
	list := func(name string, texts []string) {
		write(jsontext.String(name), jsontext.BeginArray)
		for _, text := range texts {
			write(jsontext.String(text))
		}
		write(jsontext.EndArray)
	}
	write(jsontext.BeginObject, jsontext.String("version"), jsontext.String(version), jsontext.String("services"), jsontext.BeginArray)
	for _, service := range s {
		write(jsontext.BeginObject, jsontext.String("folder"), jsontext.String(service.Folder))
		list("current", service.Current)
		list("former", service.Former)
		write(jsontext.EndObject)
	}
	write(jsontext.EndArray, jsontext.EndObject)
	return out.Bytes()
}

// decode reads what encode wrote, token by token: preparing reflection would take longer
// than reading the file. Unknown members are ignored.
func decode(data []byte) (Services, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(data))
	var s Services
	var found string
	err := readObject(d, func(name string) (err error) {
		switch name {
		case "version":
			if found, err = readText(d); err == nil && found != version {
				err = errNewer
			}
			return err
		case "services":
			return readList(d, func() error {
				service, err := readService(d)
				s = append(s, service)
				return err
			})
		}
		return d.SkipValue()
	})
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("text after the object")
	}
	if found == "" {
		return nil, errors.New("no version")
	}
	return s, s.check()
}

func readService(d *jsontext.Decoder) (s Service, err error) {
	err = readObject(d, func(name string) (err error) {
		switch name {
		case "folder":
			s.Folder, err = readText(d)
		case "current":
			s.Current, err = readTexts(d, maxCurrent)
		case "former":
			s.Former, err = readTexts(d, maxFormer)
		default:
			err = d.SkipValue()
		}
		return err
	})
	return s, err
}

// readObject calls member for each member of an object; member reads the value.
func readObject(d *jsontext.Decoder, member func(name string) error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	for d.PeekKind() == '"' {
		name, err := readText(d)
		if err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
	return expect(d, '}')
}

// readList calls element for each element of an array; element reads it.
func readList(d *jsontext.Decoder, element func() error) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	for kind := d.PeekKind(); kind != ']' && kind != jsontext.KindInvalid; kind = d.PeekKind() {
		if err := element(); err != nil {
			return err
		}
	}
	return expect(d, ']')
}

func readTexts(d *jsontext.Decoder, limit int) (texts []string, err error) {
	err = readList(d, func() error {
		text, err := readText(d)
		if texts = append(texts, text); err == nil && len(texts) > limit {
			err = errors.New("a service has too many addresses")
		}
		return err
	})
	return texts, err
}

func readText(d *jsontext.Decoder) (string, error) {
	token, err := d.ReadToken()
	if err == nil && token.Kind() != '"' {
		err = fmt.Errorf("%v instead of a text", token.Kind())
	}
	if err != nil {
		return "", err
	}
	return token.String(), nil
}

func expect(d *jsontext.Decoder, kind jsontext.Kind) error {
	token, err := d.ReadToken()
	if err == nil && token.Kind() != kind {
		err = fmt.Errorf("%v instead of %v", token.Kind(), kind)
	}
	return err
}
