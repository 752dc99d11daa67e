package amplifystore

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/store"
)

// index is the value of a scope's own key.
type index struct {
	// Usernames may name accounts that have no record any more, never too few.
	Usernames []string `json:"usernames,omitzero"`
	// Active is the username that SetActive named; nil if there is no pointer.
	Active *string `json:"active,omitzero"`
	// Last is LastAuthUser as the last write leaves it, Before as it was before,
	// and Cut is as in own. Empty is missing.
	Last   string `json:"last,omitzero"`
	Before string `json:"before,omitzero"`
	Cut    bool   `json:"cut,omitzero"`
}

// pointer is a scope's index together with what Amplify knows of it.
type pointer struct {
	index index
	shown bool   // LastAuthUser speaks for the scope
	last  string // LastAuthUser
	err   error  // the index cannot be read
}

func (s *Store) readPointer(ctx context.Context, scope store.Scope) (pointer, error) {
	var p pointer
	text, err := s.item(ctx, s.indexKey(scope))
	if err != nil {
		return p, err
	}
	if text != "" {
		if err := unseal(text, &p.index); err != nil {
			p.index = index{}
			p.err = &store.DamagedError{Account: store.Account{Scope: scope}, Path: s.indexKey(scope), Err: err}
		}
	}
	if p.shown, err = s.shown(ctx, scope); err != nil || !p.shown {
		return p, err
	}
	p.last, err = s.item(ctx, s.lastKey(scope))
	return p, err
}

// changed reports whether JavaScript moved LastAuthUser since it was written.
func (p *pointer) changed() bool {
	return p.shown && p.last != p.index.Last && (!p.index.Cut || p.last != p.index.Before)
}

// active is the active username; nil if there is none.
func (p *pointer) active() *string {
	switch {
	case !p.changed():
		return p.index.Active
	case p.last == "":
		return nil // signed out
	}
	return &p.last
}

func (s *Store) writeIndex(ctx context.Context, scope store.Scope, i index) error {
	text, err := seal(i)
	if err != nil {
		return err
	}
	return s.set(ctx, s.indexKey(scope), text)
}

// enlist makes sure that List will find an account, before it has a record. An
// index that cannot be read is begun anew: List is not worth more than a sign-in.
func (s *Store) enlist(ctx context.Context, account store.Account) error {
	p, err := s.readPointer(ctx, account.Scope)
	if err != nil || slices.Contains(p.index.Usernames, account.Username) {
		return err
	}
	p.index.Usernames = append(p.index.Usernames, account.Username)
	slices.Sort(p.index.Usernames)
	return s.writeIndex(ctx, account.Scope, p.index)
}

// delist is for an account whose record is gone.
func (s *Store) delist(ctx context.Context, account store.Account) error {
	p, err := s.readPointer(ctx, account.Scope)
	if err != nil {
		return err
	}
	at := slices.Index(p.index.Usernames, account.Username)
	if at >= 0 {
		p.index.Usernames = slices.Delete(p.index.Usernames, at, at+1)
	}
	active := p.active()
	named := active != nil && *active == account.Username
	if named {
		active = nil
	}
	if named || p.index.Cut { // what was cut off may be a Delete
		return s.point(ctx, account.Scope, p, active)
	}
	if at < 0 {
		return nil
	}
	return s.writeIndex(ctx, account.Scope, p.index)
}

// point makes username the active one, in the index first. It is a journal as an
// account's own key is one: see own.
func (s *Store) point(ctx context.Context, scope store.Scope, p pointer, username *string) error {
	next := index{Usernames: p.index.Usernames, Active: username}
	if p.shown && username != nil {
		next.Last = *username
	}
	if next.Last != p.last {
		journal := next
		journal.Before, journal.Cut = p.last, true
		if err := s.writeIndex(ctx, scope, journal); err != nil {
			return err
		}
		if err := s.set(ctx, s.lastKey(scope), next.Last); err != nil {
			return err
		}
	}
	return s.writeIndex(ctx, scope, next)
}

// Active gives the account that SetActive named, or the one that JavaScript made
// LastAuthUser since. A LastAuthUser that JavaScript removed is no pointer.
func (s *Store) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	if err := s.usable(ctx); err != nil {
		return store.Account{}, err
	}
	p, err := s.readPointer(ctx, scope)
	if err != nil {
		return store.Account{}, err
	}
	if p.err != nil {
		return store.Account{}, p.err
	}
	if p.index.Cut && !p.changed() {
		_ = s.repoint(ctx, scope) // the answer is known; the next call tries again
	}
	username := p.active()
	if username == nil {
		return store.Account{}, store.ErrNotFound
	}
	return store.Account{Scope: scope, Username: *username}, nil
}

// repoint completes a SetActive that was cut off.
func (s *Store) repoint(ctx context.Context, scope store.Scope) error {
	unlock, err := s.exclude(ctx, scope)
	if err != nil {
		return err
	}
	defer unlock()
	p, err := s.readPointer(ctx, scope)
	if err != nil || p.err != nil || !p.index.Cut || p.changed() {
		return err
	}
	return s.point(ctx, scope, p, p.index.Active)
}

// SetActive makes account the one that LastAuthUser names, and Amplify sees.
func (s *Store) SetActive(ctx context.Context, account store.Account) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if _, err := store.EncodeAccount(account); err != nil {
		return fmt.Errorf("amplifystore: %w", err)
	}
	unlock, err := s.exclude(ctx, account.Scope)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.claim(ctx, account.Scope); err != nil {
		return err
	}
	p, err := s.readPointer(ctx, account.Scope)
	if err != nil {
		return err
	}
	// Amplify's user is found by LastAuthUser alone until Load has seen it.
	if utf8.ValidString(p.last) && p.last != "" && !slices.Contains(p.index.Usernames, p.last) {
		p.index.Usernames = append(p.index.Usernames, p.last)
		slices.Sort(p.index.Usernames)
	}
	return s.point(ctx, account.Scope, p, &account.Username)
}
