// Package shortcut answers `latchkey credentials` and `latchkey token` with next to
// nothing of the program.
//
// Other programs run these two all the time, the AWS CLI and SDKs the first of them
// whenever they start, and nearly always the answer is the same as a moment ago. To
// find that out takes less time than to set up what the program is linked with. So
// package atstart, in a folder below, asks here before the rest is set up, and where
// there is an answer the program ends with it.
//
// The answer comes from a [Note] that an earlier run has left, by way of package
// notes in the other folder below. A note holds no secret. It says between which
// times the answer holds, and of which parts of the stored record it consists, as
// long as three files are what they were: the configuration, the pointer to the
// active account, and that account's record. Whoever signs in or out, switches
// accounts, refreshes, or edits the configuration changes one of them, and the note
// means nothing any more.
//
// Everything else, and each kind of trouble, is left to the command proper in
// internal/cli, which starts as if nothing had been tried: [Answer] changes nothing,
// and consumes nothing, that the command will look at.
//
// What this package imports decides when it can run: bytes, io, os, strconv and time
// are set up among the first; strings, crypto/sha256 and every JSON package are not.
package shortcut

import (
	"io"
	"os"
	"runtime"
	"time"

	"github.com/latchkey-auth/latchkey/internal/userdirs"
)

// MaxFile bounds each file that is read, in bytes. No record is larger.
const MaxFile = 1 << 20

// Answer answers a command line, without the program's name. It reports false where
// the command has to be run.
func Answer(args []string, now time.Time) (answer []byte, ok bool) {
	line, ok := parse(args)
	if !ok {
		return nil, false
	}
	config, _, err := userdirs.Config(line.config)
	if err != nil {
		return nil, false
	}
	home, err := userdirs.Home(line.home)
	if err != nil {
		return nil, false
	}
	return Ask(config, home, line.wanted, now)
}

// Ask asks for one thing, by the name that the configuration file is called by and
// the home where the sessions are.
func Ask(config, home, wanted string, now time.Time) (answer []byte, ok bool) {
	data, ok := Read(NotePath(home, config))
	if !ok {
		return nil, false
	}
	note, ok := decode(data)
	if !ok {
		return nil, false
	}
	reply, ok := note.find(wanted, now)
	if !ok {
		return nil, false
	}
	record, ok := note.record(config)
	if !ok {
		return nil, false
	}
	return reply.assemble(record)
}

// NotePath is where the note for a configuration file lies, by the name that the
// file is called by.
func NotePath(home, config string) string {
	return userdirs.Notes(home) + string(os.PathSeparator) + hex(Sum([]byte(config))) + ".note"
}

// record reads the three files, and returns the record if they are what they were.
func (n *Note) record(config string) (record []byte, ok bool) {
	configuration, ok := Read(config)
	if !ok {
		return nil, false
	}
	pointer, ok := ReadPrivate(n.Pointer)
	if !ok {
		return nil, false
	}
	record, ok = ReadPrivate(n.Record)
	return record, ok && Sum(configuration, pointer, record) == n.Sum
}

// Read reads a plain file, at once and of at most MaxFile bytes. What comes through a
// pipe is left there: it can be read once.
func Read(path string) (data []byte, ok bool) { return read(path, os.Stat) }

// ReadPrivate is Read for a file of the session store's. One that is a symbolic link,
// or open to other users, is for the store to judge.
func ReadPrivate(path string) (data []byte, ok bool) {
	return read(path, func(path string) (os.FileInfo, error) {
		info, err := os.Lstat(path)
		if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			err = os.ErrPermission
		}
		return info, err
	})
}

func read(path string, look func(string) (os.FileInfo, error)) (data []byte, ok bool) {
	info, err := look(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > MaxFile {
		return nil, false
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer file.Close()
	// One byte more than the size: a file that grows is being written.
	data = make([]byte, info.Size()+1)
	n, err := io.ReadFull(file, data)
	return data[:n], err == io.ErrUnexpectedEOF || err == io.EOF
}
