package awsprofile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/internal/filelock"
	"github.com/latchkey-auth/latchkey/internal/plaintext"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
)

const (
	maxFile  = 1 << 20 // bytes of a file that is read
	attempts = 10      // of Install, while other programs change the file
)

// The environment variables that name the files.
const (
	configVariable      = "AWS_CONFIG_FILE"
	credentialsVariable = "AWS_SHARED_CREDENTIALS_FILE"
)

// ConfigFile returns the path of the AWS configuration file: that of AWS_CONFIG_FILE, in
// which "~" is the home folder as in the AWS tools, else ~/.aws/config. Symbolic links are
// resolved, so that the link stays when the file is replaced.
func ConfigFile() (string, error) { return file(configVariable, "config") }

// CredentialsFile returns the path of the file with the keys of profiles, in the same way.
func CredentialsFile() (string, error) { return file(credentialsVariable, "credentials") }

func file(variable, name string) (string, error) {
	path := os.Getenv(variable)
	if path == "" {
		path = filepath.Join("~", ".aws", name)
	}
	path, err := userdirs.Expand(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Abs(path)
}

// content is a file as it was read; the zero content is a file that does not exist.
type content struct {
	text string
	mark string // the byte order mark before the text, or nothing
	info fs.FileInfo
}

// read reads a file.
func read(path string) (content, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return content{}, nil
	}
	if err != nil {
		return content{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return content{}, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return content{}, err
	}
	if len(data) > maxFile {
		return content{}, fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	c := content{info: info}
	text, marked, err := plaintext.Check(data)
	if err != nil {
		return content{}, fmt.Errorf("%s: %w", path, err)
	}
	if c.text = text; marked {
		c.mark = plaintext.Mark
	}
	return c, nil
}

// unchanged reports whether the file at path is still the one that was read.
func (c content) unchanged(path string) bool {
	now, err := os.Stat(path)
	if c.info == nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return err == nil && os.SameFile(now, c.info) && now.Size() == c.info.Size() && now.ModTime().Equal(c.info.ModTime())
}

// write replaces the file at path and keeps its mode.
func (c content) write(path, text string) error {
	if err := atomicfile.Write(path, []byte(c.mark+text)); err != nil {
		return err
	}
	if c.info == nil || c.info.Mode().Perm() == atomicfile.Mode {
		return nil
	}
	return os.Chmod(path, c.info.Mode().Perm())
}

// errChanging means that the file did not stay the same for the moment that a change takes.
var errChanging = errors.New("another program keeps changing it; try again")

// Install writes a profile into the configuration file at path. The other lines, comments and
// their order stay as they are, and so do the other settings of a section that this package
// has written. It fails if the section was made by another program, unless p.Force is set.
func Install(ctx context.Context, path string, p Profile) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	unlock, err := filelock.Acquire(ctx, path+".latchkey-lock")
	if err != nil {
		return err
	}
	defer unlock()
	for range attempts {
		old, err := read(path)
		if err != nil {
			return err
		}
		text, err := withProfile(old.text, p)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if old.unchanged(path) {
			return old.write(path, text)
		}
	}
	return fmt.Errorf("%s: %w", path, errChanging)
}

// HasKeys reports whether the credentials file has a section of a profile's name, which the
// AWS tools prefer to the profile. A file that cannot be read has none.
func HasKeys(path, name string) bool {
	c, err := read(path)
	if err != nil {
		return false
	}
	for line := range strings.Lines(c.text) {
		if section, ok := sectionOf(line); ok && section == name {
			return true
		}
	}
	return false
}
