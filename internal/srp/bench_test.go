package srp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// The obvious handshake: math/big throughout, secrets of 1,024 bits as the
// widespread clients have. It is the measure, and a second opinion in TestObviousPeers.
type obvious struct{ secret, public *big.Int }

func obviousSecret() *big.Int {
	b := make([]byte, 128)
	rand.Read(b)
	return new(big.Int).SetBytes(b)
}

func obviousClient() obvious {
	a := obviousSecret()
	return obvious{a, new(big.Int).Exp(big.NewInt(generator), a, params().n)}
}

func obviousServer(v *big.Int) obvious {
	b := obviousSecret()
	public := new(big.Int).Exp(big.NewInt(generator), b, params().n)
	public.Add(public, new(big.Int).Mul(params().k, v))
	return obvious{b, public.Mod(public, params().n)}
}

func obviousSignature(s, u *big.Int, pool, user string, block []byte, timestamp string) string {
	extract := hmac.New(sha256.New, pad(u.Bytes()))
	extract.Write(pad(s.Bytes()))
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write([]byte("Caldera Derived Key\x01"))
	mac := hmac.New(sha256.New, expand.Sum(nil)[:16])
	mac.Write([]byte(pool + user + string(block) + timestamp))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func obviousU(a, b *big.Int) *big.Int {
	sum := sha256.Sum256(append(pad(a.Bytes()), pad(b.Bytes())...))
	return new(big.Int).SetBytes(sum[:])
}

func (c obvious) proof(ch Challenge, password string, at time.Time) (signature, timestamp string) {
	n := params().n
	b, _ := new(big.Int).SetString(ch.BHex, 16)
	salt, _ := new(big.Int).SetString(ch.SaltHex, 16)
	u := obviousU(c.public, b)
	inner := sha256.Sum256([]byte(ch.Pool + ch.User + ":" + password))
	outer := sha256.Sum256(append(pad(salt.Bytes()), inner[:]...))
	x := new(big.Int).SetBytes(outer[:])
	base := new(big.Int).Exp(big.NewInt(generator), x, n)
	base.Sub(b, base.Mul(base, params().k)).Mod(base, n)
	s := base.Exp(base, x.Mul(x, u).Add(x, c.secret), n)
	timestamp = at.UTC().Format(timestampLayout)
	return obviousSignature(s, u, ch.Pool, ch.User, ch.SecretBlock, timestamp), timestamp
}

func (s obvious) check(v *big.Int, e exchange) bool {
	n := params().n
	a, _ := new(big.Int).SetString(e.a, 16)
	u := obviousU(a, s.public)
	premaster := new(big.Int).Exp(v, u, n)
	premaster.Mul(premaster, a).Mod(premaster, n).Exp(premaster, s.secret, n)
	return obviousSignature(premaster, u, e.pool, e.user, e.block, e.timestamp) == e.signature
}

// Each side agrees with the other's obvious peer.
func TestObviousPeers(t *testing.T) {
	t.Parallel()
	v := mustVerifier(t, "pool", "user", "password")
	for range 4 { // both signs of B, both parities of the exponent
		s, peer := mustServer(t, v), obviousClient()
		e := exchange{pool: "pool", user: "user", a: peer.public.Text(16), block: []byte("block")}
		e.signature, e.timestamp = peer.proof(Challenge{"pool", "user", s.Salt(), s.B(), e.block}, "password", testTime)
		if err := e.check(s); err != nil {
			t.Errorf("obvious client: %v", err)
		}
	}
	value := new(big.Int).SetBytes(v.V)
	server := obviousServer(value)
	e := answer(t, &Server{salt: v.Salt, public: element{server.public}}, "pool", "user", "password")
	if !server.check(value, e) {
		t.Error("the obvious server refuses our client")
	}
}

// sides returns one handshake of ours and one of the obvious peer, for each side.
func sides(b *testing.B) map[string][2]func() {
	v := mustVerifier(b, "pool", "user", "password")
	value, s := new(big.Int).SetBytes(v.V), mustServer(b, v)
	ch := Challenge{"pool", "user", s.Salt(), s.B(), make([]byte, 1290)}
	e := answer(b, s, "pool", "user", "password")
	e.block, e.signature = ch.SecretBlock, base64.StdEncoding.EncodeToString(make([]byte, 32))
	return map[string][2]func(){
		"client": {
			func() { clientHandshake(b, ch) },
			func() { obviousClient().proof(ch, "password", testTime) },
		},
		"server": {
			func() { serverHandshake(b, v, e) },
			func() {
				s := obviousServer(value)
				_ = s.public.Text(16)
				s.check(value, e)
			},
		},
	}
}

func clientHandshake(t fataler, ch Challenge) {
	client, err := NewClient()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Proof(ch, "password", testTime); err != nil {
		t.Fatal(err)
	}
}

// serverHandshake makes the two calls, with the way through the sealed secret.
func serverHandshake(t fataler, v Verifier, e exchange) {
	first := mustServer(t, v)
	_, _ = first.B(), first.Salt()
	second, err := RestoreServer(v, first.Secret())
	if err != nil {
		t.Fatal(err)
	}
	if e.check(second) == nil {
		t.Fatal("accepted")
	}
}

func BenchmarkHandshake(b *testing.B) {
	for side, peers := range sides(b) {
		for i, peer := range []string{"latchkey", "obvious"} {
			b.Run(side+"/"+peer, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					peers[i]()
				}
			})
		}
	}
}

