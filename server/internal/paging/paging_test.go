package paging

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

func newLists(t *testing.T, purpose string) Lists {
	t.Helper()
	box, err := seal.New(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return Lists{Box: box, Purpose: purpose}
}

// TestPages goes through lists of every length near the limit.
func TestPages(t *testing.T) {
	t.Parallel()
	lists := newLists(t, "test")
	for n := range 3 * 4 {
		var got []int
		token := ""
		for pages := 0; ; pages++ {
			p, err := lists.Page(token, new(int32(4)), "List", "pool")
			if err != nil || pages > 3 {
				t.Fatal(pages, err)
			}
			start, _ := strconv.Atoi(p.After)
			var read []int
			for i := start + 1; i <= n && len(read) < p.Want(); i++ {
				read = append(read, i)
			}
			read, token = Turn(p, read, strconv.Itoa)
			if got = append(got, read...); token == "" {
				break
			}
		}
		if len(got) != n {
			t.Errorf("of %d entries %v came", n, got)
		}
	}
}

// TestTokenIsOfOneList: elsewhere it is refused.
func TestTokenIsOfOneList(t *testing.T) {
	t.Parallel()
	lists := newLists(t, "test")
	p, err := lists.Page("", nil, "List", "pool")
	if err != nil || p.Want() != Most+1 {
		t.Fatal(p.Want(), err)
	}
	_, token := Turn(p, make([]int, Most+1), func(int) string { return "key" })
	if p, err := lists.Page(token, new(int32(1000)), "List", "pool"); err != nil || p.After != "key" || p.Want() != Most+1 {
		t.Fatalf("page %+v, %v", p, err)
	}
	for name, open := range map[string]func() (Page, error){
		"operation": func() (Page, error) { return lists.Page(token, nil, "Lis", "tpool") },
		"scope":     func() (Page, error) { return lists.Page(token, nil, "List", "loop") },
		"no scope":  func() (Page, error) { return lists.Page(token, nil, "List") },
		"API":       func() (Page, error) { return newLists(t, "other").Page(token, nil, "List", "pool") },
		"cut":       func() (Page, error) { return lists.Page(token[:len(token)-2], nil, "List", "pool") },
		"not ours":  func() (Page, error) { return lists.Page("us-east-1", nil, "List", "pool") },
		"not text":  func() (Page, error) { return lists.Page("\x00", nil, "List", "pool") },
	} {
		if _, err := open(); !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("another %s: error %v", name, err)
		}
	}
}

func TestContextIsUnambiguous(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.StringN(0, 4, 8), 1, 4)
		x, y := names.Draw(t, "x"), names.Draw(t, "y")
		same := fmt.Sprintf("%q", x) == fmt.Sprintf("%q", y)
		if got := string(contextOf(x[0], x[1:])) == string(contextOf(y[0], y[1:])); got != same {
			t.Fatalf("contexts of %q and %q equal: %t", x, y, got)
		}
	})
}
