package limits

import (
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// Quota bounds how often something is done for one key, such as sending codes to
// one user: Events at once, and then one more each time a share of Per has
// passed. It is kept in storage, so that it holds over restarts and for all
// processes.
type Quota struct {
	Events int
	Per    time.Duration
}

// Take counts an event for key, inside an Update closure. It reports false, and
// counts nothing, when there are no events left. The key must differ from those
// of other quotas and of a [Lockout]; its length is for the caller to bound.
func (q Quota) Take(tx storage.Tx, key string, now time.Time) (ok bool, err error) {
	attempt, err := tx.Attempts.Attempt(key)
	if err != nil {
		return false, err
	}
	// LastAt is when all events are there again. A time beyond that was set by a
	// clock that has been put back since.
	full := attempt.LastAt
	if full.Before(now) || full.Sub(now) > q.Per {
		full = now
	}
	full = full.Add(q.Per / time.Duration(q.Events)).UTC().Truncate(time.Microsecond)
	if full.Sub(now) > q.Per {
		return false, nil
	}
	return true, tx.Attempts.Put(storage.Attempt{Key: key, LastAt: full})
}
