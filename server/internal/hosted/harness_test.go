package hosted_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/html"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/outbox"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/hosted"
	"github.com/latchkey-auth/latchkey/server/internal/userpool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	password = "Correct-Horse-9"
	query    = "client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fback&response_type=code&state=a%26b"
	base     = "/us-east-1_test"
)

// world is the pages over a real user pool. Its flow is the test's own: the
// authorization request is none of the pages' business.
type world struct {
	t       *testing.T
	pools   *userpool.Service
	outbox  *outbox.Outbox
	offset  atomic.Int64
	config  hosted.Config
	pages   *hosted.Pages
	pool    string
	client  string
	request hosted.Request // what the flow reads
	readErr error
	asked   url.Values // what the flow was asked with
	kept    []byte     // the browser's memory
	proven  hosted.Proven
}

// testKeys are a ring's first keys, made once for all worlds.
var testKeys = sync.OnceValue(func() (made [2]*rsa.PrivateKey) {
	for i := range made {
		made[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return made
})

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) }

// newWorld makes pages of a pool that verifies e-mail addresses, with whatever
// change does to it.
func newWorld(t *testing.T, change func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest)) *world {
	t.Helper()
	w := &world{t: t, outbox: outbox.New(nil)}
	box, err := seal.New(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	store := memory.New()
	var made atomic.Int64
	ring := keys.NewRing(store, box, keys.Options{Now: w.now, Generate: func() (*rsa.PrivateKey, error) {
		return testKeys()[made.Add(1)-1], nil
	}})
	t.Cleanup(func() {
		_ = ring.Close()
		_ = store.Close()
	})
	w.pools = userpool.New(userpool.Config{Pool: pool.Config{
		Storage: store, Box: box, Keys: ring, Messenger: w.outbox, Now: w.now,
		Issuer: func(poolID string) string { return "http://localhost/" + poolID },
	}})
	w.provision(change)
	w.config = hosted.Config{Accounts: w.pools.Accounts, Door: w, Flow: w, Memory: w, MaxQuery: 8 << 10}
	w.pages = hosted.New(w.config)
	return w
}

func (w *world) provision(change func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest)) {
	w.t.Helper()
	pool := &wire.CreateUserPoolRequest{PoolName: "test"}
	pool.AutoVerifiedAttributes = []string{"email"}
	client := &wire.CreateUserPoolClientRequest{ClientName: "Example"}
	client.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserPasswordAuth, wire.AllowRefreshTokenAuth}
	client.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
	if change != nil {
		change(pool, client)
	}
	made, err := w.pools.Admin.CreateUserPool(w.t.Context(), pool)
	if err != nil {
		w.t.Fatal(err)
	}
	w.pool = made.UserPool.Id
	client.UserPoolId = w.pool
	app, err := w.pools.Admin.CreateUserPoolClient(w.t.Context(), client)
	if err != nil {
		w.t.Fatal(err)
	}
	w.client = app.UserPoolClient.ClientId
	w.request = hosted.Request{
		ClientID: w.client, ClientName: "Example", RedirectURI: "https://app.example/back",
		Passwords: true, SignUp: true, Ask: []string{"email"},
		Rules: hosted.Rules{MinimumLength: 8, Upper: true, Lower: true, Numbers: true, Symbols: true},
	}
}

// Read gives the world's request.
func (w *world) Read(_ context.Context, pool string, query url.Values) (*hosted.Request, error) {
	if pool != w.pool {
		return nil, errors.New("asked for another pool")
	}
	w.asked = query
	if w.readErr != nil {
		return nil, w.readErr
	}
	return new(w.request), nil
}

// Keep and Kept are the memory of the one browser that the world has.
func (w *world) Keep(_ http.ResponseWriter, _ *http.Request, _ string, text []byte) error {
	w.kept = text
	return nil
}

func (w *world) Kept(*http.Request, string) []byte { return w.kept }

