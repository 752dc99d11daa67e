package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/latchkey-auth/latchkey/internal/outcall"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// Time limits of calls of Config's parts. That of a Broker, which calls another service, is below
// operationTimeout.
const (
	messengerTimeout = 10 * time.Second
	brokerTimeout    = 15 * time.Second
	brandsTimeout    = 5 * time.Second
	partCalls        = 256 // at once, of each part
)

// boundedMessenger is a Messenger with a time limit, whose panics are errors.
type boundedMessenger struct {
	plug.Messenger
	calls *outcall.Calls
}

// boundMessenger returns m with bounds, unless there is none or its Send never waits.
func boundMessenger(m plug.Messenger) plug.Messenger {
	if _, ok := m.(interface{ Immediate() }); ok || m == nil {
		return m
	}
	return boundedMessenger{m, outcall.New("the messenger", partCalls, messengerTimeout)}
}

func (b boundedMessenger) Send(ctx context.Context, m plug.Message) error {
	_, err := outcall.Do(ctx, b.calls, func(ctx context.Context) (struct{}, error) { return struct{}{}, b.Messenger.Send(ctx, m) })
	return err
}

// boundedBroker is a Broker with a time limit, whose panics are errors. It validates credentials.
type boundedBroker struct {
	plug.Broker
	calls *outcall.Calls
	now   func() time.Time
}

func boundBroker(b plug.Broker, now func() time.Time) plug.Broker {
	if b == nil {
		return nil
	}
	return boundedBroker{b, outcall.New("the broker", partCalls, brokerTimeout), now}
}

func (b boundedBroker) Credentials(ctx context.Context, g plug.Grant) (plug.Credentials, error) {
	made, err := outcall.Do(ctx, b.calls, func(ctx context.Context) (plug.Credentials, error) { return b.Broker.Credentials(ctx, g) })
	if err == nil {
		err = checkCredentials(made, b.now())
	}
	if err != nil {
		return plug.Credentials{}, err
	}
	return made, nil
}

// checkCredentials refuses credentials that no client could use.
func checkCredentials(c plug.Credentials, now time.Time) error {
	switch {
	case c.AccessKeyID == "", c.SecretAccessKey.IsZero(), c.SessionToken.IsZero():
		return errors.New("server: credentials of Config.Broker are incomplete")
	case !c.Expiration.After(now):
		return fmt.Errorf("server: credentials of Config.Broker expired at %v", c.Expiration)
	}
	return nil
}

// boundedBrands is a Brands with a time limit, whose panics are errors.
type boundedBrands struct {
	plug.Brands
	calls *outcall.Calls
}

func boundBrands(b plug.Brands) plug.Brands {
	if _, fixed := b.(plug.Brand); fixed || b == nil {
		return b
	}
	return boundedBrands{b, outcall.New("Config.Brands", partCalls, brandsTimeout)}
}

func (b boundedBrands) Brand(ctx context.Context, poolID, clientID string) (plug.Brand, error) {
	return outcall.Do(ctx, b.calls, func(ctx context.Context) (plug.Brand, error) { return b.Brands.Brand(ctx, poolID, clientID) })
}
