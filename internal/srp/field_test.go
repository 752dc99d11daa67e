package srp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shifted returns N + d in hexadecimal digits.
func shifted(d int64) string { return new(big.Int).Add(params().n, big.NewInt(d)).Text(16) }

// badNumbers are texts that no number field accepts; ErrZeroA stands for the
// zero error of the field.
var badNumbers = map[string]struct {
	text string
	want error
}{
	"empty":           {"", ErrEmpty},
	"minus":           {"-1", ErrMalformed},
	"plus":            {"+1", ErrMalformed},
	"prefix":          {"0x1f", ErrMalformed},
	"prefix odd":      {"0x1", ErrMalformed},
	"space":           {" 1f", ErrMalformed},
	"line break":      {"1f\n", ErrMalformed},
	"underscore":      {"1_f", ErrMalformed},
	"not hexadecimal": {"xyz", ErrMalformed},
	"NUL":             {"1\x00", ErrMalformed},
	"wide digit":      {"１", ErrMalformed},
	"zero":            {"0", ErrZeroA},
	"zeros":           {strings.Repeat("0", maxDigits), ErrZeroA},
	"N":               {modulusHex, ErrZeroA},
	"N in lower case": {strings.ToLower(modulusHex), ErrZeroA},
	"N + 1":           {shifted(1), ErrOutOfRange},
	"all ones":        {strings.Repeat("f", maxDigits), ErrOutOfRange},
	"2N":              {new(big.Int).Lsh(params().n, 1).Text(16), ErrTooLong},
	"N with sign":     {"00" + modulusHex, ErrTooLong},
	"769 zeros":       {strings.Repeat("0", maxDigits+1), ErrTooLong},
	"huge":            {strings.Repeat("f", 1<<20), ErrTooLong},
}

func TestParseARefuses(t *testing.T) {
	t.Parallel()
	for name, c := range badNumbers {
		_, err := ParseA(c.text)
		checkRefusal(t, name, "SRP_A", c.text, err, c.want)
		s := &Server{b: []byte{1}}
		if err := s.Check("pool", "user", c.text, []byte("block"), "time", "AAAA"); !errors.Is(err, c.want) {
			t.Errorf("Check, %s: error %v, want %v", name, err, c.want)
		}
	}
}

// checkRefusal wants the right error, the field's name in it, and not its text.
func checkRefusal(t *testing.T, name, field, text string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s, %s: error %v, want %v", field, name, err, want)
		return
	}
	if !strings.Contains(err.Error(), field) || len(text) > 2 && strings.Contains(err.Error(), text) {
		t.Errorf("%s, %s: message %q", field, name, err)
	}
}

func TestParseAAccepts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1": "1", "0f": "f", "ABC": "abc", "00000000abc": "abc", shifted(-1): shifted(-1),
		strings.ToUpper(shifted(-2)): shifted(-2),
	} {
		a, err := ParseA(text)
		if err != nil || a.Hex() != want {
			t.Errorf("ParseA(%s) = %s, %v", text, a.Hex(), err)
		}
	}
	if got := (PublicA{}).Hex(); got != "" {
		t.Errorf("zero PublicA is %q", got)
	}
	if err := (&Server{b: []byte{1}}).CheckA("pool", "user", PublicA{}, []byte("b"), "t", "AAAA"); !errors.Is(err, ErrEmpty) {
		t.Errorf("CheckA without A: %v", err)
	}
}

// A refused challenge leaves the client's secret unused: nothing was computed.
func TestProofRefuses(t *testing.T) {
	t.Parallel()
	good := Challenge{"pool", "user", "1f", "2", []byte("block")}
	client, err := NewClient()
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(name, field, text, password string, ch Challenge, want error) {
		t.Helper()
		signature, timestamp, err := client.Proof(ch, password, testTime)
		checkRefusal(t, name, field, text, err, want)
		if signature != "" || timestamp != "" || client.a == nil {
			t.Errorf("%s, %s: answered or used up", field, name)
		}
	}
	for name, c := range badNumbers {
		ch, want := good, c.want
		if want == ErrZeroA {
			want = ErrZeroB
		}
		ch.BHex = c.text
		refuse(name, "SRP_B", c.text, "password", ch, want)
	}
	for name, c := range badNumbers {
		ch := good
		ch.SaltHex = c.text
		switch name {
		case "zero", "zeros":
			refuse(name, "salt", "", "password", ch, ErrOutOfRange)
		case "N", "N in lower case", "N + 1", "all ones": // a salt is not a number modulo N
		default:
			refuse(name, "SALT", c.text, "password", ch, c.want)
		}
	}
	refuse("empty", "password", "", "", good, ErrEmpty)
	refuse("empty", "pool", "", "password", Challenge{"", "user", "1f", "2", []byte("b")}, ErrEmpty)
	refuse("empty", "user", "", "password", Challenge{"pool", "", "1f", "2", []byte("b")}, ErrEmpty)
	refuse("empty", "SECRET_BLOCK", "", "password", Challenge{"pool", "user", "1f", "2", nil}, ErrEmpty)
}