// SignOut notes that the browser was signed out.
func (w *world) SignOut(http.ResponseWriter, *http.Request, string) error {
	w.proven = nil
	return nil
}

// Finish notes who was let in.
func (w *world) Finish(rw http.ResponseWriter, r *http.Request, request *hosted.Request, who hosted.Proven) {
	w.proven = who
	http.Redirect(rw, r, request.RedirectURI+"?code=1", http.StatusSeeOther)
}

// Password signs in through the API.
func (w *world) Password(ctx context.Context, request *hosted.Request, username string, pass wire.Sensitive) (hosted.Step, error) {
	out, err := w.pools.SignIn.InitiateAuth(ctx, &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: request.ClientID,
		AuthParameters: wire.Parameters{"USERNAME": username, "PASSWORD": string(pass)},
	})
	if err != nil {
		return hosted.Step{}, err
	}
	if out.ChallengeName != wire.ChallengeNewPasswordRequired {
		return hosted.Step{Who: username}, nil
	}
	step := hosted.Step{Session: out.Session, Username: out.ChallengeParameters["USER_ID_FOR_SRP"]}
	if err := json.Unmarshal([]byte(out.ChallengeParameters["requiredAttributes"]), &step.Missing); err != nil {
		return step, err
	}
	for i, name := range step.Missing {
		step.Missing[i] = strings.TrimPrefix(name, "userAttributes.")
	}
	return step, nil
}

// NewPassword answers the challenge through the API.
func (w *world) NewPassword(ctx context.Context, request *hosted.Request, answer hosted.NewPassword) (hosted.Step, error) {
	responses := wire.Parameters{"USERNAME": answer.Username, "NEW_PASSWORD": string(answer.Password)}
	for name, value := range answer.Attributes {
		responses["userAttributes."+name] = value
	}
	_, err := w.pools.SignIn.RespondToAuthChallenge(ctx, &wire.RespondToAuthChallengeRequest{
		ClientId: request.ClientID, ChallengeName: wire.ChallengeNewPasswordRequired, Session: answer.Session, ChallengeResponses: responses,
	})
	return hosted.Step{Who: answer.Username}, err
}

// answer is what the pages said to one request.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
	page   *html.Node
}

func (w *world) send(r *http.Request) *answer {
	w.t.Helper()
	recorder := httptest.NewRecorder()
	// As the service does for everything it answers.
	recorder.Header().Set("Access-Control-Allow-Origin", "*")
	w.pages.ServeHTTP(recorder, r.WithContext(hosted.At(r.Context(), hosted.Place{Pool: w.pool, Base: base})))
	a := &answer{t: w.t, status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") && r.Method != http.MethodHead {
		page, err := html.Parse(strings.NewReader(a.body))
		if err != nil {
			w.t.Fatal(err)
		}
		a.page = page
		a.check()
	}
	a.checkHeader()
	return a
}

func (w *world) ask(path string) *answer {
	w.t.Helper()
	return w.send(httptest.NewRequest(http.MethodGet, base+path, nil))
}

func (w *world) open(path string) *answer {
	w.t.Helper()
	return w.ask(path + "?" + query)
}

func (w *world) postTo(target string, form url.Values) *answer {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.send(r)
}

// fill submits the page's form as a browser without scripts does: its fields with
// their values, and what the person typed. Each name must be one of the form's.
func (w *world) fill(a *answer, typed ...string) *answer {
	w.t.Helper()
	form := a.find("form")
	if form == nil {
		w.t.Fatalf("no form: %s", a.body)
	}
	fields := url.Values{}
	for _, input := range all(form, "input") {
		fields.Set(attr(input, "name"), attr(input, "value"))
	}
	for i := 0; i < len(typed); i += 2 {
		if _, ok := fields[typed[i]]; !ok && typed[i] != "do" {
			w.t.Fatalf("the form has no field %s: %s", typed[i], a.body)
		}
		fields.Set(typed[i], typed[i+1])
	}
	return w.follow(w.postTo(attr(form, "action"), fields))
}

