package store_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/latchkey-auth/latchkey/store"
)

const (
	poolA = "us-east-1:aaaaaaaa-0000-0000-0000-000000000000"
	poolB = "us-east-1:bbbbbbbb-0000-0000-0000-000000000000"
	role  = "arn:aws:iam::123456789012:role/reader"
)

// identity returns an entry whose credentials are recognizable by its id.
func identity(poolID, endpoint, role, id string) store.Identity {
	return store.Identity{
		PoolID: poolID, Endpoint: endpoint, Role: role, ID: id,
		Credentials: &store.Credentials{AccessKeyID: "AKIA-" + id},
	}
}

func sameIdentity(a, b store.Identity) string {
	return cmp.Diff(a, b, cmpopts.EquateComparable(store.Secret{}))
}

func TestIdentityAt(t *testing.T) {
	t.Parallel()
	const id = "us-east-1:00000000-1111-2222-3333-444444444444"
	legacy := identity("", "", "", id)
	keyed := []store.Identity{
		identity(poolA, "", "", "plain"),
		identity(poolA, "http://localhost:9229", "", "endpoint"),
		identity(poolA, "", role, "role"),
	}
	tests := []struct {
		name                 string
		identities           []store.Identity
		pool, endpoint, role string
		want                 store.Identity
	}{
		{"no identities", nil, poolA, "", "", store.Identity{PoolID: poolA}},
		{"exact", keyed, poolA, "", "", keyed[0]},
		{"exact endpoint", keyed, poolA, "http://localhost:9229", "", keyed[1]},
		{"exact role", keyed, poolA, "", role, keyed[2]},
		{"another pool", keyed, poolB, "", "", store.Identity{PoolID: poolB}},
		{"another endpoint", keyed, poolA, "http://localhost:1", role, store.Identity{PoolID: poolA, Endpoint: "http://localhost:1", Role: role}},
		{"earlier schema, same region", []store.Identity{legacy}, poolB, "http://localhost:9229", "", store.Identity{PoolID: poolB, Endpoint: "http://localhost:9229", ID: id}},
		{"earlier schema, a role", []store.Identity{legacy}, poolB, "", role, store.Identity{PoolID: poolB, Role: role, ID: id}},
		{"earlier schema, other region", []store.Identity{legacy}, "eu-west-1:b", "", "", store.Identity{PoolID: "eu-west-1:b"}},
		{"earlier schema, region of the same beginning", []store.Identity{legacy}, "us-east-11:b", "", "", store.Identity{PoolID: "us-east-11:b"}},
		{"earlier schema, pool without a region", []store.Identity{legacy}, "us-east-1", "", "", store.Identity{PoolID: "us-east-1"}},
		{"earlier schema, no identity id", []store.Identity{{Credentials: legacy.Credentials}}, poolA, "", "", store.Identity{PoolID: poolA}},
		{"exact before earlier schema", []store.Identity{legacy, keyed[0]}, poolA, "", "", keyed[0]},
	}
	for _, test := range tests {
		got := store.Record{Identities: test.identities}.IdentityAt(test.pool, test.endpoint, test.role)
		if diff := sameIdentity(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func ids(record store.Record) (ids []string) {
	for _, i := range record.Identities {
		ids = append(ids, i.ID)
	}
	return ids
}

func TestSetIdentity(t *testing.T) {
	t.Parallel()
	a, b := identity(poolA, "", "", "a"), identity(poolB, "", "", "b")
	chosen := identity(poolA, "", role, "chosen")
	legacy := identity("", "", "", "us-east-1:legacy")
	tests := []struct {
		name   string
		before []store.Identity
		set    store.Identity
		want   []string
	}{
		{"the first", nil, a, []string{"a"}},
		{"another pool", []store.Identity{a}, b, []string{"a", "b"}},
		{"another role", []store.Identity{a}, chosen, []string{"a", "chosen"}},
		{"the same key moves to the end", []store.Identity{a, b}, identity(poolA, "", "", "a2"), []string{"b", "a2"}},
		{"an id without credentials", nil, store.Identity{PoolID: poolA, ID: "a"}, []string{"a"}},
		{"empty removes", []store.Identity{a, b}, store.Identity{PoolID: poolA}, []string{"b"}},
		{"empty removes the last", []store.Identity{a}, store.Identity{PoolID: poolA}, nil},
		{"empty of an unknown key", []store.Identity{a}, store.Identity{PoolID: poolB}, []string{"a"}},
		{"a pool replaces the entry of earlier schemas", []store.Identity{legacy, b}, a, []string{"b", "a"}},
		{"so does an empty one", []store.Identity{legacy}, store.Identity{PoolID: poolA}, nil},
		{"no pool replaces that entry only", []store.Identity{legacy, b}, identity("", "", "", "legacy2"), []string{"b", "legacy2"}},
	}
	for _, test := range tests {
		record := store.Record{Identities: test.before}
		record.SetIdentity(test.set)
		if diff := cmp.Diff(test.want, ids(record)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if record.Identities != nil && len(record.Identities) == 0 {
			t.Errorf("%s: the list is empty and not nil", test.name)
		}
	}
}

// TestSetIdentityEvicts uses one entry more than there is room for, after the oldest
// one was set anew.
func TestSetIdentityEvicts(t *testing.T) {
	t.Parallel()
	var record store.Record
	pool := func(n int) string { return fmt.Sprintf("us-east-1:%d", n) }
	for n := range store.MaxIdentities {
		record.SetIdentity(identity(pool(n), "", "", fmt.Sprint(n)))
	}
	record.SetIdentity(identity(pool(0), "", "", "0"))
	record.SetIdentity(identity(pool(99), "", "", "99"))
	if diff := cmp.Diff([]string{"2", "3", "4", "5", "6", "7", "0", "99"}, ids(record)); diff != "" {
		t.Errorf("identities (-want +got):\n%s", diff)
	}
}

func TestSetIdentityKeepsCopies(t *testing.T) {
	t.Parallel()
	before := store.Record{Identities: append(make([]store.Identity, 0, 16), identity(poolA, "", "", "a"), identity(poolB, "", "", "b"))}
	set := identity(poolA, "", "", "new")
	record := before // shares the list
	record.SetIdentity(set)
	record.SetIdentity(store.Identity{PoolID: poolB})
	record.SetIdentity(identity(poolA, "", role, "role"))
	if diff := cmp.Diff([]string{"a", "b"}, ids(before)); diff != "" {
		t.Errorf("the copy made before changed (-want +got):\n%s", diff)
	}
	set.Credentials.AccessKeyID = "changed"
	if got := record.IdentityAt(poolA, "", "").Credentials.AccessKeyID; got != "AKIA-new" {
		t.Errorf("a change of the argument reached the record: %s", got)
	}
}

// TestIdentityOfEarlierSchemas reads the identity that schemas 1 to 3 kept without
// its pool, and replaces it.
func TestIdentityOfEarlierSchemas(t *testing.T) {
	t.Parallel()
	for schema := 1; schema < 4; schema++ {
		data, err := os.ReadFile(goldenPath(schema))
		if err != nil {
			t.Fatal(err)
		}
		record, err := store.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		got := record.IdentityAt(poolA, "", "")
		if got.PoolID != poolA || got.ID != "us-east-1:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9" || got.Credentials != nil {
			t.Errorf("schema %d: the identity is %+v", schema, got)
		}
		record.SetIdentity(got)
		if other := record.IdentityAt(poolB, "", ""); other.ID != "" || other.Credentials != nil {
			t.Errorf("schema %d: bound to one pool, it still answers for another: %+v", schema, other)
		}
	}
}
