package accounts

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// maxFilter is the longest filter in bytes: 256 characters (UserFilterType).
const maxFilter = 1024

// searchable are the attributes that ListUsers filters by. Custom ones are not
// among them (API reference, ListUsers, Filter).
var searchable = []string{
	"username", "email", "phone_number", "name", "given_name", "family_name",
	"preferred_username", "cognito:user_status", "status", "sub",
}

// parseFilter reads the Filter of ListUsers,
//
//	attribute = "value"   or   attribute ^= "value"
//
// into a typed comparison; storage binds the value and never sees the text. A
// quote or a backslash inside the value stands behind a backslash. The empty
// filter lets everyone pass.
func parseFilter(filter string) (storage.UserFilter, error) {
	var f storage.UserFilter
	if filter == "" {
		return f, nil
	}
	broken := pool.Invalid("Error while parsing filter")
	if len(filter) > maxFilter {
		return f, broken
	}
	name, match, rest, ok := cutOperator(filter)
	if !ok {
		return f, broken
	}
	value, ok := unquote(strings.TrimSpace(rest))
	if !ok {
		return f, broken
	}
	if !slices.Contains(searchable, name) {
		return f, pool.Invalid("Invalid search attribute: %s", name)
	}
	return storage.UserFilter{Attribute: name, Match: match, Value: value}, nil
}

// cutOperator splits a filter around its operator, which is the first one: a
// name holds none, and a value only behind its quote.
func cutOperator(filter string) (name string, match storage.Match, rest string, ok bool) {
	name, rest, ok = strings.Cut(filter, "=")
	if before, found := strings.CutSuffix(name, "^"); found {
		name, match = before, storage.StartsWith
	}
	name = strings.TrimSpace(name)
	if !ok || name == "" || strings.ContainsAny(name, "\"'^\\ \t\r\n") {
		return "", 0, "", false
	}
	return name, match, rest, true
}

// unquote reads one quoted text that is all there is.
func unquote(quoted string) (string, bool) {
	inside, ok := strings.CutPrefix(quoted, `"`)
	if !ok {
		return "", false
	}
	var value strings.Builder
	for i := 0; i < len(inside); i++ {
		switch c := inside[i]; c {
		case '"':
			return value.String(), i == len(inside)-1
		case '\\':
			i++
			if i == len(inside) || inside[i] != '"' && inside[i] != '\\' {
				return "", false
			}
			value.WriteByte(inside[i])
		default:
			value.WriteByte(c)
		}
	}
	return "", false
}

// cursorText writes a place in a list of users for a pagination token.
func cursorText(c storage.UserCursor) string { return strconv.Itoa(len(c.Sub)) + ":" + c.Sub + c.Value }

// parseCursor reads what cursorText wrote; "" is the beginning.
func parseCursor(text string) (c storage.UserCursor, err error) {
	if text == "" {
		return c, nil
	}
	size, rest, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 || n > len(rest) {
		return c, pool.Invalid("Invalid pagination token.") // of an earlier version of this service
	}
	return storage.UserCursor{Sub: rest[:n], Value: rest[n:]}, nil
}

// filter is parseFilter with the value in the form in which the pool keeps it:
// user names canonical, contacts normalized, statuses in capitals (their filter ignores case).
func canonicalFilter(p *pool.Settings, text string) (storage.UserFilter, error) {
	f, err := parseFilter(text)
	switch f.Attribute {
	case "username":
		f.Value = p.CanonicalName(f.Value)
	case pool.LoginEmail, pool.LoginPhone:
		f.Value = norm.NFKC.String(f.Value)
	case "cognito:user_status":
		f.Value = strings.ToUpper(f.Value)
	}
	return f, err
}

// attributesToGet checks which attributes a list is to show.
func attributesToGet(p *pool.Settings, names []string) error {
	for _, name := range names {
		if p.SchemaOf(name) == nil {
			return pool.Invalid("One or more requested attributes do not exist in user pool.")
		}
	}
	return nil
}

// pick leaves the named attributes of a list; no names leave all.
func pick(list []wire.AttributeType, names []string) []wire.AttributeType {
	if len(names) == 0 {
		return list
	}
	return slices.DeleteFunc(list, func(a wire.AttributeType) bool { return !slices.Contains(names, a.Name) })
}
