package localservice

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// refuses opens a service that must not open, with an error of one line.
func refuses(t *testing.T, o Options, wants ...string) {
	t.Helper()
	s, err := Open(context.Background(), o)
	if err == nil {
		s.Close()
		t.Fatal("it opened")
	}
	for _, want := range append(wants, o.Dir) {
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %q, want one line with %q", err, want)
		}
	}
}

// signsIn checks that the demo user can sign in.
func signsIn(t *testing.T, o Options, ready Ready) {
	t.Helper()
	var in wire.InitiateAuthResponse
	err := call(t, trusting(t, ready.CAFile), ready.Endpoint, "InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: ready.ClientID,
		AuthParameters: wire.Parameters{"USERNAME": ready.Username, "PASSWORD": ready.Password},
	}, &in)
	if err != nil {
		t.Errorf("sign in: %v", err)
	}
}

// TestMissingFileIsNotReplaced removes a file that the database needs: the
// service refuses to start, makes no new file, and starts once it is restored.
func TestMissingFileIsNotReplaced(t *testing.T) {
	for _, name := range []string{masterKeyFile, stateFile, "credentials.key"} {
		t.Run(name, func(t *testing.T) {
			o := options(t.TempDir())
			_, stop := start(t, o)
			stop()
			path := filepath.Join(o.Dir, name)
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
			refuses(t, o, path, "is missing", "restore it")
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a new %s: %v", name, err)
			}
			if err := os.Rename(path+".away", path); err != nil {
				t.Fatal(err)
			}
			ready, stop := start(t, o)
			signsIn(t, o, ready)
			stop()
		})
	}
}

// TestWrongMasterKeyIsRefused puts another key in place, for a database with the
// stored key id and for one of an earlier release, which has none.
func TestWrongMasterKeyIsRefused(t *testing.T) {
	for _, earlier := range []bool{false, true} {
		o := options(t.TempDir())
		_, stop := start(t, o)
		stop()
		if earlier {
			forgetProperties(t, o.Dir)
		}
		path := filepath.Join(o.Dir, masterKeyFile)
		right, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, []byte(strings.Repeat("ab", 32)+"\n"))
		refuses(t, o, path, "not the master key")
		refuses(t, o, path, "not the master key") // and the first refusal stored nothing
		write(t, path, right)
		ready, stop := start(t, o)
		signsIn(t, o, ready)
		stop()
		write(t, path, []byte(strings.Repeat("cd", 32)+"\n"))
		refuses(t, o, path, "not the master key")
	}
}

// TestMissingMasterKeyOfOlderDatabase removes the key of a database without
// stored key ids.
func TestMissingMasterKeyOfOlderDatabase(t *testing.T) {
	o := options(t.TempDir())
	_, stop := start(t, o)
	stop()
	forgetProperties(t, o.Dir)
	path := filepath.Join(o.Dir, masterKeyFile)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refuses(t, o, path, "is missing")
}

// TestNewCredentialsKeyIsTaken writes another credentials key deliberately: the
// service starts and warns.
func TestNewCredentialsKeyIsTaken(t *testing.T) {
	o := options(t.TempDir())
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	_, stop := start(t, o)
	stop()
	if strings.Contains(log.String(), "credentials key") {
		t.Errorf("the first start warns: %s", log.String())
	}
	write(t, filepath.Join(o.Dir, "credentials.key"), []byte(strings.Repeat("ab", 32)+"\n"))
	for range 2 {
		_, stop = start(t, o)
		stop()
	}
	if n := strings.Count(log.String(), "credentials key was replaced"); n != 1 {
		t.Errorf("%d warnings in two starts, want 1: %s", n, log.String())
	}
}

// TestInterruptedFirstStart leaves key and ids behind without a database, as a
// crash does: the next start uses them.
func TestInterruptedFirstStart(t *testing.T) {
	o := options(t.TempDir())
	first, stop := start(t, o)
	stop()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(o.Dir, databaseFile+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	again, stop := start(t, o)
	defer stop()
	if first.UserPoolID != again.UserPoolID || first.SecretAccessKey != again.SecretAccessKey {
		t.Error("the ids changed")
	}
	signsIn(t, o, again)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// forgetProperties makes a database one of an earlier release, as far as its
// properties go.
func forgetProperties(t *testing.T, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "DELETE FROM properties"); err != nil {
		t.Fatal(err)
	}
}
