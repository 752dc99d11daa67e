package notes_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/shortcut"
	"github.com/latchkey-auth/latchkey/internal/shortcut/notes"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/store"
)

// home makes a desk whose home the environment names. Tests that use it are not
// parallel.
func home(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	t.Setenv(userdirs.HomeVariable, d.home)
	return d
}

// TestAgreesWithTheClient: whatever the record, an answer is what the client would
// hand out, without a word with the service.
func TestAgreesWithTheClient(t *testing.T) {
	d := home(t)
	answers := make(map[string]int)
	rapid.Check(t, func(r *rapid.T) {
		d.put(t, draw(r, d.record))
		d.leave(t)
		for wish := range wishes {
			answer, ok := d.ask(t, wish)
			if !ok {
				continue
			}
			answers[wish]++
			if want, err := d.handedOut(t.Context(), wish); err != nil || !bytes.Equal(answer, want) {
				r.Fatalf("%s: answered %q; the client gives %q, %v", wish, answer, want, err)
			}
		}
	})
	for wish := range wishes {
		if answers[wish] == 0 {
			t.Errorf("%s: there was never an answer", wish)
		}
	}
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

// TestWhatIsNoted: which records are answered from.
func TestWhatIsNoted(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*store.Record)
		want   string // what there is an answer to
	}{
		"signed in":           {func(*store.Record) {}, "credentials access id"},
		"no ID token":         {func(r *store.Record) { r.Tokens.ID = store.Secret{} }, "access"},
		"no refresh token":    {func(r *store.Record) { r.Tokens.Refresh = store.Secret{} }, "credentials access id"},
		"no credentials":      {func(r *store.Record) { r.Credentials = nil }, "access id"},
		"no session token":    {func(r *store.Record) { r.Credentials.SessionToken = store.Secret{} }, "access id"},
		"credentials expired": {func(r *store.Record) { r.Credentials.Expiration = r.SavedAt.Add(-time.Minute) }, "access id"},
		"credentials due": {func(r *store.Record) {
			r.Credentials.ReceivedAt, r.Credentials.Expiration = r.SavedAt.Add(-59*time.Minute), r.SavedAt.Add(time.Minute)
		}, "access id"},
		"tokens expired": {func(r *store.Record) {
			r.Tokens.ReceivedAt = r.SavedAt.Add(-2 * time.Hour)
			r.Tokens.Access = minted(r.Tokens.ReceivedAt, time.Hour, "access")
		}, "credentials"},
		"an access token that nobody can read": {func(r *store.Record) { r.Tokens.Access = store.NewSecret("x") }, "credentials"},
		"an ID token that nobody can read":     {func(r *store.Record) { r.Tokens.ID = store.NewSecret("x") }, "credentials"},
		"a clock an hour behind":               {func(r *store.Record) { r.Drift = time.Hour }, "credentials"},
		"ended by the service":                 {func(r *store.Record) { r.Ended = &store.Ended{Reason: "x", At: r.SavedAt} }, ""},
		"signed out":                           {func(r *store.Record) { r.Tokens, r.Ended = nil, &store.Ended{Reason: "signed-out", At: r.SavedAt} }, ""},
		"the guest's":                          {func(r *store.Record) { r.Account.Username = "" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := home(t)
			record := d.record.Clone()
			test.change(&record)
			d.put(t, record)
			d.leave(t)
			for wish := range wishes {
				got, ok := d.ask(t, wish)
				if want := strings.Contains(" "+test.want+" ", " "+wish+" "); ok != want {
					t.Errorf("%s: answered %t, want %t: %q", wish, ok, want, got)
				}
			}
		})
	}
}

// TestNoteHoldsNoSecret: what is secret stays in the store's files.
func TestNoteHoldsNoSecret(t *testing.T) {
	d := home(t)
	d.put(t, d.record)
	d.leave(t)
	note, err := os.ReadFile(shortcut.NotePath(d.home, d.config))
	if err != nil {
		t.Fatal(err)
	}
	c, tokens := d.record.Credentials, d.record.Tokens
	for _, secret := range []store.Secret{c.SecretAccessKey, c.SessionToken, tokens.Access, tokens.ID, tokens.Refresh} {
		if value := secret.Reveal(); len(value) > 3 && bytes.Contains(note, []byte(value)) {
			t.Errorf("%q stands in %s", value, note)
		}
	}
	if !bytes.Contains(note, []byte(`"Expiration":"`)) {
		t.Errorf("it does not hold what is not secret: %s", note)
	}
}

