package jwt

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestEndedTable compares the table with a map, whatever comes and goes.
func TestEndedTable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		limit := rapid.IntRange(1, 300).Draw(r, "limit")
		var table endedTable
		table.init(limit)
		model := map[string]int64{}
		for range rapid.IntRange(1, 400).Draw(r, "steps") {
			if rapid.IntRange(0, 20).Draw(r, "forget") == 0 {
				now := rapid.Int64Range(0, 100).Draw(r, "now")
				table.forget(now)
				for id, until := range model {
					if until < now {
						delete(model, id)
					}
				}
			}
			if rapid.IntRange(0, 3).Draw(r, "remove") == 0 {
				id := fmt.Sprint(rapid.IntRange(0, 400).Draw(r, "removed"))
				table.remove(id)
				delete(model, id)
			}
			id, until := fmt.Sprint(rapid.IntRange(0, 400).Draw(r, "id")), rapid.Int64Range(0, 100).Draw(r, "until")
			old, known := model[id]
			if fits := known || len(model) < limit; table.add(id, until) != fits {
				r.Fatalf("add with %d of %d: not %v", len(model), limit, fits)
			} else if fits {
				model[id] = max(until, old)
			}
		}
		for i := range 402 {
			if _, want := model[fmt.Sprint(i)]; table.has(fmt.Sprint(i)) != want {
				r.Fatalf("has %d is not %v", i, want)
			}
		}
		if table.has("") || table.count != len(model) {
			r.Fatalf("count %d, want %d", table.count, len(model))
		}
	})
}

// TestEndedSessions compares what a follower knows with a list of all entries.
func TestEndedSessions(t *testing.T) {
	t.Parallel()
	id := rapid.Custom(func(r *rapid.T) string { return fmt.Sprint(rapid.IntRange(0, 20).Draw(r, "id")) })
	rapid.Check(t, func(r *rapid.T) {
		var sessions endedSessions
		sessions.init(1000)
		single := map[string]int64{}
		users := map[string]*feedEntry{}
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			until := rapid.Int64Range(0, 100).Draw(r, "until")
			switch rapid.IntRange(0, 2).Draw(r, "kind") {
			case 0:
				e := feedEntry{eventID: id.Draw(r, "event"), originID: "origin", until: until}
				sessions.add(&e)
				single[e.eventID] = max(single[e.eventID], until)
			case 1:
				sub := id.Draw(r, "sub")
				e := &feedEntry{user: userKeyOf(sub), before: rapid.Int64Range(1, 9).Draw(r, "before"), until: until,
					except: rapid.SliceOfDistinct(id, rapid.ID[string]).Draw(r, "except"), replaced: rapid.SliceOf(id).Draw(r, "replaced")}
				sessions.add(e)
				if old := users[sub]; old != nil && old.before > e.before {
					break
				}
				users[sub] = e
				for _, id := range e.replaced {
					delete(single, id)
				}
			default:
				now := rapid.Int64Range(0, 100).Draw(r, "now")
				sessions.forget(now)
				maps.DeleteFunc(single, func(_ string, until int64) bool { return until < now })
				maps.DeleteFunc(users, func(_ string, e *feedEntry) bool { return e.until < now })
			}
		}
		ids := len(single)
		for i := range 21 {
			event, sub, issued := fmt.Sprint(i), id.Draw(r, "asked sub"), rapid.Int64Range(0, 10).Draw(r, "issued")
			_, want := single[event]
			if e := users[sub]; e != nil {
				want = want || issued < e.before && !slices.Contains(e.except, event)
			}
			if got := sessions.has(SessionRef{Subject: sub, EventID: event, IssuedAt: time.Unix(issued, 0)}); got != want {
				r.Fatalf("session %s of user %s, issued at %d: %v, want %v", event, sub, issued, got, want)
			}
		}
		for _, e := range users {
			ids += 1 + len(e.except)
		}
		if got := sessions.ids.count + sessions.excepted; got != ids {
			r.Fatalf("%d ids are counted, want %d", got, ids)
		}
	})
}

// TestEndedTableReaders: who reads while ids come and go misses none of those
// that are to stay.
func TestEndedTableReaders(t *testing.T) {
	t.Parallel()
	var table endedTable
	table.init(1 << 16)
	table.add("stays", 1<<40)
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !table.has("stays") || table.has("never") {
					t.Error("a reader was told something wrong")
					return
				}
			}
		})
	}
	for i := range 20_000 {
		table.add(fmt.Sprint(i), int64(i))
		if i%1000 == 0 {
			table.forget(int64(i - 500))
		}
	}
	close(stop)
	group.Wait()
}

// FuzzFeed: whatever a feed sends ends in an error or in pages within bounds.
func FuzzFeed(f *testing.F) {
	const page = `{"revocations":[{"seq":1,"origin_jti":"a","event_id":"b","until":1767225600}],"next":1}`
	for _, text := range []string{
		"id: 1\nevent: revocations\ndata: " + page + "\n\n", ": hello\n\n", "data: x\n\n", "event: revocations\ndata: {}\n\n",
		"event:revocations\r\ndata:{\r\ndata:}\r\n\r\n", "\n\n\n", "no colon\n", "event: revocations\ndata: " + page + "\n", page,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		check := func(p *feedPage) {
			if p == nil {
				return
			}
			for _, e := range p.entries {
				unnamed := e.originID == "" && e.eventID == ""
				if unnamed && e.before <= 0 || len(e.originID)+len(e.eventID) > 2*maxFeedID || e.until < 0 {
					t.Errorf("took entry %+v", e)
				}
			}
			if p.next < 0 || len(p.entries) > maxFeedEntries {
				t.Errorf("took a page of %d entries, next %d", len(p.entries), p.next)
			}
		}
		if p, err := parsePage(text); err == nil {
			check(p)
		}
		lines := 0
		events := eventReader{lines: bufio.NewReaderSize(io.Reader(strings.NewReader(text)), maxFeedPage), alive: func() { lines++ }}
		for range len(text) + 1 {
			p, err := events.next()
			if err != nil {
				return
			}
			check(p)
		}
		t.Errorf("%d lines, and no end", lines)
	})
}
