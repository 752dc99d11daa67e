package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/internal/filelock"
)

// errDamaged means that a file is not one that Record wrote, or that other users can
// change it.
var errDamaged = errors.New("not as latchkey up writes it")

// Load reads the file at path. Without a file there are no services. The file must be a
// plain file of this user that other users cannot change.
func Load(path string) (Services, error) {
	s, err := load(path)
	if err != nil {
		return nil, fmt.Errorf("registry of local services %s: %w", path, err)
	}
	return s, nil
}

func load(path string) (Services, error) {
	file, info, err := atomicfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	// Reading it is no harm: it holds no secret.
	if atomicfile.Loose(info) && info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%w: others can change it (mode %04o)", errDamaged, info.Mode().Perm())
	}
	data := make([]byte, min(info.Size(), maxSize)+1)
	n, err := io.ReadFull(file, data)
	switch {
	case err == nil:
		return nil, fmt.Errorf("%w: longer than %d bytes", errDamaged, len(data)-1)
	case err != io.ErrUnexpectedEOF && err != io.EOF:
		return nil, err
	}
	s, err := decode(data[:n])
	if err != nil && !errors.Is(err, errNewer) {
		err = fmt.Errorf("%w: %w", errDamaged, err)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Record writes a start into the file at path, which it creates with its folder if need
// be. A damaged file is set aside beside it, with the ending ".damaged", and log gets a
// warning; the file of a newer version stays as it is, which is an error. Starts at the
// same time wait for each other. A start that changes nothing needs no permission to
// write.
func Record(ctx context.Context, log *slog.Logger, path string, start Start) error {
	start, err := start.check()
	if err == nil {
		err = record(ctx, log, path, start)
	}
	if err != nil {
		return fmt.Errorf("registry of local services %s: %w", path, err)
	}
	return nil
}

func record(ctx context.Context, log *slog.Logger, path string, start Start) error {
	if before, err := load(path); err == nil && before.after(start, gone).equal(before) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	unlock, err := filelock.Acquire(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	before, err := load(path)
	if errors.Is(err, errDamaged) {
		aside := path + ".damaged"
		log.WarnContext(ctx, "the registry of local services is damaged and was set aside; sessions of services whose address changed since need a new sign-in",
			"file", path, "aside", aside, "error", err)
		err = os.Rename(path, aside)
	}
	if err != nil {
		return err
	}
	return atomicfile.Write(path, before.after(start, gone).encode())
}

func gone(folder string) bool {
	_, err := os.Lstat(folder)
	return errors.Is(err, fs.ErrNotExist)
}
