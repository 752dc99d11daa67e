package sigv4

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

const maxAuthorization = 4096 // bytes of the Authorization header

// readHeader reads
//
//	AWS4-HMAC-SHA256 Credential=KEY/DAY/REGION/SERVICE/aws4_request, SignedHeaders=A;B, Signature=HEX
func (s *Signature) readHeader(r *http.Request) error {
	values := r.Header.Values("Authorization")
	if len(values) == 0 || values[0] == "" {
		return ErrMissing
	}
	if len(values) > 1 || len(values[0]) > maxAuthorization {
		return fmt.Errorf("%w: more than one Authorization header, or longer than %d bytes", ErrIncomplete, maxAuthorization)
	}
	rest, ok := strings.CutPrefix(values[0], algorithm+" ")
	if !ok {
		return fmt.Errorf("%w: the scheme must be %s", ErrIncomplete, algorithm)
	}
	fields, err := readFields(rest)
	if err != nil {
		return err
	}
	s.SessionToken, s.DeclaredPayload = secret.New(r.Header.Get(tokenHeader)), r.Header.Get(hashHeader)
	if err := s.finish(fields["Credential"], fields["SignedHeaders"], fields["Signature"], r.Header.Get(dateHeader)); err != nil {
		return err
	}
	if err := s.covers(r, "host", strings.ToLower(dateHeader)); err != nil {
		return err
	}
	if len(r.URL.RawQuery) > maxQuery {
		return fmt.Errorf("%w: the query is longer than %d bytes", ErrSignature, maxQuery)
	}
	return nil
}

// readFields splits the three named parts, which may come in any order, once each.
func readFields(text string) (map[string]string, error) {
	fields := make(map[string]string, 3)
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[name]; twice || len(fields) == 3 {
			return nil, fmt.Errorf("%w: a part is repeated or unknown", ErrIncomplete)
		}
		fields[name] = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[name] == "" {
			return nil, fmt.Errorf("%w: %s is missing", ErrIncomplete, name)
		}
	}
	return fields, nil
}