// BenchmarkRatio runs both peers by turns, so that a busy machine slows both,
// and reports the medians' ratio.
func BenchmarkRatio(b *testing.B) {
	for side, peers := range sides(b) {
		b.Run(side, func(b *testing.B) {
			var times [2][]time.Duration
			for b.Loop() {
				for i, peer := range peers {
					start := time.Now()
					peer()
					times[i] = append(times[i], time.Since(start))
				}
			}
			for i := range times {
				slices.Sort(times[i])
			}
			middle := len(times[0]) / 2
			b.ReportMetric(times[0][middle].Seconds()/times[1][middle].Seconds(), "ratio")
			b.ReportMetric(float64(times[0][middle].Microseconds()), "µs-latchkey")
			b.ReportMetric(float64(times[1][middle].Microseconds()), "µs-obvious")
		})
	}
}

func BenchmarkParts(b *testing.B) {
	v := mustVerifier(b, "pool", "user", "password")
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
		})
	}
	run("NewClient", func() { _, _ = NewClient() })
	run("NewServer", func() { _, _ = NewServer(v) })
	run("Matches", func() { v.Matches("pool", "user", "password") })
	run("ParseA refuses N", func() { _, _ = ParseA(modulusHex) })
}

const coldVariable = "LATCHKEY_SRP_COLD"

// TestColdHandshake measures the first handshake of a fresh process, when
// asked to by BenchmarkCold; otherwise it shows that a cold client works.
func TestColdHandshake(t *testing.T) {
	ch := Challenge{"pool", "user", "1f", "2", []byte("block")}
	mode := os.Getenv(coldVariable)
	start := time.Now()
	if mode == "obvious" {
		obviousClient().proof(ch, "password", testTime)
	} else {
		clientHandshake(t, ch)
	}
	if elapsed := time.Since(start); mode != "" {
		if err := os.WriteFile(os.Getenv(coldVariable+"_FILE"), []byte(elapsed.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkCold starts a process for every handshake and reports the time the
// handshake took inside of it.
func BenchmarkCold(b *testing.B) {
	for _, mode := range []string{"latchkey", "obvious"} {
		b.Run(mode, func(b *testing.B) {
			file := b.TempDir() + "/elapsed"
			var total time.Duration
			for b.Loop() {
				cmd := exec.Command(os.Args[0], "-test.run=^TestColdHandshake$")
				cmd.Env = append(os.Environ(), coldVariable+"="+mode, coldVariable+"_FILE="+file)
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
				text, err := os.ReadFile(file)
				if err != nil {
					b.Fatal(err)
				}
				elapsed, err := time.ParseDuration(string(text))
				if err != nil {
					b.Fatal(err)
				}
				total += elapsed
			}
			b.ReportMetric(float64(total.Microseconds())/float64(b.N), "µs-inside/op")
		})
	}
}
