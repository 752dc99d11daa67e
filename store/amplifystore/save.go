package amplifystore

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/store"
)

// adopt writes down that JavaScript's record is the one of its generation.
func (s *Store) adopt(ctx context.Context, account store.Account, st state) error {
	if err := s.claim(ctx, account.Scope); err != nil {
		return err
	}
	if err := s.enlist(ctx, account); err != nil {
		return err
	}
	return s.writeOwn(ctx, st.record, st.found)
}

// writeOwn writes an account's own key for a record beside which Amplify's keys
// hold found. What they cannot show, such as the tokens of a session that ended,
// stays in it.
func (s *Store) writeOwn(ctx context.Context, record store.Record, found fields) error {
	want, err := fieldsOf(record)
	if err != nil {
		return err
	}
	record = bare(record, want)
	record.Account = withoutService(record.Account)
	data, err := store.Encode(record)
	if err != nil {
		return err
	}
	return s.writeJournal(ctx, record.Account, own{Record: string(data), Keys: found.digests()})
}

func (s *Store) writeJournal(ctx context.Context, account store.Account, o own) error {
	text, err := seal(o)
	if err != nil {
		return err
	}
	return s.set(ctx, s.ownKey(account), text)
}

// Save puts record in the place of the one of generation previous; see
// [store.Store]. The record is saved with the first of its writes. An error that
// comes later leaves it saved, and the same Save again completes the rest.
func (s *Store) Save(ctx context.Context, record store.Record, previous uint64) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if _, err := store.EncodeAccount(record.Account); err != nil {
		return err
	}
	record.Account = withoutService(record.Account)
	whole, err := store.Encode(record)
	if err != nil {
		return err
	}
	unlock, err := s.exclude(ctx, record.Account.Scope)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := s.look(ctx, record.Account)
	if err != nil {
		return err
	}
	err = store.Admit(record.Generation, previous, st.generation())
	if errors.Is(err, store.ErrConflict) && st.unfinished() && st.own.Record == string(whole) {
		return s.complete(ctx, record.Account, st)
	}
	if err != nil {
		return err
	}
	if err := s.claim(ctx, record.Account.Scope); err != nil {
		return err
	}
	if err := s.enlist(ctx, record.Account); err != nil {
		return err
	}
	if !st.shown {
		return s.writeJournal(ctx, record.Account, own{Record: string(whole)})
	}
	return s.replace(ctx, record, string(whole), st.found)
}

// replace writes a record that Amplify shall see.
func (s *Store) replace(ctx context.Context, record store.Record, whole string, found fields) error {
	want, err := fieldsOf(record)
	if err != nil {
		return err
	}
	if !found.same(want) {
		journal := own{Record: whole, Keys: want.digests(), Before: found.digests(), Cut: true}
		if err := s.writeJournal(ctx, record.Account, journal); err != nil {
			return err
		}
	}
	if err := s.writeFields(ctx, record.Account, found, want); err != nil {
		return err
	}
	return s.writeOwn(ctx, record, want)
}

// complete does the rest of a write that was cut off.
func (s *Store) complete(ctx context.Context, account store.Account, st state) error {
	if st.own.deleted() {
		return s.erase(ctx, account, st.found)
	}
	want, err := fieldsOf(st.record)
	if err != nil {
		return err
	}
	if err := s.writeFields(ctx, account, st.found, want); err != nil {
		return err
	}
	return s.writeOwn(ctx, st.record, want)
}

// Delete forgets an account: all of its keys, also the device's and those that
// JavaScript wrote, and LastAuthUser if it names the account.
func (s *Store) Delete(ctx context.Context, account store.Account) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	unlock, err := s.exclude(ctx, account.Scope)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := s.look(ctx, account)
	if err != nil {
		return err
	}
	if len(st.found) > 0 {
		if err := s.writeJournal(ctx, account, own{Before: st.found.digests(), Cut: true}); err != nil {
			return err
		}
	}
	if err := s.erase(ctx, account, st.found); err != nil {
		return err
	}
	return s.delist(ctx, account)
}

// erase removes an account's keys, its own last.
func (s *Store) erase(ctx context.Context, account store.Account, found fields) error {
	if err := s.writeFields(ctx, account, found, fields{}); err != nil {
		return err
	}
	return s.set(ctx, s.ownKey(account), "")
}
