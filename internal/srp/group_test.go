package srp

import (
	"crypto/rand"
	"flag"
	"go/parser"
	"go/token"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write fixedbase.bin anew")

// oracle returns g^e mod N by math/big alone.
func oracle(e []byte) *big.Int {
	return new(big.Int).Exp(big.NewInt(generator), new(big.Int).SetBytes(e), params().n)
}

func TestFixedBaseTable(t *testing.T) {
	var want []byte
	n := params().n
	rows := make([]*big.Int, teeth*combTables) // g^(2^(spacing·row))
	for r := range rows {
		exponent := new(big.Int).Lsh(big.NewInt(1), uint(spacing*r))
		rows[r] = new(big.Int).Exp(big.NewInt(generator), exponent, n)
	}
	for table := range combTables {
		for p := range patterns {
			entry := big.NewInt(1)
			for tooth := range teeth {
				if p>>tooth&1 == 1 {
					entry.Mul(entry, rows[teeth*table+tooth]).Mod(entry, n)
				}
			}
			want = append(want, entry.FillBytes(make([]byte, elementSize))...)
		}
	}
	if *update {
		if err := os.WriteFile("fixedbase.bin", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(fixedBase) != string(want) {
		t.Error("fixedbase.bin is not the table of g; run go generate")
	}
}

func TestGroupIsSafe(t *testing.T) {
	t.Parallel()
	n := params().n
	q := new(big.Int).Rsh(n, 1)
	if n.BitLen() != 3072 || !n.ProbablyPrime(4) || !q.ProbablyPrime(4) {
		t.Error("N is not a 3072-bit safe prime")
	}
	if big.Jacobi(big.NewInt(generator), n) != 1 || big.Jacobi(new(big.Int).Sub(n, big.NewInt(1)), n) != -1 {
		t.Error("g is no residue, or −1 is one: the reasons for B's sign do not hold")
	}
}

func TestPowers(t *testing.T) {
	t.Parallel()
	ones := make([]byte, maxExponentSize)
	for i := range ones {
		ones[i] = 0xff
	}
	exponents := map[string][]byte{
		"zero": {0}, "none": {}, "one": {1}, "leading zeros": {0, 0, 0, 7},
		"all ones": ones, "a verifier's": ones[:32], "highest bit": append([]byte{0x80}, make([]byte, maxExponentSize-1)...),
	}
	for size := 1; size <= maxExponentSize; size += 7 {
		e := make([]byte, size)
		rand.Read(e)
		exponents["random of "+strconv.Itoa(size)] = e
	}
	for name, e := range exponents {
		want := oracle(e)
		if got := powerEphemeral(e); got.value.Cmp(want) != 0 {
			t.Errorf("powerEphemeral, %s: wrong", name)
		}
		if got := powerSecretElement(e); got.value.Cmp(want) != 0 {
			t.Errorf("powerSecret, %s: wrong", name)
		}
	}
}

func TestPowersProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SliceOfN(rapid.Byte(), 0, maxExponentSize).Draw(t, "e")
		want := oracle(e)
		if powerEphemeral(e).value.Cmp(want) != 0 || powerSecretElement(e).value.Cmp(want) != 0 {
			t.Fatalf("g^%x is wrong", e)
		}
	})
}

// TestArithmeticIsInOneFile keeps the promise that it can be replaced by
// writing one file anew.
func TestArithmeticIsInOneFile(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			switch path, _ := strconv.Unquote(spec.Path.Value); path {
			case "math/big", "filippo.io/bigmod":
				if name == "group.go" {
					found++
				} else if matched, _ := filepath.Match("*_test.go", name); !matched {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
	if found != 2 {
		t.Errorf("group.go imports %d of the two arithmetic packages", found)
	}
}

func TestWipe(t *testing.T) {
	t.Parallel()
	n := new(big.Int).SetBytes([]byte("a secret of several words of digits"))
	words := n.Bits()
	wipe(n)
	for _, w := range words {
		if w != 0 {
			t.Fatalf("digits left: %x", words)
		}
	}
}
