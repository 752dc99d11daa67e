package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// samples is how many calls of each kind are timed per round.
const samples = 1000

// benchTiming compares how long the service takes for a user who exists with how
// long it takes for one who does not, where the client hides the difference. It
// gives Welch's t: below about 4.5 the two cannot be told apart by so many calls.
func benchTiming(b *bench) error {
	w, err := newWorld(nil)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.hideUsers(); err != nil {
		return err
	}
	var rows [][]string
	for _, endpoint := range []struct {
		name string
		call func(user string) error
	}{
		{"InitiateAuth, USER_SRP_AUTH", w.openFor},
		{"InitiateAuth, USER_PASSWORD_AUTH, wrong password", w.guessFor},
	} {
		var exists, made []float64
		for range b.rounds {
			for i := range samples {
				// Turn and turn about, so that whatever drifts drifts for both.
				for _, kind := range []string{"user", "none"} {
					// Four tries a name: the fifth would begin the lockout.
					name := fmt.Sprintf("%s%d", kind, i/4)
					start := time.Now()
					if err := endpoint.call(name); err != nil {
						return err
					}
					took := float64(time.Since(start))
					if kind == "user" {
						exists = append(exists, took)
					} else {
						made = append(made, took)
					}
				}
			}
			if err := w.forgetAttempts(); err != nil {
				return err
			}
		}
		t := welch(trim(exists), trim(made))
		rows = append(rows, []string{endpoint.name, fmt.Sprint(len(exists)), show(mean(trim(exists))), show(mean(trim(made))), fmt.Sprintf("%.2f", t)})
		b.atMost(4.5, math.Abs(t), "telling users apart by time, "+endpoint.name+": Welch's t")
	}
	b.table([]string{"call", "samples of each", "user exists", "user does not", "Welch's t"}, rows)
	return nil
}

func show(nano float64) string { return fmt.Sprintf("%.1f µs", nano/1e3) }

// hideUsers makes the client hide users, and makes users to hide.
func (w *world) hideUsers() error {
	ctx := context.Background()
	update := &wire.UpdateUserPoolClientRequest{UserPoolId: w.pool, ClientId: w.client}
	update.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth, wire.AllowRefreshTokenAuth}
	update.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
	if err := w.handler.Call(ctx, "UpdateUserPoolClient", update, nil); err != nil {
		return err
	}
	for i := range samples / 4 {
		name := fmt.Sprintf("user%d", i)
		err := w.handler.Call(ctx, "AdminCreateUser", &wire.AdminCreateUserRequest{UserPoolId: w.pool, Username: name, MessageAction: wire.MessageActionSuppress}, nil)
		if err == nil {
			err = w.handler.Call(ctx, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{UserPoolId: w.pool, Username: name, Password: srpPassword, Permanent: true}, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// publicA is one SRP_A for all calls: making it would drown what is measured.
var publicA = sync.OnceValue(func() string {
	client, err := srp.NewClient()
	if err != nil {
		panic(err)
	}
	return client.A()
})

// openFor opens an SRP handshake for a name.
func (w *world) openFor(user string) error {
	request := initiateSRP(w.client, publicA())
	request.AuthParameters["USERNAME"] = user
	return w.call("InitiateAuth", request, nil)
}

// guessFor tries a wrong password for a name.
func (w *world) guessFor(user string) error {
	err := w.call("InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: w.client,
		AuthParameters: wire.Parameters{"USERNAME": user, "PASSWORD": "Wrong-Horse-1"},
	}, nil)
	if !wire.IsException(err, wire.NotAuthorizedException) || err.Error() != wire.NotAuthorizedException+": "+wire.MessageIncorrectUsernameOrPassword {
		return fmt.Errorf("a wrong password for %s: %v", user, err)
	}
	return nil
}

// forgetAttempts clears the counters of wrong passwords.
func (w *world) forgetAttempts() error {
	return w.store.Update(context.Background(), func(tx storage.Tx) error {
		_, err := tx.Attempts.Prune(time.Now().Add(time.Hour), 10*samples)
		return err
	})
}

// trim drops the slowest twentieth: what the machine did meanwhile.
func trim(values []float64) []float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[:len(sorted)*19/20]
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func variance(values []float64) float64 {
	m, sum := mean(values), 0.0
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return sum / float64(len(values)-1)
}

// welch is Welch's t for two samples.
func welch(x, y []float64) float64 {
	return (mean(x) - mean(y)) / math.Sqrt(variance(x)/float64(len(x))+variance(y)/float64(len(y)))
}
