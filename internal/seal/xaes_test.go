package seal

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// TestXAESVectors checks against the vectors of the C2SP specification, whose
// two keys take the two ways through the doubling of CMAC's subkey.
func TestXAESVectors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		key        byte
		additional string
		ciphertext string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		ciphertext, err := hex.DecodeString(test.ciphertext)
		if err != nil {
			t.Fatal(err)
		}
		x := newXAES(bytes.Repeat([]byte{test.key}, KeySize))
		message := append([]byte("ABCDEFGHIJKLMNOPQRSTUVWX"), ciphertext...)
		got, err := x.open(message, []byte(test.additional))
		if err != nil || string(got) != "XAES-256-GCM" {
			t.Errorf("key %d: open = %q, %v", test.key, got, err)
		}
	}
}
