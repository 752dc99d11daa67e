// Package pooltest has a service of user pools over storage in memory, with a clock that
// only tests move, for the tests of the flows.
package pooltest

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// GoodPassword meets the rules of a new pool.
const GoodPassword = "Correct-h0rse"

// Console is a Service over real storage, with a clock that only tests move.
type Console struct {
	*userpool.Service
	Store *memory.Store
	clock atomic.Int64 // Unix microseconds
}

// signingKeys are real keys, made once: making two a pool would take most of
// the tests' time. They are enough for three pools made at once, since a pool's
// two keys must differ.
var signingKeys = sync.OnceValue(func() (made [6]*rsa.PrivateKey) {
	for i := range made {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		made[i] = key
	}
	return made
})

// New makes a Console with the settings that the changes leave.
func New(t *testing.T, change ...func(*userpool.Config)) *Console {
	t.Helper()
	box, err := seal.New(slices.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	c := &Console{Store: memory.New()}
	c.clock.Store(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixMicro())
	now := func() time.Time { return time.UnixMicro(c.clock.Load()).UTC() }
	var given atomic.Int64
	ring := keys.NewRing(c.Store, box, keys.Options{Now: now, Generate: func() (*rsa.PrivateKey, error) {
		return signingKeys()[given.Add(1)%6], nil
	}})
	t.Cleanup(func() {
		if err := ring.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Store.Close(); err != nil {
			t.Error(err)
		}
	})
	config := userpool.Config{Pool: pool.Config{
		Storage: c.Store, Box: box, Keys: ring, Now: now,
		Issuer: func(poolID string) string { return "http://127.0.0.1:9229/" + poolID },
	}}
	for _, f := range change {
		f(&config)
	}
	c.Service = userpool.New(config)
	return c
}

// Client makes an app client.
func (c *Console) Client(t *testing.T, in wire.CreateUserPoolClientRequest) *wire.UserPoolClientType {
	t.Helper()
	if in.ClientName == "" {
		in.ClientName = "web"
	}
	return Must(c.Admin.CreateUserPoolClient(t.Context(), &in))(t).UserPoolClient
}

// DescribeClient returns an app client as it is shown.
func (c *Console) DescribeClient(t *testing.T, poolID, id string) *wire.UserPoolClientType {
	t.Helper()
	in := &wire.DescribeUserPoolClientRequest{UserPoolId: poolID, ClientId: id}
	return Must(c.Admin.DescribeUserPoolClient(t.Context(), in))(t).UserPoolClient
}

// Advance moves the clock.
func (c *Console) Advance(d time.Duration) { c.clock.Add(d.Microseconds()) }

// Pool makes a user pool from a request and returns its id.
func (c *Console) Pool(t *testing.T, in wire.CreateUserPoolRequest) string {
	t.Helper()
	if in.PoolName == "" {
		in.PoolName = "people"
	}
	return Must(c.Admin.CreateUserPool(t.Context(), &in))(t).UserPool.Id
}

// User makes a user and returns it as stored.
func (c *Console) User(t *testing.T, poolID, name string, attributes ...string) storage.User {
	t.Helper()
	Must(c.Accounts.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{
		UserPoolId: poolID, Username: name, UserAttributes: Attributes(attributes...),
	}))(t)
	return c.Stored(t, poolID, name)
}

