package localservice

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Region is the region of a local service's ids.
const Region = "us-east-1"

// state is what the folder must keep to come back as the same service.
type state struct {
	UserPoolID      string `json:"user_pool_id"`
	ClientID        string `json:"client_id"`
	IdentityPoolID  string `json:"identity_pool_id"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	Username        string `json:"username"`
	Password        string `json:"password"`
}

// complete reports whether nothing is missing, as after a file was edited by hand.
func (s state) complete() bool {
	for _, part := range []string{s.UserPoolID, s.ClientID, s.IdentityPoolID, s.AccessKeyID, s.SecretAccessKey, s.Username, s.Password} {
		if part == "" {
			return false
		}
	}
	return true
}

// The names of files in the data folder.
const (
	databaseFile  = "latchkey.db"
	masterKeyFile = "master.key"
	stateFile     = "local.json"
)

const maxState = 64 << 10

// loadState reads the folder's state, and makes it for a new database only. With
// used, the database has pools and users under the ids of the missing file.
func loadState(dir string, used bool) (state, error) {
	path := filepath.Join(dir, stateFile)
	data, err := readPrivate(path, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		if used {
			return state{}, missing(path, "it holds the ids and the admin key of the database beside it")
		}
		return newState(path)
	}
	if err != nil {
		return state{}, fmt.Errorf("read the service's ids: %w", err)
	}
	var s state
	if err := wire.Unmarshal(data, &s); err != nil || !s.complete() {
		return state{}, fmt.Errorf("%s is damaged; restore it, or move the folder away to start anew", path)
	}
	return s, nil
}

func newState(path string) (state, error) {
	s := state{
		UserPoolID:      Region + "_" + random.Text(random.Digits+random.Upper+random.Lower, 9),
		ClientID:        random.Text(random.Digits+random.Lower, 26),
		IdentityPoolID:  Region + ":" + random.UUID(),
		AccessKeyID:     "AKIA" + random.Text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
		SecretAccessKey: random.Text(random.Digits+random.Upper+random.Lower, 40),
		Username:        "demo",
		// Upper and lower case, a digit and a symbol, and easy to type.
		Password: "Demo-" + random.Text(random.Lower, 4) + "-" + random.Text(random.Digits, 4),
	}
	data, err := wire.Marshal(s)
	if err == nil {
		err = atomicfile.Write(path, append(data, '\n'))
	}
	if err != nil {
		return state{}, fmt.Errorf("keep the service's ids: %w", err)
	}
	return s, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", path, limit)
	}
	return os.ReadFile(path)
}