// follow goes where a form leads, if that is another page of this place.
func (w *world) follow(a *answer) *answer {
	w.t.Helper()
	if to := a.header.Get("Location"); a.status == http.StatusSeeOther && strings.HasPrefix(to, base+"/") {
		return w.send(httptest.NewRequest(http.MethodGet, to, nil))
	}
	return a
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// code is the code of the newest message.
func (w *world) code() string {
	w.t.Helper()
	entries := w.outbox.Entries()
	if len(entries) == 0 {
		w.t.Fatal("nothing was sent")
	}
	return sixDigits.FindString(entries[0].Text.Reveal())
}

// addUser makes a confirmed user with a verified address.
func (w *world) addUser(name string) {
	w.t.Helper()
	w.addTemporary(name)
	_, err := w.pools.Accounts.AdminSetUserPassword(w.t.Context(), &wire.AdminSetUserPasswordRequest{
		UserPoolId: w.pool, Username: name, Password: password, Permanent: true,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// addTemporary makes a user whose password has to be changed.
func (w *world) addTemporary(name string) {
	w.t.Helper()
	_, err := w.pools.Accounts.AdminCreateUser(w.t.Context(), &wire.AdminCreateUserRequest{
		UserPoolId: w.pool, Username: name, TemporaryPassword: password, MessageAction: wire.MessageActionSuppress,
		UserAttributes: []wire.AttributeType{{Name: "email", Value: name + "@example.com"}, {Name: "email_verified", Value: "true"}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func all(n *html.Node, tag string) (found []*html.Node) {
	for child := range n.Descendants() {
		if child.Type == html.ElementNode && child.Data == tag {
			found = append(found, child)
		}
	}
	return found
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// text is what a reader sees of a node.
func text(n *html.Node) string {
	var parts []string
	for child := range n.Descendants() {
		if child.Type == html.TextNode && child.Parent.Data != "script" {
			parts = append(parts, child.Data)
		}
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

func (a *answer) find(tag string) *html.Node {
	if found := all(a.page, tag); len(found) > 0 {
		return found[0]
	}
	return nil
}

// byID finds an element.
func (a *answer) byID(id string) *html.Node {
	for n := range a.page.Descendants() {
		if n.Type == html.ElementNode && attr(n, "id") == id {
			return n
		}
	}
	return nil
}

// says fails the test unless the page has that title and shows each of texts.
func (a *answer) says(title string, texts ...string) *answer {
	a.t.Helper()
	if a.page == nil {
		a.t.Fatalf("no page: %d %v %s", a.status, a.header, a.body)
	}
	if got := text(a.find("h1")); got != title {
		a.t.Fatalf("page %q, want %q: %s", got, title, text(a.find("main")))
	}
	for _, want := range texts {
		if shown := text(a.find("body")); !strings.Contains(shown, want) {
			a.t.Errorf("%s does not say %q: %s", title, want, shown)
		}
	}
	return a
}

// blames fails the test unless the page says that of that field.
func (a *answer) blames(field, want string) *answer {
	a.t.Helper()
	input, note := a.byID(field), a.byID(field+"-error")
	if input == nil || note == nil || attr(input, "aria-invalid") != "true" {
		a.t.Fatalf("%s is not marked: %s", field, text(a.find("main")))
	}
	if got := text(note); !strings.Contains(got, want) {
		a.t.Errorf("%s: %q, want %q", field, got, want)
	}
	if !has(input, "autofocus") {
		a.t.Errorf("the cursor is not in %s", field)
	}
	return a
}

// finished fails the test unless the browser goes back to the client.
func (a *answer) finished() {
	a.t.Helper()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "https://app.example/back?code=1" {
		a.t.Fatalf("not signed in: %d %s %s", a.status, a.header.Get("Location"), a.body)
	}
}
