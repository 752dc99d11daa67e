package notes_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/credentialprocess"
	"github.com/latchkey-auth/latchkey/internal/shortcut"
	"github.com/latchkey-auth/latchkey/internal/shortcut/notes"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// desk is the place of a user who is signed in, and of a record to change.
type desk struct {
	config, home string
	files        *filestore.Store
	record       store.Record
}

const outputs = `{"version":"1.4","auth":{"aws_region":"us-east-1","user_pool_id":"us-east-1_a","user_pool_client_id":"app","identity_pool_id":"us-east-1:b"}}`

// wishes are the command lines of what can be asked for.
var wishes = map[string][]string{
	shortcut.Credentials: {"credentials"}, shortcut.Access: {"token"}, shortcut.ID: {"token", "id"},
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	dir := t.TempDir()
	d := &desk{config: filepath.Join(dir, userdirs.ConfigFile), home: filepath.Join(dir, "home")}
	write(t, d.config, outputs)
	var err error
	if d.files, err = filestore.New(userdirs.Sessions(d.home)); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Round(0)
	d.record = store.Record{
		Account: store.Account{Scope: store.Scope{PoolID: "us-east-1_a", ClientID: "app"}, Username: "ann"},
		Sub:     "1", IdentityID: "us-east-1:c", SavedAt: now,
		Tokens: &store.Tokens{
			ID: minted(now, time.Hour, "id"), Access: minted(now, time.Hour, "access"),
			Refresh: store.NewSecret("r"), ReceivedAt: now,
		},
		Credentials: &store.Credentials{
			AccessKeyID: "ASIA1", SecretAccessKey: store.NewSecret(`sec/ret+"`), SessionToken: store.NewSecret("token=\\"),
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

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// put stores a record and makes its account the active one.
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

// leave leaves a note, if there is something to note.
func (d *desk) leave(t testing.TB) {
	t.Helper()
	if err := notes.Leave(d.config, d.home, time.Now()); err != nil && !errors.Is(err, notes.ErrNothing) {
		t.Fatal(err)
	}
}

// ask asks the shortcut, whose two commands do not both have a flag for the home.
func (d *desk) ask(t testing.TB, wish string) ([]byte, bool) {
	t.Helper()
	return shortcut.Answer(append(wishes[wish], "--config", d.config), time.Now())
}

// refusing fails every request: nothing must be asked of the service.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the service was called")
}

// handedOut is what a client that has just started hands out.
func (d *desk) handedOut(ctx context.Context, wish string) ([]byte, error) {
	config, err := latchkey.LoadConfig(d.config)
	if err != nil {
		return nil, err
	}
	config.Store, config.HTTPClient = d.files, &http.Client{Transport: refusing{}}
	client, err := latchkey.New(config)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if wish == shortcut.Credentials {
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
	if wish == shortcut.ID {
		return []byte(tokens.ID.Raw() + "\n"), nil
	}
	return []byte(tokens.Access.Raw() + "\n"), nil
}
