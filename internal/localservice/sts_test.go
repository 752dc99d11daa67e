package localservice

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

// TestSTS: with an STS the identity pool's credentials are what it answers to the
// identity's token; the life is what was set.
func TestSTS(t *testing.T) {
	ctx := context.Background()
	var token, seconds string
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, seconds = r.PostFormValue("WebIdentityToken"), r.PostFormValue("DurationSeconds")
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
			<AccessKeyId>ASIAOFANOTHER</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration>
			</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(sts.Close)
	o := options(t.TempDir())
	o.STS, o.CredentialLife = sts.URL, 20*time.Minute
	s, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	pool := s.Ready().IdentityPoolID
	id, err := perform[wire.GetIdResponse](ctx, s.server, "GetId", &wire.GetIdRequest{IdentityPoolId: pool})
	if err != nil {
		t.Fatal(err)
	}
	out, err := perform[wire.GetCredentialsForIdentityResponse](ctx, s.server, "GetCredentialsForIdentity", &wire.GetCredentialsForIdentityRequest{IdentityId: id.IdentityId})
	if err != nil || out.Credentials.AccessKeyId != "ASIAOFANOTHER" {
		t.Fatalf("%+v, %v", out, err)
	}
	decoded, err := jwt.Decode(token)
	if err != nil || decoded.Subject() != id.IdentityId || seconds != "1200" {
		t.Errorf("the STS was shown a token of %q (%v), for %s s", decoded.Subject(), err, seconds)
	}
	o = options(t.TempDir())
	o.STS = "http://sts.example.com"
	if _, err := Open(ctx, o); err == nil || !strings.Contains(err.Error(), "must be https") {
		t.Errorf("plain http: %v", err)
	}
}
