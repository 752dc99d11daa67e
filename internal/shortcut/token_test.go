package shortcut

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// compact writes a token of three parts.
func compact(header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(payload)) + "." + encode([]byte("signature"))
}

func TestReadTimes(t *testing.T) {
	t.Parallel()
	const header, payload = `{"kid":"k","alg":"RS256"}`, `{"sub":"1","iat":1767225600,"aud":["x"],"exp":1767229200}`
	good := compact(header, payload)
	issued, expires, ok := readTimes(good)
	if !ok || issued.Unix() != 1767225600 || expires.Unix() != 1767229200 {
		t.Errorf("%v, %v, %t", issued, expires, ok)
	}
	if _, expires, ok := readTimes(compact(header, `{"sub":"1"}`)); !ok || !expires.IsZero() {
		t.Errorf("without times: %v, %t", expires, ok)
	}
	for name, raw := range map[string]string{
		"nothing":               "",
		"two parts":             good[:strings.LastIndexByte(good, '.')],
		"four parts":            good + ".x",
		"padded":                good + "=",
		"too long":              good + strings.Repeat("A", maxToken),
		"a header that is text": compact(`"x"`, payload),
		"an alg that is none":   compact(`{"alg":null}`, payload),
		"a payload that is cut": compact(header, payload[:len(payload)-1]),
		"a member twice":        compact(header, `{"exp":1,"exp":2}`),
		"a time as text":        compact(header, `{"exp":"1767229200"}`),
		"a time in parts":       compact(header, `{"exp":1767229200.5}`),
		"a time before 1970":    compact(header, `{"exp":-1}`),
		"a time in no calendar": compact(header, `{"exp":17672292000000}`),
		"something behind":      compact(header, payload+"x"),
	} {
		if issued, expires, ok := readTimes(raw); ok {
			t.Errorf("%s: %v, %v", name, issued, expires)
		}
	}
}

// FuzzReadTimes: what is read here, package jwt reads too, and as the same.
func FuzzReadTimes(f *testing.F) {
	f.Add(compact(`{"kid":"k","alg":"RS256"}`, `{"sub":"1","iat":1767225600,"exp":1767229200}`))
	f.Add(compact(`{"typ":"JWT"}`, `{"\u0069at":0,"exp":-0}`))
	f.Fuzz(func(t *testing.T, raw string) {
		issued, expires, ok := readTimes(raw)
		if !ok {
			return
		}
		token, err := jwt.Decode(raw)
		if err != nil {
			t.Fatalf("jwt: %v", err)
		}
		if !token.IssuedAt().Equal(issued) || !token.Expiry().Equal(expires) {
			t.Errorf("%v and %v, and jwt reads %v and %v", issued, expires, token.IssuedAt(), token.Expiry())
		}
	})
}

// TestTokens: which records are answered from.
func TestTokens(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change     func(*store.Record)
		access, id bool
	}{
		"signed in":        {func(*store.Record) {}, true, true},
		"no credentials":   {func(r *store.Record) { r.Credentials = nil }, true, true},
		"no ID token":      {func(r *store.Record) { r.Tokens.ID = store.Secret{} }, true, false},
		"no refresh token": {func(r *store.Record) { r.Tokens.Refresh = store.Secret{} }, true, true},
		"ended":            {func(r *store.Record) { r.Ended = &store.Ended{Reason: "x", At: r.SavedAt} }, false, false},
		"due": {func(r *store.Record) {
			r.Tokens.ReceivedAt = r.SavedAt.Add(-57 * time.Minute)
			r.Tokens.Access = minted(r.Tokens.ReceivedAt, time.Hour, "access")
		}, false, false},
		"an ID token that is due": {func(r *store.Record) {
			r.Tokens.ReceivedAt = r.SavedAt.Add(-57 * time.Minute)
			r.Tokens.Access = minted(r.Tokens.ReceivedAt, 2*time.Hour, "access")
			r.Tokens.ID = minted(r.Tokens.ReceivedAt, time.Hour, "id")
		}, false, false},
		"a clock an hour behind":    {func(r *store.Record) { r.Drift = time.Hour }, false, false},
		"a clock that was set back": {func(r *store.Record) { r.Tokens.ReceivedAt = r.SavedAt.Add(time.Hour) }, false, false},
		"no access token":           {func(r *store.Record) { r.Tokens.Access = store.NewSecret("x") }, false, false},
		"no ID token that reads":    {func(r *store.Record) { r.Tokens.ID = store.NewSecret("x") }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			record := d.record.Clone()
			test.change(&record)
			d.put(t, record)
			for use, want := range map[string]bool{"access": test.access, "id": test.id} {
				got, ok := d.askToken(use)
				if ok != want {
					t.Errorf("%s: answered %t: %q", use, ok, got)
				}
				token := map[string]store.Secret{"access": record.Tokens.Access, "id": record.Tokens.ID}[use]
				if ok && string(got) != token.Reveal()+"\n" {
					t.Errorf("%s: %q", use, got)
				}
			}
		})
	}
}

// TestTokensNeedNoIdentityPool: only credentials do.
func TestTokensNeedNoIdentityPool(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.put(t, d.record)
	if err := os.WriteFile(d.config, []byte(strings.Replace(outputs, "identity_pool_id", "id", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.ask(); ok {
		t.Error("credentials of no identity pool")
	}
	if _, ok := d.askToken("access"); !ok {
		t.Error("no token")
	}
}
