package latchkey

import (
	"math/rand/v2"
	"time"
)

// generationBits are the random bits below the milliseconds of a first
// generation. The whole stays below 2^53 until the year 2248, so that readers of
// JSON in any language keep it exact.
const generationBits = 10

// firstGeneration is where the generations of a record begin that is made where
// the store has none. They go by the clock, because there may have been one
// before that was deleted: whoever still goes by that one, such as a call that is
// answered late, must not find its generation again and take the new record for
// the old.
func firstGeneration() uint64 {
	return uint64(time.Now().UnixMilli())<<generationBits | uint64(rand.Int64N(1<<generationBits))
}
