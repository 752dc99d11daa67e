package latchkey_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/latchkeytest"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// facetsOf fetches the identity pool's facets, which must be there.
func facetsOf(t *testing.T, client *latchkey.Client, options ...latchkey.FetchOption) (string, latchkey.Credentials) {
	t.Helper()
	session, err := client.FetchSession(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	id, err := session.IdentityID()
	if err != nil {
		t.Fatalf("IdentityID: %v", err)
	}
	credentials, err := session.Credentials()
	if err != nil {
		t.Fatalf("Credentials: %v", err)
	}
	return id, credentials
}

// TestIdentityOfTheService: against the service, a user's identity is the same on
// two devices, over refreshes and restarts, a guest's becomes the user's, and a
// later guest is another.
func TestIdentityOfTheService(t *testing.T) {
	t.Parallel()
	srv, first := service(t)
	guest, guestKeys := facetsOf(t, first)
	signIn(t, first)
	id, keys := facetsOf(t, first)
	if id != guest || keys.AccessKeyID == guestKeys.AccessKeyID {
		t.Errorf("identity %s, the guest's was %s", id, guest)
	}
	if left := time.Until(keys.Expiration); left < 55*time.Minute || left > 65*time.Minute {
		t.Errorf("credentials last for %v", left)
	}
	renewed, others := facetsOf(t, first, latchkey.ForceRefresh())
	if renewed != id || others.AccessKeyID == keys.AccessKeyID {
		t.Errorf("identity %s after a forced refresh, want %s", renewed, id)
	}
	cfg := srv.Config()
	var err error
	if cfg.Store, err = filestore.New(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	second := open(t, cfg)
	other, _ := facetsOf(t, second)
	signIn(t, second)
	if same, _ := facetsOf(t, second); same != id || other == id {
		t.Errorf("identity %s on a second device, want %s", same, id)
	}
	again := open(t, cfg)
	if same, kept := facetsOf(t, again); same != id || kept.AccessKeyID == "" {
		t.Errorf("identity %s after a restart, want %s", same, id)
	}
	if _, err := second.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if next, _ := facetsOf(t, second); next == id || next == other {
		t.Errorf("the next guest is %s", next)
	}
}

// TestColdCallersOfTheService: twenty callers of a cold client, over files, are all
// given the same.
func TestColdCallersOfTheService(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	cfg := srv.Config()
	var err error
	if cfg.Store, err = filestore.New(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	clients := []*latchkey.Client{open(t, cfg), open(t, cfg)}
	signIn(t, clients[0])
	var group sync.WaitGroup
	keys := make([]string, 20)
	for i := range keys {
		group.Go(func() {
			credentials, err := clients[i%2].FetchCredentials(t.Context())
			if err != nil {
				t.Error(err)
			}
			keys[i] = credentials.AccessKeyID
		})
	}
	group.Wait()
	for _, key := range keys {
		if key != keys[0] {
			t.Fatalf("keys %v", keys)
		}
	}
}

// TestGuestsOffAtTheService: the pool's own refusal is ErrGuestsDisabled too.
func TestGuestsOffAtTheService(t *testing.T) {
	t.Parallel()
	srv := latchkeytest.NewServer(t, latchkeytest.GuestsOff())
	cfg := srv.Config()
	cfg.AllowGuests = true
	_, err := open(t, cfg).FetchCredentials(t.Context())
	if e, ok := errors.AsType[*latchkey.Error](err); !ok || !errors.Is(err, latchkey.ErrGuestsDisabled) || e.Code != "NotAuthorizedException" {
		t.Errorf("FetchCredentials: %v", err)
	}
}

// TestFederateAtTheService: a user pool's ID token is one more OpenID token to an
// identity pool, so that a client without a user pool can bring it.
func TestFederateAtTheService(t *testing.T) {
	t.Parallel()
	srv, user := service(t)
	signIn(t, user)
	id, _ := facetsOf(t, user)
	cfg := srv.Config()
	cfg.UserPoolID, cfg.ClientID = "", ""
	client := open(t, cfg)
	provider := "cognito-idp." + latchkeytest.Region + ".amazonaws.com/" + srv.UserPoolID
	session, err := client.Federate(t.Context(), latchkey.Federation{Provider: provider, Source: func(ctx context.Context) (latchkey.Secret, error) {
		session, err := user.FetchSession(ctx)
		if err != nil {
			return latchkey.Secret{}, err
		}
		tokens, err := session.Tokens()
		return latchkey.NewSecret(tokens.ID.Raw()), err
	}})
	if err != nil {
		t.Fatal(err)
	}
	if same, err := session.IdentityID(); err != nil || same != id {
		t.Errorf("identity %s, %v, want %s", same, err, id)
	}
	_, err = client.Federate(t.Context(), latchkey.Federation{Provider: provider, Token: latchkey.NewSecret("rubbish")})
	if !errors.Is(err, latchkey.ErrConfig) {
		t.Errorf("Federate with a token that is none: %v", err)
	}
	if same, _ := facetsOf(t, client, latchkey.ForceRefresh()); same != id {
		t.Errorf("identity %s after a refused federation, want %s", same, id)
	}
}
