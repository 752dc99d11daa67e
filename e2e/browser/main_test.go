package browser

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/chromedp/chromedp"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestMain(m *testing.M) { local.Main(m) }

const password = "Correct-Horse-9"

// site is a pool with a client, whose application stands at a real address.
type site struct {
	t            *testing.T
	admin        *cip.Client
	pool, client string
	home         string // the application's callback
}

// adminOf is the AWS SDK with a service's admin key.
func adminOf(up local.Ready) *cip.Client {
	return cip.New(cip.Options{
		Region: up.Region, BaseEndpoint: aws.String(up.Endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: up.AccessKeyID, SecretAccessKey: up.SecretAccessKey}, nil
		}),
	})
}

// newSite makes one. The pool verifies e-mail addresses, and demands a given name.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, admin: adminOf(local.Up())}
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><link rel=icon href=data:,><h1>Example Notes</h1>"))
	}))
	t.Cleanup(application.Close)
	s.home = application.URL + "/signed-in"
	pool, err := s.admin.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
		PoolName: aws.String("pages"), AutoVerifiedAttributes: []types.VerifiedAttributeType{"email"},
		AliasAttributes: []types.AliasAttributeType{"email"},
		Schema:          []types.SchemaAttributeType{{Name: aws.String("given_name"), Required: aws.Bool(true)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.pool = *pool.UserPool.Id
	client, err := s.admin.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &s.pool, ClientName: aws.String("Example Notes"), CallbackURLs: []string{s.home},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{"code"},
		AllowedOAuthScopes: []string{"openid", "email"}, SupportedIdentityProviders: []string{"COGNITO"},
		PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.client = *client.UserPoolClient.ClientId
	return s
}

// address is that of a page, or of authorize, for a new authorization request.
func (s *site) address(path string, more ...string) string {
	challenge := sha256.Sum256([]byte(rand.Text()))
	query := url.Values{
		"client_id": {s.client}, "redirect_uri": {s.home}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s-1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	return local.Up().Endpoint + "/" + s.pool + path + "?" + query.Encode()
}

// invite makes a user with a temporary password.
func (s *site) invite(name string) {
	s.t.Helper()
	_, err := s.admin.AdminCreateUser(s.t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &s.pool, Username: &name, TemporaryPassword: aws.String(password), MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String(name + "@example.com")}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// arrived fails the test unless the browser is at the application, with a code.
func (tab *Tab) arrived(s *site) {
	tab.t.Helper()
	at := Evaluate[string](tab, "location.href")
	u, err := url.Parse(at)
	if err != nil || !strings.HasPrefix(at, s.home+"?") || u.Query().Get("code") == "" || u.Query().Get("state") != "s-1" {
		tab.t.Fatalf("the browser is at %s: %s; console: %q", at, tab.Text(), tab.Errors())
	}
}

// shows fails the test unless the page has that heading and these texts, or comes to
// have them: one that loads itself anew is there before all of it is.
func (tab *Tab) shows(title string, texts ...string) {
	tab.t.Helper()
	tab.until(func(ctx context.Context) string {
		page, err := chromedp.Run(ctx, chromedp.Evaluate[[]string]("[document.querySelector('h1').innerText, document.body.innerText]"))
		if err != nil || len(page) != 2 {
			return fmt.Sprintf("no page, want %q: %v", title, err) // yet, or any more
		}
		if page[0] != title {
			return fmt.Sprintf("page %q, want %q: %s", page[0], title, page[1])
		}
		for _, text := range texts {
			if !strings.Contains(page[1], text) {
				return fmt.Sprintf("%s does not say %q: %s", title, text, page[1])
			}
		}
		return ""
	})
}

// quiet fails the test if anything stood in the console.
func (tab *Tab) quiet() {
	tab.t.Helper()
	if errors := tab.Errors(); len(errors) > 0 {
		tab.t.Errorf("console: %q", errors)
	}
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// newestCode reads the outbox page, in a browser of its own.
func newestCode(t *testing.T) string {
	t.Helper()
	tab := Open(t)
	tab.Go(local.Up().Endpoint + "/outbox")
	code := sixDigits.FindString(Evaluate[string](tab, "document.querySelector('article pre').innerText"))
	if code == "" {
		t.Fatalf("no code in the outbox: %s", tab.Text())
	}
	return code
}
