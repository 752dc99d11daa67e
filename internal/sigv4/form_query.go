package sigv4

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

// readParameters picks the parameters of a presigned URL out of a query: none
// where the query has no signature. Names are matched exactly, and each may
// stand once only.
func readParameters(raw string) (map[string]string, error) {
	if raw == "" {
		return nil, nil
	}
	if len(raw) > maxPresignedQuery {
		return nil, fmt.Errorf("%w: the query is longer than %d bytes", ErrSignature, maxPresignedQuery)
	}
	found := make(map[string]string, 8)
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		switch name = plain(name); name {
		case algorithmParameter, credentialParameter, dateHeader, expiresParameter, signedParameter, signatureParameter, tokenHeader, hashHeader:
			if _, twice := found[name]; twice {
				return nil, fmt.Errorf("%w: parameter %s is there twice", ErrIncomplete, name)
			}
			found[name] = plain(value)
		}
	}
	_, has := found[signatureParameter]
	if _, named := found[algorithmParameter]; !has && !named {
		return nil, nil
	}
	return found, nil
}

// plain is what a part of a query stands for, as recode understands it.
func plain(sent string) string {
	if text, err := url.PathUnescape(sent); err == nil {
		return text
	}
	return sent
}

// readQuery reads the signature of a presigned URL.
func (s *Signature) readQuery(r *http.Request, p map[string]string) error {
	for _, name := range []string{algorithmParameter, credentialParameter, dateHeader, expiresParameter, signedParameter, signatureParameter} {
		if p[name] == "" {
			return fmt.Errorf("%w: parameter %s is missing", ErrIncomplete, name)
		}
	}
	if p[algorithmParameter] != algorithm {
		return fmt.Errorf("%w: %s must be %s", ErrIncomplete, algorithmParameter, algorithm)
	}
	life, err := readLife(p[expiresParameter])
	if err != nil {
		return err
	}
	s.Presigned, s.Life, s.SessionToken = true, life, secret.New(p[tokenHeader])
	s.DeclaredPayload = cmp.Or(p[hashHeader], r.Header.Get(hashHeader))
	if err := s.finish(p[credentialParameter], p[signedParameter], p[signatureParameter], p[dateHeader]); err != nil {
		return err
	}
	if err := s.covers(r, "host"); err != nil {
		return err
	}
	return nil
}

// readLife reads a number of seconds, from one to a week.
func readLife(text string) (time.Duration, error) {
	seconds, err := strconv.ParseUint(text, 10, 32)
	life := time.Duration(seconds) * time.Second
	if err != nil || life <= 0 || life > MaxPresignedLife {
		return 0, fmt.Errorf("%w: %s must be a number of seconds from 1 to %d", ErrIncomplete, expiresParameter, int(MaxPresignedLife/time.Second))
	}
	return life, nil
}
