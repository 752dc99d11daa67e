// Package filestore keeps sessions in files: one file per account, readable by
// its user alone, shared by every program of that user that opens the same
// folder.
//
// # Layout
//
// Everything lies in one folder (mode 0700), so that one directory is all that
// [Store.Watch] must poll. SCOPE and ACCOUNT are a readable part and a hash, in
// lower-case ASCII, whatever the pool id and the username are. SCOPE's hash covers
// pool, client and service, ACCOUNT's also the username. A scope without a service
// has the same names as before schema 4, which added the service:
//
//	SCOPE.ACCOUNT.json                 the record, as store.Encode writes it
//	SCOPE.ACCOUNT.json.bak             the generation before it
//	SCOPE.ACCOUNT.json.corrupt-TIME    a damaged record that was set aside
//	SCOPE.ACCOUNT.json.schema-N-TIME   a newer program's record, replaced by a sign-in
//	SCOPE.ACCOUNT.lock                 held while the files above change
//	SCOPE.ACCOUNT.refresh.lock         what Lock holds
//	SCOPE.active, SCOPE.active.lock    the pointer to the active account
//	*.tmp                              a write in progress, or what a crash left of one;
//	                                   the next Save of the account removes it
//
// # Reading and writing
//
// A record is replaced by rename, so Load takes no lock and forces nothing to
// disk: it sees one generation or the next. Save, Delete and SetActive take the
// file's lock for the few milliseconds that compare-and-swap needs. [Store.Lock],
// which a program holds while it refreshes over the network, is another file:
// its holder can still Save, and a sign-out does not wait for another program's
// network. Lock files are never deleted; deleting one would let a
// program that waits on the deleted file and one that made a new file both
// believe that they hold the lock.
//
// Locks are flock(2) (LockFileEx on Windows): the system lets go of them when
// their holder ends, however it ends. On a file system without locks or without
// write permission, methods that change something fail with [store.ErrNoLocks].
//
// # Damage
//
// A record that cannot be decoded is renamed to .corrupt-TIME and reported as a
// [store.DamagedError]; the account is then free for a new sign-in. The .bak
// file is for people, who may want to look at it or try it: no method reads it.
// Where refresh tokens rotate, the token of an older generation is spent, and a
// second use of it makes the service end the whole session, also for programs
// that hold the live one; where they do not, signing in again costs a minute.
//
// A record of a newer schema is no damage. Load reports [store.SchemaError] and
// leaves it where it is, for the newer program beside this one. Only a sign-in
// (Save with previous 0) takes its place, and sets it aside.
//
// Delete removes the record together with its .bak and everything set aside,
// and so does a Save whose record says that the session ended: after a sign-out
// no older token is left in the folder, but for one that the record itself lists
// as still to be revoked.
//
// # Secrets
//
// Tokens lie in the files in the clear, protected by the folder's and the
// files' modes. Encryption with a key that lies beside the data would protect
// nothing.
//
// Anything else in the place of a file, which another user may have put there - a
// symbolic link, a FIFO, a directory, a file with a second name or another owner - is
// refused with an error that names it, and is left unchanged.
package filestore