// TestChangesEndTheNote: after any change of the files there is no answer from the
// note, and the files are left as they are.
func TestChangesEndTheNote(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, d *desk){
		"a refresh":        func(t *testing.T, d *desk) { d.put(t, d.record) },
		"a sign-out":       func(t *testing.T, d *desk) { check(t, d.files.Delete(t.Context(), d.record.Account)) },
		"another account":  func(t *testing.T, d *desk) { d.record.Account.Username = "bob"; d.put(t, d.record) },
		"nobody active":    func(t *testing.T, d *desk) { check(t, os.Remove(d.files.ActivePath(d.record.Account.Scope))) },
		"no record":        func(t *testing.T, d *desk) { check(t, os.Remove(d.files.RecordPath(d.record.Account))) },
		"no configuration": func(t *testing.T, d *desk) { check(t, os.Remove(d.config)) },
		"another configuration": func(t *testing.T, d *desk) {
			write(t, d.config, strings.Replace(outputs, "us-east-1:b", "us-east-1:d", 1))
		},
		"a longer configuration":   func(t *testing.T, d *desk) { write(t, d.config, outputs+"\n") },
		"a huge configuration":     func(t *testing.T, d *desk) { write(t, d.config, outputs+strings.Repeat(" ", shortcut.MaxFile)) },
		"a configuration's folder": func(t *testing.T, d *desk) { check(t, os.Remove(d.config)); check(t, os.Mkdir(d.config, 0o700)) },
		"no note":                  func(t *testing.T, d *desk) { check(t, os.RemoveAll(userdirs.Notes(d.home))) },
		"another home":             func(t *testing.T, d *desk) { t.Setenv(userdirs.HomeVariable, d.home+"2") },
	} {
		t.Run(name, func(t *testing.T) { endsTheNote(t, change) })
	}
}

// endsTheNote checks that there is an answer before a change, and none after it.
func endsTheNote(t *testing.T, change func(t *testing.T, d *desk)) {
	t.Helper()
	d := home(t)
	d.put(t, d.record)
	d.leave(t)
	if _, ok := d.ask(t, shortcut.Credentials); !ok {
		t.Fatal("there was no answer before")
	}
	change(t, d)
	for wish := range wishes {
		if got, ok := d.ask(t, wish); ok {
			t.Errorf("%s: answered %q", wish, got)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryBitOfTheRecord: a record that is damaged anywhere is left to the command.
func TestEveryBitOfTheRecord(t *testing.T) {
	d := home(t)
	d.put(t, d.record)
	d.leave(t)
	path := d.files.RecordPath(d.record.Account)
	whole, err := os.ReadFile(path)
	check(t, err)
	for at := range whole {
		bent := bytes.Clone(whole)
		bent[at] ^= 1 << (at % 8)
		write(t, path, string(bent))
		if got, ok := d.ask(t, shortcut.Credentials); ok {
			t.Fatalf("with a bit of byte %d turned: %q", at, got)
		}
		if at%50 == 0 {
			write(t, path, string(whole[:at]))
			if got, ok := d.ask(t, shortcut.Credentials); ok {
				t.Fatalf("cut after %d bytes: %q", at, got)
			}
		}
	}
	write(t, path, string(whole))
	if _, ok := d.ask(t, shortcut.Credentials); !ok {
		t.Error("there is no answer from the whole record")
	}
}

// TestNothingToNote: what Leave refuses, and that it leaves what is there.
func TestNothingToNote(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if err := notes.Leave(d.config, d.home, time.Now()); !errors.Is(err, notes.ErrNothing) {
		t.Errorf("with nobody signed in: %v", err)
	}
	d.put(t, d.record)
	if err := notes.Leave(d.config+".missing", d.home, time.Now()); !errors.Is(err, notes.ErrNothing) {
		t.Errorf("without a configuration: %v", err)
	}
	if err := notes.Leave(d.config, d.home, time.Now().Add(2*time.Hour)); !errors.Is(err, notes.ErrNothing) {
		t.Errorf("when all has expired: %v", err)
	}
	write(t, d.config, "{")
	if err := notes.Leave(d.config, d.home, time.Now()); err == nil {
		t.Error("a note about a configuration that nobody can read")
	}
	write(t, d.config, outputs)
	write(t, d.files.RecordPath(d.record.Account), "{")
	if err := notes.Leave(d.config, d.home, time.Now()); err == nil {
		t.Error("a note about a damaged record")
	}
	if found, _ := filepath.Glob(filepath.Join(userdirs.Notes(d.home), "*")); len(found) > 0 {
		t.Errorf("there are %q", found)
	}
}
