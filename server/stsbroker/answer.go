package stsbroker

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/latchkey-auth/latchkey/server/plug"
)

const (
	namespace   = "https://sts.amazonaws.com/doc/2011-06-15/"
	maxKeyID    = 128 // characters
	maxSecret   = 256
	maxSession  = 32 << 10
	maxCode     = 128
	maxMessage  = 500
	maxElements = 1000
)

// answer is a document of STS, in either case. Elements that must stand once are
// lists, so that a second one is seen.
type answer struct {
	XMLName     xml.Name
	Credentials []struct {
		AccessKeyID     []string `xml:"AccessKeyId"`
		SecretAccessKey []string
		SessionToken    []string
		Expiration      []string
	} `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	Error []struct {
		Code    []string
		Message []string
	}
	RequestID []string `xml:"RequestId"`
}

// readAnswer reads one document with a given root, and nothing behind it.
func readAnswer(body []byte, root string) (answer, error) {
	if err := checkTokens(body); err != nil {
		return answer{}, err
	}
	var a answer
	if err := xml.Unmarshal(body, &a); err != nil {
		return answer{}, fmt.Errorf("it is no XML of STS: %w", err)
	}
	if a.XMLName.Space != namespace || a.XMLName.Local != root {
		return answer{}, fmt.Errorf("the document is a %.40q, want a %s of %s", a.XMLName.Local, root, namespace)
	}
	return a, nil
}

// checkTokens refuses what no answer of STS has: more than one document, text
// outside of it, a DOCTYPE, a flood of elements.
func checkTokens(body []byte) error {
	decoder, depth, elements, roots := xml.NewDecoder(bytes.NewReader(body)), 0, 0, 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			if roots != 1 {
				return fmt.Errorf("%d XML documents, want one", roots)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is no XML: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			elements++
		case xml.EndElement:
			depth--
		case xml.Directive:
			return errors.New("it has a DOCTYPE")
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return errors.New("there is text outside of the document")
			}
		}
		if elements > maxElements {
			return errors.New("it has too many elements")
		}
	}
}

// readCredentials reads the answer that gives credentials.
func readCredentials(body []byte) (plug.Credentials, error) {
	a, err := readAnswer(body, "AssumeRoleWithWebIdentityResponse")
	if err != nil {
		return plug.Credentials{}, err
	}
	if len(a.Credentials) != 1 {
		return plug.Credentials{}, fmt.Errorf("it has %d sets of credentials, want one", len(a.Credentials))
	}
	c := a.Credentials[0]
	id, err1 := only("AccessKeyId", c.AccessKeyID, maxKeyID)
	key, err2 := only("SecretAccessKey", c.SecretAccessKey, maxSecret)
	session, err3 := only("SessionToken", c.SessionToken, maxSession)
	expiration, err4 := only("Expiration", c.Expiration, maxCode)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return plug.Credentials{}, err
	}
	at, err := time.Parse(time.RFC3339, expiration)
	if err != nil {
		return plug.Credentials{}, fmt.Errorf("%s is no time of ISO 8601", "Expiration")
	}
	return plug.Credentials{
		AccessKeyID: id, SecretAccessKey: plug.NewSecret(key), SessionToken: plug.NewSecret(session), Expiration: at.UTC(),
	}, nil
}

// only is the text of an element that must be there once and hold printable
// ASCII. Its errors do not repeat the text, which may be a key.
func only(name string, texts []string, limit int) (string, error) {
	if len(texts) != 1 {
		return "", fmt.Errorf("%s is there %d times, want once", name, len(texts))
	}
	text := strings.TrimSpace(texts[0])
	if text == "" || len(text) > limit {
		return "", fmt.Errorf("%s has %d characters, want 1 to %d", name, len(text), limit)
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return "", fmt.Errorf("%s holds a character that no key has", name)
		}
	}
	return text, nil
}

// readError reads the answer that gives none.
func readError(body []byte) (*Error, error) {
	a, err := readAnswer(body, "ErrorResponse")
	if err != nil {
		return nil, err
	}
	if len(a.Error) != 1 {
		return nil, fmt.Errorf("it has %d errors, want one", len(a.Error))
	}
	code, err := only("Code", a.Error[0].Code, maxCode)
	if err != nil {
		return nil, err
	}
	e := &Error{Code: code, Message: printable(strings.Join(a.Error[0].Message, " "))}
	e.RequestID = printable(strings.Join(a.RequestID, " "))
	return e, nil
}

// printable makes a foreign text fit for a log.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(strings.TrimSpace(text)); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return strings.TrimSpace(text)
}
