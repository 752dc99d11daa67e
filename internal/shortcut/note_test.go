package shortcut

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSum(t *testing.T) {
	t.Parallel()
	// The test values of FNV-1a's authors do not fit: the lengths are summed too.
	seen := map[uint64]string{}
	for name, texts := range map[string][][]byte{
		"nothing": {}, "an empty text": {{}}, "two": {{}, {}}, "ab, c": {[]byte("ab"), []byte("c")},
		"a, bc": {[]byte("a"), []byte("bc")}, "abc": {[]byte("abc")}, "abc, nothing": {[]byte("abc"), {}},
		"255 bytes": {make([]byte, 255)}, "256 bytes": {make([]byte, 256)}, "65536 bytes": {make([]byte, 65536)},
	} {
		if other, ok := seen[Sum(texts...)]; ok {
			t.Errorf("%s and %s have one sum", name, other)
		}
		seen[Sum(texts...)] = name
	}
}

// drawNote is any note that can be written.
func drawNote(r *rapid.T) *Note {
	text := rapid.StringMatching(`[^\n]{0,20}`)
	instant := rapid.Custom(func(r *rapid.T) time.Time { return time.Unix(0, rapid.Int64Min(0).Draw(r, "nanoseconds")) })
	piece := rapid.Custom(func(r *rapid.T) Piece {
		if rapid.Bool().Draw(r, "of the record") {
			return Piece{Offset: rapid.IntRange(0, MaxFile).Draw(r, "offset"), Length: rapid.IntRange(1, MaxFile).Draw(r, "length")}
		}
		return Piece{Text: text.Draw(r, "text")}
	})
	n := &Note{Sum: rapid.Uint64().Draw(r, "sum"), Pointer: text.Draw(r, "pointer"), Record: text.Draw(r, "record")}
	for range rapid.IntRange(0, 3).Draw(r, "replies") {
		n.Replies = append(n.Replies, Reply{
			Wanted: rapid.SampledFrom([]string{Access, ID, Credentials}).Draw(r, "wanted"),
			From:   instant.Draw(r, "from"), Until: instant.Draw(r, "until"), Pieces: rapid.SliceOfN(piece, 1, 5).Draw(r, "pieces"),
		})
	}
	return n
}

func TestNoteRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		n := drawNote(r)
		data, ok := n.Encode()
		if !ok {
			r.Fatalf("%+v cannot be written", n)
		}
		got, ok := decode(data)
		if !ok || cmp.Diff(n, got) != "" {
			r.Fatalf("%t: %s", ok, cmp.Diff(n, got))
		}
	})
}

// TestDamagedNote: no note that was cut or changed is read.
func TestDamagedNote(t *testing.T) {
	t.Parallel()
	n := &Note{Sum: 7, Pointer: "/a", Record: "/b", Replies: []Reply{{
		Wanted: Access, From: time.Unix(1, 0), Until: time.Unix(2, 0), Pieces: []Piece{{Text: "x"}, {Offset: 3, Length: 4}, {}},
	}}}
	data, _ := n.Encode()
	for end := range data {
		if _, ok := decode(data[:end]); ok {
			t.Errorf("cut after %d bytes, it is read", end)
		}
	}
	for at := range data {
		for bit := range 8 {
			bent := []byte(string(data))
			bent[at] ^= 1 << bit
			if _, ok := decode(bent); ok {
				t.Errorf("with bit %d of byte %d turned, it is read", bit, at)
			}
		}
	}
	if _, ok := decode(append(data, '\n')); ok {
		t.Error("with a line more, it is read")
	}
}

// TestStrangeNotes: what no program of ours writes, though its sum is right.
func TestStrangeNotes(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"no title":               "sum 1\n",
		"another title":          "latchkey shortcut 2\n",
		"an unknown word":        title + "\nhello there\n",
		"a sum that is none":     title + "\nsum x\n",
		"a text of no reply":     title + "\ntext a\n",
		"a part of no reply":     title + "\npart 1 2\n",
		"a reply without times":  title + "\nreply id\n",
		"a reply with one":       title + "\nreply id 1\n",
		"times that are none":    title + "\nreply id 1 x\n",
		"a part of nothing":      title + "\nreply id 1 2\npart 1 0\n",
		"a part before the file": title + "\nreply id 1 2\npart -1 2\n",
		"a part of a huge file":  title + "\nreply id 1 2\npart 1 99999999999\n",
		"an offset out of reach": title + "\nreply id 1 2\npart 99999999999 1\n",
		"an empty line":          title + "\n\n",
	} {
		data := lines + wordCheck + hex(Sum([]byte(lines))) + "\n"
		if n, ok := decode([]byte(data)); ok {
			t.Errorf("%s: %+v", name, n)
		}
	}
	if data, ok := (&Note{Pointer: "a\nb"}).Encode(); ok {
		t.Errorf("a name with a line end is written: %q", data)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	n := &Note{Replies: []Reply{{Wanted: Access, From: time.Unix(10, 0), Until: time.Unix(20, 0)}}}
	for at, want := range map[int64]bool{9: false, 10: true, 19: true, 20: false} {
		if _, ok := n.find(Access, time.Unix(at, 0)); ok != want {
			t.Errorf("at %d: %t", at, ok)
		}
	}
	if _, ok := n.find(ID, time.Unix(15, 0)); ok {
		t.Error("something else is found")
	}
}

func TestAssemble(t *testing.T) {
	t.Parallel()
	r := &Reply{Pieces: []Piece{{Text: "<"}, {Offset: 2, Length: 3}, {Text: ">"}}}
	if got, ok := r.assemble([]byte("01234")); string(got) != "<234>\n" || !ok {
		t.Errorf("%q, %t", got, ok)
	}
	if got, ok := r.assemble([]byte("0123")); ok {
		t.Errorf("of a record that is too short: %q", got)
	}
}

// FuzzDecode: no file makes the reader panic, and what it reads it writes the same.
func FuzzDecode(f *testing.F) {
	n := &Note{Sum: 7, Pointer: "/a", Record: "/b", Replies: []Reply{{Wanted: Access, Pieces: []Piece{{Text: "x"}, {Offset: 3, Length: 4}}}}}
	data, _ := n.Encode()
	f.Add(string(data[:strings.LastIndex(string(data), wordCheck)]))
	f.Fuzz(func(t *testing.T, lines string) {
		data := []byte(lines + wordCheck + hex(Sum([]byte(lines))) + "\n")
		n, ok := decode(data)
		if !ok {
			return
		}
		for _, r := range n.Replies {
			_, _ = r.assemble([]byte("short"))
		}
		again, ok := n.Encode()
		if !ok {
			t.Fatalf("%+v cannot be written", n)
		}
		if got, ok := decode(again); !ok || cmp.Diff(n, got) != "" {
			t.Errorf("%t: %s", ok, cmp.Diff(n, got))
		}
	})
}
