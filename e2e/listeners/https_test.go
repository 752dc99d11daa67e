package listeners

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestMain(m *testing.M) { local.Main(m) }

// trusting makes a client that trusts the local authority, and nobody else.
func trusting(t *testing.T) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(local.Up().CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("ca_file holds no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func read(t *testing.T, client *http.Client, address string) []byte {
	t.Helper()
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, response.Status, err)
	}
	return body
}

func sdk(endpoint string, client aws.HTTPClient) *cip.Client {
	return cip.New(cip.Options{
		Region: local.Up().Region, BaseEndpoint: &endpoint, Credentials: aws.AnonymousCredentials{}, HTTPClient: client,
	})
}

func signIn(t *testing.T, client *cip.Client, up local.Ready) *types.AuthenticationResultType {
	t.Helper()
	out, err := client.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeUserPasswordAuth, ClientId: &up.ClientID,
		AuthParameters: map[string]string{"USERNAME": up.Username, "PASSWORD": up.Password},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.AuthenticationResult
}

func TestHTTPSWithTheCAFile(t *testing.T) {
	t.Parallel()
	client := trusting(t)
	signIn(t, sdk(local.Up().HTTPSEndpoint, client), local.Up())
	keys := "/" + local.Up().UserPoolID + "/.well-known/jwks.json"
	if !bytes.Equal(read(t, client, local.Up().HTTPSEndpoint+keys), read(t, http.DefaultClient, local.Up().Endpoint+keys)) {
		t.Error("http and https publish different keys")
	}
	at, err := url.Parse(local.Up().HTTPSEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	read(t, client, "https://localhost:"+at.Port()+keys)
}

func TestHTTPSWithoutTheCAFile(t *testing.T) {
	t.Parallel()
	_, err := http.Get(local.Up().HTTPSEndpoint + "/healthz")
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("without the CA file: %v, want a certificate that is not trusted", err)
	}
}

func TestHTTPSRefusesOldTLS(t *testing.T) {
	t.Parallel()
	client := trusting(t)
	config := client.Transport.(*http.Transport).TLSClientConfig
	config.MaxVersion = tls.VersionTLS11
	if _, err := client.Get(local.Up().HTTPSEndpoint + "/healthz"); err == nil {
		t.Error("TLS 1.1 is accepted (RFC 8996)")
	}
}

// TestSameFolderSameService starts a second service, stops it and starts it
// again on its folder: ids, keys, users and sessions are there again.
func TestSameFolderSameService(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first, err := local.Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	tokens := signIn(t, sdk(first.Ready.Endpoint, nil), first.Ready)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second, err := local.Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := second.Stop(); err != nil {
			t.Error(err)
		}
	})
	// The ports were free ones, and other ones by now.
	want := first.Ready
	want.Endpoint, want.HTTPSEndpoint = second.Ready.Endpoint, second.Ready.HTTPSEndpoint
	if second.Ready != want {
		t.Errorf("started again it says\n%+v, want\n%+v", second.Ready, want)
	}
	refreshed, err := sdk(second.Ready.Endpoint, nil).GetTokensFromRefreshToken(t.Context(), &cip.GetTokensFromRefreshTokenInput{
		ClientId: &second.Ready.ClientID, RefreshToken: tokens.RefreshToken,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sdk(second.Ready.Endpoint, nil).GetUser(t.Context(), &cip.GetUserInput{AccessToken: refreshed.AuthenticationResult.AccessToken})
	if err != nil {
		t.Error(err)
	}
}
