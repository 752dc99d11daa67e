package latchkeytest_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/tempkey"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/latchkeytest"
)

// ask performs an operation of the identity pool as any client does.
func ask[Response any](t *testing.T, srv *latchkeytest.Server, operation string, request any) (*Response, error) {
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
	r.Header.Set(wire.HeaderTarget, wire.Target(wire.IdentityPools, operation))
	answer, err := srv.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, wire.ReadException(answer.StatusCode, answer.Header, data)
	}
	response := new(Response)
	return response, wire.Unmarshal(data, response)
}

// TestIdentityPool: every server has one, whose credentials open with the
// server's key and last as long as the test says.
func TestIdentityPool(t *testing.T) {
	t.Parallel()
	srv := latchkeytest.NewServer(t, latchkeytest.CredentialLife(20*time.Minute))
	config := srv.Config()
	if config.IdentityPoolID != srv.IdentityPoolID || config.IdentityPoolEndpoint != srv.URL || !config.AllowGuests {
		t.Errorf("configuration %q at %q, guests %v", config.IdentityPoolID, config.IdentityPoolEndpoint, config.AllowGuests)
	}
	id, err := ask[wire.GetIdResponse](t, srv, "GetId", &wire.GetIdRequest{IdentityPoolId: srv.IdentityPoolID})
	if err != nil {
		t.Fatal(err)
	}
	out, err := ask[wire.GetCredentialsForIdentityResponse](t, srv, "GetCredentialsForIdentity",
		&wire.GetCredentialsForIdentityRequest{IdentityId: id.IdentityId})
	if err != nil {
		t.Fatal(err)
	}
	codec, err := tempkey.New(srv.CredentialKey)
	if err != nil {
		t.Fatal(err)
	}
	claims, _, err := codec.Open(out.Credentials.AccessKeyId, string(out.Credentials.SessionToken), srv.Now())
	if err != nil {
		t.Fatal(err)
	}
	if claims.IdentityID != id.IdentityId || claims.PoolID != srv.IdentityPoolID || claims.RoleARN != latchkeytest.GuestRole || claims.Authenticated {
		t.Errorf("claims %+v", claims)
	}
	if left := out.Credentials.Expiration.Sub(srv.Now()); left > 20*time.Minute || left < 19*time.Minute {
		t.Errorf("%v left, want twenty minutes", left)
	}
}

func TestGuestsOff(t *testing.T) {
	t.Parallel()
	srv := latchkeytest.NewServer(t, latchkeytest.GuestsOff())
	if srv.Config().AllowGuests {
		t.Error("the configuration allows guests")
	}
	_, err := ask[wire.GetIdResponse](t, srv, "GetId", &wire.GetIdRequest{IdentityPoolId: srv.IdentityPoolID})
	if !wire.IsException(err, wire.NotAuthorizedException) {
		t.Errorf("error %v, want that guests are refused", err)
	}
}

// TestLogins: the identity pool takes who the options say: another provider's
// users, here another test server's identities, and the application's own.
func TestLogins(t *testing.T) {
	t.Parallel()
	issuer := latchkeytest.NewServer(t, latchkeytest.DeveloperProvider("login.other.app"))
	srv := latchkeytest.NewServer(t,
		latchkeytest.LoginProvider(issuer.IdentityIssuer(), issuer.IdentityPoolID), latchkeytest.DeveloperProvider("login.example.app"))
	subject, foreign := issuer.DeveloperToken("ann")
	name := issuer.IdentityIssuer()[len("http://"):]
	id, err := ask[wire.GetIdResponse](t, srv, "GetId", &wire.GetIdRequest{IdentityPoolId: srv.IdentityPoolID, Logins: wire.Parameters{name: foreign}})
	if err != nil || id.IdentityId == subject {
		t.Fatalf("identity %+v, %v", id, err)
	}
	own, token := srv.DeveloperToken("ann")
	credentials := func() error {
		_, err := ask[wire.GetCredentialsForIdentityResponse](t, srv, "GetCredentialsForIdentity", &wire.GetCredentialsForIdentityRequest{
			IdentityId: own, Logins: wire.Parameters{"cognito-identity.amazonaws.com": token},
		})
		return err
	}
	if err := credentials(); err != nil || own == id.IdentityId {
		t.Errorf("identity %s, %v", own, err)
	}
	srv.DeleteIdentity(own)
	if err := credentials(); !wire.IsException(err, wire.ResourceNotFoundException) {
		t.Errorf("after the identity was deleted: %v", err)
	}
}
