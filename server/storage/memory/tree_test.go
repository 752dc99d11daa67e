package memory

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTree compares the tree with a map, and checks that old trees stay as they
// were and that no branch grows out of balance.
func TestTree(t *testing.T) {
	t.Parallel()
	part := rapid.SampledFrom([]string{"", "a", "aa", "b", "é"})
	keys := rapid.Custom(func(r *rapid.T) key {
		return key{part.Draw(r, "1"), part.Draw(r, "2"), "x" + part.Draw(r, "3")}
	})
	rapid.Check(t, func(r *rapid.T) {
		var now tree[int]
		want := map[key]int{}
		for i := range rapid.IntRange(0, 200).Draw(r, "operations") {
			before, entries := now, list(now, key{})
			k := keys.Draw(r, "key")
			if rapid.Bool().Draw(r, "put") {
				now, want[k] = now.put(k, i), i
			} else {
				now = now.remove(k)
				delete(want, k)
			}
			if !slices.Equal(list(before, key{}), entries) {
				r.Fatalf("operation on %q changed the tree before it", k)
			}
		}
		balance(r, now.root)
		start, prefix := keys.Draw(r, "start"), part.Draw(r, "prefix")
		var sorted, behind, within []key
		for k, v := range want {
			if got, ok := now.get(k); !ok || got != v {
				r.Fatalf("get %q: %d, %v, want %d", k, got, ok, v)
			}
			sorted = append(sorted, k)
		}
		slices.SortFunc(sorted, func(a, b key) int { return strings.Compare(strings.Join(a[:], "\x00"), strings.Join(b[:], "\x00")) })
		for _, k := range sorted {
			if k.compare(start) > 0 {
				behind = append(behind, k)
			}
			if k.compare(key{prefix}) > 0 && k[0] == prefix {
				within = append(within, k)
			}
		}
		var gotWithin []key
		for k := range now.within(key{prefix}, prefix) {
			gotWithin = append(gotWithin, k)
		}
		if !slices.Equal(list(now, key{}), sorted) || !slices.Equal(list(now, start), behind) || !slices.Equal(gotWithin, within) {
			r.Fatalf("order: %q, want %q; behind %q: %q", list(now, key{}), sorted, start, list(now, start))
		}
	})
}

func list(t tree[int], start key) []key {
	var keys []key
	for k := range t.after(start) {
		keys = append(keys, k)
	}
	return keys
}

func balance(r *rapid.T, n *node[int]) int {
	if n == nil {
		return 0
	}
	left, right := balance(r, n.left), balance(r, n.right)
	if left-right > 1 || right-left > 1 || n.height != 1+max(left, right) {
		r.Fatalf("node %q: heights %d and %d, says %d", n.key, left, right, n.height)
	}
	return n.height
}

// TestWalkStops: a walk ends with its loop.
func TestWalkStops(t *testing.T) {
	t.Parallel()
	var numbers tree[int]
	for i := range 100 {
		numbers = numbers.put(key{string(rune('a' + i))}, i)
	}
	seen := 0
	for range numbers.all() {
		if seen++; seen == 3 {
			break
		}
	}
	if seen != 3 {
		t.Errorf("%d entries seen, want 3", seen)
	}
}
