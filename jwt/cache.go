package jwt

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

const (
	defaultCache = 4096
	maxCache     = 1 << 20
	// ways is in how many slots a token may stand, so that two tokens of one set
	// do not push each other out in turn. Two bits of the index choose among them.
	ways = 4
	// maxRemembered is the longest token that is remembered, in bytes, so that a few
	// thousand unusually large tokens do not take hundreds of megabytes.
	maxRemembered = 16 << 10
	// tailLength is how much of the signature the index is made of. It is random
	// enough, and the whole token is compared afterwards.
	tailLength = 64
)

// token is what a cache holds: the two verified types.
type token interface{ AccessToken | IDToken }

// cache remembers verified tokens. Each verifier has one for access and one for
// ID tokens, typed so that neither can give out the other's, which also keeps
// issuers and clients apart. Only verified tokens enter. Slots are read and
// written without locks; a full set of slots gives up a pseudo-random one.
//
// A caller that finds a token here must still check key and times: see recheck.
type cache[T token] struct {
	seed  maphash.Seed
	slots []atomic.Pointer[slot[T]]
}

// slot is immutable.
type slot[T token] struct {
	index uint64
	raw   string
	token *T
}

func newCache[T token](size int) cache[T] {
	if size < 0 {
		return cache[T]{}
	}
	if size == 0 {
		size = defaultCache
	}
	slots := ways
	for slots < size {
		slots *= 2
	}
	return cache[T]{seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[slot[T]], slots)}
}

// index spreads tokens by the end of their signature, with a secret random seed, so that an
// attacker cannot direct tokens to one set of slots.
func (c *cache[T]) index(raw string) uint64 {
	return maphash.String(c.seed, raw[max(0, len(raw)-tailLength):])
}

// set returns the slots in which a token of this index may stand.
func (c *cache[T]) set(index uint64) []atomic.Pointer[slot[T]] {
	first := int(index%uint64(len(c.slots)/ways)) * ways
	return c.slots[first : first+ways]
}

// load returns the token with exactly this text, or nil.
func (c *cache[T]) load(raw string) *T {
	if len(c.slots) == 0 {
		return nil
	}
	index := c.index(raw)
	set := c.set(index)
	for i := range set {
		if s := set[i].Load(); s != nil && s.index == index && s.raw == raw {
			return s.token
		}
	}
	return nil
}

// takes reports whether a verified token is remembered.
func (c *cache[T]) takes(raw string) bool { return len(c.slots) > 0 && len(raw) <= maxRemembered }

// keep returns the text to store. The caller's string may be part of a larger
// buffer, or change later if it was made from one with package unsafe; what stands
// here must not.
func (c *cache[T]) keep(raw string) string {
	if !c.takes(raw) {
		return raw
	}
	return strings.Clone(raw)
}

// store puts a verified token into an empty slot of its set, or else in place of
// another one.
func (c *cache[T]) store(raw string, t *T) {
	if !c.takes(raw) {
		return
	}
	fresh := &slot[T]{index: c.index(raw), raw: raw, token: t}
	set := c.set(fresh.index)
	for i := range set {
		if set[i].CompareAndSwap(nil, fresh) {
			return
		}
	}
	set[fresh.index>>62].Store(fresh)
}

// drop takes the token with this text out, if it is there.
func (c *cache[T]) drop(raw string) {
	index := c.index(raw)
	set := c.set(index)
	for i := range set {
		if s := set[i].Load(); s != nil && s.index == index && s.raw == raw {
			set[i].CompareAndSwap(s, nil)
		}
	}
}
