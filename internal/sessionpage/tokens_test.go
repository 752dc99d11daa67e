package sessionpage

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/latchkeytest"
)

// shortClient makes an app client whose tokens last five minutes.
func shortClient(t *testing.T, srv *latchkeytest.Server) string {
	t.Helper()
	in := wire.CreateUserPoolClientRequest{UserPoolId: srv.UserPoolID, ClientName: "short"}
	in.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowRefreshTokenAuth}
	in.AccessTokenValidity, in.IdTokenValidity = new(int32(5)), new(int32(5))
	in.TokenValidityUnits = &wire.TokenValidityUnitsType{AccessToken: "minutes", IdToken: "minutes"}
	body, err := wire.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderTarget, wire.Target(wire.UserPools, "CreateUserPoolClient"))
	key := sigv4.Credentials{AccessKeyID: latchkeytest.AccessKeyID, SecretAccessKey: secret.New(latchkeytest.SecretAccessKey)}
	sigv4.Sign(r, body, key, latchkeytest.Region, wire.UserPools.SigningName(), time.Now())
	answer, err := srv.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	var out wire.CreateUserPoolClientResponse
	if err := wire.Unmarshal(text.Bytes(), &out); err != nil || out.UserPoolClient == nil {
		t.Fatalf("%v: %s", err, text.String())
	}
	return out.UserPoolClient.ClientId
}

func TestShortLivedTokens(t *testing.T) {
	t.Parallel()
	service := latchkeytest.NewServer(t, latchkeytest.Schema(latchkeytest.Attribute{Name: "plan"}))
	id := shortClient(t, service)
	w := newWorldOf(t, service, func(c *Config) { c.ShortClientID = id })
	b := w.browser()
	w.wants(b.get("/"), `value="usual" aria-pressed="true"`, `value="short" aria-pressed="false"`)
	before := b.cookie()
	w.wants(b.post("/session/tokens", "tokens", "short"), `value="short" aria-pressed="true"`)
	if b.cookie() == before {
		t.Error("another client, and the same cookie")
	}
	w.wants(b.post("/session/tokens", "tokens", "short"), `value="short" aria-pressed="true"`) // pressed twice
	page := b.signIn()
	w.wants(page, `data-copy="`+id+`"`, "here every few minutes")
	if !strings.Contains(page, "4m 5") && !strings.Contains(page, "5m 0s") {
		t.Error("the tokens are not short-lived")
	}
	w.wants(b.post("/session/refresh"), "Refreshed")
	w.wants(b.post("/session/tokens", "tokens", "usual"), "signed in already")
	w.wants(b.post("/session/sign-out"), `value="short" aria-pressed="true"`)
	w.wants(b.post("/session/tokens", "tokens", "usual"), `value="usual" aria-pressed="true"`)
	w.wants(b.signIn(), `data-copy="`+w.service.ClientID+`"`, "59m ")
}

func TestNoShortLivedTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	w.never(b.get("/"), "/session/tokens")
	w.wants(b.post("/session/tokens", "tokens", "short"), "There are no short-lived tokens here.")
}

// TestOtherTabsFollow checks that an open tab reloads after the client changed.
func TestOtherTabsFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.ShortClientID = "short" })
	b := w.browser()
	b.get("/")
	_, tab := b.listen(layoutOut)
	b.post("/session/tokens", "tokens", "short")
	for event, ok := "", true; event != "reload"; {
		if event, _, ok = tab.next(); !ok {
			t.Fatal("the stream ended without a word")
		}
	}
}

func TestNewPasswordShowsRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		c.PasswordRules = func(context.Context) []string { return []string{"At least 8 characters", "A <digit>"} }
	})
	w.service.AddUser(latchkeytest.User{Username: "new", Password: password, Temporary: true})
	b := w.browser()
	b.get("/")
	rules := []string{`aria-describedby="new_password-rules" autofocus`, "<li>At least 8 characters</li><li>A &lt;digit&gt;</li>"}
	w.wants(b.post("/session/sign-in", "username", "new", "password", password), rules...)
	page := b.post("/session/answer", "new_password", "long but plain")
	w.wants(page, `aria-invalid="true" aria-describedby="new_password-problem new_password-rules" autofocus`, `id="new_password-problem"`,
		"Password did not conform with policy", rules[1])
}

func TestRequiredAttributesAreKept(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, latchkeytest.NewServer(t, latchkeytest.Schema(
		latchkeytest.Attribute{Name: "plan"}, latchkeytest.Attribute{Name: "given_name", Required: true})))
	w.service.AddUser(latchkeytest.User{Username: "new", Password: password, Temporary: true})
	b := w.browser()
	b.get("/")
	w.wants(b.post("/session/sign-in", "username", "new", "password", password), "Your given name")
	w.wants(b.post("/session/answer", "new_password", "Another-Horse-9", "attribute.given_name", ""), `id="attribute.given_name-problem"`, "Fill in this field.")
	w.wants(b.post("/session/answer", "new_password", "long but plain", "attribute.given_name", "Ann"), `value="Ann"`, `id="new_password-problem"`)
	w.wants(b.post("/session/answer", "new_password", "Another-Horse-9", "attribute.given_name", "Ann"), "Signed in")
}

// TestOneTimeZone: claims, lives and events are in the zone that the page names.
func TestOneTimeZone(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("ACWST", 8*3600+45*60)
	w := newWorld(t, func(c *Config) { c.Zone = zone })
	page := w.browser().signIn()
	w.wants(page, "All times on this page are in ACWST (UTC&#43;08:45).", " ACWST</span>", "until "+time.Now().In(zone).Add(time.Hour).Format("15:"))
	w.never(page, " UTC</span>")
	utc := newWorld(t, func(c *Config) { c.Zone = time.UTC })
	utc.wants(utc.browser().get("/"), "All times on this page are in UTC.")
}
