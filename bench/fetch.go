package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/bench/measure"
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

func signedIn(ctx context.Context, ready localservice.Ready) (*latchkey.Client, error) {
	client, err := latchkey.New(latchkey.Config{
		UserPoolID: ready.UserPoolID, ClientID: ready.ClientID, UserPoolEndpoint: ready.Endpoint,
		Issuer: ready.Endpoint + "/" + ready.UserPoolID,
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
	client, err := signedIn(ctx, ready)
	if err != nil {
		return err
	}
	defer client.Close()
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
		measure.Contestant{Name: "FetchSession, hit", Op: fetch},
		measure.Contestant{Name: "FetchSession, hit, on every core", Op: parallel(fetch), Wall: true},
		measure.Contestant{Name: "FetchSession, hit, wall time", Op: fetch, Wall: true})
	var rows [][]string
	for _, r := range results {
		rows = append(rows, []string{r.Name, r.Range(), fmt.Sprintf("%.2g", r.Allocs), r.Over(results[1].Times(1)).String()})
	}
	b.table([]string{"cached", "each", "allocations", "of CredentialsCache"}, rows)
	b.atMost(1.1, results[2].Over(results[1].Times(1)).Median, "cached FetchSession: of aws.CredentialsCache.Retrieve")
	b.atMost(0, float64(int(results[2].Allocs)), "cached FetchSession: allocations")
	if err := stop(); err != nil {
		return err
	}
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
