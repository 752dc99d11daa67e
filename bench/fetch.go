package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/bench/measure"
	"github.com/latchkey-auth/latchkey/cognitocreds"
	"github.com/latchkey-auth/latchkey/internal/localservice"
)

// runLocal runs a service in this process until stop.
func runLocal() (ready localservice.Ready, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "latchkey-bench")
	if err != nil {
		return ready, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	service, err := localservice.Open(ctx, localservice.Options{Dir: dir, Listen: "127.0.0.1:0", HTTPSListen: "127.0.0.1:0"})
	if err != nil {
		cancel()
		return ready, nil, err
	}
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	return service.Ready(), func() error {
		cancel()
		err := <-done
		_ = service.Close()
		_ = os.RemoveAll(dir)
		return err
	}, nil
}

// counter counts calls by operation on their way to the service.
type counter struct {
	mu    sync.Mutex
	calls map[string]int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.mu.Lock()
	c.calls[operation]++
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// coldCallers has twenty callers ask a client for what it does not have yet.
func coldCallers(ctx context.Context, client *latchkey.Client) error {
	var group sync.WaitGroup
	failures := make([]error, 20)
	for i := range failures {
		group.Go(func() {
			session, err := client.FetchSession(ctx)
			if err == nil {
				_, err = session.Credentials()
			}
			failures[i] = err
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

func signedIn(ctx context.Context, ready localservice.Ready, calls *counter) (*latchkey.Client, error) {
	client, err := latchkey.New(latchkey.Config{
		UserPoolID: ready.UserPoolID, ClientID: ready.ClientID, UserPoolEndpoint: ready.Endpoint,
		Issuer:         ready.Endpoint + "/" + ready.UserPoolID,
		IdentityPoolID: ready.IdentityPoolID, IdentityPoolEndpoint: ready.Endpoint, HTTPClient: &http.Client{Transport: calls},
	})
	if err != nil {
		return nil, err
	}
	step, err := client.SignIn(ctx, latchkey.Password(ready.Username, ready.Password))
	if err == nil && !step.Done() {
		err = fmt.Errorf("the sign-in asks for %s", step.Challenge.Name)
	}
	return client, err
}

func benchFetch(b *bench) error {
	ctx := context.Background()
	ready, stop, err := runLocal()
	if err != nil {
		return err
	}
	calls := &counter{calls: map[string]int{}}
	client, err := signedIn(ctx, ready, calls)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := errors.Join(coldCallers(ctx, client), stop()); err != nil { // what is cached needs no service
		return err
	}
	provider := cognitocreds.New(client)
	cache := aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "s", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
	}))
	var failed error
	fetch := func(n int) {
		for range n {
			if _, err := client.FetchSession(ctx); err != nil {
				failed = err
			}
		}
	}
	provide := func(n int) {
		for range n {
			if _, err := provider.Retrieve(ctx); err != nil {
				failed = err
			}
		}
	}
	retrieve := func(n int) {
		for range n {
			if _, err := cache.Retrieve(ctx); err != nil {
				failed = err
			}
		}
	}
	results := measure.Rounds(b.rounds,
		measure.Contestant{Name: "time.Now", Op: func(n int) {
			for range n {
				runtime.KeepAlive(time.Now())
			}
		}},
		measure.Contestant{Name: "aws.CredentialsCache.Retrieve, hit", Op: retrieve},
		measure.Contestant{Name: "FetchSession with credentials, hit", Op: fetch},
		measure.Contestant{Name: "cognitocreds Retrieve, hit", Op: provide},
		measure.Contestant{Name: "FetchSession, hit, on every core", Op: parallel(fetch), Wall: true},
		measure.Contestant{Name: "FetchSession, hit, wall time", Op: fetch, Wall: true})
	var rows [][]string
	for _, r := range results {
		rows = append(rows, []string{r.Name, r.Range(), fmt.Sprintf("%.2g", r.Allocs), r.Over(results[1].Times(1)).String()})
	}
	b.table([]string{"cached", "each", "allocations", "of CredentialsCache"}, rows)
	b.atMost(0.95, results[2].Over(results[1].Times(1)).Median, "cached FetchSession: of aws.CredentialsCache.Retrieve")
	b.atLeast(1.8, results[5].Over(results[4].Times(1)).Median, "cached FetchSession: two cores' rate, of one core's")
	b.atMost(0, float64(int(results[2].Allocs)), "cached FetchSession: allocations")
	b.atMost(1.1, results[3].Over(results[1].Times(1)).Median, "cached credentials through cognitocreds: of aws.CredentialsCache over static ones")
	b.atMost(0, float64(int(results[3].Allocs)), "cached credentials through cognitocreds: allocations")
	fmt.Fprintf(b.out, "\n20 cold callers at once: GetId %d, GetCredentialsForIdentity %d (Amplify: 20 and 20).\n", calls.calls["GetId"], calls.calls["GetCredentialsForIdentity"])
	b.atMost(2, float64(calls.calls["GetId"]+calls.calls["GetCredentialsForIdentity"]), "20 cold callers at once: calls of the identity pool")
	return failed
}

// parallel spreads n operations over the cores.
func parallel(op func(int)) func(int) {
	return func(n int) {
		var group sync.WaitGroup
		cores := runtime.GOMAXPROCS(0)
		for range cores {
			group.Go(func() { op(max(1, n/cores)) })
		}
		group.Wait()
	}
}
