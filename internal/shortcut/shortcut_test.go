package shortcut

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/credentialprocess"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// The place of a user who is signed in, and of a record to change.
type desk struct {
	config, home string
	files        *filestore.Store
	record       store.Record
}

const outputs = `{"version":"1.4","auth":{"aws_region":"us-east-1","user_pool_id":"us-east-1_a","user_pool_client_id":"app","identity_pool_id":"us-east-1:b"}}`

func newDesk(t testing.TB) *desk {
	t.Helper()
	dir := t.TempDir()
	d := &desk{config: filepath.Join(dir, userdirs.ConfigFile), home: filepath.Join(dir, "home")}
	if err := os.WriteFile(d.config, []byte(outputs), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if d.files, err = filestore.New(userdirs.Sessions(d.home)); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Round(0)
	d.record = store.Record{
		Account: store.Account{Scope: store.Scope{PoolID: "us-east-1_a", ClientID: "app"}, Username: "ann"},
		Sub:     "1", IdentityID: "us-east-1:c", SavedAt: now,
		Tokens: &store.Tokens{ID: minted(now, time.Hour, "id"), Access: minted(now, time.Hour, "access"), Refresh: store.NewSecret("r"), ReceivedAt: now},
		Credentials: &store.Credentials{
			AccessKeyID: "ASIA1", SecretAccessKey: store.NewSecret("secret"), SessionToken: store.NewSecret("token"),
			Expiration: now.Add(time.Hour), ReceivedAt: now,
		},
	}
	return d
}

// minted is a token that lives for a while; nobody here checks its signature.
func minted(now time.Time, life time.Duration, use string) store.Secret {
	claims, err := json.Marshal(map[string]any{"token_use": use, "sub": "1", "iat": now.Unix(), "exp": now.Add(life).Unix()})
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return store.NewSecret(encode([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encode(claims) + "." + encode([]byte("signature")))
}

// put stores the record and makes its account the active one.
func (d *desk) put(t testing.TB, record store.Record) {
	t.Helper()
	ctx := context.Background()
	old, err := d.files.Load(ctx, record.Account)
	if err != nil {
		old.Generation = 0
	}
	record.Generation = old.Generation + 1
	if err := d.files.Save(ctx, record, old.Generation); err != nil {
		t.Fatal(err)
	}
	if err := d.files.SetActive(ctx, record.Account); err != nil {
		t.Fatal(err)
	}
}

// ask asks for the credentials.
func (d *desk) ask() ([]byte, bool) {
	return Answer([]string{"credentials", "--config", d.config, "--home", d.home}, time.Now())
}

// askToken asks for a token. Its command has no flag for the home.
func (d *desk) askToken(use string) ([]byte, bool) {
	line := commandLine{config: d.config, home: d.home}
	if use == "id" {
		line.wanted = wantID
	}
	return line.answer(time.Now())
}

// TestAnswers: which records are answered from.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*store.Record)
		ok     bool
	}{
		"signed in": {func(*store.Record) {}, true},
		"tokens expired long ago": {func(r *store.Record) {
			r.Drift, r.Tokens.ReceivedAt = 9*time.Hour, r.Tokens.ReceivedAt.Add(-9*time.Hour)
		}, true},
		"revocations pending":  {func(r *store.Record) { r.Pending = []store.Revocation{{Token: store.NewSecret("x"), Since: r.SavedAt}} }, true},
		"signed out":           {func(r *store.Record) { r.Tokens, r.Ended = nil, &store.Ended{Reason: "signed-out", At: r.SavedAt} }, false},
		"ended by the service": {func(r *store.Record) { r.Ended = &store.Ended{Reason: "NotAuthorizedException", At: r.SavedAt} }, false},
		"no ID token":          {func(r *store.Record) { r.Tokens.ID = store.Secret{} }, false},
		"no credentials":       {func(r *store.Record) { r.Credentials = nil }, false},
		"credentials due": {func(r *store.Record) {
			r.Credentials.ReceivedAt, r.Credentials.Expiration = r.SavedAt.Add(-59*time.Minute), r.SavedAt.Add(time.Minute)
		}, false},
		"credentials expired": {func(r *store.Record) { r.Credentials.Expiration = r.SavedAt.Add(-time.Minute) }, false},
		"credentials from the future": {func(r *store.Record) {
			r.Credentials.ReceivedAt, r.Credentials.Expiration = r.SavedAt.Add(time.Hour), r.SavedAt.Add(2*time.Hour)
		}, false},
		"credentials that do not say when they came": {func(r *store.Record) { r.Credentials.ReceivedAt = time.Time{} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			record := d.record.Clone()
			test.change(&record)
			d.put(t, record)
			got, ok := d.ask()
			if ok != test.ok {
				t.Fatalf("answered %t: %q", ok, got)
			}
			if ok && !bytes.Equal(got, credentialprocess.Append(nil, *record.Credentials)) {
				t.Errorf("%q", got)
			}
		})
	}
}

// TestNothingToAnswerFrom: what is missing, damaged or made otherwise is left to
// the command, and left as it is.
func TestNothingToAnswerFrom(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, d *desk){
		"no configuration":     func(t *testing.T, d *desk) { d.config += ".missing" },
		"a folder":             func(t *testing.T, d *desk) { d.config = filepath.Dir(d.config) },
		"a long configuration": func(t *testing.T, d *desk) { d.write(t, d.config, outputs+strings.Repeat(" ", maxConfig)) },
		"another configuration": func(t *testing.T, d *desk) {
			d.write(t, d.config, strings.Replace(outputs, "us-east-1_a", "us-east-1_b", 1))
		},
		"no identity pool": func(t *testing.T, d *desk) {
			d.write(t, d.config, strings.Replace(outputs, "identity_pool_id", "id", 1))
		},
		"no sessions":          func(t *testing.T, d *desk) { d.home += "2" },
		"a damaged record":     func(t *testing.T, d *desk) { d.spoil(t, "*.json", `{"schema":3,`) },
		"a record to come":     func(t *testing.T, d *desk) { d.spoil(t, "*.json", `{"schema":99}`) },
		"a damaged pointer":    func(t *testing.T, d *desk) { d.spoil(t, "*.active", "x") },
		"nobody is active":     func(t *testing.T, d *desk) { d.remove(t, "*.active") },
		"a pointer to nothing": func(t *testing.T, d *desk) { d.remove(t, "*.json") },
		"the guest's is active": func(t *testing.T, d *desk) {
			record := d.record.Clone()
			record.Account.Username = ""
			d.put(t, record)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.put(t, d.record)
			if _, ok := d.ask(); !ok {
				t.Fatal("there was no answer before")
			}
			spoil(t, d)
			before := d.listing(t)
			if got, ok := d.ask(); ok {
				t.Errorf("answered %q", got)
			}
			if after := d.listing(t); after != before {
				t.Errorf("the folder was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

func (d *desk) write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// find is the one file of a pattern.
func (d *desk) find(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(d.files.Dir(), pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	return found[0]
}

func (d *desk) spoil(t *testing.T, pattern, content string) {
	t.Helper()
	d.write(t, d.find(t, pattern), content)
}

func (d *desk) remove(t *testing.T, pattern string) {
	t.Helper()
	if err := os.Remove(d.find(t, pattern)); err != nil {
		t.Fatal(err)
	}
}

// listing tells the names, sizes and times of the stored files.
func (d *desk) listing(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(d.files.Dir())
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&list, info.Name(), info.Size(), info.ModTime().UnixNano(), info.Mode())
	}
	return list.String()
}

// refusing fails every request: nothing must be asked of the service.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the service was called")
}

// TestAgreesWithTheClient: whatever the record, an answer is what the client would
// hand out, without a word with the service.
func TestAgreesWithTheClient(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	config, err := latchkey.LoadConfig(d.config)
	if err != nil {
		t.Fatal(err)
	}
	config.Store, config.HTTPClient = d.files, &http.Client{Transport: refusing{}}
	answers := make(map[string]int)
	rapid.Check(t, func(r *rapid.T) {
		d.put(t, draw(r, d.record))
		for _, use := range []string{"credentials", "access", "id"} {
			ask := d.ask
			if use != "credentials" {
				ask = func() ([]byte, bool) { return d.askToken(use) }
			}
			answer, ok := ask()
			if !ok {
				continue
			}
			answers[use]++
			if want, err := handedOut(t.Context(), config, use); err != nil || !bytes.Equal(answer, want) {
				r.Fatalf("%s: answered %q; the client gives %q, %v", use, answer, want, err)
			}
		}
	})
	for _, use := range []string{"credentials", "access", "id"} {
		if answers[use] == 0 {
			t.Errorf("%s: there was never an answer", use)
		}
	}
}

// handedOut is what a client that has just started hands out.
func handedOut(ctx context.Context, config latchkey.Config, use string) ([]byte, error) {
	client, err := latchkey.New(config)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if use == "credentials" {
		got, err := client.FetchCredentials(ctx)
		return credentialprocess.Append(nil, got), err
	}
	session, err := client.FetchSession(ctx, latchkey.TokensOnly())
	if err != nil {
		return nil, err
	}
	tokens, err := session.Tokens()
	if err != nil {
		return nil, err
	}
	if use == "id" {
		return []byte(tokens.ID.Raw() + "\n"), nil
	}
	return []byte(tokens.Access.Raw() + "\n"), nil
}

// draw changes a record, mostly to what could be.
func draw(r *rapid.T, whole store.Record) store.Record {
	record := whole.Clone()
	minutes := rapid.Custom(func(r *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(-90, 90).Draw(r, "minutes")) * time.Minute
	})
	now := time.Now().Round(0)
	record.Drift = minutes.Draw(r, "drift")
	record.Tokens.ReceivedAt = now.Add(minutes.Draw(r, "tokens received"))
	issued := record.Tokens.ReceivedAt.Add(record.Drift)
	record.Tokens.Access = minted(issued, time.Hour, "access")
	record.Tokens.ID = minted(issued, minutes.Draw(r, "ID token's life"), "id")
	record.Credentials.ReceivedAt = now.Add(minutes.Draw(r, "received"))
	record.Credentials.Expiration = now.Add(2 * minutes.Draw(r, "expires"))
	switch rapid.IntRange(0, 12).Draw(r, "kind") {
	case 0:
		record.Tokens = nil
	case 1:
		record.Tokens.ID = store.Secret{}
	case 2:
		record.Tokens.ID = store.NewSecret("x.y.z")
	case 3:
		record.Credentials = nil
	case 4:
		record.Ended = &store.Ended{Reason: "signed-out", At: now}
	case 5:
		record.Credentials.ReceivedAt = time.Time{}
	case 6:
		record.Tokens.ReceivedAt = time.Time{}
	case 7:
		record.Drift = 30 * time.Hour
	case 8:
		record.Tokens.Access = minted(issued, -time.Second, "access")
	}
	return record
}
