package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/latchkeytest"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// TestCancelledCalls cancels many calls while a refresh runs. Each caller is back
// at once; the refreshes go on and are stored; nothing stays behind.
func TestCancelledCalls(t *testing.T) {
	n := form(1000, 10_000)
	srv := latchkeytest.NewServer(t, latchkeytest.Rotation(0))
	srv.AddUser(latchkeytest.User{Username: "ann", Password: "Correct-Horse-9"})
	config := srv.Config()
	config.UserPoolEndpoint, config.HTTPClient = srv.URL, nil // over a socket
	files, err := filestore.New(t.TempDir() + "/sessions")
	if err != nil {
		t.Fatal(err)
	}
	config.Store = files
	begin(t, config, "ann", "Correct-Horse-9")
	srv.Fail(refreshOperation, -1, latchkeytest.Fault{Delay: 30 * time.Millisecond})

	goroutines, descriptors := steady(t)
	base := goleak.IgnoreCurrent()
	c, err := latchkey.New(config)
	if err != nil {
		t.Fatal(err)
	}
	late, witnesses := cancelMany(t, c, n)
	session, err := c.FetchSession(t.Context(), latchkey.ForceRefresh())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Tokens(); err != nil {
		t.Errorf("after the canceled calls: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := goleak.Find(base); err != nil { // waits for what is about to end
		t.Error(err)
	}
	goroutinesAfter, descriptorsAfter := settle(t, goroutines, descriptors)
	if goroutinesAfter > goroutines || descriptorsAfter > descriptors {
		t.Errorf("%d goroutines and %d descriptors before, %d and %d after", goroutines, descriptors, goroutinesAfter, descriptorsAfter)
	}
	slices.Sort(late)
	slices.Sort(witnesses)
	p99, longest := late[len(late)*99/100], late[len(late)-1]
	machine := witnesses[len(witnesses)*99/100] // what a busy one adds
	if p99 > 10*time.Millisecond+2*machine {
		t.Errorf("a caller in a hundred came back %v after it was canceled; a goroutine that does nothing else took %v", p99, machine)
	}
	figure(t, fmt.Sprintf("%d canceled calls during %d refreshes", n, srv.Calls(refreshOperation)),
		fmt.Sprintf("goroutines %d → %d, file descriptors %d → %d, callers back after %v (median), %v (99 %%), %v (longest)",
			goroutines, goroutinesAfter, descriptors, descriptorsAfter, late[len(late)/2].Round(time.Microsecond), p99.Round(10*time.Microsecond), longest.Round(100*time.Microsecond)),
		"golang.org/x/oauth2: its token source takes no context and holds a mutex through the call, so a caller cannot leave")
}

// cancelMany cancels n calls, eight at a time, and returns how long after its
// cancellation each came back, and each one's witness. Calls that a refresh served
// before they were canceled do not count.
func cancelMany(t *testing.T, c *latchkey.Client, n int) (late, witnesses []time.Duration) {
	t.Helper()
	const atOnce = 8
	var mu sync.Mutex
	var wait sync.WaitGroup
	for worker := range atOnce {
		wait.Go(func() {
			for left := (n + worker) / atOnce; left > 0; {
				took, witness, err := cancelOne(c)
				if err == nil {
					continue // a refresh came to its end before
				}
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				left--
				mu.Lock()
				late, witnesses = append(late, took), append(witnesses, witness)
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if len(late) != n {
		t.Fatalf("%d calls instead of %d", len(late), n)
	}
	return late, witnesses
}

// cancelOne cancels a call after two milliseconds, and says how long after that the
// caller was back, and how long after that a goroutine heard of it which waits for
// nothing else.
func cancelOne(c *latchkey.Client) (took, witness time.Duration, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	canceled, heard := make(chan time.Time, 1), make(chan time.Time, 1)
	go func() {
		<-ctx.Done()
		heard <- time.Now()
	}()
	time.AfterFunc(2*time.Millisecond, func() {
		canceled <- time.Now()
		cancel()
	})
	_, err = c.FetchSession(ctx, latchkey.ForceRefresh())
	back, at := time.Now(), <-canceled
	return back.Sub(at), (<-heard).Sub(at), err
}

// steady counts goroutines and descriptors once nothing of the sign-in ends any
// more: five counts in a row are equal.
func steady(t *testing.T) (goroutines, descriptors int) {
	t.Helper()
	for equal := 0; equal < 5; equal++ {
		g, d := runtime.NumGoroutine(), openFiles(t)
		if g != goroutines || d != descriptors {
			goroutines, descriptors, equal = g, d, 0
		}
		time.Sleep(20 * time.Millisecond) // for the kernel, which nothing tells of
	}
	return goroutines, descriptors
}

// settle gives the service's side of closed connections a moment to end.
func settle(t *testing.T, goroutines, descriptors int) (goroutinesAfter, descriptorsAfter int) {
	t.Helper()
	for range 100 {
		goroutinesAfter, descriptorsAfter = runtime.NumGoroutine(), openFiles(t)
		if goroutinesAfter <= goroutines && descriptorsAfter <= descriptors {
			break
		}
		time.Sleep(20 * time.Millisecond) // for the kernel, which nothing tells of
	}
	return goroutinesAfter, descriptorsAfter
}

// openFiles counts this process's descriptors; 0 where the system does not say.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
