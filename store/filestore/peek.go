package filestore

import (
	"context"

	"github.com/latchkey-auth/latchkey/store"
)

// Peek reads the record of a scope's active account and moves nothing, whatever it
// finds: what is damaged is reported as by Load and stays where it is, for whoever
// means to deal with it. It is for programs that look at a session and do not keep
// it. Errors are those of [Store.Active] and [Store.Load].
func (s *Store) Peek(ctx context.Context, scope store.Scope) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	if err := s.findFolder(); err != nil {
		return store.Record{}, err
	}
	account, err := s.readActive(scope)
	if err != nil {
		return store.Record{}, err
	}
	record, _, err := s.readRecord(account)
	return record, err
}
