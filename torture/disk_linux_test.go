package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/origin"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// The part that runs inside the namespaces.
const (
	diskRole = "disk"
	diskSize = "64k"
)

func init() { roles[diskRole] = playDisk }

// diskTask is what the part is told on its standard input.
type diskTask struct {
	Endpoint, Pool, Client, Username, Password, Dir string
}

// diskReport is what it found.
type diskReport struct {
	NewTokens  bool          // the caller was given new tokens though they could not be stored
	Event      string        // the error of EventRefreshed
	Intact     bool          // the stored file has not changed by a byte
	Readable   bool          // a new start reads the old session
	Temporary  int           // temporary files while the disk was full
	StoredIn   time.Duration // from freed space to the new tokens being stored
	SameTokens bool          // what was stored then is what the caller was given
	Restarted  bool          // a new start refreshes it
}

// TestFullDisk refreshes while the session's disk, a file system of 64 KiB in
// memory, has no byte left. Rotation has spent the stored token by then, so that
// the tokens in memory are all there is until space is freed.
func TestFullDisk(t *testing.T) {
	const done = "refresh on a full disk of 64 KiB, rotation on"
	s := startService(t)
	rounds := form(1, 20)
	task := diskTask{Endpoint: s.Endpoint, Pool: s.UserPoolID, Client: s.rotating(t, time.Minute), Username: s.Username, Password: s.Password}
	var slowest time.Duration
	var left int
	for range rounds {
		task.Dir = t.TempDir()
		r := inNamespace[diskReport](t, diskRole, done, task)
		if !r.NewTokens || !r.Intact || !r.Readable || !r.SameTokens || !r.Restarted || !strings.Contains(r.Event, syscall.ENOSPC.Error()) {
			t.Errorf("%+v", r)
		}
		slowest, left = max(slowest, r.StoredIn), left+r.Temporary
	}
	if left > 0 {
		t.Errorf("%d temporary files", left)
	}
	figure(t, fmt.Sprintf("%s, %d ×", done, rounds),
		fmt.Sprintf("callers given the new tokens, old file intact, event told of it, stored at most %v after space was freed, %d temporary files", slowest.Round(time.Millisecond), left),
		"no figures are published")
}

// inNamespace runs a part as root of a new user namespace and a new mount namespace.
func inNamespace[Report any](t *testing.T, role, done string, task any) (found Report) {
	t.Helper()
	input, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stdin = bytes.NewReader(input)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out := new(bytes.Buffer)
	said := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = out, said
	if err := cmd.Start(); err != nil {
		skip(t, done, fmt.Sprintf("there are no user namespaces (%v)", err))
	}
	err = cmd.Wait()
	if strings.Contains(said.String(), errNoMount.Error()) {
		skip(t, done, strings.TrimSpace(said.String()))
	}
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &found)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return found
}

var errNoMount = errors.New("a file system in memory cannot be mounted")

// playDisk is the part: mount, sign in, fill, refresh, free, wait.
func playDisk() error {
	var task diskTask
	if err := json.NewDecoder(os.Stdin).Decode(&task); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", task.Dir, "tmpfs", 0, "size="+diskSize); err != nil {
		return fmt.Errorf("%w: %w", errNoMount, err)
	}
	d := &disk{task: task, folder: filepath.Join(task.Dir, "sessions"), full: filepath.Join(task.Dir, "full"), errs: make(chan error, 8)}
	if err := d.open(); err != nil {
		return err
	}
	err := errors.Join(d.refreshFull(), d.free())
	if err = errors.Join(err, d.client.Close()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(d.found)
}

type disk struct {
	task         diskTask
	folder, full string
	config       latchkey.Config
	client       *latchkey.Client
	files        *filestore.Store
	errs         chan error // of EventRefreshed
	given        string     // the access token that the caller was given
	found        diskReport
}

// open signs in while there is space.
func (d *disk) open() (err error) {
	if d.files, err = filestore.New(d.folder); err != nil {
		return err
	}
	d.config = latchkey.Config{UserPoolID: d.task.Pool, ClientID: d.task.Client, UserPoolEndpoint: d.task.Endpoint, Store: d.files}
	if d.client, err = latchkey.New(d.config); err != nil {
		return err
	}
	d.client.Subscribe(func(e latchkey.Event) {
		if e.Kind == latchkey.EventRefreshed {
			d.errs <- e.Err
		}
	})
	step, err := d.client.SignIn(context.Background(), latchkey.Password(d.task.Username, d.task.Password))
	if err == nil && !step.Done() {
		err = errors.New("the sign-in asks for more")
	}
	return err
}

func (d *disk) account() store.Account {
	return store.Account{Scope: store.Scope{Service: origin.Of(d.task.Endpoint), PoolID: d.task.Pool, ClientID: d.task.Client}, Username: d.task.Username}
}

// record returns the bytes of the one record in the folder.
func (d *disk) record() ([]byte, error) {
	names, err := filepath.Glob(filepath.Join(d.folder, "*.json"))
	if err != nil || len(names) != 1 {
		return nil, fmt.Errorf("records %q: %w", names, err)
	}
	return os.ReadFile(names[0])
}

// fill writes until there is no byte left.
func (d *disk) fill() error {
	f, err := os.Create(d.full)
	if err != nil {
		return err
	}
	for err == nil {
		_, err = f.Write(make([]byte, 512))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("the disk does not fill: %w", err)
	}
	return f.Close()
}

// refreshFull refreshes while the disk is full.
func (d *disk) refreshFull() error {
	before, err := d.record()
	if err != nil {
		return err
	}
	old, err := store.Decode(before)
	if err != nil {
		return err
	}
	if err := d.fill(); err != nil {
		return err
	}
	session, err := d.client.FetchSession(context.Background(), latchkey.ForceRefresh())
	if err != nil {
		return err
	}
	tokens, err := session.Tokens()
	if err != nil {
		return err
	}
	d.given = tokens.Access.Raw()
	d.found.NewTokens = d.given != old.Tokens.Access.Reveal()
	if err := <-d.errs; err != nil {
		d.found.Event = err.Error()
	}
	after, err := d.record()
	if err != nil {
		return err
	}
	d.found.Intact = bytes.Equal(before, after)
	again, err := filestore.New(d.folder)
	if err != nil {
		return err
	}
	record, err := again.Load(context.Background(), d.account())
	d.found.Readable = err == nil && record.Generation == old.Generation
	left, err := filepath.Glob(filepath.Join(d.folder, "*.tmp"))
	d.found.Temporary = len(left)
	return err
}

// free frees the disk and waits until the client has stored what it holds.
func (d *disk) free() error {
	if err := os.Remove(d.full); err != nil {
		return err
	}
	freed := time.Now()
	for time.Since(freed) < 30*time.Second {
		record, err := d.files.Load(context.Background(), d.account())
		if err != nil {
			return err
		}
		if record.Tokens != nil && record.Tokens.Access.Reveal() == d.given {
			d.found.StoredIn, d.found.SameTokens = time.Since(freed), true
			return d.restart()
		}
		time.Sleep(10 * time.Millisecond) // the client tells nobody when it stores late
	}
	return nil
}

// restart refreshes with a client that starts anew.
func (d *disk) restart() error {
	c, err := latchkey.New(d.config)
	if err != nil {
		return err
	}
	session, err := c.FetchSession(context.Background(), latchkey.ForceRefresh())
	if err == nil {
		_, err = session.Tokens()
	}
	d.found.Restarted = err == nil
	return errors.Join(err, c.Close())
}
