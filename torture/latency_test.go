package torture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/origin"
	"github.com/latchkey-auth/latchkey/latchkeytest"
	"github.com/latchkey-auth/latchkey/store"
)

// slowStore is a store whose every operation takes a while, as a database or a
// keychain does.
type slowStore struct {
	*store.Memory
	latency time.Duration
}

func (s *slowStore) Load(ctx context.Context, a store.Account) (store.Record, error) {
	time.Sleep(s.latency) // the fault itself, not a wait; so are those below
	return s.Memory.Load(ctx, a)
}

func (s *slowStore) Save(ctx context.Context, r store.Record, previous uint64) error {
	time.Sleep(s.latency)
	return s.Memory.Save(ctx, r, previous)
}

func (s *slowStore) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	time.Sleep(s.latency)
	return s.Memory.Active(ctx, scope)
}

func (s *slowStore) Lock(ctx context.Context, a store.Account) (func(), error) {
	time.Sleep(s.latency)
	return s.Memory.Lock(ctx, a)
}

// The experiment: callers who come one shortly after the other, while tokens
// have expired, and a service that takes a while to answer.
const (
	callers    = 40
	between    = 7 * time.Millisecond
	answerTime = 20 * time.Millisecond
)

// amplify is what the same did to aws-amplify 6.20.0: refresh calls with the
// same token, callers with tokens, and what was left. Its first row had 20
// callers 5 ms apart.
var amplify = []struct {
	latency time.Duration
	result  string
}{
	{0, "1 call, 20 of 20 callers with tokens, fine"},
	{time.Millisecond, "2 calls, 12 of 40 with tokens, 25 told they are signed out, session wiped"},
	{5 * time.Millisecond, "3 calls, 10 of 40 with tokens, 19 told they are signed out, session wiped"},
	{10 * time.Millisecond, "5 calls, 9 of 40 with tokens, 13 told they are signed out, session wiped"},
	{20 * time.Millisecond, "7 calls, 9 of 40 with tokens, 31 rejected, 2 or 3 of 5 keys left"},
}

// TestSlowStore repeats the table that shows the gap between reading,
// refreshing and writing in Amplify: with one client for all callers, and with
// a client for each of them that shares nothing but the store.
func TestSlowStore(t *testing.T) {
	rows := make([][2]string, 2*len(amplify))
	t.Run("all", func(t *testing.T) {
		for i, row := range amplify {
			t.Run(row.latency.String(), func(t *testing.T) {
				t.Parallel()
				rows[2*i] = repeat(t, row.latency, 1)
				rows[2*i+1] = repeat(t, row.latency, callers)
			})
		}
	})
	for i, row := range rows {
		figure(t, row[0], row[1], "aws-amplify 6.20.0: "+amplify[i/2].result)
	}
}

// served is what became of the callers.
type served struct {
	tokens, signedOut, failed, calls int
	state                            string
}

// repeat does the experiment several times, and says what was done and what
// came of it.
func repeat(t *testing.T, latency time.Duration, clients int) [2]string {
	t.Helper()
	rounds := form(1, 20)
	var sum served
	for range rounds {
		got := crowd(t, latency, clients)
		if want := (served{tokens: callers, calls: 1, state: "session whole"}); got != want {
			t.Errorf("%d clients: %+v, want %+v", clients, got, want)
		}
		sum.tokens, sum.signedOut, sum.failed = sum.tokens+got.tokens, sum.signedOut+got.signedOut, sum.failed+got.failed
		sum.calls, sum.state = sum.calls+got.calls, got.state
	}
	who := "one client"
	if clients > 1 {
		who = fmt.Sprintf("%d clients sharing the store", clients)
	}
	return [2]string{
		fmt.Sprintf("%d callers 7 ms apart, rotation without grace, store %d ms per operation, %s, %d ×", callers, latency.Milliseconds(), who, rounds),
		fmt.Sprintf("%d refresh calls in %d expiries, %d of %d callers with tokens, %d told they are signed out, %d rejected, %s",
			sum.calls, rounds, sum.tokens, rounds*callers, sum.signedOut, sum.failed, sum.state),
	}
}

// crowd does the experiment once.
func crowd(t *testing.T, latency time.Duration, clients int) served {
	t.Helper()
	srv := latchkeytest.NewServer(t, latchkeytest.Rotation(0))
	srv.AddUser(latchkeytest.User{Username: "ann", Password: "Correct-Horse-9"})
	memory := store.NewMemory()
	config := srv.Config()
	config.Store = memory
	begin(t, config, "ann", "Correct-Horse-9")
	account := store.Account{Scope: store.Scope{Service: origin.Of(config.UserPoolEndpoint), PoolID: srv.UserPoolID, ClientID: srv.ClientID}, Username: "ann"}
	age(t, memory, account, 2*time.Hour)
	srv.Fail(refreshOperation, -1, latchkeytest.Fault{Delay: answerTime})

	config.Store = &slowStore{memory, latency}
	all := make([]*latchkey.Client, clients)
	for i := range all {
		var err error
		if all[i], err = latchkey.New(config); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var got served
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() {
			tokens, signedOut := ask(t, all[i%clients])
			mu.Lock()
			defer mu.Unlock()
			switch {
			case tokens:
				got.tokens++
			case signedOut:
				got.signedOut++
			default:
				got.failed++
			}
		})
		time.Sleep(between) // the experiment's own rhythm
	}
	wait.Wait()
	for _, c := range all {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	got.calls, got.state = srv.Calls(refreshOperation), state(t, srv, memory, account)
	return got
}

func ask(t *testing.T, c *latchkey.Client) (tokens, signedOut bool) {
	session, err := c.FetchSession(t.Context())
	if err == nil {
		_, err = session.Tokens()
	}
	if err != nil {
		t.Log(err)
	}
	return err == nil, errors.Is(err, latchkey.ErrSignedOut) || errors.Is(err, latchkey.ErrSessionExpired)
}

// state is what is left in the store, tried out: a client that starts now
// refreshes it.
func state(t *testing.T, srv *latchkeytest.Server, kept store.Store, account store.Account) string {
	t.Helper()
	calls := srv.Calls(refreshOperation)
	record, err := kept.Load(t.Context(), account)
	if err != nil || record.Tokens == nil || record.Ended != nil {
		return "session wiped"
	}
	config := srv.Config()
	config.Store = kept
	c, err := latchkey.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	session, err := c.FetchSession(t.Context(), latchkey.ForceRefresh())
	if err == nil {
		_, err = session.Tokens()
	}
	if err != nil || srv.Calls(refreshOperation) != calls+1 {
		t.Logf("the session that is left: %v", err)
		return "session spent"
	}
	return "session whole"
}
