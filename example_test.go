package latchkey_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// Clients are made once and shared.
var (
	ctx    = context.Background()
	client *latchkey.Client
)

func ExampleNew() {
	client, err := latchkey.New(latchkey.Config{
		UserPoolID: "us-east-1_abc123DEF",
		ClientID:   "3n4b5urk1ft4fl3mg5e62d9ado",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_, err = client.CurrentUser(context.Background())
	fmt.Println(errors.Is(err, latchkey.ErrSignedOut))
	// Output: true
}

func ExampleLoadConfig() {
	config, err := latchkey.LoadConfig("testdata/config/amplify_outputs.json")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(config.UserPoolID, config.Region(), config.AllowGuests)
	// Output: eu-central-1_Ab3dEf6hI eu-central-1 true
}

func ExampleClient_CurrentUser() {
	user, err := client.CurrentUser(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("The username:", user.Username)
	fmt.Println("The user id:", user.UserID)
	if user.LoginID != "" { // empty after a redirect
		fmt.Println("Signed in as", user.LoginID, "by", user.AuthFlow)
	}
}

func ExampleClient_FetchSession() {
	session, err := client.FetchSession(ctx)
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := session.Tokens()
	if err != nil {
		fmt.Println("User not signed in:", err)
		return
	}
	sub, _ := session.UserSub()
	fmt.Println("Access token expires:", tokens.Access.Expiry())
	fmt.Println("User ID:", sub)
	if credentials, err := session.Credentials(); err == nil {
		id, _ := session.IdentityID()
		fmt.Println("AWS credentials until", credentials.Expiration, "for identity", id)
	}
}

// Google's token straight to the identity pool, without a user pool.
func ExampleClient_Federate() {
	session, err := client.Federate(ctx, latchkey.Federation{Provider: "accounts.google.com", Source: func(ctx context.Context) (latchkey.Secret, error) {
		token, err := googleToken(ctx) // a fresh ID token, whenever it is asked for
		return latchkey.NewSecret(token), err
	}})
	if err != nil {
		log.Fatal(err)
	}
	id, _ := session.IdentityID()
	fmt.Println(id)
	// Later, when Google's session is over and the credentials have expired:
	_, err = client.FetchCredentials(ctx)
	if e, ok := errors.AsType[*latchkey.Error](err); ok && errors.Is(err, latchkey.ErrNeedsSignIn) {
		fmt.Println("sign in again with", e.Provider)
	}
}

// googleToken stands for whatever signs the user in with Google.
func googleToken(context.Context) (string, error) { return "", errors.New("not signed in") }

func ExampleForceRefresh() {
	session, err := client.FetchSession(ctx, latchkey.ForceRefresh())
	if err != nil {
		log.Fatal(err)
	}
	if _, err := session.Tokens(); errors.Is(err, latchkey.ErrSessionExpired) {
		fmt.Println("Session expired, please sign in again")
	}
}

// What a token says, without checking who wrote it.
func ExampleClient_FetchSession_decode() {
	session, err := client.FetchSession(ctx)
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := session.Tokens()
	if err != nil {
		log.Fatal(err)
	}
	access, err := jwt.Decode(tokens.Access.Raw()) // tokens.Access itself is the same
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Purpose:", access.Use())
	fmt.Println("Issuer:", access.Issuer())
	fmt.Println("Client:", access.ClientID())
	fmt.Println("Scopes:", access.Scopes())
	fmt.Println("Expired:", time.Now().After(access.Expiry()))
	if id := tokens.ID; id != nil {
		fmt.Println("Email:", id.Email(), id.EmailVerified())
		fmt.Println("Groups:", id.Groups())
		fmt.Println("Custom attributes:", id.CustomAttributes())
	}
}

func ExampleClient_SignIn() {
	step, err := client.SignIn(ctx, latchkey.Password("alice", "a temporary password"))
	for err == nil && !step.Done() {
		switch step.Challenge.Name {
		case "NEW_PASSWORD_REQUIRED":
			step, err = step.Respond(ctx, latchkey.AnswerNewPassword("a password of her own", nil))
		case "SOFTWARE_TOKEN_MFA":
			step, err = step.Respond(ctx, latchkey.AnswerCode("123456"))
		default:
			err = fmt.Errorf("cannot answer %s", step.Challenge.Name)
		}
	}
	switch {
	case err == nil:
		fmt.Println("signed in")
	case errors.Is(err, latchkey.ErrUserNotConfirmed):
		fmt.Println("ask for the code that was sent at sign-up")
	case errors.Is(err, latchkey.ErrPasswordResetRequired):
		fmt.Println("start a password reset")
	default:
		fmt.Println(err)
	}
}

// The five errors that applications of Amplify tell apart, and their details.
func ExampleError() {
	session, err := client.FetchSession(ctx)
	if err == nil {
		_, err = session.Tokens()
	}
	switch {
	case err == nil:
		return
	case errors.Is(err, latchkey.ErrUserNotConfirmed):
		fmt.Println("User email not confirmed")
	case errors.Is(err, latchkey.ErrPasswordResetRequired):
		fmt.Println("Password reset required")
	case errors.Is(err, latchkey.ErrUserNotFound):
		fmt.Println("User not found")
	case errors.Is(err, latchkey.ErrSignedOut), errors.Is(err, latchkey.ErrNotAuthorized):
		fmt.Println("User not signed in")
	case errors.Is(err, latchkey.ErrNetwork):
		fmt.Println("Network error occurred")
	default:
		fmt.Println("Session error:", err)
	}
	if e, ok := errors.AsType[*latchkey.Error](err); ok {
		fmt.Println(e.Op, e.Code, e.RequestID, e.Hint)
	}
}

// A program that shows who is signed in follows the events. There is nothing to
// schedule: fetching the session keeps it fresh.
func ExampleClient_Subscribe() {
	stop, err := client.Subscribe(func(e latchkey.Event) {
		switch e.Kind {
		case latchkey.EventSessionExpired:
			fmt.Println("please sign in again:", e.Err)
		case latchkey.EventRefreshFailed:
			fmt.Println("working offline:", e.Err)
		}
		fmt.Println(e.Session) // such as "ann until 2026-12-01T15:04:05Z"
	}, latchkey.InitialEvent())
	if err != nil {
		fmt.Println("the client is closed:", err)
		return
	}
	defer stop()
}

func ExampleClient_GlobalSignOut() {
	report, err := client.GlobalSignOut(ctx)
	if err != nil {
		fmt.Println("not everything was done:", err)
	}
	fmt.Println("everywhere:", report.Global, "here:", report.Local, "revoked:", report.Revoked)
}

func ExampleClient_HTTPClient() {
	response, err := client.HTTPClient(ctx).Get("https://api.example.com/orders")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
}

// mapStore is a place of one's own to keep sessions: here a map, for others a
// database. It keeps bytes, which store.Encode makes. A store that several
// processes share would be a store.Locker too. The package storetest checks one.
type mapStore struct {
	mu      sync.Mutex
	records map[store.Account][]byte
	active  map[store.Scope]store.Account
}

func newMapStore() *mapStore {
	return &mapStore{records: map[store.Account][]byte{}, active: map[store.Scope]store.Account{}}
}

func (s *mapStore) Load(ctx context.Context, account store.Account) (store.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(ctx, account)
}

func (s *mapStore) load(ctx context.Context, account store.Account) (store.Record, error) {
	data, ok := s.records[account]
	switch {
	case ctx.Err() != nil:
		return store.Record{}, ctx.Err()
	case !ok:
		return store.Record{}, store.ErrNotFound
	}
	return store.Decode(data)
}

func (s *mapStore) Save(ctx context.Context, record store.Record, previous uint64) error {
	data, err := store.Encode(record)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, err := s.load(ctx, record.Account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := store.Admit(record.Generation, previous, kept.Generation); err != nil {
		return err
	}
	s.records[record.Account] = data
	return nil
}

func (s *mapStore) Delete(ctx context.Context, account store.Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	delete(s.records, account)
	if s.active[account.Scope] == account {
		delete(s.active, account.Scope)
	}
	return nil
}

func (s *mapStore) List(ctx context.Context, scope store.Scope) ([]store.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var accounts []store.Account
	for account := range maps.Keys(s.records) {
		if account.Scope == scope {
			accounts = append(accounts, account)
		}
	}
	store.SortAccounts(accounts)
	return accounts, ctx.Err()
}

func (s *mapStore) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	account, ok := s.active[scope]
	switch {
	case ctx.Err() != nil:
		return store.Account{}, ctx.Err()
	case !ok:
		return store.Account{}, store.ErrNotFound
	}
	return account, nil
}

func (s *mapStore) SetActive(ctx context.Context, account store.Account) error {
	if _, err := store.EncodeAccount(account); err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active[account.Scope] = account
	return nil
}

func ExampleConfig_store() {
	client, err := latchkey.New(latchkey.Config{
		UserPoolID: "us-east-1_abc123DEF",
		ClientID:   "3n4b5urk1ft4fl3mg5e62d9ado",
		Store:      newMapStore(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	accounts, err := client.Accounts(ctx)
	fmt.Println(len(accounts), err)
	// Output: 0 <nil>
}