func TestZeroScrambler(t *testing.T) {
	t.Parallel()
	if err := checkScrambler(make([]byte, 32)); !errors.Is(err, ErrZeroU) {
		t.Errorf("u = 0: %v", err)
	}
	if err := checkScrambler(append(make([]byte, 31), 1)); err != nil {
		t.Errorf("u = 1: %v", err)
	}
}

func TestDamagedVerifierIsRefused(t *testing.T) {
	t.Parallel()
	number := func(d int64) []byte { return new(big.Int).Add(params().n, big.NewInt(d)).Bytes() }
	salt := []byte{1}
	cases := map[string]struct {
		v    Verifier
		want error
	}{
		"zero value":   {Verifier{}, ErrOutOfRange},
		"v = 0":        {Verifier{salt, []byte{0}}, ErrOutOfRange},
		"v = 1":        {Verifier{salt, []byte{1}}, ErrOutOfRange},
		"v = N - 1":    {Verifier{salt, number(-1)}, ErrOutOfRange},
		"v = N":        {Verifier{salt, number(0)}, ErrOutOfRange},
		"v = N + 1":    {Verifier{salt, number(1)}, ErrOutOfRange},
		"v too long":   {Verifier{salt, make([]byte, elementSize+1)}, ErrTooLong},
		"no salt":      {Verifier{nil, []byte{2}}, ErrOutOfRange},
		"salt of zero": {Verifier{[]byte{0, 0}, []byte{2}}, ErrOutOfRange},
		"long salt":    {Verifier{bytes.Repeat([]byte{1}, elementSize+1), []byte{2}}, ErrTooLong},
	}
	for name, c := range cases {
		if _, err := NewServer(c.v); !errors.Is(err, c.want) {
			t.Errorf("NewServer, %s: error %v, want %v", name, err, c.want)
		}
		if _, err := RestoreServer(c.v, make([]byte, serverSecretSize+elementSize)); !errors.Is(err, c.want) {
			t.Errorf("RestoreServer, %s: error %v, want %v", name, err, c.want)
		}
		if c.v.Matches("pool", "user", "password") {
			t.Errorf("%s: matches a password", name)
		}
	}
	if (Verifier{}).Matches("", "", "") {
		t.Error("the empty verifier matches the empty password")
	}
}

