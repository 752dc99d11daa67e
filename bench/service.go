package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/bench/measure"
	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/ownbroker"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage/sqlite"
)

// world is a service over SQLite whose handler is called without a socket, so
// that the CPU time is the service's alone.
type world struct {
	dir     string
	handler *server.Server
	store   *sqlite.Store
	pool    string
	client  string
	tokens  wire.AuthenticationResultType
}

func newWorld(signer plug.Signer) (*world, error) {
	dir, err := os.MkdirTemp("", "latchkey-bench")
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir}
	if w.store, err = sqlite.Open(context.Background(), filepath.Join(dir, "latchkey.db"), sqlite.Options{}); err != nil {
		return nil, err
	}
	sealing, err := server.ParseKey(strings.Repeat("01", seal.KeySize))
	if err != nil {
		return nil, err
	}
	broker, err := ownbroker.New(ownbroker.Config{Keys: [][]byte{bytes.Repeat([]byte{2}, 32)}})
	if err != nil {
		return nil, err
	}
	w.handler, err = server.New(server.Config{Storage: w.store, SealingKeys: []server.SealingKey{sealing}, Signer: signer, PublicURL: "http://127.0.0.1:9229", Broker: broker})
	if err != nil {
		return nil, err
	}
	return w, w.provision()
}

func (w *world) close() {
	_ = w.handler.Close()
	_ = w.store.Close()
	_ = os.RemoveAll(w.dir)
}

func (w *world) provision() error {
	ctx := context.Background()
	pool, err := perform[wire.CreateUserPoolResponse](ctx, w.handler, "CreateUserPool", &wire.CreateUserPoolRequest{PoolName: "bench"})
	if err != nil {
		return err
	}
	w.pool = pool.UserPool.Id
	request := &wire.CreateUserPoolClientRequest{UserPoolId: w.pool, ClientName: "bench"}
	request.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth, wire.AllowRefreshTokenAuth}
	client, err := perform[wire.CreateUserPoolClientResponse](ctx, w.handler, "CreateUserPoolClient", request)
	if err != nil {
		return err
	}
	w.client = client.UserPoolClient.ClientId
	err = w.handler.Call(ctx, "AdminCreateUser", &wire.AdminCreateUserRequest{
		UserPoolId: w.pool, Username: srpUser, MessageAction: wire.MessageActionSuppress,
		UserAttributes: []wire.AttributeType{{Name: "email", Value: "bench@example.com"}, {Name: "name", Value: "Bench"}},
	}, nil)
	if err != nil {
		return err
	}
	err = w.handler.Call(ctx, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{UserPoolId: w.pool, Username: srpUser, Password: srpPassword, Permanent: true}, nil)
	if err != nil {
		return err
	}
	var in wire.InitiateAuthResponse
	err = w.call("InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: w.client,
		AuthParameters: wire.Parameters{"USERNAME": srpUser, "PASSWORD": srpPassword},
	}, &in)
	if err == nil {
		w.tokens = *in.AuthenticationResult
	}
	return err
}

// call performs a user pool operation through the handler.
func (w *world) call(operation string, request, response any) error {
	return w.perform(wire.UserPools, operation, request, response)
}

func (w *world) perform(service wire.Service, operation string, request, response any) error {
	r, err := newCall(service, operation, request)
	if err != nil {
		return err
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		return wire.ReadException(answer.Code, answer.Header(), answer.Body.Bytes())
	}
	if response == nil {
		return nil
	}
	return wire.Unmarshal(answer.Body.Bytes(), response)
}

// newCall is the request of an operation.
func newCall(service wire.Service, operation string, request any) (*http.Request, error) {
	body, err := wire.Marshal(request)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:9229/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderTarget, wire.Target(service, operation))
	r.RemoteAddr = "127.0.0.1:1"
	return r, nil
}

func (w *world) refresh() error {
	return w.call("GetTokensFromRefreshToken", &wire.GetTokensFromRefreshTokenRequest{ClientId: w.client, RefreshToken: w.tokens.RefreshToken}, nil)
}

func (w *world) getUser() error {
	return w.call("GetUser", &wire.GetUserRequest{AccessToken: w.tokens.AccessToken}, nil)
}

