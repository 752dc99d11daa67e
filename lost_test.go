package latchkey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

// TestSlowStore: forty callers that overlap, of one client and of four, over a
// store that takes its time, make one refresh and all have its tokens.
func TestSlowStore(t *testing.T) {
	t.Parallel()
	for _, milliseconds := range []int{0, 1, 5, 10, 20} {
		for _, clients := range []int{1, 4} {
			t.Run(fmt.Sprint(milliseconds, " ms, clients ", clients), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newFakePool()
					p.rotate, p.delay = true, 50*time.Millisecond
					kept := &slowStore{Memory: store.NewMemory(), delay: time.Duration(milliseconds) * time.Millisecond}
					all := []*Client{p.signedIn(t, "alice", withStore(kept))}
					for len(all) < clients {
						all = append(all, p.newClient(t, withStore(kept)))
					}
					for round := 1; round <= 3; round++ {
						time.Sleep(2 * time.Hour)
						overlap(t, all)
						if got := p.count(opRefresh); got != round {
							t.Fatalf("%d refreshes in %d rounds", got, round)
						}
					}
				})
			})
		}
	}
}

// overlap has forty callers come a millisecond apart, and compares their tokens.
func overlap(t *testing.T, clients []*Client) {
	t.Helper()
	var group sync.WaitGroup
	raw := make([]string, 40)
	for i := range raw {
		group.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond)
			tokens, err := fetch(t, clients[i%len(clients)]).Tokens()
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
				return
			}
			raw[i] = tokens.Access.Raw()
		})
	}
	group.Wait()
	for i := range raw {
		if raw[i] != raw[0] {
			t.Errorf("caller %d has other tokens than the first", i)
		}
	}
}

// TestCancelSlowStore: a caller that gives up, by canceling or by its deadline,
// is back within ten milliseconds although store and service are slow, and the
// refresh that it began is kept.
func TestCancelSlowStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		p.rotate = true
		kept := &slowStore{Memory: store.NewMemory(), delay: 20 * time.Millisecond}
		p.signedIn(t, "alice", withStore(kept))
		time.Sleep(2 * time.Hour)
		p.set(func(p *fakePool) { p.delay = 6 * time.Second })
		c := p.newClient(t, withStore(kept)) // has to read the store, too
		for i := range 40 {                  // four seconds in all
			after := time.Duration(i) * 5 * time.Millisecond
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(after, cancel)
			start := time.Now()
			_, err := c.FetchSession(ctx)
			if late := time.Since(start) - after; !errors.Is(err, context.Canceled) || late > 10*time.Millisecond {
				t.Fatalf("FetchSession came back %v late: %v", late, err)
			}
		}
		time.Sleep(5 * time.Second)
		start := time.Now()
		wantTokens(t, fetch(t, c), "alice")
		if waited := time.Since(start); waited != 0 || p.count(opRefresh) != 1 {
			t.Errorf("waited %v, %d refreshes", waited, p.count(opRefresh))
		}
		wantTokens(t, fetch(t, p.newClient(t, withStore(kept))), "alice")
		if got := p.count(opRefresh); got != 1 {
			t.Errorf("%d refreshes; the first was not kept", got)
		}
	})
}

// TestUpgrade: a session that a program of schema 1 left on disk goes on. It names no
// service; after its first change it is of the newest schema, under the service's name.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	p, dir, fresh := newFakePool(), t.TempDir(), store.NewMemory()
	kept, err := filestore.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	raw := wantTokens(t, fetch(t, p.signedIn(t, "alice", withStore(fresh))), "alice").Access.Raw()
	old := leaveSchema1(t, fresh, kept, dir)
	c := p.newClient(t, withStore(kept))
	if got := wantTokens(t, fetch(t, c), "alice"); got.Access.Raw() != raw || p.count(opRefresh) != 0 {
		t.Error("the session of schema 1 was not taken as it was")
	}
	wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(paths) != 1 || paths[0] == old {
		t.Fatalf("files after a refresh: %v, %v", paths, err)
	}
	data, err := os.ReadFile(paths[0])
	if want := fmt.Appendf(nil, `{"schema":%d,`, store.Schema); err != nil || !bytes.HasPrefix(data, want) {
		t.Errorf("after a refresh the record begins with %.20q, %v", data, err)
	}
	wantTokens(t, fetch(t, p.newClient(t, withStore(kept))), "alice")
}

// leaveSchema1 puts the session of alice into a folder as a program of schema 1 would,
// and returns the record's file.
func leaveSchema1(t *testing.T, from *store.Memory, kept *filestore.Store, dir string) string {
	t.Helper()
	record, err := from.Load(t.Context(), aliceAccount())
	if err != nil {
		t.Fatal(err)
	}
	record.Account.Service, record.Issuer = "", ""
	if err := errors.Join(kept.Save(t.Context(), record, 0), kept.SetActive(t.Context(), record.Account)); err != nil {
		t.Fatal(err)
	}
	var old string
	for _, pattern := range []string{"*.active", "*.json"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(paths) != 1 {
			t.Fatalf("files: %v, %v", paths, err)
		}
		rewrite(t, paths[0])
		old = paths[0]
	}
	return old
}

// rewrite gives a file the frame of schema 1. What is in it is the same in both
// schemas while no revocation is pending.
func rewrite(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	member := "record"
	if filepath.Ext(path) == ".active" {
		member = "account"
	}
	_, payload, found := bytes.Cut(data, []byte(`"`+member+`":`))
	payload, ended := bytes.CutSuffix(payload, []byte("}\n"))
	if !found || !ended {
		t.Fatalf("%s holds %.40q", path, data)
	}
	if err := os.WriteFile(path, storetest.Frame(1, member, string(payload)), 0o600); err != nil {
		t.Fatal(err)
	}
}
