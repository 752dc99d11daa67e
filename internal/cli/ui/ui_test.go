package ui

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"plain text, ünïcode ✓", "plain text, ünïcode ✓"},
		{"\x1b[31mred\x07", `\x1b[31mred\x07`},
		{"two\nlines\r\n", `two\x0alines\x0d\x0a`},
		{"turn\u202earound", `turn\u202earound`},
		{"\u009b31m", `\u009b31m`},
		{"tag\U000e0041", `tag\U000e0041`},
		{"broken \xff", "broken \uFFFD"},
	} {
		if got := Clean(test.text); got != test.want {
			t.Errorf("Clean(%q) = %q, not %q", test.text, got, test.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "a", "\x1b]0;title\x07", "\xff\xfe", "\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cleaned := Clean(text)
		if !utf8.ValidString(cleaned) || strings.ContainsFunc(cleaned, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("Clean(%q) = %q", text, cleaned)
		}
		if Clean(cleaned) != cleaned {
			t.Errorf("Clean(%q) is not clean", cleaned)
		}
	})
}

func TestOutputOfPipeHasNoColour(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	o := NewOutput(&b)
	o.Print(o.Paint(Red, "text"))
	o.Printf("%d%%", 5)
	if o.Terminal() || b.String() != "text\n5%\n" {
		t.Errorf("a buffer got %q", b.String())
	}
}

func TestPaint(t *testing.T) {
	t.Parallel()
	o := &Output{color: true}
	if got := o.Paint(Green, "x"); got != "\x1b[32mx\x1b[0m" {
		t.Errorf("painted %q", got)
	}
	if got := o.Paint(Green, "") + o.Paint("", "x"); got != "x" {
		t.Errorf("nothing to paint gives %q", got)
	}
}

func TestOutputRemembersTheFirstError(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	gone := errors.New("gone")
	_ = reader.CloseWithError(gone)
	o := NewOutput(writer)
	if o.Failed() != nil {
		t.Error("failed before writing")
	}
	o.Print("a")
	o.Print("b")
	if !errors.Is(o.Failed(), gone) {
		t.Errorf("Failed() = %v", o.Failed())
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	table := &Table{Indent: "  "}
	table.Row("a", "1")
	table.Row("lönger", "22", "x")
	table.Row()
	table.Row("empty", "")
	table.Field("esc\x1b", "v")
	table.Write(NewOutput(&b))
	want := "  a         1\n" +
		"  lönger    22   x\n" +
		"\n" +
		"  empty\n" +
		"  esc\\x1b   v\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// TestTableColumnsAlign: whatever the cells hold, a column begins at the same
// place in each row that has it, and no line ends in a blank.
func TestTableColumnsAlign(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`[a-zäß✓]{1,9}`)
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 2, 2), 1, 9).Draw(t, "rows")
		table := &Table{}
		for _, row := range rows {
			table.Row(row...)
		}
		var b bytes.Buffer
		table.Write(NewOutput(&b))
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) != len(rows) {
			t.Fatalf("%d lines for %d rows", len(lines), len(rows))
		}
		widest := 0
		for _, row := range rows {
			widest = max(widest, utf8.RuneCountInString(row[0]))
		}
		for i, line := range lines {
			characters := []rune(line)
			if got := string(characters[widest+len(gap):]); got != rows[i][1] {
				t.Errorf("line %q: the second column holds %q", line, got)
			}
		}
	})
}

func TestReadLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine)
	for _, test := range []struct{ in, want, rest string }{
		{"word\n", "word", ""},
		{"word\r\nnext\n", "word", "next\n"},
		{"word", "word", ""},
		{"\nnext", "", "next"},
		{" kept \n", " kept ", ""},
		{long + "\n", long, ""},
		{"\ufeffword\r\n", "word", ""},
	} {
		r := strings.NewReader(test.in)
		got, err := ReadLine(iotest.OneByteReader(r))
		rest, _ := io.ReadAll(r)
		if err != nil || got != test.want || string(rest) != test.rest {
			t.Errorf("ReadLine(%.20q) = %.20q, %v and leaves %q", test.in, got, err, rest)
		}
	}
	for _, text := range []string{"\xff\xfew\x00\n\x00", "w\x00\n", "\xfe\xff\x00w\x00\n"} {
		if got, err := ReadLine(strings.NewReader(text)); err == nil {
			t.Errorf("ReadLine(%q) = %q", text, got)
		}
	}
	if _, err := ReadLine(strings.NewReader("")); !errors.Is(err, io.EOF) {
		t.Errorf("nothing to read: %v", err)
	}
	if _, err := ReadLine(strings.NewReader(long + "x\n")); err == nil {
		t.Error("a line of any length is taken")
	}
	broken := errors.New("broken")
	if _, err := ReadLine(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
}
