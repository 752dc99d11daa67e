package sqlite

import (
	"fmt"
	"strings"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// userQuery is the query of a page of users. Each kind of filter has an index that
// begins with the filter's columns and is in the list's order.
type userQuery struct {
	sql  string
	args []any
}

// where adds a condition with values in the places of its %s.
func (q *userQuery) where(condition string, values ...any) {
	places := make([]any, len(values))
	for i, value := range values {
		q.args = append(q.args, value)
		places[i] = fmt.Sprintf("$%d", len(q.args))
	}
	q.sql += " AND " + fmt.Sprintf(condition, places...)
}

// listQuery makes the query; false means that no user can pass the filter.
func listQuery(poolID string, filter storage.UserFilter, after storage.UserCursor, limit int) (q userQuery, ok bool) {
	const ofUsers = `SELECT ` + userColumns + ` FROM users u WHERE u.pool_id = $1`
	q = userQuery{ofUsers, []any{poolID}}
	sub := "u.sub"
	switch filter.Attribute {
	case "":
		q.where("u.sub > %s", after.Sub)
	case "status":
		if !q.narrowEnabled(filter, after) {
			return q, false
		}
		if filter.Match == storage.StartsWith {
			sub = "u.enabled, u.sub"
		}
	case "username":
		sub = q.narrow("u.username", "u.sub", filter, after)
	case "cognito:user_status":
		sub = q.narrow("u.status", "u.sub", filter, after)
	case "sub":
		sub = q.narrow("u.sub", "u.sub", filter, after)
	default:
		q.sql = `SELECT ` + userColumns + ` FROM user_attributes a JOIN users u ON u.pool_id = a.pool_id AND u.sub = a.sub
			WHERE a.pool_id = $1`
		q.where("a.name = %s", filter.Attribute)
		sub = q.narrow("a.value", "a.sub", filter, after)
	}
	q.args = append(q.args, max(limit, 0))
	q.sql += fmt.Sprintf(" ORDER BY %s LIMIT $%d + 0", sub, len(q.args))
	return q, true
}

// narrow adds the comparison of a column, and returns the order of the list. Text
// that begins with a prefix sorts between the prefix and the prefix with 0xff
// behind it, a byte that no UTF-8 text has. Unlike LIKE, that knows no wildcards.
// The range has one lower bound, because SQLite seeks to one only and reads up to
// the other.
func (q *userQuery) narrow(column, sub string, filter storage.UserFilter, after storage.UserCursor) (order string) {
	switch {
	case filter.Match == storage.Equals:
		q.where(column+" = %s", filter.Value)
		q.where(sub+" > %s", after.Sub)
		return sub
	case after == storage.UserCursor{}:
		q.where(column+" >= %s", filter.Value)
	default:
		q.where("("+column+", "+sub+") > (%s, %s)", after.Value, after.Sub)
	}
	q.where(column+" < %s", filter.Value+"\xff")
	return column + ", " + sub
}

// narrowEnabled is narrow for "status", whose values "Disabled" and "Enabled" sort
// as the column's 0 and 1 do.
func (q *userQuery) narrowEnabled(filter storage.UserFilter, after storage.UserCursor) bool {
	disabled, enabled := matches("Disabled", filter), matches("Enabled", filter)
	if !disabled && !enabled {
		return false
	}
	switch {
	case !(disabled && enabled):
		q.where("u.enabled = %s", enabled)
		q.where("u.sub > %s", after.Sub)
	case after != storage.UserCursor{}:
		q.where("(u.enabled, u.sub) > (%s, %s)", after.Value == "Enabled", after.Sub)
	}
	return true
}

func matches(value string, filter storage.UserFilter) bool {
	if filter.Match == storage.StartsWith {
		return strings.HasPrefix(value, filter.Value)
	}
	return value == filter.Value
}
