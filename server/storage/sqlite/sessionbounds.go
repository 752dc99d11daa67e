package sqlite

// maxSessionBounds is how many users a [sessionBounds] has.
const maxSessionBounds = 10_000

// sessionBounds has upper bounds of the numbers of users' sessions that are not revoked.
// Counting them reads an index entry for each session; a user with a bound needs no count
// at the next sign-in. Sessions that end and batches that commit nothing leave a bound too
// high, which costs a count. Only the writer uses it.
type sessionBounds struct{ users map[userKey]int64 }

// atMost reports whether a user is known to have no more than n sessions.
func (b *sessionBounds) atMost(k userKey, n int64) bool {
	bound, known := b.users[k]
	return known && bound <= n
}

// counted notes how many sessions a user has.
func (b *sessionBounds) counted(k userKey, n int64) {
	if b.users == nil || len(b.users) >= maxSessionBounds {
		b.users = map[userKey]int64{}
	}
	b.users[k] = n
}

// inserted notes a new session.
func (b *sessionBounds) inserted(k userKey) {
	if bound, known := b.users[k]; known {
		b.users[k] = bound + 1
	}
}
