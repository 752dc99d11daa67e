package latchkey_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/account"
	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/latchkeytest"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// administer performs a signed operation of the user pool.
func administer(t *testing.T, srv *latchkeytest.Server, operation string, request any) {
	t.Helper()
	body, err := wire.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderTarget, wire.Target(wire.UserPools, operation))
	credentials := sigv4.Credentials{AccessKeyID: latchkeytest.AccessKeyID, SecretAccessKey: secret.New(latchkeytest.SecretAccessKey)}
	sigv4.Sign(r, body, credentials, latchkeytest.Region, wire.UserPools.SigningName(), time.Now())
	answer, err := srv.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", operation, answer.StatusCode, text, err)
	}
}

// manyGroups puts ann into 100 groups, which Cognito allows at most.
func manyGroups(t *testing.T, srv *latchkeytest.Server, name func(i int) string, role string) {
	t.Helper()
	for i := range 100 {
		role := role
		if role != "" {
			role = fmt.Sprintf("%s-%03d", role, i)
		}
		administer(t, srv, "CreateGroup", &wire.CreateGroupRequest{UserPoolId: srv.UserPoolID, GroupName: name(i), RoleArn: role})
		administer(t, srv, "AdminAddUserToGroup", &wire.AdminAddUserToGroupRequest{UserPoolId: srv.UserPoolID, Username: "ann", GroupName: name(i)})
	}
}

// TestLongTokens: a user whose tokens have more than 16 KiB has a session like any other,
// by password and by the sign-in pages, also after a restart.
func TestLongTokens(t *testing.T) {
	t.Parallel()
	named := func(length int, letter string) func(int) string {
		return func(i int) string { return fmt.Sprintf("%03d", i) + strings.Repeat(letter, length-3) }
	}
	for title, test := range map[string]struct {
		name func(int) string
		role string
		size int // at least, of the ID token
	}{
		"names of 128 characters":      {named(128, "g"), "", 17_000},
		"names of 40, with roles":      {named(40, "g"), latchkeytest.AuthenticatedRole, 12_000},
		"names of 40, with long roles": {named(40, "g"), "arn:aws:iam::123456789012:role/" + strings.Repeat("p", 200), 35_000},
		"letters of two bytes":         {named(128, "é"), "", 33_000},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			srv := latchkeytest.NewServer(t)
			srv.AddUser(latchkeytest.User{Username: "ann", Password: password, Attributes: map[string]string{"email": "ann@example.com"}})
			manyGroups(t, srv, test.name, test.role)
			folder := t.TempDir()
			start := func() *latchkey.Client {
				sessions, err := filestore.New(folder)
				if err != nil {
					t.Fatal(err)
				}
				config := srv.Config()
				config.Store = sessions
				return open(t, config)
			}
			client := start()
			signIn(t, client)
			useLongTokens(t, srv, client, test.size)
			if err := client.Close(); err != nil {
				t.Error(err)
			}
			calls := srv.Calls("GetTokensFromRefreshToken")
			client = start()
			if got, err := tokens(t, client); err != nil || len(got.ID.Raw()) < test.size || srv.Calls("GetTokensFromRefreshToken") != calls {
				t.Errorf("after a restart: %v", err)
			}
			if _, err := tokens(t, client, latchkey.ForceRefresh()); err != nil {
				t.Errorf("refresh after a restart: %v", err)
			}
			if report, err := client.GlobalSignOut(t.Context()); err != nil || !report.Global {
				t.Errorf("GlobalSignOut: %+v, %v", report, err)
			}
			// The sign-in pages.
			address, flow, err := client.AuthCodeURL(latchkey.RedirectTo(latchkeytest.CallbackURL))
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Exchange(t.Context(), flow, newPerson(t).signIn(t.Context(), address)); err != nil {
				t.Fatalf("Exchange: %v", err)
			}
			useLongTokens(t, srv, client, test.size)
		})
	}
}

// useLongTokens does with the session of a client what there is to do.
func useLongTokens(t *testing.T, srv *latchkeytest.Server, client *latchkey.Client, size int) {
	t.Helper()
	got, err := tokens(t, client, latchkey.ForceRefresh())
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	if len(got.ID.Raw()) < size {
		t.Errorf("the ID token has only %d bytes", len(got.ID.Raw()))
	}
	if _, err := client.FetchCredentials(t.Context()); err != nil {
		t.Errorf("credentials: %v", err)
	}
	if attributes, err := account.Of(client).Attributes(t.Context()); err != nil || attributes["email"] != "ann@example.com" {
		t.Errorf("GetUser: %v, %v", attributes, err)
	}
	if slices.Contains(got.Access.Scopes(), "openid") {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.PagesURL()+"/oauth2/userInfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+got.Access.Raw())
		answer, err := srv.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("userInfo: %d", answer.StatusCode)
		}
	}
	verify := func(most int) error {
		verifier, err := jwt.NewVerifier(jwt.Config{Issuer: srv.Issuer(), ClientIDs: []string{srv.ClientID}, MaxTokenBytes: most})
		if err != nil {
			t.Fatal(err)
		}
		_, err = verifier.VerifyID(t.Context(), got.ID.Raw())
		return err
	}
	if err := verify(0); err != nil {
		t.Errorf("a verifier with the default bound: %v", err)
	}
	if err := verify(8 << 10); err == nil {
		t.Error("a verifier with a bound of 8 KiB accepts the token")
	}
}

// TestTooManyGroups: what the service does not issue does not end a session, and the error
// says what to do.
func TestTooManyGroups(t *testing.T) {
	t.Parallel()
	srv, client := service(t)
	signIn(t, client)
	named := func(i int) string { return fmt.Sprintf("%03d", i) + strings.Repeat("語", 125) }
	for i := range 99 { // service has put ann into one
		administer(t, srv, "CreateGroup", &wire.CreateGroupRequest{UserPoolId: srv.UserPoolID, GroupName: named(i)})
		administer(t, srv, "AdminAddUserToGroup", &wire.AdminAddUserToGroupRequest{UserPoolId: srv.UserPoolID, Username: "ann", GroupName: named(i)})
	}
	_, err := tokens(t, client, latchkey.ForceRefresh())
	wantTooLong(t, err)
	_, err = open(t, srv.Config()).SignIn(t.Context(), latchkey.Password("ann", password))
	wantTooLong(t, err)
	for i := range 10 {
		administer(t, srv, "AdminRemoveUserFromGroup", &wire.AdminRemoveUserFromGroupRequest{UserPoolId: srv.UserPoolID, Username: "ann", GroupName: named(i)})
	}
	if got, err := tokens(t, client, latchkey.ForceRefresh()); err != nil || len(got.Access.Groups()) != 90 {
		t.Errorf("with fewer groups: %v", err)
	}
}

func wantTooLong(t *testing.T, err error) {
	t.Helper()
	if text := fmt.Sprint(err); !strings.Contains(text, latchkey.ErrConfig.Error()) || !strings.Contains(text, "at most 50000 are possible") || strings.Contains(text, "proxy") {
		t.Errorf("the error is %v", err)
	}
}
