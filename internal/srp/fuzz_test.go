package srp

import (
	"strings"
	"testing"
)

func FuzzParseA(f *testing.F) {
	for _, c := range badNumbers {
		if len(c.text) < 2*maxDigits {
			f.Add(c.text)
		}
	}
	f.Add("1")
	f.Add("0ABC")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseA(text)
		if err != nil {
			if a != (PublicA{}) {
				t.Error("a value beside an error")
			}
			return
		}
		want := strings.TrimLeft(strings.ToLower(text), "0")
		if a.Hex() != want || want == "" || a.value.value.Cmp(params().n) >= 0 {
			t.Errorf("ParseA(%q) = %s", text, a.Hex())
		}
	})
}

func FuzzProof(f *testing.F) {
	f.Add("pool", "user", "1f", "2", []byte("block"), "password")
	f.Add("p", "u", "0", shifted(-1), []byte{0}, "\xff")
	f.Add("p", "u", "ff", modulusHex, []byte(nil), "")
	f.Add("", "", "-1", "0x1", []byte("b"), "p")
	f.Fuzz(func(t *testing.T, pool, user, salt, b string, block []byte, password string) {
		client := &Client{a: []byte{3}, public: powerEphemeral([]byte{3})}
		signature, timestamp, err := client.Proof(Challenge{pool, user, salt, b, block}, password, testTime)
		if refused := err != nil; refused != (signature == "") || refused != (timestamp == "") {
			t.Errorf("signature %q, timestamp %q, error %v", signature, timestamp, err)
		}
	})
}

func FuzzCheck(f *testing.F) {
	v, err := DeviceVerifier("pool", "user", "password", []byte{1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("2", []byte("block"), "Tue Feb 3 04:05:06 UTC 2026", "JNmLUQ2C7TF/h8i5ES9CO9QJ430+Oz3EQwBahxtIcss=")
	f.Add("0", []byte(nil), "", "")
	f.Add(modulusHex, []byte{0}, "t", "====")
	f.Fuzz(func(t *testing.T, a string, block []byte, timestamp, signature string) {
		s := mustServer(t, v)
		if s.Check("pool", "user", a, block, timestamp, signature) == nil {
			t.Error("signed in without the password")
		}
		_, _ = ParseTimestamp(timestamp)
	})
}

func FuzzParseDevice(f *testing.F) {
	v, err := DeviceVerifier("group", "device", "password", []byte{1, 2})
	if err != nil {
		f.Fatal(err)
	}
	saltText, verifierText := v.Device()
	f.Add(saltText, verifierText)
	f.Add("", "")
	f.Add("AA==", "AQ==")
	f.Fuzz(func(t *testing.T, salt, verifier string) {
		parsed, err := ParseDevice(salt, verifier)
		if err != nil {
			return
		}
		again, err := ParseDevice(parsed.Device())
		if err != nil || string(again.V) != string(parsed.V) || string(again.Salt) != string(parsed.Salt) {
			t.Errorf("does not survive its own form: %v", err)
		}
		if _, err := NewServer(parsed); err != nil {
			t.Errorf("accepted, but unusable: %v", err)
		}
	})
}
