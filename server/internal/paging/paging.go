// Package paging makes the tokens with which a caller asks for the next page of a
// list.
//
// A token is the key of the last entry of the page before, sealed for one list:
// the operation, and whatever else chooses the entries. In another list, or with a
// byte changed, it is refused, so that it cannot be used to look where the caller
// may not, and says nothing of what it holds. It needs no storage and does not
// expire.
package paging

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Most is how many entries a page holds, at most and by default (Cognito
// quotas; QueryLimitType).
const Most = 60

// Lists makes the pages of one API. It is safe for concurrent use.
type Lists struct {
	Box     *seal.Box
	Purpose string // of sealing, the API's own
}

// Page is one page of a list.
type Page struct {
	// After is the key of the last entry of the page before; "" on the first.
	After   string
	lists   Lists
	limit   int
	context []byte
}

// Page reads a token and a limit, of the list that operation and scope name. A
// token that is not of that list is an InvalidParameterException.
func (l Lists) Page(token string, limit *int32, operation string, scope ...string) (Page, error) {
	p := Page{lists: l, limit: Most, context: contextOf(operation, scope)}
	if limit != nil && *limit > 0 {
		p.limit = min(int(*limit), Most)
	}
	if token == "" {
		return p, nil
	}
	sealed, err := strictbase64.DecodeURL(token)
	if err != nil {
		return p, refused()
	}
	after, err := l.Box.Open(l.Purpose, sealed, p.context)
	if err != nil {
		return p, refused()
	}
	p.After = string(after)
	return p, nil
}

func refused() error {
	return wire.NewException(wire.InvalidParameterException, "Invalid pagination token.")
}

// Want is how many entries to read: one more than the page holds, which tells
// whether there is a next page.
func (p Page) Want() int { return p.limit + 1 }

// Turn cuts what was read to the page and makes the token of the next one, empty
// on the last.
func Turn[T any](p Page, list []T, key func(T) string) ([]T, string) {
	if len(list) <= p.limit {
		return list, ""
	}
	list = list[:p.limit]
	sealed := p.lists.Box.Seal(p.lists.Purpose, []byte(key(list[p.limit-1])), p.context)
	return list, base64.RawURLEncoding.EncodeToString(sealed)
}

// contextOf joins names behind their lengths, so that no two lists of names
// give the same bytes.
func contextOf(operation string, scope []string) []byte {
	var out []byte
	for _, name := range append([]string{operation}, scope...) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(name)))
		out = append(out, name...)
	}
	return out
}
