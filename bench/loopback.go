package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/bench/measure"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// loadTime is how long one line of the table runs in one round.
const loadTime = 2 * time.Second

// call is one request of the JSON API.
type call struct {
	operation string
	body      []byte
}

// target is a server under load.
type target struct {
	name  string
	peer  *process
	calls map[string]step // by what the line is called
}

// step is what a load repeats: one request, or several that belong together.
type step func(client *http.Client, url string) error

// outcome of one load.
type outcome struct {
	rate     float64
	p50, p99 time.Duration
	cpu      time.Duration // of the server, per request
}

func benchLoopback(b *bench) error {
	targets, stop, err := startTargets()
	defer stop()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "Closed loop, %v a line and round, GOMAXPROCS=1 for the Go servers; the load runs on the same two cores.\n\n", loadTime)
	rounds := max(3, b.rounds/2)
	rates := map[string][]float64{}
	var rows [][]string
	for _, line := range []string{"refresh", "password sign-in", "GetUser", "empty handler"} {
		for _, concurrency := range []int{1, 8, 32} {
			results := map[string][]outcome{}
			for range rounds {
				for _, t := range targets {
					c, ok := t.calls[line]
					if !ok {
						continue
					}
					o, err := load(t, c, concurrency)
					if err != nil {
						return fmt.Errorf("%s, %s: %w", t.name, line, err)
					}
					results[t.name] = append(results[t.name], o)
					key := fmt.Sprint(t.name, "/", line, "/", concurrency)
					rates[key] = append(rates[key], o.rate)
				}
			}
			rows = append(rows, loadRows(targets, line, concurrency, results)...)
		}
	}
	b.table([]string{"what", "server", "at once", "rate /s", "p50", "p99", "server CPU each"}, rows)
	own := pairwise(rates["latchkey/GetUser/8"], rates["empty/empty handler/8"])
	b.atLeast(0.3, own.Median, "GetUser: of the rate of an empty net/http handler, 8 at once")
	for _, line := range []string{"refresh", "password sign-in", "GetUser"} {
		r := pairwise(rates["latchkey/"+line+"/8"], rates["cognito-local/"+line+"/8"])
		fmt.Fprintf(b.out, "\n%s at 8 at once: %s times the rate of cognito-local.", line, r)
	}
	fmt.Fprintln(b.out)
	return nil
}

func pairwise(values, reference []float64) measure.Ratio {
	ratios := make([]float64, 0, len(values))
	for i := range min(len(values), len(reference)) {
		ratios = append(ratios, values[i]/reference[i])
	}
	if len(ratios) == 0 {
		return measure.Ratio{}
	}
	return measure.Spread(ratios)
}

func loadRows(targets []*target, line string, concurrency int, results map[string][]outcome) (rows [][]string) {
	for _, t := range targets {
		outcomes := results[t.name]
		if len(outcomes) == 0 {
			continue
		}
		middle := func(of func(outcome) float64) float64 {
			values := make([]float64, len(outcomes))
			for i, o := range outcomes {
				values[i] = of(o)
			}
			return measure.Spread(values).Median
		}
		rows = append(rows, []string{line, t.name, fmt.Sprint(concurrency),
			fmt.Sprintf("%.0f", middle(func(o outcome) float64 { return o.rate })),
			measure.Show(middle(func(o outcome) float64 { return float64(o.p50) })),
			measure.Show(middle(func(o outcome) float64 { return float64(o.p99) })),
			measure.Show(middle(func(o outcome) float64 { return float64(o.cpu) }))})
	}
	return rows
}

// load repeats a step from so many connections.
func load(t *target, do step, concurrency int) (outcome, error) {
	client := &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: concurrency, DisableCompression: true}, CheckRedirect: stay, Timeout: 30 * time.Second,
	}
	defer client.CloseIdleConnections()
	if err := do(client, t.peer.url); err != nil { // warm up
		return outcome{}, err
	}
	cpu, start := t.peer.cpu(), time.Now()
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var group sync.WaitGroup
	for range concurrency {
		group.Go(func() {
			var took []time.Duration
			for time.Since(start) < loadTime {
				before := time.Now()
				if err := do(client, t.peer.url); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
				took = append(took, time.Since(before))
			}
			mu.Lock()
			all = append(all, took...)
			mu.Unlock()
		})
	}
	group.Wait()
	if failed != nil {
		return outcome{}, failed
	}
	elapsed := time.Since(start)
	slices.Sort(all)
	return outcome{
		rate: float64(len(all)) / elapsed.Seconds(),
		p50:  all[len(all)/2], p99: all[len(all)*99/100],
		cpu: (t.peer.cpu() - cpu) / time.Duration(len(all)),
	}, nil
}

func (c call) post(client *http.Client, url string) error {
	r, err := http.NewRequest(http.MethodPost, url+"/", bytes.NewReader(c.body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderTarget, wire.Target(wire.UserPools, c.operation))
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %.200s", c.operation, answer.StatusCode, data)
	}
	return err
}

// ask performs a call and decodes its answer.
func ask(url, operation string, request map[string]any, response any) error {
	body, err := wire.Marshal(request)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPost, url+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderTarget, wire.Target(wire.UserPools, operation))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", operation, answer.StatusCode, data)
	}
	return wire.Unmarshal(data, response)
}

// serveEmpty is the reference server: net/http and nothing else.
func serveEmpty() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return serveForParent(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
}

// serveForParent ends with the program that holds its standard input.
func serveForParent(listener net.Listener, handler http.Handler) error {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return errors.Join(errors.New("the server ended"), http.Serve(listener, handler))
}
