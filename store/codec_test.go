package store_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

var update = flag.Bool("update", false, "write testdata anew; only before the first release of a schema")

// goldenRecord is what testdata/schema<schema>.json says.
func goldenRecord(schema int) store.Record {
	record := storetest.Sample(storetest.Account("josé/\u202e\"x\""), 41)
	record.Ended = &store.Ended{Reason: "NotAuthorizedException", Detail: "Refresh Token has been revoked", At: record.SavedAt}
	record.Redirect = &store.Redirect{URI: "http://127.0.0.1:49152/callback", Browser: true}
	if schema < 3 {
		record.Federation, record.Redirect, record.Credentials.ReceivedAt = nil, nil, time.Time{}
	}
	if schema == 1 {
		record.Pending = nil
	}
	return record
}

// TestGolden holds every schema in place: what it reads was written once and is
// read for ever.
func TestGolden(t *testing.T) {
	t.Parallel()
	newest, err := store.Encode(goldenRecord(store.Schema))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(goldenPath(store.Schema), newest, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for schema := 1; schema <= store.Schema; schema++ {
		golden, err := os.ReadFile(goldenPath(schema))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(golden, fmt.Appendf(nil, `{"schema":%d,`, schema)) {
			t.Errorf("%s begins with %.20q", goldenPath(schema), golden)
		}
		got, err := store.Decode(golden)
		if err != nil {
			t.Fatalf("schema %d: Decode: %v", schema, err)
		}
		if diff := storetest.Diff(goldenRecord(schema), got); diff != "" {
			t.Errorf("schema %d, decoded (-want +got):\n%s", schema, diff)
		}
		// What is written back is the newest schema and loses nothing.
		again, err := store.Encode(got)
		if err != nil {
			t.Fatalf("schema %d: Encode: %v", schema, err)
		}
		if schema == store.Schema && !bytes.Equal(again, golden) {
			t.Errorf("schema %d is written differently now:\n%s\nbefore:\n%s", schema, again, golden)
		}
		back, err := store.Decode(again)
		if diff := storetest.Diff(got, back); err != nil || diff != "" {
			t.Errorf("schema %d, rewritten: %v\n%s", schema, err, diff)
		}
	}
}

func goldenPath(schema int) string {
	return filepath.Join("testdata", fmt.Sprintf("schema%d.json", schema))
}

// TestPending bounds the list on both ways, so that whatever is read can be
// written.
func TestPending(t *testing.T) {
	t.Parallel()
	record := storetest.Sample(storetest.Account("alice"), 1)
	record.Pending = make([]store.Revocation, store.MaxPending)
	data, err := store.Encode(record)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := store.Decode(data); err != nil || len(got.Pending) != store.MaxPending {
		t.Errorf("Decode: %d revocations, %v", len(got.Pending), err)
	}
	record.Pending = append(record.Pending, store.Revocation{})
	if _, err := store.Encode(record); err == nil {
		t.Error("Encode took one too many")
	}
	long := `{"generation":1,"pending":[` + strings.Repeat(`{"token":""},`, store.MaxPending) + `{"token":""}]}`
	refuse(t, "one too many", storetest.Frame(2, "record", long))
	refuse(t, "federation in schema 2", storetest.Frame(2, "record", `{"generation":1,"federation":{"provider":""}}`))
	refuse(t, "redirect in schema 2", storetest.Frame(2, "record", `{"generation":1,"redirect":{"uri":""}}`))
	refuse(t, "a flag of another kind", storetest.Frame(3, "record", `{"generation":1,"redirect":{"uri":"","browser":"true"}}`))
	refuse(t, "a member that nobody knows", storetest.Frame(3, "record", `{"generation":1,"redirect":{"uri":"","more":true}}`))
	refuse(t, "pending in schema 1", storetest.Frame(1, "record", `{"generation":1,"pending":[]}`))
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	text := rapid.String()
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		// RFC 3339 writes the years 0 to 9999.
		return time.Unix(rapid.Int64Range(-62_000_000_000, 250_000_000_000).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
	})
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) string { return text.Draw(t, name) }
		secret := func(name string) store.Secret { return store.NewSecret(draw(name)) }
		want := store.Record{
			Generation: rapid.Uint64Min(1).Draw(t, "generation"),
			Account:    store.Account{Scope: store.Scope{PoolID: draw("pool"), ClientID: draw("client")}, Username: draw("username")},
			Sub:        draw("sub"),
			Drift:      time.Duration(rapid.Int64().Draw(t, "drift")),
			IdentityID: draw("identity"),
		}
		if rapid.Bool().Draw(t, "full") {
			want.SignIn = &store.SignIn{LoginID: draw("login"), Flow: draw("flow")}
			want.Tokens = &store.Tokens{ID: secret("id"), Access: secret("access"), Refresh: secret("refresh"), ReceivedAt: instant.Draw(t, "received")}
			want.Device = &store.Device{Key: draw("key"), GroupKey: draw("group"), Password: secret("password")}
			want.Credentials = &store.Credentials{
				AccessKeyID: draw("akid"), SecretAccessKey: secret("sak"),
				SessionToken: secret("token"), Expiration: instant.Draw(t, "expiration"), ReceivedAt: instant.Draw(t, "credentials"),
			}
			want.Federation = &store.Federation{Provider: draw("provider"), Subject: draw("subject"), IdentityID: draw("developer")}
			want.Redirect = &store.Redirect{URI: draw("redirect"), Browser: rapid.Bool().Draw(t, "browser")}
			want.Ended = &store.Ended{Reason: draw("reason"), Detail: draw("detail"), At: instant.Draw(t, "at")}
			want.SavedAt = instant.Draw(t, "saved")
			for range rapid.IntRange(0, store.MaxPending).Draw(t, "pending") {
				want.Pending = append(want.Pending, store.Revocation{Token: secret("revoke"), Since: instant.Draw(t, "since")})
			}
		}
		data, err := store.Encode(want)
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		got, err := store.Decode(data)
		if err != nil {
			t.Fatalf("Decode: %v", err)
		}
		if diff := storetest.Diff(want, got); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
}

