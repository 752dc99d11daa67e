package verifiers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

const curlPath = "/usr/bin/curl"

// curl is a relying party made of nothing but curl, at the pool's own host name over
// https, whose certificate it verifies with the local authority's.
type curl struct {
	t        *testing.T
	jar      string // the browser's cookies
	base     string
	id, key  string // of the client
	redirect string
}

func newCurl(t *testing.T) curl {
	t.Helper()
	local.Need(t, curlPath)
	up := local.Up()
	secure, err := url.Parse(up.HTTPSEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	c := curl{t: t, jar: filepath.Join(t.TempDir(), "cookies"), base: "https://latchkey.localhost:" + secure.Port(), redirect: rpCallback}
	admin := cip.New(cip.Options{
		Region: up.Region, BaseEndpoint: aws.String(up.Endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: up.AccessKeyID, SecretAccessKey: up.SecretAccessKey}, nil
		}),
	})
	client, err := admin.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &up.UserPoolID, ClientName: aws.String("curl"), GenerateSecret: true, CallbackURLs: []string{c.redirect},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{"code"},
		AllowedOAuthScopes: []string{"openid", "email"}, SupportedIdentityProviders: []string{"COGNITO"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.id, c.key = *client.UserPoolClient.ClientId, *client.UserPoolClient.ClientSecret
	return c
}

// answer is what curl tells of one.
type answer struct {
	Status  int    `json:"http_code"`
	At      string `json:"url_effective"`
	Leads   string `json:"redirect_url"`
	Content string `json:"content_type"`
	Body    string `json:"-"`
}

// member is a text of a JSON answer.
func (a answer) member(t *testing.T, name string) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(a.Body), &members); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
	}
	text, _ := members[name].(string)
	return text
}

// ask runs curl, as the browser does that keeps cookies.
func (c curl) ask(args ...string) (a answer) {
	c.t.Helper()
	args = append([]string{"--silent", "--show-error", "--cacert", local.Up().CAFile, "--cookie-jar", c.jar, "--cookie", c.jar, "--write-out", "\n%{json}"}, args...)
	output, err := exec.CommandContext(c.t.Context(), curlPath, args...).Output()
	if failed, ok := err.(*exec.ExitError); ok {
		c.t.Fatalf("curl: %v %s", err, failed.Stderr)
	}
	cut := strings.LastIndex(string(output), "\n{")
	if err != nil || cut < 0 {
		c.t.Fatalf("curl: %s, %v", output, err)
	}
	if err := json.Unmarshal(output[cut:], &a); err != nil {
		c.t.Fatal(err)
	}
	a.Body = string(output[:cut])
	return a
}

func (c curl) authorize(verifier string) string {
	challenge := sha256.Sum256([]byte(verifier))
	return c.base + "/oauth2/authorize?" + url.Values{
		"client_id": {c.id}, "redirect_uri": {c.redirect}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s-1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
}

// code takes the code out of the answer that leads back to the client.
func (c curl) code(a answer) string {
	c.t.Helper()
	back, err := url.Parse(a.Leads)
	if err != nil || !strings.HasPrefix(a.Leads, c.redirect+"?") || back.Query().Get("state") != "s-1" || back.Query().Get("iss") != issuer() {
		c.t.Fatalf("%d to %q: %s", a.Status, a.Leads, a.Body)
	}
	return back.Query().Get("code")
}

// post sends a form to an endpoint, with the client's id and a secret in the header.
func (c curl) post(path, secret string, form ...string) answer {
	c.t.Helper()
	args := []string{"--user", c.id + ":" + secret, c.base + path}
	for _, field := range form {
		args = append(args, "--data-urlencode", field)
	}
	return c.ask(args...)
}

var formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)

// TestCurlSignsIn goes through the code grant with PKCE, from the sign-in page to
// the revocation.
func TestCurlSignsIn(t *testing.T) {
	t.Parallel()
	c := newCurl(t)
	verifier := rand.Text() + rand.Text()
	page := c.ask("--location", c.authorize(verifier))
	action := formAction.FindStringSubmatch(page.Body)
	if page.Status != 200 || action == nil {
		t.Fatalf("%d at %s: %s", page.Status, page.At, page.Body)
	}
	at, err := url.Parse(page.At)
	if err != nil {
		t.Fatal(err)
	}
	if at, err = at.Parse(html.UnescapeString(action[1])); err != nil {
		t.Fatal(err)
	}
	up := local.Up()
	if wrong := c.ask(at.String(), "--data-urlencode", "username="+up.Username, "--data-urlencode", "password=Wrong-Horse-9"); wrong.Status != 200 || wrong.Leads != "" {
		t.Fatalf("a wrong password: %d to %q", wrong.Status, wrong.Leads)
	}
	code := c.code(c.ask(at.String(), "--data-urlencode", "username="+up.Username, "--data-urlencode", "password="+up.Password))
	redeem := []string{"grant_type=authorization_code", "code=" + code, "redirect_uri=" + c.redirect, "code_verifier=" + verifier}
	if refused := c.post("/oauth2/token", "wrong", redeem...); refused.Status != 401 || refused.member(t, "error") != "invalid_client" {
		t.Errorf("a wrong secret: %d %s", refused.Status, refused.Body)
	}
	tokens := c.post("/oauth2/token", c.key, redeem...)
	if tokens.Status != 200 || tokens.Content != "application/json;charset=UTF-8" || tokens.member(t, "id_token") == "" || tokens.member(t, "token_type") != "Bearer" {
		t.Fatalf("%d %s", tokens.Status, tokens.Content)
	}
	bearer := "Authorization: Bearer " + tokens.member(t, "access_token")
	if info := c.ask("--header", bearer, c.base+"/oauth2/userInfo"); info.Status != 200 || info.member(t, "email") != "demo@example.com" || info.member(t, "username") != up.Username {
		t.Errorf("userInfo: %d %s", info.Status, info.Body)
	}
	// The browser is signed in by now, and needs no page.
	if again := c.ask(c.authorize(rand.Text() + rand.Text())); c.code(again) == code {
		t.Error("the same code again")
	}
	refresh := []string{"grant_type=refresh_token", "refresh_token=" + tokens.member(t, "refresh_token")}
	if fresh := c.post("/oauth2/token", c.key, refresh...); fresh.Status != 200 || fresh.member(t, "access_token") == "" {
		t.Errorf("refresh: %d %s", fresh.Status, fresh.Body)
	}
	if revoked := c.post("/oauth2/revoke", c.key, "token="+tokens.member(t, "refresh_token")); revoked.Status != 200 || revoked.Body != "" {
		t.Errorf("revoke: %d %s", revoked.Status, revoked.Body)
	}
	if over := c.post("/oauth2/token", c.key, refresh...); over.Status != 400 || over.member(t, "error") != "invalid_grant" {
		t.Errorf("a refresh after the revocation: %d %s", over.Status, over.Body)
	}
	if over := c.ask("--header", bearer, c.base+"/oauth2/userInfo"); over.Status != 401 || over.member(t, "error") != "invalid_token" {
		t.Errorf("userInfo after the revocation: %d %s", over.Status, over.Body)
	}
}