// Stored returns a user as stored.
func (c *Console) Stored(t *testing.T, poolID, name string) storage.User {
	t.Helper()
	_, user, err := c.Base.Pools.ViewUser(t.Context(), poolID, name)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// Update runs a change on storage that no operation makes.
func (c *Console) Update(t *testing.T, change func(storage.Tx) error) {
	t.Helper()
	if err := c.Store.Update(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

// Attributes pairs names and values.
func Attributes(pairs ...string) []wire.AttributeType {
	var list []wire.AttributeType
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, wire.AttributeType{Name: pair[0], Value: pair[1]})
	}
	return list
}

// Must takes the results of an operation that has to succeed.
func Must[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// ErrorOf takes the error of an operation that has to fail.
func ErrorOf[T any](_ T, err error) error { return err }

// Crowd makes a pool with n users and returns its id.
func (c *Console) Crowd(t *testing.T, n int) string {
	t.Helper()
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	c.Update(t, func(tx storage.Tx) error {
		for i := range n {
			name := fmt.Sprintf("user%03d", i)
			user := storage.User{PoolID: id, Sub: random.UUID(), Username: name, Logins: []string{"username:" + name}}
			if err := tx.Users.Insert(user); err != nil {
				return err
			}
		}
		return nil
	})
	return id
}

// HasPassword reports whether password is the user's.
func (c *Console) HasPassword(t *testing.T, u storage.User, password string) bool {
	t.Helper()
	set, _, err := c.Base.Pools.ViewUser(t.Context(), u.PoolID, u.Sub)
	if err != nil {
		t.Fatal(err)
	}
	v, name, err := c.Base.Passwords.UnsealVerifier(set, u, u.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	return srp.Verifier{Salt: u.Salt, V: v}.Matches(pool.SRPPool(u.PoolID), name, password)
}

// Session puts a running session of a user into storage.
func (c *Console) Session(t *testing.T, u storage.User) string {
	t.Helper()
	client := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: u.PoolID})
	id := random.UUID()
	c.Update(t, func(tx storage.Tx) error {
		return tx.Sessions.Insert(storage.Session{
			ID: id, PoolID: u.PoolID, ClientID: client.ClientId, UserSub: u.Sub, UserEpoch: u.SignOuts,
			Generation: 1, CreatedAt: c.Base.Now(), ExpiresAt: c.Base.Now().Add(time.Hour),
		})
	})
	return id
}

// Over reports whether a session has ended, by its row and by the user's count.
func (c *Console) Over(t *testing.T, id string) (over bool) {
	t.Helper()
	c.Update(t, func(tx storage.Tx) error {
		session, err := tx.Sessions.Session(id)
		if errors.Is(err, storage.ErrNotFound) {
			over = true
			return nil
		}
		if err != nil {
			return err
		}
		user, err := tx.Users.BySub(session.PoolID, session.UserSub)
		if over = !session.RevokedAt.IsZero(); over != (session.UserEpoch != user.SignOuts) {
			t.Errorf("the row says over %t, the count of sign-outs says otherwise", over)
		}
		return err
	})
	return over
}

// SignInBySRP signs in with USER_SRP_AUTH and returns the name of the challenge.
func (c *Console) SignInBySRP(t *testing.T, client *wire.UserPoolClientType, login, password string) (name string, err error) {
	t.Helper()
	_, name, err = c.answerSRP(t, client, login, password)
	return name, err
}

// AnswerSRP signs in with USER_SRP_AUTH and returns the response to the proof.
func (c *Console) AnswerSRP(t *testing.T, client *wire.UserPoolClientType, login, password string) (*wire.RespondToAuthChallengeResponse, error) {
	t.Helper()
	response, _, err := c.answerSRP(t, client, login, password)
	return response, err
}

func (c *Console) answerSRP(t *testing.T, client *wire.UserPoolClientType, login, password string) (response *wire.RespondToAuthChallengeResponse, name string, err error) {
	t.Helper()
	proof, err := srp.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	out := Must(c.SignIn.InitiateAuth(t.Context(), &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserSRP, ClientId: client.ClientId,
		AuthParameters: wire.Parameters{"USERNAME": login, "SRP_A": proof.A()},
	}))(t)
	p := out.ChallengeParameters
	block, err := strictbase64.Decode(p["SECRET_BLOCK"])
	if err != nil {
		t.Fatal(err)
	}
	signature, timestamp, err := proof.Proof(srp.Challenge{
		Pool: pool.SRPPool(client.UserPoolId), User: p["USER_ID_FOR_SRP"], SaltHex: p["SALT"], BHex: p["SRP_B"], SecretBlock: block,
	}, password, c.Base.Now())
	if err != nil {
		t.Fatal(err)
	}
	response, err = c.SignIn.RespondToAuthChallenge(t.Context(), &wire.RespondToAuthChallengeRequest{
		ClientId: client.ClientId, ChallengeName: wire.ChallengePasswordVerifier,
		ChallengeResponses: wire.Parameters{
			"USERNAME": p["USERNAME"], "PASSWORD_CLAIM_SECRET_BLOCK": p["SECRET_BLOCK"],
			"PASSWORD_CLAIM_SIGNATURE": signature, "TIMESTAMP": timestamp,
		},
	})
	return response, p["USERNAME"], err
}

// OIDC are the details of an OpenID provider.
func OIDC() wire.Parameters {
	return wire.Parameters{
		"client_id": "app", "client_secret": "s3cret", "attributes_request_method": "GET",
		"oidc_issuer": "https://idp.example.com", "authorize_scopes": "openid",
	}
}