func encoded(t testing.TB) []byte {
	t.Helper()
	data, err := store.Encode(storetest.Sample(storetest.Account("alice"), 1))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// refuse reports bytes that Decode takes, or refuses with half a record.
func refuse(t testing.TB, what string, data []byte) error {
	t.Helper()
	record, err := store.Decode(data)
	if err == nil {
		t.Errorf("%s: Decode took it", what)
		return errors.New("taken")
	}
	if !reflect.ValueOf(record).IsZero() {
		t.Errorf("%s: Decode returned half a record", what)
	}
	return err
}

func TestDecodeEveryTruncation(t *testing.T) {
	t.Parallel()
	data := encoded(t)
	for n := range data {
		refuse(t, fmt.Sprintf("first %d of %d bytes", n, len(data)), data[:n])
	}
}

func TestDecodeEveryBit(t *testing.T) {
	t.Parallel()
	data := encoded(t)
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			err := refuse(t, fmt.Sprintf("bit %d of byte %d", bit, i), data)
			if _, newer := errors.AsType[*store.SchemaError](err); newer {
				t.Errorf("bit %d of byte %d makes it a newer schema", bit, i)
			}
			data[i] ^= 1 << bit
		}
	}
}

func TestDecodeEveryAddition(t *testing.T) {
	t.Parallel()
	data := encoded(t)
	for _, more := range []string{"\n", " ", "{}", "\x00", "null", string(data)} {
		refuse(t, fmt.Sprintf("%.10q at the end", more), append(bytes.Clone(data), more...))
		refuse(t, fmt.Sprintf("%.10q at the start", more), append([]byte(more), data...))
	}
	for i := range len(data) - 1 {
		refuse(t, fmt.Sprintf("byte %d twice", i), append(bytes.Clone(data[:i+1]), data[i:]...))
	}
}

