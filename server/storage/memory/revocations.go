package memory

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type revocations struct{ *tx }

// bounds are the highest numbers of a pool's feed.
type bounds struct{ pruned, last int64 }

// entryKey sorts entries by number: hex digits of one width sort as numbers do.
func entryKey(poolID string, seq int64) key { return key{poolID, fmt.Sprintf("%016x", max(seq, 0))} }

func (t revocations) Append(ended storage.Ended, n storage.Notice) (int, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	n.At = micros(n.At)
	feed, _ := t.feeds.get(key{ended.PoolID})
	users := map[string]bool{}
	count := 0
	for s := range t.selected(ended) {
		until := s.TokensEndAt.Add(n.Margin)
		if s.TokensEndAt.IsZero() || !until.After(n.At) {
			continue
		}
		t.put(storage.Revocation{
			PoolID: s.PoolID, UserSub: s.UserSub, SessionID: s.ID, OriginJTI: s.OriginJTI,
			IssuedAt: s.RefreshedAt, At: n.At, Until: until,
		})
		users[s.UserSub] = true
		count++
	}
	for _, sub := range slices.Sorted(maps.Keys(users)) {
		t.foldUser(sub, ended, n, feed.last)
	}
	return count, nil
}

// put adds an entry with the next number of its pool's feed.
func (t revocations) put(r storage.Revocation) {
	feed, _ := t.feeds.get(key{r.PoolID})
	r.Seq = max(feed.last+1, r.At.UnixMicro())
	feed.last = r.Seq
	t.revocations = t.revocations.put(entryKey(r.PoolID, r.Seq), r)
	t.feeds = t.feeds.put(key{r.PoolID}, feed)
	t.userEntries = t.userEntries.put(userEntryKey(r), r.Seq)
}

func (t revocations) remove(r storage.Revocation) {
	t.revocations = t.revocations.remove(entryKey(r.PoolID, r.Seq))
	t.userEntries = t.userEntries.remove(userEntryKey(r))
}

// userEntryKey is a user's key of an entry: "" for the entry for the user, which
// is before those of sessions.
func userEntryKey(r storage.Revocation) key {
	if !r.Before.IsZero() {
		return key{r.PoolID, r.UserSub}
	}
	return key{r.PoolID, r.UserSub, fmt.Sprintf("%016x", max(r.Seq, 0))}
}

// ofUser gives the user's entry for a user, a zero one if there is none, and the
// entries of sessions by number.
func (t revocations) ofUser(poolID, sub string) (whole storage.Revocation, list []storage.Revocation) {
	if seq, ok := t.userEntries.get(key{poolID, sub}); ok {
		whole, _ = t.revocations.get(entryKey(poolID, seq))
	}
	for _, seq := range t.userEntries.within(key{poolID, sub}, poolID, sub) {
		r, _ := t.revocations.get(entryKey(poolID, seq))
		list = append(list, r)
	}
	return whole, list
}

// foldUser replaces the settled entries of a user's sessions by an entry for the
// user, if there are too many. Followers have seen entries up to the number last.
func (t revocations) foldUser(sub string, ended storage.Ended, n storage.Notice, last int64) {
	whole, list := t.ofUser(ended.PoolID, sub)
	next := storage.Revocation{PoolID: ended.PoolID, UserSub: sub, At: n.At, Until: whole.Until, Before: latest(whole.Before, n.Before())}
	list = slices.DeleteFunc(list, func(r storage.Revocation) bool { return !r.IssuedAt.Before(next.Before) })
	if len(list) <= n.Most(len(whole.Except)) {
		return
	}
	for _, r := range list {
		next.Until = latest(next.Until, r.Until)
		if r.Seq <= last {
			next.Replaced = append(next.Replaced, r.SessionID)
		}
		t.remove(r)
	}
	slices.Sort(next.Replaced)
	if whole.Seq != 0 {
		t.remove(whole)
	}
	for s := range t.sessionsOf(ended.PoolID, sub) {
		if s.RevokedAt.IsZero() && goesOn(s, n.At, n.Margin) && !selects(ended, s) {
			next.Except = append(next.Except, s.ID)
		}
	}
	t.put(next)
}

func (t revocations) Admit(s storage.Session, at time.Time) (bool, error) {
	if err := t.changes(); err != nil {
		return false, err
	}
	whole, _ := t.ofUser(s.PoolID, s.UserSub)
	place, found := slices.BinarySearch(whole.Except, s.ID)
	if !micros(s.RefreshedAt).Before(whole.Before) || found {
		return false, nil
	}
	t.remove(whole)
	whole.At, whole.Except = micros(at), slices.Insert(slices.Clone(whole.Except), place, s.ID)
	t.put(whole)
	return true, nil
}

// selected walks the sessions that are selected and not revoked, in the order of
// their ids.
func (t *tx) selected(ended storage.Ended) iter.Seq[*storage.Session] {
	return func(yield func(*storage.Session) bool) {
		for s := range t.candidates(ended) {
			if selects(ended, s) && s.RevokedAt.IsZero() && !yield(s) {
				return
			}
		}
	}
}

// candidates walks the sessions that could be meant, in the order of their ids.
func (t *tx) candidates(ended storage.Ended) iter.Seq[*storage.Session] {
	return func(yield func(*storage.Session) bool) {
		if ended.SessionID != "" {
			if s, ok := t.sessions.get(key{ended.SessionID}); ok {
				yield(s)
			}
			return
		}
		if ended.UserSub != "" {
			t.sessionsOf(ended.PoolID, ended.UserSub)(yield)
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
	named := ended.SessionID != "" || ended.UserSub != "" || ended.ClientID != "" || ended.Provider != ""
	return named && s.PoolID == ended.PoolID && s.ID != ended.Except &&
		(ended.SessionID == "" || s.ID == ended.SessionID) &&
		(ended.UserSub == "" || s.UserSub == ended.UserSub) &&
		(ended.ClientID == "" || s.ClientID == ended.ClientID) &&
		(ended.Provider == "" || s.Provider == ended.Provider)
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
		r.Except, r.Replaced = slices.Clone(r.Except), slices.Clone(r.Replaced)
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
	for _, r := range t.revocations.all() {
		if count >= limit {
			break
		}
		if !r.Until.Before(micros(before)) {
			continue
		}
		t.remove(r)
		feed, _ := t.feeds.get(key{r.PoolID})
		feed.pruned = max(feed.pruned, r.Seq)
		t.feeds = t.feeds.put(key{r.PoolID}, feed)
		count++
	}
	return count, nil
}
