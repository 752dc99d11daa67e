package examples_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/sigv4auth"
)

func TestMain(m *testing.M) { local.Main(m) }

// standIn answers like S3, DynamoDB and an API, each in as few words as the SDK
// takes, about whoever has signed the request.
func standIn(t *testing.T, guests bool) string {
	t.Helper()
	key, err := sigv4auth.ReadKey(filepath.Join(filepath.Dir(local.Up().ConfigFile), "credentials.key"))
	check(t, err)
	auth, err := sigv4auth.New(sigv4auth.Config{
		Keys: [][]byte{key}, Regions: []string{"us-east-1"}, Services: []string{"s3", "dynamodb", "execute-api"},
		Pools: []string{local.Up().IdentityPoolID}, AllowGuests: guests,
	})
	check(t, err)
	server := httptest.NewServer(auth.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := sigv4auth.FromContext(r.Context())
		switch {
		case r.Header.Get("X-Amz-Target") == "DynamoDB_20120810.GetItem":
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			fmt.Fprintf(w, `{"Item":{"owner":{"S":%q}}}`, caller.IdentityID)
		case r.URL.Query().Get("list-type") == "2":
			w.Header().Set("Content-Type", "application/xml")
			fmt.Fprintf(w, `<ListBucketResult><Contents><Key>%sof-%s</Key></Contents></ListBucketResult>`, r.URL.Query().Get("prefix"), caller.IdentityID)
		default:
			fmt.Fprint(w, caller.IdentityID)
		}
	})))
	t.Cleanup(server.Close)
	return server.URL
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newClient(t *testing.T, cfg latchkey.Config) *latchkey.Client {
	t.Helper()
	client, err := latchkey.New(cfg)
	check(t, err)
	t.Cleanup(func() { check(t, client.Close()) })
	return client
}

// TestExamples runs what the examples show.
func TestExamples(t *testing.T) {
	t.Parallel()
	up := local.Up()
	cfg, err := latchkey.LoadConfig(up.ConfigFile)
	check(t, err)
	guest := newClient(t, latchkey.Config{
		IdentityPoolID: cfg.IdentityPoolID, IdentityPoolEndpoint: cfg.IdentityPoolEndpoint, CAFile: cfg.CAFile, AllowGuests: true,
	})
	user := newClient(t, cfg)
	step, err := user.SignIn(t.Context(), latchkey.Password(up.Username, up.Password))
	if err != nil || !step.Done() {
		t.Fatalf("SignIn: %v, %v", step, err)
	}
	address := standIn(t, true)
	bucket := s3.Options{Region: "us-east-1", BaseEndpoint: &address, UsePathStyle: true}
	for name, client := range map[string]*latchkey.Client{"user": user, "guest": guest} {
		session, err := client.FetchSession(t.Context())
		check(t, err)
		id, err := session.IdentityID()
		check(t, err)
		names, err := list(t.Context(), client, "bucket", bucket)
		if err != nil || len(names) != 1 || names[0] != "private/"+id+"/of-"+id {
			t.Errorf("%s: list: %v, %v", name, names, err)
		}
		found, err := item(t.Context(), client, "todos", "42", dynamodb.Options{Region: "us-east-1", BaseEndpoint: &address})
		if owner, ok := found["owner"].(*ddb.AttributeValueMemberS); err != nil || !ok || owner.Value != id {
			t.Errorf("%s: item: %v, %v", name, found, err)
		}
		response, err := call(t.Context(), client, address+"/items")
		check(t, err)
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || string(body) != id {
			t.Errorf("%s: call: %s, %s, %v", name, response.Status, body, err)
		}
	}
	// Where guests may not come in, the service says so, and the SDK's error does.
	closed := standIn(t, false)
	bucket.BaseEndpoint = &closed
	_, err = list(t.Context(), guest, "bucket", bucket)
	var refused smithy.APIError
	if !errors.As(err, &refused) || !strings.Contains(refused.ErrorCode(), "AccessDenied") && !strings.Contains(refused.ErrorCode(), "Forbidden") {
		t.Errorf("list as a guest: %v", err)
	}
}
