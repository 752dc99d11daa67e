package localservice

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// ErrNeverStarted means that a folder holds no service.
var ErrNeverStarted = errors.New("no service was ever started")

// runningFile holds where the folder's service listened at its last start.
const runningFile = "running.json"

// running is what a start adds to the state.
type running struct {
	Endpoint        string `json:"endpoint"`
	HTTPSEndpoint   string `json:"https_endpoint"`
	CAFile          string `json:"ca_file"`
	MetricsEndpoint string `json:"metrics_endpoint,omitempty"`
	PasswordChanged bool   `json:"password_changed,omitempty"`
	InsecureHTTP    bool   `json:"insecure_http,omitempty"`
}

// describe returns what clients need to know of the service on dir, an absolute path.
func describe(dir string, s state, r running) Ready {
	ready := Ready{
		Endpoint: r.Endpoint, HTTPSEndpoint: r.HTTPSEndpoint, CAFile: r.CAFile,
		Region: Region, UserPoolID: s.UserPoolID, ClientID: s.ClientID, IdentityPoolID: s.IdentityPoolID,
		Username: s.Username, Password: s.Password,
		AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey,
		ConfigFile: filepath.Join(dir, userdirs.ConfigFile), CredentialKeyFile: credentialKeyFile(dir),
		InsecureHTTP: r.InsecureHTTP, MetricsEndpoint: r.MetricsEndpoint,
	}
	if r.PasswordChanged {
		ready.Password, ready.PasswordChanged = "", true
	}
	return ready
}

func (r running) write(dir string) error {
	data, err := wire.Marshal(r)
	if err == nil {
		err = atomicfile.Write(filepath.Join(dir, runningFile), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the addresses: %w", err)
	}
	return nil
}

// readRunning reads what the last start on dir wrote.
func readRunning(dir string) (running, error) {
	path := filepath.Join(dir, runningFile)
	data, err := readPrivate(path, maxState)
	if err != nil {
		return running{}, err
	}
	var r running
	if err := wire.Unmarshal(data, &r); err != nil || r.Endpoint == "" {
		return running{}, fmt.Errorf("%s is damaged; start the service again", path)
	}
	return r, nil
}

// readState reads the ids and keys of dir, on which a service was started before.
func readState(dir string) (state, error) {
	data, err := readPrivate(filepath.Join(dir, stateFile), maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, fmt.Errorf("%w on %s: %s does not exist", ErrNeverStarted, dir, stateFile)
	}
	if err != nil {
		return state{}, err
	}
	var s state
	if err := wire.Unmarshal(data, &s); err != nil || !s.complete() {
		return state{}, fmt.Errorf("%s is damaged", filepath.Join(dir, stateFile))
	}
	return s, nil
}

// Has reports whether dir is the data folder of the service with this user pool.
func Has(dir, userPoolID string) bool {
	if dir == "" {
		return false
	}
	s, err := readState(dir)
	return err == nil && s.UserPoolID == userPoolID
}