// TestDecodePayload gives payloads that are wrong in themselves a frame with
// the right checksum.
func TestDecodePayload(t *testing.T) {
	t.Parallel()
	const account = `"account":{"pool_id":"p","client_id":"c","username":"u"}`
	tests := map[string]string{
		"not JSON":               `nonsense`,
		"nothing":                ``,
		"null":                   `null`,
		"array":                  `[]`,
		"empty object":           `{}`,
		"generation 0":           `{"generation":0,` + account + `}`,
		"negative generation":    `{"generation":-1,` + account + `}`,
		"fractional generation":  `{"generation":1.5,` + account + `}`,
		"generation 2^64":        `{"generation":18446744073709551616,` + account + `}`,
		"generation as text":     `{"generation":"1",` + account + `}`,
		"duplicate name":         `{"generation":1,"generation":2,` + account + `}`,
		"escaped duplicate name": `{"generation":1,"\u0067eneration":2,` + account + `}`,
		"name in capitals":       `{"Generation":1,` + account + `}`,
		"unknown name":           `{"generation":1,` + account + `,"x":1}`,
		"unknown inner name":     `{"generation":1,` + account + `,"tokens":{"idd":""}}`,
		"invalid UTF-8":          `{"generation":1,` + account + `,"sub":"` + "\xff" + `"}`,
		"lone surrogate":         `{"generation":1,` + account + `,"sub":"\ud800"}`,
		"control character":      `{"generation":1,` + account + `,"sub":"` + "\x01" + `"}`,
		"not a time":             `{"generation":1,` + account + `,"saved_at":"yesterday"}`,
		"tokens as text":         `{"generation":1,` + account + `,"tokens":"x"}`,
		"pending as text":        `{"generation":1,` + account + `,"pending":"x"}`,
		"pending as object":      `{"generation":1,` + account + `,"pending":{}}`,
		"unknown pending name":   `{"generation":1,` + account + `,"pending":[{"tokens":""}]}`,
		"federation as text":     `{"generation":1,` + account + `,"federation":"x"}`,
		"unknown federation":     `{"generation":1,` + account + `,"federation":{"token":""}}`,
		"received as number":     `{"generation":1,` + account + `,"credentials_received_at":1}`,
		"pending not closed":     `{"generation":1,` + account + `,"pending":[`,
		"two values":             `{"generation":1,` + account + `}{}`,
		"second frame":           `{"generation":1,` + account + `},"record":{}`,
		"deep":                   strings.Repeat(`{"account":`, 20_000) + `1` + strings.Repeat(`}`, 20_000),
		"deep array":             strings.Repeat(`[`, 200_000) + strings.Repeat(`]`, 200_000),
	}
	for name, payload := range tests {
		refuse(t, name, storetest.Frame(1, "record", payload))
		refuse(t, name+", schema 2", storetest.Frame(2, "record", payload))
		refuse(t, name+", schema 3", storetest.Frame(3, "record", payload))
	}
	good := storetest.Frame(1, "record", `{"generation":1,`+account+`}`)
	if _, err := store.Decode(good); err != nil {
		t.Errorf("the smallest good record: %v", err)
	}
	refuse(t, "an account", storetest.Frame(1, "account", account))
}

func TestDecodeFrame(t *testing.T) {
	t.Parallel()
	good := string(encoded(t))
	sum := good[len(`{"schema":3,"sha256":"`):][:64]
	tests := map[string]string{
		"spaces":                  strings.Replace(good, `{"schema":3,`, `{"schema": 3,`, 1),
		"capital digits":          strings.Replace(good, sum, strings.ToUpper(sum), 1),
		"short checksum":          strings.Replace(good, sum, sum[:62], 1),
		"leading zero":            strings.Replace(good, `"schema":3`, `"schema":03`, 1),
		"schema as text":          strings.Replace(good, `"schema":3`, `"schema":"3"`, 1),
		"huge schema":             strings.Replace(good, `"schema":3`, `"schema":99999999999999999999`, 1),
		"no schema":               strings.Replace(good, `"schema":3`, `"schema":`, 1),
		"carriage return":         strings.Replace(good, "}\n", "}\r\n", 1),
		"byte order mark":         "\ufeff" + good,
		"UTF-16":                  "\xff\xfe{\x00",
		"schema 0":                string(storetest.Frame(0, "record", `{}`)),
		"over MaxSize":            string(storetest.Frame(3, "record", `"`+strings.Repeat("a", store.MaxSize)+`"`)),
		"newer with bad checksum": strings.Replace(good, `"schema":3`, `"schema":4`, 1),
	}
	for name, data := range tests {
		err := refuse(t, name, []byte(data))
		if _, newer := errors.AsType[*store.SchemaError](err); newer {
			t.Errorf("%s: it passes for a newer schema", name)
		}
	}
}

