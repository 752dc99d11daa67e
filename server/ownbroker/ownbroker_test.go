package ownbroker_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/tempkey"
	"github.com/latchkey-auth/latchkey/server/ownbroker"
	"github.com/latchkey-auth/latchkey/server/plug"
)

var (
	now = time.Date(2026, 11, 20, 14, 10, 0, 5e8, time.UTC)
	key = bytes.Repeat([]byte{7}, tempkey.KeySize)
)

func newBroker(t *testing.T) *ownbroker.Broker {
	t.Helper()
	broker, err := ownbroker.New(ownbroker.Config{Keys: [][]byte{key}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return broker
}

func grant() plug.Grant {
	return plug.Grant{
		PoolID: "us-east-1:pool", IdentityID: "us-east-1:identity", RoleARN: "arn:aws:iam::000000000000:role/app",
		Authenticated: true, Provider: "accounts.google.com", Subject: "42",
		Tags: map[string]string{"team": "blue"}, Life: time.Hour,
	}
}

// TestCredentialsOpen: whoever holds the key learns from the credentials alone
// what the pool decided.
func TestCredentialsOpen(t *testing.T) {
	t.Parallel()
	got, err := newBroker(t).Credentials(t.Context(), grant())
	if err != nil {
		t.Fatal(err)
	}
	if want := now.Truncate(time.Second).Add(time.Hour); !got.Expiration.Equal(want) {
		t.Errorf("they last until %v, want %v", got.Expiration, want)
	}
	codec, err := tempkey.New(key)
	if err != nil {
		t.Fatal(err)
	}
	claims, secret, err := codec.Open(got.AccessKeyID, got.SessionToken.Reveal(), now)
	if err != nil || secret.Reveal() != got.SecretAccessKey.Reveal() {
		t.Fatalf("Open: %v", err)
	}
	g := grant()
	if diff := cmp.Diff(tempkey.Claims{
		PoolID: g.PoolID, IdentityID: g.IdentityID, RoleARN: g.RoleARN, Authenticated: true,
		Provider: g.Provider, Subject: g.Subject, Tags: g.Tags, Issued: now.Truncate(time.Second), Expires: got.Expiration,
	}, claims); diff != "" {
		t.Error(diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx    context.Context
		change func(*plug.Grant)
		want   error
	}{
		"tags that do not fit": {t.Context(), func(g *plug.Grant) { g.Tags["x"] = strings.Repeat("x", 6000) }, plug.ErrRole},
		"caller gone":          {ended, func(*plug.Grant) {}, context.Canceled},
		"no life":              {t.Context(), func(g *plug.Grant) { g.Life = 0 }, nil},
		"too long a life":      {t.Context(), func(g *plug.Grant) { g.Life = 13 * time.Hour }, nil},
	} {
		g := grant()
		test.change(&g)
		got, err := newBroker(t).Credentials(test.ctx, g)
		if err == nil || test.want != nil && !errors.Is(err, test.want) || got != (plug.Credentials{}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if test.want == nil && errors.Is(err, plug.ErrRole) {
			t.Errorf("%s: blamed on the role: %v", name, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][][]byte{"none": nil, "short": {key[:8]}} {
		if _, err := ownbroker.New(ownbroker.Config{Keys: keys}); err == nil {
			t.Errorf("%s: a Broker is made", name)
		}
	}
}
