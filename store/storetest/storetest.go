// Package storetest is the suite that every place to keep sessions must pass.
//
// A store's own test calls [Run] with a function that opens an empty store:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return store.NewMemory() })
//	}
//
// Run checks what [store.Store] promises and, if the store is a [store.Locker], a
// [store.Watcher] or a [store.ServiceLister], what those promise. What is special
// about a medium - crashes, damage, permissions, expiry - is for the store's own
// tests. [Sample] and [Diff] help to write those.
package storetest

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/store"
)

// Option changes what the suite expects.
type Option struct{ apply func(*expectations) }

type expectations struct{ sharedServices bool }

// SharedServices is for a store whose keys have no place for [store.Scope.Service]:
// scopes that differ in it alone must then be one, and what is read must carry the
// scope that was asked for.
func SharedServices() Option { return Option{func(e *expectations) { e.sharedServices = true }} }

// Run runs the suite. It calls open once per test, from parallel tests; open
// returns a store that is empty, and cleans up by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) store.Store, options ...Option) {
	t.Helper()
	var expect expectations
	for _, option := range options {
		if option.apply != nil {
			option.apply(&expect)
		}
	}
	services := testServices
	if expect.sharedServices {
		services = testSharedServices
	}
	tests := []struct {
		name string
		test func(t *testing.T, s store.Store)
	}{
		{"RoundTrip", testRoundTrip},
		{"Copies", testCopies},
		{"Generations", testGenerations},
		{"ParallelWriters", testParallelWriters},
		{"ParallelSignIns", testParallelSignIns},
		{"Refusals", testRefusals},
		{"Delete", testDelete},
		{"List", testList},
		{"Scopes", testScopes},
		{"Services", services},
		{"ServiceLister", testServiceLister},
		{"Active", testActive},
		{"OddUsernames", testOddUsernames},
		{"ContextEnded", testContextEnded},
		{"LockExcludes", testLockExcludes},
		{"LockContext", testLockContext},
		{"LockAndSave", testLockAndSave},
		{"WatchTells", testWatchTells},
		{"WatchService", testWatchService},
		{"WatchCatchesUp", testWatchCatchesUp},
		{"WatchEnds", testWatchEnds},
		{"Model", testModel},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.test(t, open(t))
		})
	}
}

// Account returns an account of a scope that all tests share.
func Account(username string) store.Account {
	return store.Account{
		Scope:    store.Scope{PoolID: "us-east-1_AbCdEf123", ClientID: "1h57kf5cpq17m0eml12EXAMPLE"},
		Username: username,
	}
}

// Sample returns the record of a living session with every field set but Ended,
// and of a real one's size: about seven kilobytes, most of them tokens. It is the
// same for the same arguments.
func Sample(account store.Account, generation uint64) store.Record {
	at := time.Date(2026, 3, 14, 15, 9, 26, 535897932, time.UTC).Add(time.Duration(generation) * time.Second)
	token := func(name string, size int) store.Secret {
		unit := fmt.Sprintf("%s%dABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", name, generation)
		return store.NewSecret(strings.Repeat(unit, size/len(unit)+1)[:size])
	}
	return store.Record{
		Generation: generation,
		Account:    account,
		Issuer:     "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123",
		Sub:        "2f1b6c4e-9d3a-4f57-8a60-5b1c7d2e3f48",
		SignIn:     &store.SignIn{LoginID: "someone@example.com", Flow: "USER_SRP_AUTH"},
		Tokens: &store.Tokens{
			ID: token("id", 1073), Access: token("access", 1059), Refresh: token("refresh", 1780),
			ReceivedAt: at,
		},
		Drift:  -1500 * time.Millisecond,
		Device: &store.Device{Key: "us-east-1_6f1e", GroupKey: "-aB3", Password: token("device", 40)},
		Identities: []store.Identity{
			{
				PoolID: "us-east-1:11111111-2222-3333-4444-555555555555", Endpoint: "http://localhost:9229",
				Role: "arn:aws:iam::123456789012:role/reader", ID: "us-east-1:99999999-8888-7777-6666-555555555555",
			},
			{
				PoolID: "us-east-1:0f0e0d0c-0b0a-0908-0706-050403020100", ID: "us-east-1:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
				Credentials: &store.Credentials{
					AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: token("secret", 40),
					SessionToken: token("session", 400), Expiration: at.Add(time.Hour), ReceivedAt: at,
				},
			},
		},
		Federation: &store.Federation{Provider: "accounts.google.com", Subject: "1029384756", IdentityID: "us-east-1:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"},
		Pending:    []store.Revocation{{Token: token("pending", 1780), Since: at.Add(-time.Hour)}},
		SavedAt:    at,
	}
}

// Frame wraps payload as [store.Encode] does, with the right checksum, whatever
// payload and schema are: for tests of what a store does with a record that is
// sound and yet not to be used, such as one of a newer schema. It follows the
// format's description instead of calling package store.
func Frame(schema int, member, payload string) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s", schema, member, payload))
	return fmt.Appendf(nil, `{"schema":%d,"sha256":"%x","%s":%s}`+"\n", schema, sum, member, payload)
}

// Diff returns how got differs from want, and nothing if they say the same:
// times are compared as instants, secrets by their values.
func Diff(want, got store.Record) string {
	return cmp.Diff(want, got,
		cmp.Comparer(func(a, b store.Secret) bool { return a.Equal(b) }),
		cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }))
}

// mustSave and its kin end the test when a call that must succeed fails.
func mustSave(t testing.TB, s store.Store, record store.Record, previous uint64) {
	t.Helper()
	if err := s.Save(t.Context(), record, previous); err != nil {
		t.Fatalf("Save(generation %d, previous %d): %v", record.Generation, previous, err)
	}
}

// mustLoad is Load of a record that must be there.
func mustLoad(t testing.TB, s store.Store, account store.Account) store.Record {
	t.Helper()
	record, err := s.Load(t.Context(), account)
	if err != nil {
		t.Fatalf("Load(%q): %v", account.Username, err)
	}
	return record
}