func TestNewerSchema(t *testing.T) {
	t.Parallel()
	err := refuse(t, "schema 4", storetest.Frame(4, "record", `{"whatever":[1,2]}`))
	newer, ok := errors.AsType[*store.SchemaError](err)
	if !ok || newer.Found != 4 {
		t.Fatalf("got %v, want a SchemaError of schema 4", err)
	}
	for _, word := range []string{"schema 4", "up to 3", "upgrade"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
}

// TestErrorsKeepSecrets looks for the tokens in what Encode and Decode say.
func TestErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	payload := func(text string) []byte { return storetest.Frame(1, "record", text) }
	decodes := [][]byte{
		payload(`{"generation":1,"saved_at":"` + canary + `"}`),
		payload(`{"generation":"` + canary + `"}`),
		payload(`{"tokens":{"received_at":"` + canary + `"}}`),
		payload(`{"tokens":{"id":"` + canary + "\x01" + `"}}`),
		payload(`{"tokens":"` + canary + `"}`),
		payload(canary),
		[]byte(canary),
		[]byte(`{"schema":"` + canary + `","sha256":""}` + "\n"),
	}
	for _, data := range decodes {
		if err := refuse(t, "canary", data); strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
			t.Errorf("error shows the secret: %v", err)
		}
	}
	record := storetest.Sample(storetest.Account("alice"), 1)
	record.Tokens.Refresh = store.NewSecret(canary + "\xff")
	if _, err := store.Encode(record); err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), canary) {
		t.Errorf("Encode of invalid UTF-8: %v", err)
	}
}

func TestChecksumIsOverEverything(t *testing.T) {
	t.Parallel()
	// The frame's rule, written out once more: a reader in another language
	// must be able to follow the comment in frame.go.
	data := encoded(t)
	payload, _ := bytes.CutSuffix(data[bytes.Index(data, []byte(`"record":`))+len(`"record":`):], []byte("}\n"))
	if want := storetest.Frame(store.Schema, "record", string(payload)); !bytes.Equal(want, data) {
		t.Errorf("frame is\n%.120s\nand by the rule\n%.120s", data, want)
	}
	if _, err := hex.DecodeString(string(data[len(`{"schema":3,"sha256":"`):][:64])); err != nil {
		t.Errorf("checksum: %v", err)
	}
}

func TestEncodeAccount(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "alice", "日本語", "\x00\"\\"} {
		want := storetest.Account(name)
		data, err := store.EncodeAccount(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := store.DecodeAccount(data); err != nil || got != want {
			t.Errorf("DecodeAccount: %+v, %v, want %+v", got, err, want)
		}
		for n := range data {
			if got, err := store.DecodeAccount(data[:n]); err == nil || got != (store.Account{}) {
				t.Errorf("first %d bytes: %+v, %v", n, got, err)
			}
		}
		refuse(t, "an account as a record", data)
	}
	if _, err := store.DecodeAccount(encoded(t)); err == nil {
		t.Error("DecodeAccount took a record")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encoded(f))
	f.Add([]byte{})
	f.Add([]byte("{}\n"))
	f.Add(storetest.Frame(1, "record", `{"generation":1,"account":{}}`))
	f.Add(storetest.Frame(1, "record", `{"generation":1,"generation":2}`))
	f.Add([]byte(`{"generation":1,"pending":[{"token":"t","since":"2026-03-14T15:09:26Z"}]}`))
	f.Add(storetest.Frame(3, "record", `{}`))
	f.Add([]byte(`{"generation":1,"account":{"pool_id":"p","client_id":"c","username":"u"},"tokens":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		// As it is, and as the payload of a good frame: else the checksum
		// would keep the fuzzer from ever reaching the JSON.
		for _, data := range [][]byte{data, storetest.Frame(1, "record", string(data)), storetest.Frame(2, "record", string(data))} {
			record, err := store.Decode(data)
			if err != nil {
				if !reflect.ValueOf(record).IsZero() {
					t.Fatal("error and half a record")
				}
				continue
			}
			again, err := store.Encode(record)
			if err != nil {
				t.Fatalf("decoded but does not encode: %v", err)
			}
			back, err := store.Decode(again)
			if err != nil {
				t.Fatalf("encoded but does not decode: %v", err)
			}
			if diff := storetest.Diff(record, back); diff != "" {
				t.Fatalf("does not survive:\n%s", diff)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data := encoded(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	record := storetest.Sample(storetest.Account("alice"), 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Encode(record); err != nil {
			b.Fatal(err)
		}
	}
}
