package memory

import (
	"fmt"
	"iter"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type revocations struct{ *tx }

// bounds are the highest numbers of a pool's feed.
type bounds struct{ pruned, last int64 }

// entryKey sorts entries by number: hex digits of one width sort as numbers do.
func entryKey(poolID string, seq int64) key { return key{poolID, fmt.Sprintf("%016x", max(seq, 0))} }

func (t revocations) Append(ended storage.Ended, at time.Time, life time.Duration) (int, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	at = micros(at)
	feed, _ := t.feeds.get(key{ended.PoolID})
	seq := max(feed.last+1, at.UnixMicro())
	count := 0
	for s := range t.candidates(ended) {
		until := micros(s.RefreshedAt.Add(life))
		if !selects(ended, s) || !s.RevokedAt.IsZero() || !until.After(at) {
			continue
		}
		t.revocations = t.revocations.put(entryKey(s.PoolID, seq), storage.Revocation{
			Seq: seq, PoolID: s.PoolID, SessionID: s.ID, OriginJTI: s.OriginJTI, At: at, Until: until,
		})
		feed.last = seq
		seq++
		count++
	}
	if count > 0 {
		t.feeds = t.feeds.put(key{ended.PoolID}, feed)
	}
	return count, nil
}

// candidates walks the sessions that could be meant, in the order of their ids.
func (t revocations) candidates(ended storage.Ended) iter.Seq[*storage.Session] {
	return func(yield func(*storage.Session) bool) {
		if ended.SessionID != "" {
			if s, ok := t.sessions.get(key{ended.SessionID}); ok {
				yield(s)
			}
			return
		}
		if ended.UserSub != "" {
			for k := range t.userSession.within(key{ended.PoolID, ended.UserSub}, ended.PoolID, ended.UserSub) {
				if s, ok := t.sessions.get(key{k[2]}); ok && !yield(s) {
					return
				}
			}
			return
		}
		for _, s := range t.sessions.all() {
			if !yield(s) {
				return
			}
		}
	}
}

func selects(ended storage.Ended, s *storage.Session) bool {
	named := ended.SessionID != "" || ended.UserSub != "" || ended.ClientID != ""
	return named && s.PoolID == ended.PoolID && s.ID != ended.Except &&
		(ended.SessionID == "" || s.ID == ended.SessionID) &&
		(ended.UserSub == "" || s.UserSub == ended.UserSub) &&
		(ended.ClientID == "" || s.ClientID == ended.ClientID)
}

func (t revocations) List(poolID string, after int64, limit int) ([]storage.Revocation, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.Revocation
	for _, r := range t.revocations.within(entryKey(poolID, after), poolID) {
		if len(list) >= limit {
			break
		}
		list = append(list, r)
	}
	return list, nil
}

func (t revocations) Bounds(poolID string) (pruned, last int64, err error) {
	if err := t.reads(); err != nil {
		return 0, 0, err
	}
	feed, _ := t.feeds.get(key{poolID})
	return feed.pruned, feed.last, nil
}

func (t revocations) Prune(before time.Time, limit int) (int, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	count := 0
	for k, r := range t.revocations.all() {
		if count >= limit {
			break
		}
		if !r.Until.Before(micros(before)) {
			continue
		}
		t.revocations = t.revocations.remove(k)
		feed, _ := t.feeds.get(key{r.PoolID})
		feed.pruned = max(feed.pruned, r.Seq)
		t.feeds = t.feeds.put(key{r.PoolID}, feed)
		count++
	}
	return count, nil
}