// open starts an SRP handshake and prepares its answer.
func (w *world) open() (*wire.RespondToAuthChallengeRequest, error) {
	client, err := srp.NewClient()
	if err != nil {
		return nil, err
	}
	var out wire.InitiateAuthResponse
	if err := w.call("InitiateAuth", initiateSRP(w.client, client.A()), &out); err != nil {
		return nil, err
	}
	p := out.ChallengeParameters
	block, err := base64.StdEncoding.DecodeString(p["SECRET_BLOCK"])
	if err != nil {
		return nil, err
	}
	_, pool, _ := strings.Cut(w.pool, "_")
	signature, timestamp, err := client.Proof(srp.Challenge{
		Pool: pool, User: p["USER_ID_FOR_SRP"], SaltHex: p["SALT"], BHex: p["SRP_B"], SecretBlock: block,
	}, srpPassword, time.Now())
	return &wire.RespondToAuthChallengeRequest{
		ClientId: w.client, ChallengeName: wire.ChallengePasswordVerifier,
		ChallengeResponses: wire.Parameters{
			"USERNAME": p["USER_ID_FOR_SRP"], "PASSWORD_CLAIM_SECRET_BLOCK": p["SECRET_BLOCK"],
			"PASSWORD_CLAIM_SIGNATURE": signature, "TIMESTAMP": timestamp,
		},
	}, err
}

func initiateSRP(client, a string) *wire.InitiateAuthRequest {
	return &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserSRP, ClientId: client,
		AuthParameters: wire.Parameters{"USERNAME": srpUser, "SRP_A": a},
	}
}

// nullSigner makes signatures that cost nothing and verify nowhere.
type nullSigner struct{}

func (nullSigner) Trusted(*keys.Ring) {}

func (nullSigner) CreateKey(context.Context, plug.KeyRequest) (plug.SigningKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return plug.SigningKey{}, err
	}
	return plug.SigningKey{Handle: "none", Public: &key.PublicKey}, nil
}

func (nullSigner) Sign(context.Context, string, [32]byte) ([]byte, error) {
	return make([]byte, 256), nil
}

// benchService runs on one core: two signatures at once on two threads of one
// processor core would each be charged more CPU time than one alone.
func benchService(b *bench) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	w, err := newWorld(nil)
	if err != nil {
		return err
	}
	defer w.close()
	null, err := newWorld(nullSigner{})
	if err != nil {
		return err
	}
	defer null.close()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	v, err := srp.NewVerifier(srpPool, srpUser, srpPassword)
	if err != nil {
		return err
	}
	a, err := srp.NewClient()
	if err != nil {
		return err
	}
	var failed error
	op := func(f func() error) func(int) {
		return func(n int) {
			for range n {
				if err := f(); err != nil {
					failed = err
				}
			}
		}
	}
	var answers []*wire.RespondToAuthChallengeRequest
	prepare := func(n int) {
		answers = answers[:0]
		for range n {
			answer, err := w.open()
			if err != nil {
				failed = err
			}
			answers = append(answers, answer)
		}
	}
	digest := make([]byte, 32)
	results := measure.Rounds(b.rounds,
		measure.Contestant{Name: "one RS256 signature (crypto/rsa)", Op: op(func() error {
			_, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest)
			return err
		})},
		measure.Contestant{Name: "SRP arithmetic of one sign-in", Op: op(func() error { return srpServer(v, a.A()) })},
		measure.Contestant{Name: "refresh, durable", Op: op(w.refresh)},
		measure.Contestant{Name: "refresh, durable, null signer", Op: op(null.refresh)},
		measure.Contestant{Name: "SRP sign-in: InitiateAuth", Op: op(func() error {
			return w.call("InitiateAuth", initiateSRP(w.client, a.A()), nil)
		})},
		measure.Contestant{Name: "SRP sign-in: RespondToAuthChallenge, durable", Prepare: prepare, Op: func(n int) {
			for _, answer := range answers {
				if err := w.call("RespondToAuthChallenge", answer, nil); err != nil {
					failed = err
				}
			}
		}},
		measure.Contestant{Name: "GetUser", Op: op(w.getUser)})
	b.reportService(results)
	return failed
}

func (b *bench) reportService(results []measure.Result) {
	sign, arithmetic, refresh := results[0], results[1], results[2]
	var rows [][]string
	for _, r := range results {
		rows = append(rows, []string{r.Name, r.Range(), r.Over(sign.Times(2)).String()})
	}
	b.table([]string{"in process, SQLite, synchronous=FULL", "CPU", "of two signatures"}, rows)
	refreshRatio := refresh.Over(sign.Times(2))
	first, second := results[4].Over(arithmetic.Times(1), sign.Times(2)), results[5].Over(arithmetic.Times(1), sign.Times(2))
	fmt.Fprintf(b.out, "\nOne refresh: %s of two signatures. One SRP sign-in, both calls: %.3g of SRP arithmetic and two signatures.\n",
		refreshRatio, first.Median+second.Median)
	b.atMost(1.2, refreshRatio.Median, "refresh with its durable write: of two RS256 signatures, CPU")
	b.atMost(1.2, first.Median+second.Median, "SRP sign-in: of SRP arithmetic and two signatures, CPU")
}
