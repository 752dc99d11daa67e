package jwt

import (
	"hash/maphash"
	"math"
	"sync/atomic"
)

// endedTable is a set of ids that many goroutines read while one adds: a hash
// table with linear probing whose slots are filled one by one and never emptied.
// What has to go, goes when the table is made anew, behind a pointer that the
// readers follow.
type endedTable struct {
	seed  maphash.Seed
	slots atomic.Pointer[[]endedSlot]

	// Of the goroutine that adds. used counts slots, removed ids included.
	used, count, limit int
}

type endedSlot struct{ atomic.Pointer[endedID] }

// endedID is immutable.
type endedID struct {
	id    string
	until int64 // in seconds since 1970; removedID if the id was removed
}

const (
	leastSlots = 64
	removedID  = math.MinInt64
)

func (t *endedTable) init(limit int) {
	t.seed, t.limit = maphash.MakeSeed(), limit
	slots := make([]endedSlot, leastSlots)
	t.slots.Store(&slots)
}

func (t *endedTable) has(id string) bool {
	if id == "" {
		return false
	}
	_, e := t.find(*t.slots.Load(), id)
	return e != nil && e.until != removedID
}

// find gives the slot that holds id and what it held, or the slot where id would
// go and nil. A reader goes by what was read, not by the slot: the one that adds
// may fill it with another id in the meantime. The table is at most half full, so
// there is always a slot.
func (t *endedTable) find(slots []endedSlot, id string) (*endedSlot, *endedID) {
	mask := uint64(len(slots) - 1)
	for i := maphash.String(t.seed, id) & mask; ; i = (i + 1) & mask {
		if e := slots[i].Load(); e == nil || e.id == id {
			return &slots[i], e
		}
	}
}

// add notes an id; an empty one is none. It reports false when the table is full.
func (t *endedTable) add(id string, until int64) bool {
	if id == "" {
		return true
	}
	slot, old := t.find(*t.slots.Load(), id)
	known := old != nil && old.until != removedID
	switch {
	case known:
		until = max(until, old.until)
	case t.count >= t.limit:
		return false
	case old == nil && 2*(t.used+1) > len(*t.slots.Load()):
		t.rebuild(func(*endedID) bool { return true })
		slot, _ = t.find(*t.slots.Load(), id)
	}
	slot.Store(&endedID{id, until})
	if !known {
		t.count++
	}
	if old == nil {
		t.used++
	}
	return true
}

// remove drops one id. Its slot stays in use until the table is made anew.
func (t *endedTable) remove(id string) {
	slot, old := t.find(*t.slots.Load(), id)
	if old != nil && old.until != removedID {
		slot.Store(&endedID{id, removedID})
		t.count--
	}
}

// forget drops the ids whose time has passed.
func (t *endedTable) forget(now int64) {
	slots := *t.slots.Load()
	for i := range slots {
		if e := slots[i].Load(); e != nil && e.until < now {
			t.rebuild(func(e *endedID) bool { return e.until >= now })
			return
		}
	}
}

// rebuild makes a table of those that stay, with room for as many again.
func (t *endedTable) rebuild(stays func(*endedID) bool) {
	var kept []*endedID
	old := *t.slots.Load()
	for i := range old {
		if e := old[i].Load(); e != nil && e.until != removedID && stays(e) {
			kept = append(kept, e)
		}
	}
	size := leastSlots
	for size < 3*len(kept) {
		size *= 2
	}
	slots := make([]endedSlot, size)
	for _, e := range kept {
		slot, _ := t.find(slots, e.id)
		slot.Store(e)
	}
	t.used, t.count = len(kept), len(kept)
	t.slots.Store(&slots)
}
