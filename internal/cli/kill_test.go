package cli

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/testlength"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// worker is a user who signs in, refreshes and signs out until the service is
// gone, and remembers what the service has acknowledged.
type worker struct {
	name, password string
	client         string
	rotates        bool
	live, ended    []string // refresh tokens
	tally          map[string]int
}

const kept = 12 // tokens that a worker remembers of each kind

// work does one thing after another until one is not acknowledged.
func (w *worker) work(s *service) error {
	for {
		var err error
		switch n := rand.IntN(10); {
		case len(w.live) == 0 || n < 3 && len(w.live) < kept:
			err = w.signIn(s)
		case n < 8:
			err = w.refresh(s, rand.IntN(len(w.live)))
		case n < 9:
			err = w.revoke(s)
		default:
			err = w.signOutEverywhere(s)
		}
		if err != nil {
			return err
		}
		w.ended = w.ended[max(0, len(w.ended)-kept):]
	}
}

func (w *worker) signIn(s *service) error {
	var answer wire.InitiateAuthResponse
	err := s.call("InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: w.client,
		AuthParameters: wire.Parameters{"USERNAME": w.name, "PASSWORD": w.password},
	}, &answer, false)
	if err != nil {
		return err
	}
	w.live = append(w.live, string(answer.AuthenticationResult.RefreshToken))
	w.tally["sign-ins"]++
	return nil
}

// refresh spends live[i]. If no answer comes, the token must still do: without
// rotation it never changes, and with it the grace period gives the answer again.
func (w *worker) refresh(s *service, i int) error {
	var answer wire.GetTokensFromRefreshTokenResponse
	err := s.call("GetTokensFromRefreshToken", &wire.GetTokensFromRefreshTokenRequest{
		RefreshToken: wire.Sensitive(w.live[i]), ClientId: w.client,
	}, &answer, false)
	if err != nil {
		return err
	}
	if next := string(answer.AuthenticationResult.RefreshToken); next != "" {
		w.live[i] = next
	} else if w.rotates {
		return errors.New("a refresh with rotation brought no refresh token")
	}
	w.tally["refreshes"]++
	return nil
}

// revoke ends one session. If no answer comes, it may have ended or not.
func (w *worker) revoke(s *service) error {
	last := len(w.live) - 1
	token := w.live[last]
	w.live = w.live[:last]
	err := s.call("RevokeToken", &wire.RevokeTokenRequest{Token: wire.Sensitive(token), ClientId: w.client}, nil, false)
	if err == nil {
		w.ended = append(w.ended, token)
		w.tally["revocations"]++
	}
	return err
}

// signOutEverywhere ends all sessions of the user.
func (w *worker) signOutEverywhere(s *service) error {
	var answer wire.GetTokensFromRefreshTokenResponse
	err := s.call("GetTokensFromRefreshToken", &wire.GetTokensFromRefreshTokenRequest{
		RefreshToken: wire.Sensitive(w.live[0]), ClientId: w.client,
	}, &answer, false)
	if err != nil {
		return err
	}
	if next := string(answer.AuthenticationResult.RefreshToken); next != "" {
		w.live[0] = next
	}
	all := w.live
	w.live = nil
	err = s.call("GlobalSignOut", &wire.GlobalSignOutRequest{AccessToken: answer.AuthenticationResult.AccessToken}, nil, false)
	if err == nil {
		w.ended = append(w.ended, all...)
		w.tally["global sign-outs"]++
	}
	return err
}

// audit checks that everything acknowledged still holds.
func (w *worker) audit(s *service) error {
	for i := range w.live {
		if err := w.refresh(s, i); err != nil {
			return fmt.Errorf("%s: an acknowledged session is lost: %w", w.name, err)
		}
		w.tally["sessions found again"]++
	}
	for _, token := range w.ended {
		err := s.call("GetTokensFromRefreshToken", &wire.GetTokensFromRefreshTokenRequest{
			RefreshToken: wire.Sensitive(token), ClientId: w.client,
		}, nil, false)
		if no, ok := errors.AsType[*refusal](err); !ok || no.exception != wire.NotAuthorizedException+":" {
			return fmt.Errorf("%s: a session that was ended lives: %v", w.name, err)
		}
		w.tally["ends found again"]++
	}
	return nil
}

