package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
)

// maxKeyFile bounds what LoadKey reads, in bytes: a key and room for comments.
const maxKeyFile = 4096

// Texts for the head of a key file, for [LoadKeyFor].
const (
	aboutMasterKey = "# Latchkey master key. It opens the secrets in the service's database, which\n" +
		"# are lost without it: keep a copy apart from the database's, and show it to nobody.\n"

	// AboutCredentialsKey is for the key of the identity pool's own broker.
	AboutCredentialsKey = "# Latchkey credentials key. It makes the temporary credentials of identity pools, and\n" +
		"# APIs check them with it (sigv4auth). Whoever has it can be anybody there.\n"
)

// LoadKey reads the master key in the file at path, and makes the file with a
// new random key if there is none. The file holds lines of comments, which
// start with "#", and one line of 64 hexadecimal digits.
//
// A new file has mode 0600 and appears whole and durable or not at all; of
// several processes that start together, all get the key of the one that was
// first. A file that exists is never changed: LoadKey refuses one that is not a
// regular file (a symbolic link is not), that another user owns or can read
// (except on Windows, where modes say nothing), or that does not hold exactly one
// key, with an error that says what to do.
func LoadKey(path string) ([]byte, error) { return LoadKeyFor(path, aboutMasterKey) }

// LoadKeyFor is [LoadKey] for a key of another use. About is what a new file
// says of it: lines that start with "#", at most 2 KiB.
func LoadKeyFor(path, about string) ([]byte, error) {
	key, err := ReadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := createKey(path, about); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("seal: making the key file %s: %w", path, err)
	}
	return ReadKey(path)
}

// ReadKey is [LoadKey] for those who must find the file: it makes none, and
// answers [fs.ErrNotExist] instead.
func ReadKey(path string) ([]byte, error) {
	file, err := openKey(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("seal: reading the key file: %w", err)
	}
	key, err := ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("seal: key file %s: %w; restore it from a copy: a new key "+
			"opens nothing that the old one sealed", path, err)
	}
	return key, nil
}

// openKey opens the file at path after making sure that it is one that only its
// owner can reach. What was opened is compared with what was looked at, so that
// a link put there in between is refused as well.
func openKey(path string) (*os.File, error) {
	seen, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("seal: key file: %w", err)
	}
	if !seen.Mode().IsRegular() {
		return nil, fmt.Errorf("seal: key file %s is not a regular file (%s); name the file itself", path, seen.Mode().Type())
	}
	if err := atomicfile.CheckOwner(seen); err != nil {
		return nil, fmt.Errorf("seal: key file %s: %w", path, err)
	}
	if atomicfile.Loose(seen) {
		return nil, fmt.Errorf("seal: key file %s can be reached by others (mode %04o); "+
			"if nobody has read it, run chmod 600 on it", path, seen.Mode().Perm())
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("seal: key file: %w", err)
	}
	opened, err := file.Stat()
	if err != nil || !os.SameFile(seen, opened) {
		file.Close()
		return nil, fmt.Errorf("seal: key file %s was replaced while it was opened; try again", path)
	}
	return file, nil
}

// ParseKey finds the one key in the text of a key file. Its errors do not
// repeat the text, which may be most of a key.
func ParseKey(text []byte) ([]byte, error) {
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("longer than %d bytes", maxKeyFile)
	}
	var key []byte
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if key != nil {
			return nil, errors.New("more than one line beside the comments")
		}
		decoded, err := hex.DecodeString(line)
		if err != nil || len(decoded) != KeySize {
			return nil, fmt.Errorf("a line of %d characters where a key has %d hexadecimal digits", len(line), 2*KeySize)
		}
		key = decoded
	}
	if key == nil {
		return nil, errors.New("no key in it")
	}
	return key, nil
}

// createKey makes the key file by writing a temporary file beside it and
// linking that to its name, which fails if the name is taken.
func createKey(path, about string) error {
	temp := path + ".new-" + rand.Text()[:10]
	if err := writeKey(temp, about); err != nil {
		os.Remove(temp)
		return err
	}
	defer os.Remove(temp)
	err := os.Link(temp, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// A file system without hard links: the name is still taken
		// exclusively, only a crash now would leave a file without a key.
		err = writeKey(path, about)
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// writeKey writes a new key to a file that must not exist yet.
func writeKey(path, about string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	key := make([]byte, KeySize)
	rand.Read(key) // ends the program rather than fail
	var text bytes.Buffer
	text.WriteString(about)
	text.WriteString(hex.EncodeToString(key))
	text.WriteByte('\n')
	_, err = file.Write(text.Bytes())
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncFolder makes a new name in a folder durable. Windows cannot, and needs
// not.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
