package srp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testTime = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// exchange is one finished handshake, with all that Check takes.
type exchange struct {
	pool, user, a, timestamp, signature string
	block                               []byte
}

func (e exchange) check(s *Server) error {
	return s.Check(e.pool, e.user, e.a, e.block, e.timestamp, e.signature)
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

// answer lets a new client answer the server with password.
func answer(t fataler, s *Server, pool, user, password string) exchange {
	t.Helper()
	client, err := NewClient()
	if err != nil {
		t.Fatal(err)
	}
	e := exchange{pool: pool, user: user, a: client.A(), block: []byte("sealed")}
	e.signature, e.timestamp, err = client.Proof(Challenge{pool, user, s.Salt(), s.B(), e.block}, password, testTime)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mustVerifier(t fataler, pool, user, password string) Verifier {
	t.Helper()
	v, err := NewVerifier(pool, user, password)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustServer(t fataler, v Verifier) *Server {
	t.Helper()
	s, err := NewServer(v)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBothSidesAgree(t *testing.T) {
	t.Parallel()
	text := rapid.StringN(1, 40, -1) // any Unicode
	rapid.Check(t, func(t *rapid.T) {
		pool, user, password := text.Draw(t, "pool"), text.Draw(t, "user"), text.Draw(t, "password")
		v := mustVerifier(t, pool, user, password)
		if !v.Matches(pool, user, password) {
			t.Fatal("the verifier does not match its own password")
		}
		first := mustServer(t, v)
		e := answer(t, first, pool, user, password)
		second, err := RestoreServer(v, first.Secret())
		if err != nil {
			t.Fatal(err)
		}
		if second.B() != first.B() || second.Salt() != first.Salt() {
			t.Fatal("the restored server says other things")
		}
		if err := e.check(second); err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
	})
}

func TestWrongPasswordNeverMatches(t *testing.T) {
	t.Parallel()
	text := rapid.StringN(1, 20, -1)
	rapid.Check(t, func(t *rapid.T) {
		password, wrong := text.Draw(t, "password"), text.Draw(t, "wrong")
		if password == wrong {
			wrong += "x"
		}
		v := mustVerifier(t, "pool", "user", password)
		if v.Matches("pool", "user", wrong) {
			t.Fatal("Matches accepts a wrong password")
		}
		s := mustServer(t, v)
		if err := answer(t, s, "pool", "user", wrong).check(s); !errors.Is(err, ErrMismatch) {
			t.Fatalf("error %v, want ErrMismatch", err)
		}
	})
}

func TestAlteredProofIsRefused(t *testing.T) {
	t.Parallel()
	v := mustVerifier(t, "pool", "user", "password")
	s := mustServer(t, v)
	secret := s.Secret()
	good := answer(t, s, "pool", "user", "password")
	other := answer(t, s, "pool", "user", "password")
	cases := map[string]struct {
		alter func(*exchange)
		want  error
	}{
		"nothing":               {func(*exchange) {}, nil},
		"A in capitals":         {func(e *exchange) { e.a = strings.ToUpper(e.a) }, nil},
		"A of another":          {func(e *exchange) { e.a = other.a }, ErrMismatch},
		"A is one":              {func(e *exchange) { e.a = "1" }, ErrMismatch},
		"pool":                  {func(e *exchange) { e.pool = "Pool" }, ErrMismatch},
		"user":                  {func(e *exchange) { e.user = "user2" }, ErrMismatch},
		"secret block":          {func(e *exchange) { e.block = []byte("Sealed") }, ErrMismatch},
		"secret block cut":      {func(e *exchange) { e.block = e.block[:5] }, ErrMismatch},
		"secret block empty":    {func(e *exchange) { e.block = nil }, ErrEmpty},
		"timestamp":             {func(e *exchange) { e.timestamp = "Tue Feb 3 04:05:07 UTC 2026" }, ErrMismatch},
		"timestamp formatted":   {func(e *exchange) { e.timestamp = "Tue Feb 03 04:05:06 UTC 2026" }, ErrMismatch},
		"timestamp empty":       {func(e *exchange) { e.timestamp = "" }, ErrEmpty},
		"signature of another":  {func(e *exchange) { e.signature = other.signature }, ErrMismatch},
		"signature cut":         {func(e *exchange) { e.signature = base64.StdEncoding.EncodeToString(make([]byte, 31)) }, ErrMismatch},
		"signature zero":        {func(e *exchange) { e.signature = base64.StdEncoding.EncodeToString(make([]byte, 32)) }, ErrMismatch},
		"signature long":        {func(e *exchange) { e.signature += "AAAA" }, ErrTooLong},
		"signature 33 bytes":    {func(e *exchange) { e.signature = base64.StdEncoding.EncodeToString(make([]byte, 33)) }, ErrTooLong},
		"signature empty":       {func(e *exchange) { e.signature = "" }, ErrEmpty},
		"signature with break":  {func(e *exchange) { e.signature = "\n" + e.signature[1:] }, ErrMalformed},
		"signature not base64":  {func(e *exchange) { e.signature = "!" + e.signature[1:] }, ErrMalformed},
		"signature base64url":   {func(e *exchange) { e.signature = strings.Repeat("-_", 21) + "8=" }, ErrMalformed},
		"pool empty, user both": {func(e *exchange) { e.pool, e.user = "", "pooluser" }, ErrEmpty},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			restored, err := RestoreServer(v, secret)
			if err != nil {
				t.Fatal(err)
			}
			e := good
			c.alter(&e)
			if err := e.check(restored); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestMutatedSignatureProperty(t *testing.T) {
	t.Parallel()
	v := mustVerifier(t, "pool", "user", "password")
	s := mustServer(t, v)
	good, secret := answer(t, s, "pool", "user", "password"), s.Secret()
	rapid.Check(t, func(t *rapid.T) {
		raw, _ := base64.StdEncoding.DecodeString(good.signature)
		raw[rapid.IntRange(0, len(raw)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		e := good
		e.signature = base64.StdEncoding.EncodeToString(raw)
		restored, err := RestoreServer(v, secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.check(restored); !errors.Is(err, ErrMismatch) {
			t.Fatalf("error %v, want ErrMismatch", err)
		}
	})
}

// Both signs of B, with clients whose exponent is even and odd: all four end
// in an agreement.
func TestBothSignsAgree(t *testing.T) {
	t.Parallel()
	v := mustVerifier(t, "pool", "user", "password")
	b := bytes.Repeat([]byte{0x5a}, serverSecretSize)
	publics := map[string]bool{}
	for _, negative := range []bool{false, true} {
		for range 8 {
			s, err := newServer(v, bytes.Clone(b), negative) // Check wipes its b
			if err != nil {
				t.Fatal(err)
			}
			publics[s.B()] = true
			if err := answer(t, s, "pool", "user", "password").check(s); err != nil {
				t.Errorf("negative %v: %v", negative, err)
			}
		}
	}
	if len(publics) != 2 {
		t.Errorf("%d values of B, want 2", len(publics))
	}
}

// A challenge must not tell candidates of the password apart: for the right
// one, B − k·v is a residue as often as not.
func TestChallengeHidesVerifier(t *testing.T) {
	t.Parallel()
	v := mustVerifier(t, "pool", "user", "password")
	g := params()
	kv := new(big.Int).SetBytes(v.V)
	kv.Mul(kv, g.k)
	residues := 0
	const challenges = 128
	for range challenges {
		power := new(big.Int).Sub(mustServer(t, v).public.value, kv)
		if big.Jacobi(power.Mod(power, g.n), g.n) == 1 {
			residues++
		}
	}
	if residues < challenges/4 || residues > challenges*3/4 { // off by 5.6 standard deviations
		t.Errorf("%d of %d challenges are residues for the right password", residues, challenges)
	}
}

func TestHandshakeIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := mustServer(t, mustVerifier(t, "pool", "user", "password"))
	client, err := NewClient()
	if err != nil {
		t.Fatal(err)
	}
	a, b := client.a, s.b
	ch := Challenge{"pool", "user", s.Salt(), s.B(), []byte("block")}
	bad := ch
	bad.BHex = "0"
	if _, _, err := client.Proof(bad, "password", testTime); !errors.Is(err, ErrZeroB) {
		t.Fatalf("error %v, want ErrZeroB", err)
	}
	signature, timestamp, err := client.Proof(ch, "password", testTime)
	if err != nil {
		t.Fatalf("Proof after a refused challenge: %v", err)
	}
	if _, _, err := client.Proof(ch, "password", testTime); !errors.Is(err, ErrUsed) {
		t.Errorf("second Proof: %v, want ErrUsed", err)
	}
	if err := s.Check("pool", "user", client.A(), ch.SecretBlock, timestamp, signature); err != nil {
		t.Fatal(err)
	}
	if err := s.Check("pool", "user", client.A(), ch.SecretBlock, timestamp, signature); !errors.Is(err, ErrUsed) {
		t.Errorf("second Check: %v, want ErrUsed", err)
	}
	if s.Secret() != nil {
		t.Error("Secret gives out b after the check")
	}
	if !bytes.Equal(a, make([]byte, len(a))) || !bytes.Equal(b, make([]byte, len(b))) {
		t.Error("a or b were not overwritten")
	}
}

func TestEphemeralsDoNotRepeat(t *testing.T) {
	t.Parallel()
	v := mustVerifier(t, "pool", "user", "password")
	seen := map[string]bool{}
	const runs = 1000
	for range runs {
		client, err := NewClient()
		if err != nil {
			t.Fatal(err)
		}
		s := mustServer(t, v)
		if len(client.a) < 32 || len(s.b) < 32 {
			t.Fatal("fewer than 256 bits")
		}
		for _, value := range []string{string(client.a), client.A(), string(s.b), s.B(), NewDevicePassword()} {
			seen[value] = true
		}
	}
	if len(seen) != 5*runs {
		t.Errorf("%d different values of %d", len(seen), 5*runs)
	}
}

func TestNothingPrints(t *testing.T) {
	t.Parallel()
	v := mustVerifier(t, "pool", "user", "password")
	s := mustServer(t, v)
	client, err := NewClient()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for _, value := range []any{v, &v, s, *s, client, *client} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			if got := fmt.Sprintf(verb, value); got != redacted {
				t.Errorf("Sprintf(%q, %T) = %s", verb, value, got)
			}
		}
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
		var line struct{ Value string }
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Value != redacted {
			t.Errorf("slog prints %T as %s (%v)", value, log.String(), err)
		}
		log.Reset()
	}
}

func TestDeviceHandshake(t *testing.T) {
	t.Parallel()
	const group, device = "-AbCdEfGh", "us-east-1_0f3c9a52-1111-4222-8333-444455556666"
	password := NewDevicePassword()
	made, err := DeviceVerifier(group, device, password, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := ParseDevice(made.Device())
	if err != nil {
		t.Fatal(err)
	}
	s := mustServer(t, kept)
	if err := answer(t, s, group, device, password).check(s); err != nil {
		t.Error(err)
	}
	if raw := unbase64(t, password); len(raw) != devicePasswordSize {
		t.Errorf("device password of %d bytes", len(raw))
	}
}
