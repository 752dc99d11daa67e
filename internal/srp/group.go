package srp

import (
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"sync"

	"filippo.io/bigmod"
)

// This is the only file that knows how numbers are calculated with. The rest
// of the package handles elements and big-endian bytes.

// modulusHex is the prime N of RFC 3526, section 4 (MODP group 15), which RFC
// 5054, appendix A, also lists, with another generator. N = 2q+1 with q prime,
// so no power but 0, 1 and N−1 lies in a small subgroup; N ≡ 7 mod 8, so 2 is a
// quadratic residue and −1 is not.
const modulusHex = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74" +
	"020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437" +
	"4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
	"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05" +
	"98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB" +
	"9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
	"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718" +
	"3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33" +
	"A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7" +
	"ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864" +
	"D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2" +
	"08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF"

const (
	generator   = 2
	elementSize = 384 // bytes of N
)

// The comb: bit spacing·row + column of an exponent stands in a row of a
// column. Table t covers the rows teeth·t … teeth·t+teeth−1 and holds, for
// each of the 2^teeth patterns of these rows, the power of g it stands for.
const (
	teeth      = 6
	combTables = 4
	spacing    = 24
	patterns   = 1 << teeth
	// maxExponentSize is the longest exponent the comb takes, in bytes.
	maxExponentSize = teeth * combTables * spacing / 8
)

// fixedBase is the comb's table: combTables × patterns powers of g, each
// elementSize bytes, big-endian. TestFixedBaseTable recomputes every one.
//
//go:generate go test -run ^TestFixedBaseTable$ -update .
//go:embed fixedbase.bin
var fixedBase []byte

// group holds N and the multiplier k = H(PAD(N) ‖ PAD(g)), which keeps a server
// from testing two passwords in one handshake (the "6" of SRP-6a).
type group struct{ n, k *big.Int }

// The parameters are made at first use: importing the package costs nothing.
var params = sync.OnceValue(func() group {
	bytes, err := hex.DecodeString(modulusHex)
	if err != nil {
		panic("srp: the constant modulus is not hexadecimal") // a fault of this file, not of input
	}
	k := sha256.Sum256(append(pad(bytes), generator))
	return group{n: new(big.Int).SetBytes(bytes), k: new(big.Int).SetBytes(k[:])}
})

// constantTimeModulus is N for bigmod. It takes about as long as ten
// multiplications to make, and the server's handshake never needs it.
var constantTimeModulus = sync.OnceValue(func() *bigmod.Modulus {
	m, err := bigmod.NewModulus(params().n.Bytes())
	if err != nil {
		panic("srp: bigmod refuses the constant modulus")
	}
	return m
})

// element is a number modulo N, never changed after it was made.
type element struct{ value *big.Int }

// newElement reads a big-endian number of at most elementSize bytes. It answers
// zero for one that is 0 modulo N (at this size 0 and N alone), and
// ErrOutOfRange for one above N, which no correct peer sends.
func newElement(b []byte, zero error) (element, error) {
	v, n := new(big.Int).SetBytes(b), params().n
	cmp := v.Cmp(n)
	switch {
	case v.Sign() == 0 || cmp == 0:
		return element{}, zero
	case cmp > 0:
		return element{}, ErrOutOfRange
	}
	return element{v}, nil
}

// bytes returns the number in minimal big-endian form.
func (e element) bytes() []byte { return e.value.Bytes() }

// fixed returns the number in elementSize bytes.
func (e element) fixed() []byte { return e.value.FillBytes(make([]byte, elementSize)) }

// negated returns N − e.
func (e element) negated() element { return element{new(big.Int).Sub(params().n, e.value)} }

// wipe overwrites the number. The element must not be used afterwards.
func (e element) wipe() { wipe(e.value) }

// trivial reports 1 and N − 1, whose powers everybody knows.
func (e element) trivial() bool {
	one := big.NewInt(1)
	return e.value.Cmp(one) == 0 || e.negated().value.Cmp(one) == 0
}

// powerSecret returns g^e for an exponent that outlives the handshake, in
// constant time for its length. e is big-endian, at most maxExponentSize bytes.
func powerSecret(e []byte) *bigmod.Nat {
	m := constantTimeModulus()
	acc := bigmod.NewNat().SetUint(1).ExpandFor(m)
	factor := bigmod.NewNat()
	comb(e, func() { acc.Mul(acc, m) }, func(entry []byte) {
		if _, err := factor.SetBytes(entry, m); err != nil {
			panic("srp: the fixed-base table holds a number above N")
		}
		acc.Mul(factor, m)
	})
	return acc
}

// powerSecretElement is powerSecret where an element is wanted.
func powerSecretElement(e []byte) element {
	return element{new(big.Int).SetBytes(powerSecret(e).Bytes(constantTimeModulus()))}
}

