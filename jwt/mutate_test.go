package jwt_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/jwt"
)

// TestRefuseSpellings: a token has one spelling.
func TestRefuseSpellings(t *testing.T) {
	t.Parallel()
	good := sign(accessClaims().json())
	parts := strings.Split(good, ".")
	h, p, s := parts[0], parts[1], parts[2]
	flipped := func(text string) string {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, text[len(text)-1])
		return text[:len(text)-1] + string(alphabet[last^1])
	}
	if len(s)%4 == 0 {
		t.Fatal("the signature has no stray bits to set")
	}
	modulus := signingKey().N
	decoded, _ := jwt.Decode(good)
	signature := new(big.Int).SetBytes(decoded.Signature())
	rows := []refusal{
		{"stray bits", "access", h + "." + p + "." + flipped(s), jwt.ErrMalformed},
		{"padding", "access", good + "==", jwt.ErrMalformed},
		{"padding inside", "access", h + "=." + p + "." + s, jwt.ErrMalformed},
		{"line end", "access", good + "\n", jwt.ErrMalformed},
		{"line end inside", "access", h + "." + p[:8] + "\n" + p[8:] + "." + s, jwt.ErrMalformed},
		{"carriage return", "access", h + "." + p + "." + s[:4] + "\r" + s[4:], jwt.ErrMalformed},
		{"space before", "access", " " + good, jwt.ErrMalformed},
		{"NUL after", "access", good + "\x00", jwt.ErrMalformed},
		{"no-break space", "access", good + "\u00a0", jwt.ErrMalformed},
		{"one letter more", "access", good + "A", jwt.ErrSignature},
		{"four letters more", "access", good + "AAAA", jwt.ErrSignature},
		{"signature empty", "access", h + "." + p + ".", jwt.ErrSignature},
		{"signature zero", "access", h + "." + p + "." + b64(make([]byte, 256)), jwt.ErrSignature},
		{"signature one", "access", h + "." + p + "." + b64(append(make([]byte, 255), 1)), jwt.ErrSignature},
		{"signature is the modulus", "access", h + "." + p + "." + b64(modulus.Bytes()), jwt.ErrSignature},
		{"signature with zero before", "access", h + "." + p + "." + b64(append([]byte{0}, decoded.Signature()...)), jwt.ErrSignature},
		{"signature plus modulus", "access", h + "." + p + "." + b64(new(big.Int).Add(signature, modulus).Bytes()), jwt.ErrSignature},
		{"signature twice", "access", h + "." + p + "." + b64(append(decoded.Signature(), decoded.Signature()...)), jwt.ErrSignature},
		{"signature of another token", "access", h + "." + p + "." + strings.Split(sign(idClaims().json()), ".")[2], jwt.ErrSignature},
		{"payload of another token", "access", h + "." + strings.Split(sign(idClaims().json()), ".")[1] + "." + s, jwt.ErrSignature},
		{"five parts", "access", good + "." + p + "." + s, jwt.ErrMalformed},
		{"JSON form", "access", `{"protected":"` + h + `","payload":"` + p + `","signature":"` + s + `"}`, jwt.ErrMalformed},
	}
	if strings.ContainsAny(good, "-_") {
		rows = append(rows, refusal{"plain base64", "access", strings.NewReplacer("-", "+", "_", "/").Replace(good), jwt.ErrMalformed})
	}
	expectRefused(t, rows)
}

// TestRefuseTruncated cuts a token after every byte.
func TestRefuseTruncated(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, nil)
	raw := typicalAccess()
	for i := range len(raw) {
		if _, err := verify(v, "access", raw[:i]); err == nil {
			t.Errorf("the first %d of %d bytes are accepted", i, len(raw))
		}
		if _, err := verify(v, "access", raw[i+1:]); err == nil {
			t.Errorf("accepted without the first %d bytes", i+1)
		}
	}
}

// TestRefuseFlipped flips every bit of a token, with the whole token in the cache.
func TestRefuseFlipped(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, nil)
	raw := typicalAccess()
	if _, err := verify(v, "access", raw); err != nil {
		t.Fatal(err)
	}
	changed := []byte(raw)
	for i := range changed {
		for bit := range 8 {
			changed[i] ^= 1 << bit
			if _, err := verify(v, "access", string(changed)); err == nil {
				t.Errorf("accepted with bit %d of byte %d flipped", bit, i)
			}
			changed[i] ^= 1 << bit
		}
	}
	if _, err := verify(v, "access", raw); err != nil {
		t.Error(err)
	}
}

