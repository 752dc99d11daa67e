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
	account := storetest.Account("josé/\u202e\"x\"")
	account.Service = "http://localhost:9229"
	record := storetest.Sample(account, 41)
	record.Ended = &store.Ended{Reason: "NotAuthorizedException", Detail: "Refresh Token has been revoked", At: record.SavedAt}
	record.Redirect = &store.Redirect{URI: "http://127.0.0.1:49152/callback", Browser: true}
	record.Tokens.Former, record.Tokens.DeviceRefused = store.NewSecret("former-41"), true
	if schema < 4 { // one identity, without its pool
		identity := record.Identities[1]
		record.Identities = []store.Identity{{ID: identity.ID, Credentials: identity.Credentials}}
		record.Issuer, record.Account.Service = "", ""
		record.Tokens.Former, record.Tokens.DeviceRefused = store.Secret{}, false
	}
	if schema < 3 {
		record.Federation, record.Redirect, record.Identities[0].Credentials.ReceivedAt = nil, nil, time.Time{}
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

// identities returns the payload of a record with n identities of different pools.
func identities(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"pool_id":"r:%d","id":"i"}`, i))
	}
	return `{"generation":1,"identities":[` + strings.Join(list, ",") + `]}`
}

// TestIdentities bounds the list on both ways and refuses entries that SetIdentity
// never makes.
func TestIdentities(t *testing.T) {
	t.Parallel()
	good := []string{
		identities(store.MaxIdentities),
		`{"generation":1,"identities":[]}`,
		`{"generation":1,"identities":[{"id":"of schema 3"},{"pool_id":"p","credentials":{}}]}`,
		`{"generation":1,"identities":[{"pool_id":"p","id":"i"},{"pool_id":"p","role":"r","id":"i"},{"pool_id":"p","endpoint":"e","id":"i"}]}`,
	}
	for _, payload := range good {
		record, err := store.Decode(storetest.Frame(4, "record", payload))
		if err != nil {
			t.Errorf("%s: %v", payload, err)
			continue
		}
		if _, err := store.Encode(record); err != nil {
			t.Errorf("%s: Encode: %v", payload, err)
		}
	}
	list := func(entries string) string { return `{"generation":1,"identities":[` + entries + `]}` }
	bad := map[string]string{
		"one too many":            identities(store.MaxIdentities + 1),
		"two of one key":          list(`{"pool_id":"p","id":"i"},{"pool_id":"p","id":"j"}`),
		"two without a pool":      list(`{"id":"i"},{"id":"j"}`),
		"neither id nor keys":     list(`{"pool_id":"p"}`),
		"an endpoint, no pool":    list(`{"endpoint":"e","id":"i"}`),
		"a role, no pool":         list(`{"role":"r","id":"i"}`),
		"null":                    list(`null`),
		"a text":                  list(`"i"`),
		"an unknown member":       list(`{"pool_id":"p","id":"i","token":"t"}`),
		"a duplicate member":      list(`{"pool_id":"p","id":"i","id":"j"}`),
		"credentials as text":     list(`{"pool_id":"p","credentials":"c"}`),
		"unknown in credentials":  list(`{"pool_id":"p","credentials":{"token":"t"}}`),
		"not closed":              `{"generation":1,"identities":[{"pool_id":"p","id":"i"}`,
		"an object":               `{"generation":1,"identities":{}}`,
		"identity id of schema 3": `{"generation":1,"identity_id":"i"}`,
		"credentials of schema 3": `{"generation":1,"credentials":{}}`,
		"their time in schema 3":  `{"generation":1,"credentials_received_at":"2026-03-14T15:09:26Z"}`,
	}
	for name, payload := range bad {
		refuse(t, name, storetest.Frame(4, "record", payload))
	}
	for schema := 1; schema < 4; schema++ {
		refuse(t, fmt.Sprintf("identities in schema %d", schema), storetest.Frame(schema, "record", identities(1)))
		refuse(t, fmt.Sprintf("an issuer in schema %d", schema), storetest.Frame(schema, "record", `{"generation":1,"issuer":"i"}`))
		refuse(t, fmt.Sprintf("a service in schema %d", schema), storetest.Frame(schema, "record", `{"generation":1,"account":{"service":"s"}}`))
	}
}

// TestEncodeRefuses is TestIdentities for records that a program makes by hand, and
// the bounds of texts.
func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	fits, long := strings.Repeat("x", store.MaxText), strings.Repeat("x", store.MaxText+1)
	record := func(change func(r *store.Record)) store.Record {
		r := storetest.Sample(storetest.Account("alice"), 1)
		change(&r)
		return r
	}
	longest := record(func(r *store.Record) {
		r.Account.Service, r.Issuer = fits, fits
		r.Identities = []store.Identity{{PoolID: fits, Endpoint: fits, Role: fits, ID: fits}}
	})
	data, err := store.Encode(longest)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := store.Decode(data); err != nil || storetest.Diff(longest, got) != "" {
		t.Errorf("the longest texts: %v", err)
	}
	bad := map[string]store.Record{
		"service":  record(func(r *store.Record) { r.Account.Service = long }),
		"issuer":   record(func(r *store.Record) { r.Issuer = long }),
		"pool":     record(func(r *store.Record) { r.Identities[0].PoolID = long }),
		"endpoint": record(func(r *store.Record) { r.Identities[0].Endpoint = long }),
		"role":     record(func(r *store.Record) { r.Identities[0].Role = long }),
		"id":       record(func(r *store.Record) { r.Identities[0].ID = long }),
		"one key":  record(func(r *store.Record) { r.Identities = append(r.Identities, r.Identities[0]) }),
		"empty":    record(func(r *store.Record) { r.Identities = []store.Identity{{PoolID: "p"}} }),
		"too many": record(func(r *store.Record) {
			for n := range store.MaxIdentities {
				r.Identities = append(r.Identities, store.Identity{PoolID: fmt.Sprint(n), ID: "i"})
			}
		}),
	}
	for name, r := range bad {
		if _, err := store.Encode(r); err == nil {
			t.Errorf("%s: Encode took it", name)
		}
		if err := store.NewMemory().Save(t.Context(), r, 0); err == nil {
			t.Errorf("%s: Memory took it", name)
		}
	}
	for schema := 1; schema <= store.Schema; schema++ {
		member := `"identity_id":"` + long + `"`
		if schema == 4 {
			member = `"issuer":"` + long + `"`
		}
		refuse(t, fmt.Sprintf("a long text in schema %d", schema), storetest.Frame(schema, "record", `{"generation":1,`+member+`}`))
	}
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
			Account:    store.Account{Scope: store.Scope{PoolID: draw("pool"), ClientID: draw("client"), Service: draw("service")}, Username: draw("username")},
			Sub:        draw("sub"),
			Drift:      time.Duration(rapid.Int64().Draw(t, "drift")),
			Issuer:     draw("issuer"),
		}
		if rapid.Bool().Draw(t, "full") {
			want.SignIn = &store.SignIn{LoginID: draw("login"), Flow: draw("flow")}
			want.Tokens = &store.Tokens{ID: secret("id"), Access: secret("access"), Refresh: secret("refresh"), ReceivedAt: instant.Draw(t, "received")}
			want.Device = &store.Device{Key: draw("key"), GroupKey: draw("group"), Password: secret("password")}
			for range rapid.IntRange(0, store.MaxIdentities).Draw(t, "identities") {
				want.SetIdentity(store.Identity{
					PoolID: "p" + draw("identity pool"), Endpoint: draw("endpoint"), Role: draw("role"), ID: draw("identity"),
					Credentials: &store.Credentials{
						AccessKeyID: draw("akid"), SecretAccessKey: secret("sak"),
						SessionToken: secret("token"), Expiration: instant.Draw(t, "expiration"), ReceivedAt: instant.Draw(t, "credentials"),
					},
				})
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
		"year 10000 in UTC":      `{"generation":1,` + account + `,"saved_at":"9999-12-31T23:59:59-23:59"}`,
		"year -1 in UTC":         `{"generation":1,` + account + `,"saved_at":"0000-01-01T00:00:00+23:59"}`,
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
		for schema := 1; schema <= store.Schema; schema++ {
			refuse(t, fmt.Sprintf("%s, schema %d", name, schema), storetest.Frame(schema, "record", payload))
		}
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
	sum := good[len(`{"schema":4,"sha256":"`):][:64]
	tests := map[string]string{
		"spaces":                  strings.Replace(good, `{"schema":4,`, `{"schema": 4,`, 1),
		"capital digits":          strings.Replace(good, sum, strings.ToUpper(sum), 1),
		"short checksum":          strings.Replace(good, sum, sum[:62], 1),
		"leading zero":            strings.Replace(good, `"schema":4`, `"schema":04`, 1),
		"schema as text":          strings.Replace(good, `"schema":4`, `"schema":"4"`, 1),
		"huge schema":             strings.Replace(good, `"schema":4`, `"schema":99999999999999999999`, 1),
		"no schema":               strings.Replace(good, `"schema":4`, `"schema":`, 1),
		"carriage return":         strings.Replace(good, "}\n", "}\r\n", 1),
		"byte order mark":         "\ufeff" + good,
		"UTF-16":                  "\xff\xfe{\x00",
		"schema 0":                string(storetest.Frame(0, "record", `{}`)),
		"over MaxSize":            string(storetest.Frame(3, "record", `"`+strings.Repeat("a", store.MaxSize)+`"`)),
		"newer with bad checksum": strings.Replace(good, `"schema":4`, `"schema":5`, 1),
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
	err := refuse(t, "schema 5", storetest.Frame(5, "record", `{"whatever":[1,2]}`))
	newer, ok := errors.AsType[*store.SchemaError](err)
	if !ok || newer.Found != 5 {
		t.Fatalf("got %v, want a SchemaError of schema 5", err)
	}
	for _, word := range []string{"schema 5", "up to 4", "upgrade"} {
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
		storetest.Frame(4, "record", `{"generation":1,"identities":[{"credentials":{"session_token":"`+canary+`","x":1}}]}`),
		storetest.Frame(4, "record", `{"generation":1,"identities":[{"pool_id":"`+canary+`"}]}`),
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
	if _, err := hex.DecodeString(string(data[len(`{"schema":4,"sha256":"`):][:64])); err != nil {
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

// TestEncodeAccountService keeps the bytes of an account without a service, which
// programs of schema 3 read, and wants schema 4 of one with a service.
func TestEncodeAccountService(t *testing.T) {
	t.Parallel()
	account := storetest.Account("alice")
	const plain = `{"pool_id":"us-east-1_AbCdEf123","client_id":"1h57kf5cpq17m0eml12EXAMPLE","username":"alice"}`
	data, err := store.EncodeAccount(account)
	if err != nil || !bytes.Equal(data, storetest.Frame(3, "account", plain)) {
		t.Errorf("EncodeAccount: %v, %s", err, data)
	}
	for schema := 1; schema <= store.Schema; schema++ {
		if got, err := store.DecodeAccount(storetest.Frame(schema, "account", plain)); err != nil || got != account {
			t.Errorf("schema %d: %+v, %v", schema, got, err)
		}
	}
	account.Service = "http://localhost:9229"
	served := strings.Replace(plain, `"username"`, `"service":"http://localhost:9229","username"`, 1)
	data, err = store.EncodeAccount(account)
	if err != nil || !bytes.Equal(data, storetest.Frame(4, "account", served)) {
		t.Errorf("EncodeAccount with a service: %v, %s", err, data)
	}
	if got, err := store.DecodeAccount(data); err != nil || got != account {
		t.Errorf("DecodeAccount with a service: %+v, %v", got, err)
	}
	if got, err := store.DecodeAccount(storetest.Frame(3, "account", served)); err == nil || got != (store.Account{}) {
		t.Errorf("a service in schema 3: %+v, %v", got, err)
	}
	account.Service = strings.Repeat("x", store.MaxText+1)
	if _, err := store.EncodeAccount(account); err == nil {
		t.Error("EncodeAccount took a service that is too long")
	}
	long := `{"pool_id":"p","client_id":"c","service":"` + account.Service + `","username":"u"}`
	if got, err := store.DecodeAccount(storetest.Frame(4, "account", long)); err == nil || got != (store.Account{}) {
		t.Errorf("a service that is too long: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encoded(f))
	f.Add([]byte{})
	f.Add([]byte(`{"generation":1,"saved_at":"9999-12-31T23:59:59-23:59"}`))
	f.Add([]byte("{}\n"))
	f.Add(storetest.Frame(1, "record", `{"generation":1,"account":{}}`))
	f.Add(storetest.Frame(1, "record", `{"generation":1,"generation":2}`))
	f.Add([]byte(`{"generation":1,"pending":[{"token":"t","since":"2026-03-14T15:09:26Z"}]}`))
	f.Add(storetest.Frame(3, "record", `{}`))
	for schema := 1; schema <= store.Schema; schema++ { // each schema's members, as a payload
		golden, err := os.ReadFile(goldenPath(schema))
		if err != nil {
			f.Fatal(err)
		}
		_, payload, _ := bytes.Cut(golden, []byte(`"record":`))
		f.Add(bytes.TrimSuffix(payload, []byte("}\n")))
	}
	f.Add([]byte(`{"generation":1,"account":{"pool_id":"p","client_id":"c","service":"s","username":"u"},"issuer":"i","identities":[{"pool_id":"r:p","id":"r:i"}]}`))
	f.Add([]byte(`{"generation":1,"account":{"pool_id":"p","client_id":"c","username":"u"},"tokens":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		// As it is, and as the payload of a good frame: else the checksum
		// would keep the fuzzer from ever reaching the JSON.
		frames := [][]byte{data}
		for schema := 1; schema <= store.Schema; schema++ {
			frames = append(frames, storetest.Frame(schema, "record", string(data)))
		}
		for _, data := range frames {
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
