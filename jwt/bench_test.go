package jwt_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

func BenchmarkDecode(b *testing.B) {
	for name, raw := range map[string]string{"access": typicalAccess(), "id": sign(idClaims().json())} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(len(raw)), "bytes")
			for b.Loop() {
				if _, err := jwt.Decode(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify has the bare RSA operation beside the whole verification.
func BenchmarkVerify(b *testing.B) {
	raw := typicalAccess()
	key := &signingKey().PublicKey
	dot := strings.LastIndexByte(raw, '.')
	sum := sha256.Sum256([]byte(raw[:dot]))
	signature, _ := base64.RawURLEncoding.DecodeString(raw[dot+1:])
	b.Run("rsa", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) != nil {
				b.Fatal("signature")
			}
		}
	})
	for name, size := range map[string]int{"uncached": -1, "cached": 0} {
		v := newVerifier(b, func(c *jwt.Config) { c.CacheSize = size; c.Now = nil; c.Now = benchClock })
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.VerifyAccess(context.Background(), raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchClock pays for a clock reading and answers the test's time.
func benchClock() time.Time {
	_ = time.Now()
	return clock
}

// BenchmarkAnchor is what others pay at least: base64 and encoding/json into a map.
func BenchmarkAnchor(b *testing.B) {
	payload := strings.Split(typicalAccess(), ".")[1]
	b.Run("base64", func(b *testing.B) {
		for b.Loop() {
			_, _ = base64.RawURLEncoding.DecodeString(payload)
		}
	})
	b.Run("json-map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			text, _ := base64.RawURLEncoding.DecodeString(payload)
			var m map[string]any
			if json.Unmarshal(text, &m) != nil {
				b.Fatal("json")
			}
		}
	})
}
