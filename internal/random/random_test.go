package random_test

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/random"
)

func TestUUID(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := random.UUID()
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("UUID %s", id)
		}
		seen[id] = true
	}
}

// TestSessionID: what begins with the id, in base64url, never begins with "-".
func TestSessionID(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	firsts := map[byte]int{}
	for range 10_000 {
		id := random.SessionID()
		raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
		if err != nil || !shape.MatchString(id) {
			t.Fatalf("SessionID %s", id)
		}
		firsts[base64.RawURLEncoding.EncodeToString(raw)[0]]++
	}
	if firsts['-'] > 0 || len(firsts) != 63 {
		t.Errorf("%d begin with \"-\", there are %d beginnings", firsts['-'], len(firsts))
	}
}

// TestTextIsEven: every character of an alphabet that does not divide 256 comes
// as often as the others, to within six standard deviations.
func TestTextIsEven(t *testing.T) {
	t.Parallel()
	const n = 200_000
	alphabet := random.Digits + random.Upper + random.Lower
	text := random.Text(alphabet, n)
	if len(text) != n || strings.Trim(text, alphabet) != "" {
		t.Fatal("wrong length, or characters of another alphabet")
	}
	mean := float64(n) / float64(len(alphabet))
	for _, c := range alphabet {
		count := float64(strings.Count(text, string(c)))
		if d := count - mean; d*d > 36*mean {
			t.Errorf("%c comes %v times, the mean is %v", c, count, mean)
		}
	}
	if random.Text(random.Digits, 0) != "" {
		t.Error("a text of no characters has some")
	}
}

func TestFormatUUID(t *testing.T) {
	t.Parallel()
	id := [16]byte{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0xfb, 0xfc, 0xfd, 0xfe, 0xff}
	if got, want := random.FormatUUID(id), "00010203-0405-0607-0809-0afbfcfdfeff"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
