package amplifystore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/store"
)

// state is what the storage holds of an account, and what that means.
type state struct {
	text  string // of the own key
	shown bool   // Amplify's keys speak for the account
	found fields // Amplify's keys

	own    *own         // nil if there is none or it cannot be read
	kept   bool         // there is a record
	record store.Record // it
	moved  bool         // JavaScript changed the record since own was written
	err    error        // there is something, and it cannot be used
}

// generation is what compare-and-swap goes by. What cannot be used counts as
// nothing: the account is free for a new sign-in.
func (st *state) generation() uint64 {
	if !st.kept {
		return 0
	}
	return st.record.Generation
}

// unfinished reports whether a write was cut off and nothing came after it.
func (st *state) unfinished() bool { return st.own != nil && st.own.Cut && !st.moved && st.err == nil }

// underWay reports whether JavaScript seems not to have finished writing: a part
// is missing, or the access token is new and clockDrift, which Amplify writes
// last, is not. Until then the refresh token may be the spent one.
func (st *state) underWay() bool {
	if st.moved && st.own != nil && st.found[clockDrift] != "" {
		return !st.own.matches(st.found, []string{accessToken}) && st.own.matches(st.found, []string{clockDrift})
	}
	return errors.Is(st.err, ErrIncomplete)
}

// look reads an account's keys once.
func (s *Store) look(ctx context.Context, account store.Account) (state, error) {
	var st state
	var err error
	if st.shown, err = s.shown(ctx, account.Scope); err != nil {
		return st, err
	}
	st.shown = st.shown && account.Username != ""
	if st.text, err = s.item(ctx, s.ownKey(account)); err != nil {
		return st, err
	}
	if st.shown {
		if st.found, err = s.readFields(ctx, account); err != nil {
			return st, err
		}
	}
	s.judge(&st, account)
	// Records of earlier schemas, and those saved without an issuer.
	if st.kept && st.record.Issuer == "" && st.record.Tokens != nil {
		st.record.Issuer = issuerOf(st.record.Tokens.Access)
	}
	return st, nil
}

// judge says what was read. It reads nothing itself.
func (s *Store) judge(st *state, account store.Account) {
	var err error
	if st.text != "" {
		if st.own, err = parseOwn(st.text, account); err != nil {
			st.err = s.damaged(account, s.ownKey(account), err)
			return
		}
	}
	o := st.own
	if o != nil && (!st.shown || o.matches(st.found, sessionKeys) && o.matches(st.found, deviceKeys)) {
		if st.kept = !o.deleted(); st.kept {
			st.record = o.record.Clone()
			o.withTokens(&st.record, st.found)
			o.withDevice(&st.record, st.found)
		}
		return
	}
	if !st.shown {
		return
	}
	st.record, st.kept, err = merge(account, o, st.found)
	var wrong *keyError
	switch {
	case errors.Is(err, errOtherPool) && o == nil:
		st.kept = false // the other pool's, not damage
	case errors.As(err, &wrong):
		st.err = s.damaged(account, s.fieldKey(account, wrong.name), wrong.err)
	case err != nil:
		st.err = s.damaged(account, s.fieldKey(account, accessToken), err)
	}
	st.kept = st.kept && st.err == nil
	st.moved = st.kept
}

// damaged makes the error of Load. A newer program's record is no damage.
func (s *Store) damaged(account store.Account, key string, err error) error {
	if newer, ok := errors.AsType[*store.SchemaError](err); ok {
		return newer
	}
	return &store.DamagedError{Account: account, Path: key, Err: err}
}

var errExhausted = errors.New("its generation cannot grow any more")

// merge makes the record of keys that JavaScript changed since o was written; o
// is nil if nothing of ours was. kept is false if the keys hold nothing.
func merge(account store.Account, o *own, found fields) (record store.Record, kept bool, err error) {
	record = store.Record{Account: account}
	known := o != nil && !o.deleted()
	if known {
		record = o.record.Clone()
	}
	switch {
	case known && o.matches(found, sessionKeys):
		o.withTokens(&record, found)
	case found.hasTokens():
		if err := fromJavaScript(&record, found); err != nil {
			return store.Record{}, false, err
		}
	case known && o.hadSession():
		record.Tokens, record.Identities = nil, withoutCredentials(record.Identities)
		if record.Redirect != nil && !record.Redirect.Browser {
			record.Redirect = nil // Amplify leads its own browser over the logout page
		}
		record.Ended = &store.Ended{Reason: "signed-out", Detail: "the session was removed from Amplify's keys"}
	}
	if known && o.matches(found, deviceKeys) {
		o.withDevice(&record, found)
	} else {
		record.Device = found.device()
	}
	if !known && record.Tokens == nil && record.Device == nil {
		return store.Record{}, false, nil
	}
	if record.Generation, err = after(record.Generation, found); err != nil {
		return store.Record{}, false, err
	}
	return record, true, nil
}

// after derives the generation of what JavaScript wrote; see the package's
// documentation. With 20 bits a step, 2^44 changes fit.
func after(kept uint64, found fields) (uint64, error) {
	text, err := json.Marshal(found.digests(), json.Deterministic(true))
	if err != nil {
		return 0, err // digests are ASCII: it cannot fail
	}
	sum := sha256.Sum256(text)
	step := 1 + uint64(binary.BigEndian.Uint32(sum[:])>>12)
	if kept > math.MaxUint64-step {
		return 0, errExhausted
	}
	return kept + step, nil
}