// TestRefuseMutated changes several bytes at once, inserts and removes.
func TestRefuseMutated(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, nil)
	raw := sign(idClaims().json())
	rapid.Check(t, func(t *rapid.T) {
		changed := []byte(raw)
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			i := rapid.IntRange(0, len(changed)-1).Draw(t, "at")
			c := rapid.SampledFrom([]byte("A_-.=+/\n\x00z9")).Draw(t, "byte")
			switch rapid.IntRange(0, 2).Draw(t, "edit") {
			case 0:
				changed[i] = c
			case 1:
				changed = append(changed[:i], append([]byte{c}, changed[i:]...)...)
			case 2:
				changed = append(changed[:i], changed[i+1:]...)
			}
		}
		if string(changed) == raw {
			return
		}
		if _, err := verify(v, "id", string(changed)); err == nil {
			t.Fatalf("accepted: %s", changed)
		}
	})
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":%d`, i, i)
	}
	return b.String()[1:]
}

// TestRefuseBombs: hostile tokens cost little. Each must stay below 50 ms and 8 MiB;
// the best of three runs counts.
func TestRefuseBombs(t *testing.T) {
	v := newVerifier(t, nil)
	random := make([]byte, 8000)
	_, _ = rand.Read(random)
	for name, raw := range map[string]string{
		"dots":              strings.Repeat(".", 50_000),
		"a million dots":    strings.Repeat(".", 1_000_000),
		"huge":              strings.Repeat("A", 64<<20),
		"arrays":            sign(`{"a":` + strings.Repeat("[", 30_000)),
		"balanced arrays":   sign(`{"a":` + strings.Repeat("[", 15_000) + strings.Repeat("]", 15_000) + "}"),
		"objects":           sign(strings.Repeat(`{"a":`, 6000) + "1" + strings.Repeat("}", 6000)),
		"depth 33":          sign(`{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}"),
		"many names":        sign("{" + manyMembers(3000) + "}"),
		"many equal names":  sign("{" + strings.Repeat(`"a":1,`, 5000) + `"a":1}`),
		"colliding names":   sign(collidingNames(2500)),
		"escapes":           sign(`{"` + strings.Repeat(`\u0061`, 5000) + `":1}`),
		"digits":            sign(`{"exp":` + strings.Repeat("1", 30_000) + `}`),
		"huge kid":          signRaw(signingKey(), `{"alg":"RS256","kid":"`+strings.Repeat("k", 30_000)+`"}`, "{}"),
		"header of arrays":  signRaw(signingKey(), `{"alg":"RS256","kid":"k","x":`+strings.Repeat("[", 30_000), "{}"),
		"random":            b64(random[:2000]) + "." + b64(random[2000:6000]) + "." + b64(random[6000:]),
		"encrypted, p2c":    b64([]byte(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"x"}`)) + ".a.b.c.d",
		"compressed":        signRaw(signingKey(), `{"alg":"RS256","kid":"`+keyID+`","zip":"DEF"}`, string(random)),
		"header with names": signRaw(signingKey(), "{"+manyMembers(1000)+"}", "{}"),
	} {
		best, memory := time.Hour, uint64(1<<63)
		for range 3 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := processorTime()
			_, err := verify(v, "access", raw)
			best = min(best, processorTime()-start)
			_, _ = jwt.Decode(raw)
			runtime.ReadMemStats(&after)
			memory = min(memory, after.TotalAlloc-before.TotalAlloc)
			if err == nil {
				t.Fatalf("%s: accepted", name)
			}
			if _, ok := errors.AsType[*jwt.Error](err); !ok {
				t.Errorf("%s: %T", name, err)
			}
		}
		// Far above what any of them takes: a guard against work that explodes,
		// not a measurement.
		if best > 2*time.Second || memory > 8<<20 {
			t.Errorf("%s: %v and %d bytes", name, best, memory)
		}
	}
}

// TestRefuseKeyBomb: names are searched in linear time, also where a megabyte of
// them is allowed. That takes the processor a tenth of a second (three tenths under the
// race detector), and searching pairs seven seconds (more than a minute).
func TestRefuseKeyBomb(t *testing.T) {
	start := processorTime()
	if _, err := jwt.ParseKeys([]byte(`{"keys":[],` + manyMembers(60_000) + "}")); err == nil || !strings.Contains(err.Error(), "no usable") {
		t.Errorf("got %v", err)
	}
	if took := processorTime() - start; took > 4*time.Second {
		t.Errorf("took %v", took)
	}
}

// collidingNames differ only where the scanner's quick test does not look.
func collidingNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"a%03d_aaa":1`, i)
	}
	return "{" + b.String()[1:] + "}"
}
