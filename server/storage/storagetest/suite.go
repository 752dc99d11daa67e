// Package storagetest is the suite that every storage backend must pass.
//
// A backend calls [Run] from a test of its own:
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, func(t *testing.T) storage.Store {
//			db := memory.New()
//			t.Cleanup(func() { db.Close() })
//			return db
//		})
//	}
//
// The tables have one file each; transactions.go holds what all of them share,
// races.go what happens when many call at once, and model.go compares random
// transactions with a model that is too simple to be wrong.
package storagetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Run checks a backend. It calls open for each of its tests, most of which run
// in parallel; open returns an empty Store and arranges for its end.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	for name, test := range map[string]func(*testing.T, storage.Store){
		"Pools":             testPools,
		"PoolCascade":       testPoolCascade,
		"Clients":           testClients,
		"Domains":           testDomains,
		"ResourceServers":   testResourceServers,
		"IdentityProviders": testIdentityProviders,
		"Brandings":         testBrandings,
		"BrandingCascade":   testBrandingCascade,
		"Groups":            testGroups,
		"Members":           testMembers,
		"Keys":              testKeys,
		"Paging":            testPaging,
		"UserPaging":        testUserPaging,
		"Users":             testUsers,
		"Logins":            testLogins,
		"UserFilter":        testUserFilter,
		"HostileText":       testHostileText,
		"Sessions":          testSessions,
		"Advance":           testAdvance,
		"Revoke":            testRevoke,
		"Excess":            testExcess,
		"PruneSessions":     testPruneSessions,
		"Revocations":       testRevocations,
		"RevocationBounds":  testRevocationBounds,
		"RevocationEnds":    testRevocationEnds,
		"RevocationFolds":   testRevocationFolds,
		"RevocationAdmits":  testRevocationAdmits,
		"Attempts":          testAttempts,
		"Codes":             testCodes,
		"CodeCascade":       testCodeCascade,
		"PruneCodes":        testPruneCodes,
		"History":           testHistory,
		"Spent":             testSpent,
		"Properties":        testProperties,
		"Times":             testTimes,
		"Copies":            testCopies,
		"Rollback":          testRollback,
		"Panic":             testPanic,
		"ViewRefuses":       testViewRefuses,
		"Snapshot":          testSnapshot,
		"UseAfterClosure":   testUseAfterClosure,
		"Context":           testContext,
		"WithdrawnUpdate":   testWithdrawnUpdate,
		"Close":             testClose,
		"RaceAdvance":       testRaceAdvance,
		"RaceSpend":         testRaceSpend,
		"RaceAttempts":      testRaceAttempts,
		"RaceViews":         testRaceViews,
		"RaceMixedOutcomes": testRaceMixedOutcomes,

		"IdentityPools":       testIdentityPools,
		"IdentityPoolCascade": testIdentityPoolCascade,
		"Identities":          testIdentities,
		"IdentityLogins":      testIdentityLogins,
		"PruneGuests":         testPruneGuests,
		"RaceFirstSignIn":     testRaceFirstSignIn,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
	t.Run("Model", func(t *testing.T) {
		t.Parallel()
		testModel(t, open)
	})
}

var (
	ctx   = context.Background()
	noon  = time.Date(2026, 3, 4, 12, 0, 0, 123456000, time.UTC)
	later = noon.Add(time.Hour)
	never time.Time
)

const (
	poolA, poolB     = "us-east-1_AAAAAAAAA", "us-east-1_BBBBBBBBB"
	clientA, clientB = "1aaaaaaaaaaaaaaaaaaaaaaaaa", "1bbbbbbbbbbbbbbbbbbbbbbbbb"
	subA, subB       = "0aaaaaaa-0000-4000-8000-000000000000", "0bbbbbbb-0000-4000-8000-000000000000"
	sessionA         = "5aaaaaaa-0000-4000-8000-000000000000"
	sessionB         = "5bbbbbbb-0000-4000-8000-000000000000"
)

func update(t *testing.T, db storage.Store, change func(storage.Tx) error) {
	t.Helper()
	if err := db.Update(ctx, change); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func view(t *testing.T, db storage.Store, read func(storage.Tx) error) {
	t.Helper()
	if err := db.View(ctx, read); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// wants runs change in an Update that must fail with that kind of error.
func wants(t *testing.T, db storage.Store, kind error, change func(storage.Tx) error) {
	t.Helper()
	if err := db.Update(ctx, change); !errors.Is(err, kind) {
		t.Errorf("Update: error %v, want %v", err, kind)
	}
}

// same returns an error that shows where got and want differ.
func same(what string, got, want any) error {
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("%s (-want +got):\n%s", what, diff)
	}
	return nil
}

// seed puts two pools in place, each with a client and a user.
func seed(t *testing.T, db storage.Store) {
	t.Helper()
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(
			tx.Pools.Insert(pool(poolA)), tx.Pools.Insert(pool(poolB)),
			tx.Clients.Insert(client(poolA, clientA)), tx.Clients.Insert(client(poolB, clientB)),
			tx.Users.Insert(user(poolA, subA, "ann")), tx.Users.Insert(user(poolB, subB, "bob")),
		)
	})
}

func pool(id string) storage.Pool {
	return storage.Pool{ID: id, Name: "pool " + id, Settings: []byte{0, 1, 0xff}, CreatedAt: noon, ModifiedAt: later}
}

func client(poolID, id string) storage.Client {
	return storage.Client{
		ID: id, PoolID: poolID, Name: "client " + id, Secret: []byte("sealed\x00"), Settings: []byte(`{"a":1}`),
		CreatedAt: noon, ModifiedAt: later,
	}
}

func user(poolID, sub, name string, aliases ...string) storage.User {
	return storage.User{
		PoolID: poolID, Sub: sub, Username: name, Logins: append([]string{name}, aliases...), Status: "CONFIRMED",
		Enabled: true, Attributes: map[string]string{"email": name + "@example.com", "custom:team": "blue"},
		Salt: []byte{1, 2}, Verifier: []byte{3, 4, 5}, PasswordEpoch: 7, TemporaryUntil: later, SignOuts: 2,
		CreatedAt: noon, ModifiedAt: later,
	}
}

func group(poolID, name string) storage.Group {
	precedence := int32(-3)
	return storage.Group{
		PoolID: poolID, Name: name, Description: "about " + name, RoleARN: "arn:aws:iam::0:role/" + name,
		Precedence: &precedence, CreatedAt: noon, ModifiedAt: later,
	}
}

func session(id string) storage.Session {
	return storage.Session{
		ID: id, PoolID: poolA, ClientID: clientA, UserSub: subA, OriginJTI: "jti-" + id, DeviceKey: "us-east-1_device",
		Scope: "openid aws.cognito.signin.user.admin", Provider: "Corp", UserEpoch: 2, Generation: 1,
		CreatedAt: noon, RefreshedAt: noon, RotatedAt: noon, TokensEndAt: noon.Add(life - margin), ExpiresAt: noon.Add(24 * time.Hour),
	}
}

func key(poolID, id string) storage.Key {
	return storage.Key{
		PoolID: poolID, ID: id, Use: "access", Public: []byte("public"), Private: []byte("sealed private"),
		CreatedAt: noon, ActiveAt: later,
	}
}