// workers are two users of an app client without rotation and two with it.
func workers(t *testing.T, s *service) []*worker {
	t.Helper()
	rotating := rotatingClient(t, s)
	var all []*worker
	for i, client := range []string{s.ClientID, s.ClientID, rotating, rotating} {
		w := &worker{
			name: fmt.Sprintf("worker%d", i), password: "Correct-Horse-9",
			client: client, rotates: client == rotating, tally: make(map[string]int),
		}
		if err := s.addUser(w.name, w.password, true); err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// rotatingClient makes an app client whose refresh tokens rotate.
func rotatingClient(t *testing.T, s *service) string {
	t.Helper()
	var answer wire.CreateUserPoolClientResponse
	err := s.call("CreateUserPoolClient", &wire.CreateUserPoolClientRequest{
		UserPoolId: s.UserPoolID, ClientName: "rotating",
		UserPoolClientSettings: wire.UserPoolClientSettings{
			ExplicitAuthFlows:    []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth},
			RefreshTokenRotation: &wire.RefreshTokenRotationType{Feature: wire.FeatureEnabled, RetryGracePeriodSeconds: new(int32(60))},
		},
	}, &answer, true)
	if err != nil {
		t.Fatal(err)
	}
	return answer.UserPoolClient.ClientId
}

// TestTortureKillService kills the service with SIGKILL in the middle of work. What it
// had acknowledged must hold when it comes back on the same data.
func TestTortureKillService(t *testing.T) {
	p := newPlace(t)
	s := p.up(t)
	crew := workers(t, s)
	began := time.Now()
	if err := crew[0].signIn(s); err != nil {
		t.Fatal(err)
	}
	within := max(250*time.Millisecond, 8*time.Since(began)) // on a slow machine the crew needs longer
	n := testlength.Rounds(t, 10)
	for range n {
		killAtWork(t, s, crew, within)
		back, err := startService(p, s.again()...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = back.kill() })
		if back.UserPoolID != s.UserPoolID || back.ClientID != s.ClientID || back.Password != s.Password {
			t.Fatal("the service came back as another one")
		}
		s = back
		for _, w := range crew {
			if err := w.audit(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.stop(os.Interrupt); err != nil {
		t.Error(err)
	}
	total := make(map[string]int)
	for _, w := range crew {
		for what, count := range w.tally {
			total[what] += count
		}
	}
	t.Logf("%d kills; acknowledged and found again: %v", n, total)
	if total["sign-ins"] == 0 || total["refreshes"] == 0 || total["sessions found again"] == 0 {
		t.Error("the kills came before anything was acknowledged")
	}
}

// killAtWork lets the crew work until the service is killed under them.
func killAtWork(t *testing.T, s *service, crew []*worker, within time.Duration) {
	t.Helper()
	var group sync.WaitGroup
	for _, w := range crew {
		group.Go(func() {
			err := w.work(s)
			if no, ok := errors.AsType[*refusal](err); ok {
				t.Errorf("%s: %v", w.name, no)
			}
		})
	}
	time.Sleep(20*time.Millisecond + rand.N(within)) // the fault itself, not a wait
	if err := s.kill(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
}

// TestTortureKillClient kills `latchkey session --refresh` at random moments. The
// stored session must stay readable and able to refresh, also where the killed
// process had spent the refresh token and not yet stored its successor.
func TestTortureKillClient(t *testing.T) {
	p := newPlace(t)
	s := p.up(t)
	config := s.configWith(t, s.ClientID, rotatingClient(t, s))
	if _, errs, code := p.run(t, s.Password, "login", "demo", "--password-stdin", "--config", config); code != exitDone {
		t.Fatalf("login: %s", errs)
	}
	began := time.Now()
	p.run(t, "", "session", "--refresh", "--config", config)
	took := time.Since(began)
	n, cut := testlength.Rounds(t, 20), 0
	for round := 0; round < n || cut == 0 && round < 10*n; round++ { // more if the run that was timed was a slow one
		cmd := p.command("session", "--refresh", "--config", config)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(took * 5 / 4)) // the fault itself, not a wait
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		if cmd.Wait() != nil {
			cut++
		}
		out, errs, code := p.run(t, "", "session", "--refresh", "--json", "--config", config)
		if code != exitDone || errs != "" {
			t.Fatalf("after a kill session --refresh exits with %d: %s", code, errs)
		}
		var after overview
		if err := unmarshalLine(out, &after); err != nil || !after.SignedIn || after.Username != "demo" {
			t.Fatalf("after a kill the session is %s: %v", out, err)
		}
	}
	t.Logf("%d runs of about %v, %d of them killed before their end", n, took.Round(time.Millisecond), cut)
	if cut == 0 {
		t.Error("no run was killed")
	}
}

// TestTortureKillWhileStarting kills the service while it makes its data folder. The
// next start must find its way from whatever was there.
func TestTortureKillWhileStarting(t *testing.T) {
	began := time.Now()
	whole := newPlace(t).up(t)
	took := time.Since(began)
	if err := whole.kill(); err != nil {
		t.Fatal(err)
	}
	n := testlength.Rounds(t, 5)
	for range n {
		p := newPlace(t)
		cmd := p.command("up", "--json", "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(took)) // the fault itself, not a wait
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed is what it says
		s := p.up(t)
		if _, errs, code := p.run(t, s.Password, "login", "demo", "--password-stdin"); code != exitDone {
			t.Fatalf("after a kill while starting login exits with %d: %s", code, errs)
		}
		if err := s.stop(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills within the %v of a first start", n, took.Round(time.Millisecond))
}
