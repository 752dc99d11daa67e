package server

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// TestFeedBounds: so many wait and no more, so many from one address, and who
// leaves makes room.
func TestFeedBounds(t *testing.T) {
	t.Parallel()
	f := newFeed(maxWaiting)
	var readers []*reader
	join := func(source string) bool {
		address, _ := netip.ParseAddr(source)
		r, ok := f.join("pool", address)
		if ok {
			readers = append(readers, r)
		}
		return ok
	}
	for i := range maxWaitingSource {
		if !join(fmt.Sprintf("2001:db8::%x", i+1)) {
			t.Fatalf("refused after %d of one network", i)
		}
	}
	if join("2001:db8::9999") || !join("2001:db8:0:1::1") || !join("192.0.2.1") || !join("::ffff:192.0.2.1") {
		t.Error("one network has more than its share, or another less")
	}
	for i := maxWaitingSource + 3; i < maxWaiting; i++ {
		if !join("") {
			t.Fatalf("refused after %d", i)
		}
	}
	if join("192.0.2.2") || join("") {
		t.Error("more wait than may")
	}
	readers[0].leave()
	if !join("2001:db8::1") {
		t.Error("who left made no room")
	}
	for _, r := range readers[1:] {
		r.leave()
	}
	if small := newFeed(1); !joins(small) || joins(small) {
		t.Error("a feed for one request does not take one")
	}
	if f.waiting != 0 || len(f.topics) != 0 || len(f.sources) != 0 {
		t.Errorf("left behind: %d waiting, %d pools, %d addresses", f.waiting, len(f.topics), len(f.sources))
	}
}

func joins(f *feed) bool {
	_, ok := f.join("pool", netip.Addr{})
	return ok
}

// TestFeedWakes: those of the pool wake, at once, and only they; stop ends all.
func TestFeedWakes(t *testing.T) {
	t.Parallel()
	f := newFeed(maxWaiting)
	mine, _ := f.join("mine", netip.Addr{})
	other, _ := f.join("other", netip.Addr{})
	defer mine.leave()
	defer other.leave()
	news, others := mine.news(), other.news()
	f.wake("mine")
	f.wake("nobody's")
	if !mine.wait(t.Context(), news, time.Hour) {
		t.Error("a wake ended the request")
	}
	select {
	case <-others:
		t.Error("another pool's reader woke")
	default:
	}
	f.stop()
	f.stop()
	if other.wait(t.Context(), others, time.Hour) {
		t.Error("stop did not end the request")
	}
	late, _ := f.join("mine", netip.Addr{})
	defer late.leave()
	if late.wait(t.Context(), late.news(), time.Hour) {
		t.Error("a request waits after stop")
	}
	f.start()
	again, _ := f.join("mine", netip.Addr{})
	defer again.leave()
	if !again.wait(t.Context(), again.news(), time.Nanosecond) {
		t.Error("no request waits after start")
	}
}

// TestFillKeepsPlace: a page that is not full ends at the last number, which may
// be beyond its last entry.
func TestFillKeepsPlace(t *testing.T) {
	t.Parallel()
	page := &revocationPage{}
	page.fill([]storage.Revocation{{Seq: 3, Until: time.Unix(10, 1)}}, 9)
	if page.Next != 9 || page.More || page.Revocations[0].Until != 11 {
		t.Errorf("page %+v", page)
	}
	full := &revocationPage{}
	full.fill(make([]storage.Revocation, feedPage), 9)
	if full.Next != 0 || !full.More {
		t.Errorf("full page: next %d, more %v", full.Next, full.More)
	}
}
