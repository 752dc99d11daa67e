package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/seal"
)

func masterKey(fill byte) []byte { return bytes.Repeat([]byte{fill}, seal.KeySize) }

func newBox(t testing.TB, fills ...byte) *seal.Box {
	t.Helper()
	var keys [][]byte
	for _, fill := range fills {
		keys = append(keys, masterKey(fill))
	}
	box, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][][]byte{
		"no key":     nil,
		"empty key":  {{}},
		"short key":  {masterKey(1)[:31]},
		"long key":   {append(masterKey(1), 1)},
		"second key": {masterKey(1), masterKey(2)[:16]},
		"key twice":  {masterKey(1), masterKey(2), masterKey(1)},
	} {
		if box, err := seal.New(keys...); err == nil || box != nil {
			t.Errorf("%s: New = %v, %v; want an error", name, box, err)
		}
	}
}

func TestNewCopiesKeys(t *testing.T) {
	t.Parallel()
	key := masterKey(1)
	box, err := seal.New(key)
	if err != nil {
		t.Fatal(err)
	}
	clear(key)
	sealed := newBox(t, 1).Seal("p", []byte("x"), nil)
	if _, err := box.Open("p", sealed, nil); err != nil {
		t.Error("a Box changes with the slice that it was made of")
	}
}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	box := newBox(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		purpose := rapid.SampledFrom([]string{"", "p", "q"}).Draw(t, "purpose")
		plaintext := rapid.SliceOf(rapid.Byte()).Draw(t, "plaintext")
		context := rapid.SliceOf(rapid.Byte()).Draw(t, "context")
		sealed := box.Seal(purpose, plaintext, context)
		if len(sealed) != len(plaintext)+seal.Overhead {
			t.Fatalf("sealed %d bytes to %d, want %d more", len(plaintext), len(sealed), seal.Overhead)
		}
		if len(plaintext) >= 8 && bytes.Contains(sealed, plaintext) {
			t.Fatal("the plaintext shows in the sealed message")
		}
		got, err := box.Open(purpose, sealed, context)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("Open = %x, %v; want %x", got, err, plaintext)
		}
		if bytes.Equal(sealed, box.Seal(purpose, plaintext, context)) {
			t.Fatal("the same message is sealed the same way twice")
		}
	})
}

func TestOpenRefusesEveryChange(t *testing.T) {
	t.Parallel()
	box := newBox(t, 1, 2)
	context := []byte("row 1")
	sealed := box.Seal("p", []byte("a secret of some length"), context)
	refuse := func(name string, box *seal.Box, purpose string, message, context []byte) {
		t.Helper()
		got, err := box.Open(purpose, message, context)
		if !errors.Is(err, seal.ErrOpen) || err.Error() != seal.ErrOpen.Error() || got != nil {
			t.Errorf("%s: Open = %q, %v; want ErrOpen alone", name, got, err)
		}
	}
	for bit := range len(sealed) * 8 {
		changed := bytes.Clone(sealed)
		changed[bit/8] ^= 1 << (bit % 8)
		refuse(fmt.Sprintf("bit %d flipped", bit), box, "p", changed, context)
	}
	for size := range sealed {
		refuse(fmt.Sprintf("cut to %d bytes", size), box, "p", sealed[:size], context)
		refuse(fmt.Sprintf("without the first %d bytes", size+1), box, "p", sealed[size+1:], context)
	}
	refuse("one byte more", box, "p", append(bytes.Clone(sealed), 0), context)
	refuse("other purpose", box, "q", sealed, context)
	refuse("no purpose", box, "", sealed, context)
	refuse("other context", box, "p", sealed, []byte("row 2"))
	refuse("no context", box, "p", sealed, nil)
	refuse("context as purpose", box, "prow 1", sealed, nil)
	refuse("other key", newBox(t, 3), "p", sealed, context)
	refuse("second key only", newBox(t, 2), "p", sealed, context)
}

func TestKeyRing(t *testing.T) {
	t.Parallel()
	old, both, turned, retired := newBox(t, 1), newBox(t, 2, 1), newBox(t, 1, 2), newBox(t, 2)
	byOld, byNew := old.Seal("p", []byte("x"), nil), both.Seal("p", []byte("x"), nil)
	for _, test := range []struct {
		name   string
		box    *seal.Box
		sealed []byte
		opens  bool
	}{
		{"old box, old message", old, byOld, true},
		{"old box, new message", old, byNew, false},
		{"both, old message", both, byOld, true},
		{"both, new message", both, byNew, true},
		{"both turned round, old message", turned, byOld, true},
		{"both turned round, new message", turned, byNew, true},
		{"new box, old message", retired, byOld, false},
		{"new box, new message", retired, byNew, true},
	} {
		if _, err := test.box.Open("p", test.sealed, nil); (err == nil) != test.opens {
			t.Errorf("%s: Open: %v, want success %v", test.name, err, test.opens)
		}
	}
	if mac := old.MAC("p"); !both.CheckMAC("p", mac) || retired.CheckMAC("p", mac) {
		t.Error("CheckMAC does not go by the keys of the box")
	}
	if !bytes.Equal(both.MAC("p"), retired.MAC("p")) || bytes.Equal(both.MAC("p"), turned.MAC("p")) {
		t.Error("MAC does not use the first key")
	}
	if !bytes.Equal(both.StableMAC("p"), old.MAC("p")) || !bytes.Equal(old.StableMAC("p"), old.MAC("p")) {
		t.Error("StableMAC does not use the last key")
	}
}

