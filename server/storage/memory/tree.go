package memory

import (
	"iter"
	"strings"
)

// A key has up to three parts and sorts part by part, each bytewise, which is
// the order that lists promise. Parts that a table does not use are empty.
type key [3]string

func (k key) compare(other key) int {
	for i := range k {
		if c := strings.Compare(k[i], other[i]); c != 0 {
			return c
		}
	}
	return 0
}

// A tree is an immutable ordered map: put and remove return a new tree that
// shares what did not change, so a snapshot is a copy of one pointer and a
// rollback forgets one. It is height-balanced (AVL). The zero tree is empty.
type tree[V any] struct {
	root *node[V]
}

type node[V any] struct {
	key         key
	value       V
	left, right *node[V]
	height      int
}

func (t tree[V]) get(k key) (V, bool) {
	n := t.root
	for n != nil {
		switch c := k.compare(n.key); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n.value, true
		}
	}
	var none V
	return none, false
}

func (t tree[V]) has(k key) bool {
	_, ok := t.get(k)
	return ok
}

func (t tree[V]) put(k key, v V) tree[V] { return tree[V]{t.root.put(k, v)} }

func (t tree[V]) remove(k key) tree[V] { return tree[V]{t.root.remove(k)} }

// after walks the entries behind start in order.
func (t tree[V]) after(start key) iter.Seq2[key, V] {
	return func(yield func(key, V) bool) { t.root.walk(start, yield) }
}

// all walks every entry in order; no table has a key whose parts are all empty.
func (t tree[V]) all() iter.Seq2[key, V] { return t.after(key{}) }

// within walks the entries behind start whose first parts are prefix.
func (t tree[V]) within(start key, prefix ...string) iter.Seq2[key, V] {
	return func(yield func(key, V) bool) {
		for k, v := range t.after(start) {
			for i, part := range prefix {
				if k[i] != part {
					return
				}
			}
			if !yield(k, v) {
				return
			}
		}
	}
}

func (n *node[V]) walk(start key, yield func(key, V) bool) bool {
	if n == nil {
		return true
	}
	if start.compare(n.key) < 0 {
		if !n.left.walk(start, yield) || !yield(n.key, n.value) {
			return false
		}
	}
	return n.right.walk(start, yield)
}

func (n *node[V]) put(k key, v V) *node[V] {
	if n == nil {
		return &node[V]{key: k, value: v, height: 1}
	}
	switch c := k.compare(n.key); {
	case c < 0:
		return n.with(n.left.put(k, v), n.right)
	case c > 0:
		return n.with(n.left, n.right.put(k, v))
	default:
		return &node[V]{k, v, n.left, n.right, n.height}
	}
}

func (n *node[V]) remove(k key) *node[V] {
	if n == nil {
		return nil
	}
	switch c := k.compare(n.key); {
	case c < 0:
		return n.with(n.left.remove(k), n.right)
	case c > 0:
		return n.with(n.left, n.right.remove(k))
	case n.left == nil:
		return n.right
	case n.right == nil:
		return n.left
	default:
		next := n.right
		for next.left != nil {
			next = next.left
		}
		return next.with(n.left, n.right.remove(next.key))
	}
}

// with returns a balanced copy of n over two subtrees whose heights differ by
// at most two.
func (n *node[V]) with(left, right *node[V]) *node[V] {
	switch {
	case left.tall() > right.tall()+1:
		if left.left.tall() < left.right.tall() {
			middle := left.right
			return middle.over(left.over(left.left, middle.left), n.over(middle.right, right))
		}
		return left.over(left.left, n.over(left.right, right))
	case right.tall() > left.tall()+1:
		if right.right.tall() < right.left.tall() {
			middle := right.left
			return middle.over(n.over(left, middle.left), right.over(middle.right, right.right))
		}
		return right.over(n.over(left, right.left), right.right)
	default:
		return n.over(left, right)
	}
}

// over returns a copy of n with these subtrees.
func (n *node[V]) over(left, right *node[V]) *node[V] {
	return &node[V]{n.key, n.value, left, right, 1 + max(left.tall(), right.tall())}
}

func (n *node[V]) tall() int {
	if n == nil {
		return 0
	}
	return n.height
}