func TestRestoreServerRefuses(t *testing.T) {
	t.Parallel()
	v := mustVerifier(t, "pool", "user", "password")
	secret := mustServer(t, v).Secret()
	zeroB := append(bytes.Clone(secret[:serverSecretSize]), make([]byte, elementSize)...)
	bigB := append(bytes.Clone(secret[:serverSecretSize]), bytes.Repeat([]byte{0xff}, elementSize)...)
	for name, c := range map[string]struct {
		secret []byte
		want   error
	}{
		"nothing": {nil, ErrState}, "short": {secret[1:], ErrState}, "long": {append(secret, 0), ErrState},
		"B = 0": {zeroB, ErrZeroB}, "B above N": {bigB, ErrOutOfRange},
	} {
		if _, err := RestoreServer(v, c.secret); !errors.Is(err, ErrState) || !errors.Is(err, c.want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestSaltHasNoLeadingZero(t *testing.T) {
	t.Parallel()
	for range 64 {
		raw := unbase64(t, NewDevicePassword())[:saltSize]
		raw[0] &= 0x0f // at least one digit of zero, often two
		salt, err := checkSalt(raw)
		if err != nil {
			t.Fatal(err)
		}
		s := mustServer(t, Verifier{Salt: salt, V: []byte{2}})
		digits := s.Salt()
		if strings.HasPrefix(digits, "0") || new(big.Int).SetBytes(raw).Text(16) != digits {
			t.Fatalf("SALT %q of %x", digits, raw)
		}
	}
}

func TestVerifierFitsOneUser(t *testing.T) {
	t.Parallel()
	v := mustVerifier(t, "pool", "user", "password")
	if !v.Matches("pool", "user", "password") {
		t.Error("does not match its own password")
	}
	for name, args := range map[string][3]string{
		"other pool": {"Pool", "user", "password"}, "other user": {"pool", "User", "password"},
		"no pool": {"", "user", "password"}, "no user": {"pool", "", "password"}, "no password": {"pool", "user", ""},
	} {
		if v.Matches(args[0], args[1], args[2]) {
			t.Errorf("%s: matches", name)
		}
		if _, err := NewVerifier(args[0], args[1], args[2]); strings.HasPrefix(name, "no ") != errors.Is(err, ErrEmpty) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestParseDeviceRefuses(t *testing.T) {
	t.Parallel()
	encode := base64.StdEncoding.EncodeToString
	salt, verifier := mustVerifier(t, "group", "device", "password").Device()
	for name, c := range map[string]struct {
		salt, verifier string
		want           error
	}{
		"no salt":          {"", verifier, ErrEmpty},
		"no verifier":      {salt, "", ErrEmpty},
		"salt of zero":     {encode([]byte{0}), verifier, ErrOutOfRange},
		"verifier zero":    {salt, encode([]byte{0}), ErrOutOfRange},
		"verifier one":     {salt, encode([]byte{1}), ErrOutOfRange},
		"verifier is N":    {salt, encode(pad(params().n.Bytes())), ErrOutOfRange},
		"verifier long":    {salt, encode(make([]byte, elementSize+2)), ErrTooLong},
		"verifier 385":     {salt, encode(bytes.Repeat([]byte{1}, elementSize+1)), ErrTooLong},
		"salt long":        {encode(bytes.Repeat([]byte{1}, elementSize+1)), verifier, ErrTooLong},
		"line break":       {salt, verifier[:10] + "\n" + verifier[11:], ErrMalformed},
		"not base64":       {"!!!!", verifier, ErrMalformed},
		"trailing bits":    {"AR==", verifier, ErrMalformed},
		"missing padding":  {strings.TrimRight(salt, "="), verifier, ErrMalformed},
		"hexadecimal salt": {"abc", verifier, ErrMalformed},
	} {
		if _, err := ParseDevice(c.salt, c.verifier); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

func TestParseDeviceInverts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string, limit int) []byte {
			b := rapid.SliceOfN(rapid.Byte(), 2, limit).Draw(t, name)
			b[0] |= 2
			b[0] &= 0xfe // below N even at full length
			return b
		}
		want := Verifier{Salt: number("salt", saltSize), V: number("v", elementSize)}
		got, err := ParseDevice(want.Device())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]byte{want.Salt, want.V}, [][]byte{got.Salt, got.V}); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Java's BigInteger.toByteArray, beside the boundaries of one and two bytes.
func TestPad(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "00", "00": "00", "01": "01", "7f": "7f", "80": "0080", "ff": "00ff", "0100": "0100",
		"00ff": "00ff", "0000007f": "7f", "7fff": "7fff", "8000": "008000", "008000": "008000",
	} {
		raw, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(pad(raw)); got != want {
			t.Errorf("pad(%s) = %s, want %s", in, got, want)
		}
		if hex.EncodeToString(raw) != in {
			t.Errorf("pad changed its argument %s", in)
		}
	}
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	for text, at := range map[string]time.Time{
		"Tue Feb 3 04:05:06 UTC 2026":  testTime,
		"Mon Jan 5 03:04:09 UTC 2026":  time.Date(2026, 1, 4, 22, 4, 9, 999, time.FixedZone("EST", -5*3600)),
		"Fri Dec 31 23:59:59 UTC 2027": time.Date(2027, 12, 31, 23, 59, 59, 0, time.UTC),
		"Wed Jul 10 12:00:00 UTC 2024": time.Date(2024, 7, 10, 12, 0, 0, 0, time.UTC),
		"Thu Feb 29 00:00:00 UTC 2024": time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
	} {
		same(t, "Timestamp", Timestamp(at), text)
		got, err := ParseTimestamp(text)
		if err != nil || !got.Equal(at.Truncate(time.Second)) {
			t.Errorf("ParseTimestamp(%s) = %v, %v", text, got, err)
		}
	}
	if got, err := ParseTimestamp("Tue Feb 03 04:05:06 UTC 2026"); err != nil || !got.Equal(testTime) {
		t.Errorf("a day with a leading zero: %v, %v", got, err)
	}
}

func TestParseTimestampRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":                                 ErrEmpty,
		"Tue Feb 3 04:05:06 UTC 20260":     ErrMalformed,
		"Mon Feb 3 04:05:06 UTC 2026":      ErrMalformed, // it was a Tuesday
		"Tue Feb  3 04:05:06 UTC 2026":     ErrMalformed,
		"tue feb 3 04:05:06 UTC 2026":      ErrMalformed,
		"Di Feb 3 04:05:06 UTC 2026":       ErrMalformed,
		"Tue Feb 3 4:05:06 UTC 2026":       ErrMalformed,
		"Tue Feb 3 04:05:06 GMT 2026":      ErrMalformed,
		"Tue Feb 3 04:05:06 +00 2026":      ErrMalformed,
		"Tue Feb 3 04:05:06.1 UTC 26":      ErrMalformed,
		"Sun Feb 30 04:05:06 UTC 2026":     ErrMalformed,
		"Tue Feb 3 25:05:06 UTC 2026":      ErrMalformed,
		"2026-02-03T04:05:06Z":             ErrMalformed,
		"Tue Feb 3 04:05:06 UTC 2026     ": ErrTooLong,
	} {
		if _, err := ParseTimestamp(text); !errors.Is(err, want) {
			t.Errorf("ParseTimestamp(%q): error %v, want %v", text, err, want)
		}
	}
}

func TestPoolName(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"us-east-1_Ex4mpleP1": "Ex4mpleP1", "eu-west-1_a_b": "a_b", "us-east-1_": "", "Ex4mpleP1": "", "": "",
	} {
		got, err := PoolName(id)
		if got != want || (want == "") != errors.Is(err, ErrMalformed) {
			t.Errorf("PoolName(%q) = %q, %v", id, got, err)
		}
	}
}