func TestMAC(t *testing.T) {
	t.Parallel()
	box := newBox(t, 1)
	parts := func(texts ...string) (out [][]byte) {
		for _, text := range texts {
			out = append(out, []byte(text))
		}
		return out
	}
	// All of these differ only in how the same letters are divided.
	inputs := []struct {
		purpose string
		parts   [][]byte
	}{
		{"p", nil}, {"p", parts("")}, {"p", parts("", "")}, {"p", parts("ab")}, {"p", parts("a", "b")},
		{"p", parts("", "ab")}, {"p", parts("ab", "")}, {"pa", parts("b")}, {"", parts("p", "ab")}, {"pab", nil},
		{"p", parts("\x00\x00\x00\x00\x00\x00\x00\x01a")}, {"p", parts("a")},
	}
	for i, a := range inputs {
		mac := box.MAC(a.purpose, a.parts...)
		if len(mac) != 32 {
			t.Fatalf("a MAC of %d bytes, want 32", len(mac))
		}
		for j, b := range inputs {
			if got := box.CheckMAC(b.purpose, mac, b.parts...); got != (i == j) {
				t.Errorf("MAC of %q accepted for %q: %v", a, b, got)
			}
		}
		for bit := range len(mac) * 8 {
			mac[bit/8] ^= 1 << (bit % 8)
			if box.CheckMAC(a.purpose, mac, a.parts...) {
				t.Fatalf("MAC of %q with bit %d flipped is accepted", a, bit)
			}
			mac[bit/8] ^= 1 << (bit % 8)
		}
		if box.CheckMAC(a.purpose, mac[:31], a.parts...) || box.CheckMAC(a.purpose, nil, a.parts...) {
			t.Errorf("a MAC of %q cut short is accepted", a)
		}
	}
}

// oldMessage and oldMAC were made by an earlier version of this package.
const (
	oldMessage = "01fc50a12c65975d6e1a8d08540eeeea4b537641601b64e74ea380a08c7dd5539d0682fc24cdfbc83e3eac80f5b077d29d6d61559c68b777ca"
	oldMAC     = "022b514fbc69b4459b5a9f0ad31041982724c1ded6e71f41ffbb20fea97b420a"
)

// TestFormat holds on to what is stored in databases.
func TestFormat(t *testing.T) {
	t.Parallel()
	box := newBox(t, 7)
	sealed, err := hex.DecodeString(oldMessage)
	if err != nil {
		t.Fatal(err)
	}
	got, err := box.Open("format", sealed, []byte("context"))
	if err != nil || string(got) != "latchkey" {
		t.Errorf("Open of an old message = %q, %v", got, err)
	}
	if got := hex.EncodeToString(box.MAC("format", []byte("a"), []byte("bc"))); got != oldMAC {
		t.Errorf("MAC = %s, want %s as ever", got, oldMAC)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	box := newBox(t, 1)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 200 {
				purpose := fmt.Sprint(j % 5)
				sealed := box.Seal(purpose, []byte{byte(i)}, nil)
				got, err := box.Open(purpose, sealed, nil)
				if err != nil || got[0] != byte(i) || !box.CheckMAC(purpose, box.MAC(purpose, got), got) {
					t.Errorf("goroutine %d: %v, %v", i, got, err)
				}
			}
		})
	}
	group.Wait()
}

// FuzzOpen looks for a message that opens though nobody sealed it.
func FuzzOpen(f *testing.F) {
	box := newBox(f, 1, 7)
	sealed, err := hex.DecodeString(oldMessage)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, []byte("context"))
	f.Add(sealed[:seal.Overhead], []byte("context"))
	f.Add(sealed, []byte{})
	f.Add([]byte{}, []byte{})
	f.Add(bytes.Repeat([]byte{1}, 100), []byte("context"))
	f.Fuzz(func(t *testing.T, message, context []byte) {
		got, err := box.Open("format", message, context)
		if err == nil && (!bytes.Equal(message, sealed) || string(context) != "context") {
			t.Fatalf("opened a message that was never sealed: %q", got)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	box, plaintext := newBox(b, 1), make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		box.Seal("p", plaintext, plaintext[:50])
	}
}

func BenchmarkOpen(b *testing.B) {
	box, plaintext := newBox(b, 1), make([]byte, 200)
	sealed := box.Seal("p", plaintext, plaintext[:50])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := box.Open("p", sealed, plaintext[:50]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMAC(b *testing.B) {
	box, part := newBox(b, 1), make([]byte, 36)
	b.ReportAllocs()
	for b.Loop() {
		box.MAC("p", part, part, part)
	}
}
