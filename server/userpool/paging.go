package userpool

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// maxPage is how many entries a page holds, at most and by default (Cognito
// quotas; QueryLimitType).
const maxPage = 60

// page is one page of a list: where it starts, how long it is, and what its
// token is good for.
type page struct {
	after   string // key of the last entry of the page before
	limit   int
	context []byte
}

// page reads a token and a limit. A token is the key after which the list goes
// on, sealed for one operation and scope: its pool and whatever else chooses
// the entries. In another list, or with a byte changed, it is refused.
func (s *Service) page(token string, limit *int32, operation string, scope ...string) (page, error) {
	p := page{limit: maxPage, context: pagingContext(operation, scope)}
	if limit != nil && *limit > 0 {
		p.limit = min(int(*limit), maxPage)
	}
	if token == "" {
		return p, nil
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return p, invalid("Invalid pagination token.")
	}
	after, err := s.box.Open(purposePaging, sealed, p.context)
	if err != nil {
		return p, invalid("Invalid pagination token.")
	}
	p.after = string(after)
	return p, nil
}

// want is how many entries to read: one more than the page holds, which tells
// whether there is a next page.
func (p page) want() int { return p.limit + 1 }

// turn cuts what was read to the page and makes the token of the next one,
// empty on the last.
func turn[T any](s *Service, p page, list []T, key func(T) string) ([]T, string) {
	if len(list) <= p.limit {
		return list, ""
	}
	list = list[:p.limit]
	sealed := s.box.Seal(purposePaging, []byte(key(list[p.limit-1])), p.context)
	return list, base64.RawURLEncoding.EncodeToString(sealed)
}

// pagingContext joins names behind their lengths, so that no two lists of names
// give the same bytes.
func pagingContext(operation string, scope []string) []byte {
	var out []byte
	for _, name := range append([]string{operation}, scope...) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(name)))
		out = append(out, name...)
	}
	return out
}

// invalid is an InvalidParameterException.
func invalid(format string, args ...any) *wire.Exception {
	return wire.Exceptionf(wire.InvalidParameterException, format, args...)
}
