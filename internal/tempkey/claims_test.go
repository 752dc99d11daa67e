package tempkey

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

func example() Claims {
	return Claims{
		PoolID: "p", IdentityID: "i", RoleARN: "r", Authenticated: true, Provider: "v", Subject: "s",
		Tags: map[string]string{"a": "1", "b": "2"}, Issued: time.Unix(1e9, 0).UTC(), Expires: time.Unix(1e9+3600, 0).UTC(),
	}
}

// TestDecodeIsStrict: claims come from under the seal, so damage there means a
// fault or another version of this package, which must not be guessed at.
func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	good := encode(example(), [secretSize]byte{1})
	if _, _, err := decode(good); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, _, err := decode(good[:n]); err == nil {
			t.Errorf("cut to %d bytes: no error", n)
		}
	}
	changed := func(change func([]byte) []byte) []byte { return change(bytes.Clone(good)) }
	countAt := len(good) - 2 - 2*6 // two tags of six bytes
	for name, plaintext := range map[string][]byte{
		"another format":   changed(func(b []byte) []byte { b[0] = 2; return b }),
		"unknown flag":     changed(func(b []byte) []byte { b[1] |= 2; return b }),
		"a byte too many":  append(bytes.Clone(good), 0),
		"a key twice":      changed(func(b []byte) []byte { b[len(b)-4] = 'a'; return b }),
		"keys in disorder": changed(func(b []byte) []byte { b[len(b)-4] = 'A'; return b }),
		"more tags":        changed(func(b []byte) []byte { binary.BigEndian.PutUint16(b[countAt:], 3); return b }),
		"fewer tags":       changed(func(b []byte) []byte { binary.BigEndian.PutUint16(b[countAt:], 1); return b }),
		"a flood of tags":  changed(func(b []byte) []byte { binary.BigEndian.PutUint16(b[countAt:], 65535); return b }),
	} {
		if c, _, err := decode(plaintext); err == nil || c.PoolID != "" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// FuzzDecode: what is accepted is exactly what encode writes.
func FuzzDecode(f *testing.F) {
	f.Add(encode(example(), [secretSize]byte{1}))
	f.Add(encode(Claims{Issued: time.Unix(0, 0), Expires: time.Unix(1, 0)}, [secretSize]byte{}))
	f.Fuzz(func(t *testing.T, plaintext []byte) {
		c, raw, err := decode(plaintext)
		if err != nil {
			return
		}
		if again := encode(c, raw); !bytes.Equal(again, plaintext) {
			t.Fatalf("%x is read as %x", plaintext, again)
		}
	})
}

// FuzzOpen feeds session tokens: none opens, because the fuzzer does not know
// the key, and none may panic.
func FuzzOpen(f *testing.F) {
	codec, err := New(bytes.Repeat([]byte{1}, KeySize))
	if err != nil {
		f.Fatal(err)
	}
	made, err := codec.Mint(example())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(made.AccessKeyID, made.SessionToken.Reveal()[1:])
	f.Add("ASIA", "")
	f.Fuzz(func(t *testing.T, id, token string) {
		if token == made.SessionToken.Reveal() && id == made.AccessKeyID {
			return
		}
		if _, _, err := codec.Open(id, token, time.Unix(1e9, 0)); err == nil {
			t.Fatalf("%q opened %q", id, token)
		}
	})
}