// powerEphemeral returns g^e for an exponent that is used once. The digits of
// e choose no branch and no address; the multiplication is math/big's.
func powerEphemeral(e []byte) element {
	n := params().n
	var acc, factor, product, quotient big.Int
	acc.SetUint64(1)
	multiply := func(y *big.Int) {
		product.Mul(&acc, y)
		quotient.QuoRem(&product, n, &acc)
	}
	comb(e, func() { multiply(&acc) }, func(entry []byte) { multiply(factor.SetBytes(entry)) })
	wipe(&factor)
	wipe(&product)
	return element{&acc}
}

// comb walks the exponent column by column: square, then multiply by one entry
// of each table (Lim and Lee, CRYPTO '94). entry is valid during the call.
func comb(e []byte, square func(), multiply func(entry []byte)) {
	used := (len(e)*8 + teeth*spacing - 1) / (teeth * spacing)
	if used > combTables {
		panic("srp: exponent longer than the fixed-base table")
	}
	var entry [elementSize]byte
	for column := spacing - 1; column >= 0; column-- {
		if column < spacing-1 {
			square()
		}
		for t := range used {
			selectEntry(&entry, t, pattern(e, t, column))
			multiply(entry[:])
		}
	}
	clear(entry[:])
}

// pattern gathers the bits of one column in the rows of table t. The bits are
// shifted into place, never tested.
func pattern(e []byte, t, column int) (p uint8) {
	for tooth := range teeth {
		position := spacing*(teeth*t+tooth) + column
		if at := len(e) - 1 - position/8; at >= 0 { // depends on the length alone
			p |= (e[at] >> (position % 8) & 1) << tooth
		}
	}
	return p
}

// selectEntry copies entry p of table t, reading the whole table so that
// neither time nor cache tells which. It goes by 32 bytes of all entries, which
// keeps the sums in registers. It shares nothing that is ever written, and the
// race detector would make it thirty times slower.
//
//go:norace
func selectEntry(entry *[elementSize]byte, t int, p uint8) {
	var masks [patterns]uint64
	for i := range masks {
		masks[i] = -uint64(subtle.ConstantTimeByteEq(uint8(i), p))
	}
	order := binary.NativeEndian
	table := (*[patterns * elementSize]byte)(fixedBase[t*patterns*elementSize:])
	for at := 0; at < elementSize; at += 32 {
		var w0, w1, w2, w3 uint64
		for i, mask := range masks {
			part := table[i*elementSize+at:][:32]
			w0 |= mask & order.Uint64(part)
			w1 |= mask & order.Uint64(part[8:])
			w2 |= mask & order.Uint64(part[16:])
			w3 |= mask & order.Uint64(part[24:])
		}
		part := entry[at:][:32]
		order.PutUint64(part, w0)
		order.PutUint64(part[8:], w1)
		order.PutUint64(part[16:], w2)
		order.PutUint64(part[24:], w3)
	}
}

// serverPublic returns k·v + power, the server's B, where power is ±g^b. The
// sum is 0 with a chance of 2^-3072; RestoreServer would refuse it.
func serverPublic(v, power element) element {
	g := params()
	sum := new(big.Int).Mul(g.k, v.value)
	sum.Add(sum, power.value)
	return element{sum.Mod(sum, g.n)}
}

// serverPremaster returns S = (A · v^u)^b. The first exponent is public, the
// second is used once, and no client chooses the base v; so math/big serves.
func serverPremaster(a, v element, u, b []byte) element {
	n := params().n
	s := new(big.Int).Exp(v.value, new(big.Int).SetBytes(u), n)
	s.Mul(s, a.value).Mod(s, n)
	exponent := new(big.Int).SetBytes(b)
	defer wipe(exponent)
	return element{s.Exp(s, exponent, n)}
}

// clientPremaster returns S = (B − k·g^x)^(a + u·x). The length of a must make
// the exponent independent of x; see the package documentation.
func clientPremaster(b element, x, u, a []byte) element {
	base := clientBase(b, x)
	exponent := new(big.Int).SetBytes(x)
	secret := new(big.Int).SetBytes(a)
	defer wipe(exponent)
	defer wipe(secret)
	exponent.Mul(exponent, new(big.Int).SetBytes(u)).Add(exponent, secret)
	return element{base.Exp(base, exponent, params().n)}
}

// clientBase returns B − k·g^x, in constant time. What it returns is the
// server's ±g^b if the password is right, and no longer depends on it then.
func clientBase(b element, x []byte) *big.Int {
	m := constantTimeModulus()
	kv := powerSecret(x).Mul(natural(params().k, m), m)
	return new(big.Int).SetBytes(natural(b.value, m).Sub(kv, m).Bytes(m))
}

// natural converts a number below N.
func natural(n *big.Int, m *bigmod.Modulus) *bigmod.Nat {
	nat, err := bigmod.NewNat().SetBytes(n.FillBytes(make([]byte, elementSize)), m)
	if err != nil {
		panic("srp: an element is not below N")
	}
	return nat
}

// wipe overwrites a number's digits. Go may have copied them before, so this
// shortens the life of a secret and promises nothing more.
func wipe(n *big.Int) {
	words := n.Bits()
	clear(words[:cap(words)])
	n.SetInt64(0)
}
