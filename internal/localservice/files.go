package localservice

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
)

// privateFiles are the files of the data folder that only their owner may reach.
// The key files are checked where they are read (packages seal and localca).
var privateFiles = []string{databaseFile, databaseFile + "-wal", databaseFile + "-shm", databaseFile + ".lock", stateFile, runningFile}

// checkFiles refuses a data folder with files that another user owns or can
// reach, or that are links to other files.
func checkFiles(dir string) error {
	var loose []string
	for _, name := range privateFiles {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = atomicfile.CheckPlain(info)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if atomicfile.Loose(info) {
			loose = append(loose, path)
		}
	}
	if len(loose) > 0 {
		return fmt.Errorf("other users can reach files of the service; if nobody has read or changed them, run chmod 600 %s", strings.Join(loose, " "))
	}
	return nil
}

// readPrivate reads a file that checkFiles has passed.
func readPrivate(path string, limit int64) ([]byte, error) {
	file, info, err := atomicfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if atomicfile.Loose(info) {
		return nil, fmt.Errorf("%s can be reached by others (mode %04o); if nobody has read it, run chmod 600 on it", path, info.Mode().Perm())
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return io.ReadAll(io.LimitReader(file, limit))
}
