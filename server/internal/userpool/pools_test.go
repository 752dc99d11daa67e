package userpool

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/tagging"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// console is a Service over real storage, with a clock that only tests move.
type console struct {
	*Service
	db    *memory.Store
	clock atomic.Int64 // Unix microseconds
}

// signingKeys are real keys, made once: making two a pool would take most of
// the tests' time. They are enough for three pools made at once, since a pool's
// two keys must differ.
var signingKeys = sync.OnceValue(func() (made [6]*rsa.PrivateKey) {
	for i := range made {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		made[i] = key
	}
	return made
})

func newConsole(t *testing.T) *console {
	t.Helper()
	box, err := seal.New(slices.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	c := &console{db: memory.New()}
	c.clock.Store(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixMicro())
	now := func() time.Time { return time.UnixMicro(c.clock.Load()).UTC() }
	var given atomic.Int64
	ring := keys.NewRing(c.db, box, keys.Options{Now: now, Generate: func() (*rsa.PrivateKey, error) {
		return signingKeys()[given.Add(1)%6], nil
	}})
	t.Cleanup(func() {
		if err := ring.Close(); err != nil {
			t.Error(err)
		}
		if err := c.db.Close(); err != nil {
			t.Error(err)
		}
	})
	c.Service = New(Config{
		Storage: c.db, Box: box, Keys: ring, Now: now,
		Issuer: func(poolID string) string { return "http://127.0.0.1:9229/" + poolID },
	})
	return c
}

// advance moves the clock.
func (c *console) advance(d time.Duration) { c.clock.Add(d.Microseconds()) }

// pool makes a user pool as in describes and gives its id.
func (c *console) pool(t *testing.T, in wire.CreateUserPoolRequest) string {
	t.Helper()
	if in.PoolName == "" {
		in.PoolName = "people"
	}
	return must(c.CreateUserPool(t.Context(), &in))(t).UserPool.Id
}

// user makes a user and gives the stored one.
func (c *console) user(t *testing.T, poolID, name string, attributes ...string) storage.User {
	t.Helper()
	must(c.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{
		UserPoolId: poolID, Username: name, UserAttributes: attributeTypes(attributes...),
	}))(t)
	return c.stored(t, poolID, name)
}

// stored gives a user as storage has it.
func (c *console) stored(t *testing.T, poolID, name string) storage.User {
	t.Helper()
	_, user, err := c.viewUser(t.Context(), poolID, name)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// update runs a change on storage that no operation makes.
func (c *console) update(t *testing.T, change func(storage.Tx) error) {
	t.Helper()
	if err := c.db.Update(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

// attributeTypes pairs names and values.
func attributeTypes(pairs ...string) []wire.AttributeType {
	var list []wire.AttributeType
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, wire.AttributeType{Name: pair[0], Value: pair[1]})
	}
	return list
}

// must takes the results of an operation that has to succeed.
func must[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// wantException checks the type of an error, and that its message contains text.
func wantException(t *testing.T, err error, typ, text string) {
	t.Helper()
	if !wire.IsException(err, typ) || !strings.Contains(err.Error(), text) {
		t.Errorf("error = %v, want %s with %q", err, typ, text)
	}
}

func TestCreateUserPoolDefaults(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	made := must(c.CreateUserPool(t.Context(), &wire.CreateUserPoolRequest{PoolName: "people"}))(t).UserPool
	if !isPoolID(made.Id) || len(made.Id) != len("us-east-1_")+9 {
		t.Errorf("id %q has not the shape of a pool id", made.Id)
	}
	now := wire.NewTime(c.now())
	days := int32(7)
	want := &wire.UserPoolType{
		Id: made.Id, Name: "people", Arn: "arn:aws:cognito-idp:us-east-1:000000000000:userpool/" + made.Id,
		CreationDate: now, LastModifiedDate: now, SchemaAttributes: standardAttributes(),
		UserPoolSettings: wire.UserPoolSettings{
			Policies: &wire.UserPoolPolicyType{
				PasswordPolicy: &wire.PasswordPolicyType{
					MinimumLength: new(int32(8)), RequireUppercase: true, RequireLowercase: true,
					RequireNumbers: true, RequireSymbols: true, TemporaryPasswordValidityDays: &days,
				},
				SignInPolicy: &wire.SignInPolicyType{AllowedFirstAuthFactors: []string{"PASSWORD"}},
			},
			DeletionProtection: "INACTIVE", MfaConfiguration: "OFF", UserPoolTier: "ESSENTIALS",
			LambdaConfig:                &wire.LambdaConfigType{},
			EmailConfiguration:          &wire.EmailConfigurationType{EmailSendingAccount: "COGNITO_DEFAULT"},
			VerificationMessageTemplate: &wire.VerificationMessageTemplateType{DefaultEmailOption: "CONFIRM_WITH_CODE"},
			AdminCreateUserConfig: &wire.AdminCreateUserConfigType{
				AllowAdminCreateUserOnly: new(false), UnusedAccountValidityDays: &days,
			},
		},
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("CreateUserPool (-want +got):\n%s", diff)
	}
	described := must(c.DescribeUserPool(t.Context(), &wire.DescribeUserPoolRequest{UserPoolId: made.Id}))(t)
	if diff := cmp.Diff(want, described.UserPool); diff != "" {
		t.Errorf("DescribeUserPool (-want +got):\n%s", diff)
	}
	c.update(t, func(tx storage.Tx) error {
		signing, err := tx.Keys.List(made.Id)
		if len(signing) != 2 {
			t.Errorf("pool has %d keys, want 2", len(signing))
		}
		return err
	})
}

func TestCreateUserPoolRefusals(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.pool(t, wire.CreateUserPoolRequest{UserPoolSettings: pinned("local_taken")})
	days := func(newer, older int32) wire.UserPoolSettings {
		return wire.UserPoolSettings{
			Policies:              &wire.UserPoolPolicyType{PasswordPolicy: &wire.PasswordPolicyType{TemporaryPasswordValidityDays: &newer}},
			AdminCreateUserConfig: &wire.AdminCreateUserConfigType{UnusedAccountValidityDays: &older},
		}
	}
	tests := []struct {
		name, text string
		in         wire.CreateUserPoolRequest
	}{
		{"aliases and username attributes", "Only one of the aliasAttributes or usernameAttributes",
			wire.CreateUserPoolRequest{AliasAttributes: []string{"email"}, UsernameAttributes: []string{"email"}}},
		{"second factor that nobody asks for", "MfaConfiguration ON", wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{MfaConfiguration: "ON"}}},
		{"verification that is never sent", "email must be in AutoVerifiedAttributes", wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{
			AutoVerifiedAttributes:      []string{"phone_number"},
			UserAttributeUpdateSettings: &wire.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []string{"phone_number", "email"}}}}},
		{"two temporary lives", "instead of UnusedAccountValidityDays", wire.CreateUserPoolRequest{UserPoolSettings: days(3, 4)}},
		{"required custom attribute", "Required custom attributes", wire.CreateUserPoolRequest{
			Schema: []wire.SchemaAttributeType{{Name: "tier", Required: new(true)}}}},
		{"pinned id taken", "local_taken", wire.CreateUserPoolRequest{UserPoolSettings: pinned("local_taken")}},
		{"pinned id empty", "user pool id such as", wire.CreateUserPoolRequest{UserPoolSettings: pinned("")}},
		{"pinned id without underscore", "one underscore", wire.CreateUserPoolRequest{UserPoolSettings: pinned("us-east-1")}},
		{"pinned id with two underscores", "one underscore", wire.CreateUserPoolRequest{UserPoolSettings: pinned("us_east_1")}},
		{"pinned id without a region", "one underscore", wire.CreateUserPoolRequest{UserPoolSettings: pinned("_abc")}},
		{"pinned id with a slash", "one underscore", wire.CreateUserPoolRequest{UserPoolSettings: pinned("us-east-1_a/b")}},
		{"pinned id with a line break", "one underscore", wire.CreateUserPoolRequest{UserPoolSettings: pinned("us-east-1_ab\n")}},
		{"pinned id too long", "at most 55", wire.CreateUserPoolRequest{UserPoolSettings: pinned("us-east-1_" + strings.Repeat("a", 46))}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.in.PoolName = "people"
			_, err := c.CreateUserPool(t.Context(), &tt.in)
			wantException(t, err, wire.InvalidParameterException, tt.text)
		})
	}
}

func pinned(id string) wire.UserPoolSettings {
	return wire.UserPoolSettings{UserPoolTags: map[string]string{tagging.CustomID: id}}
}

func TestPinnedPoolID(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := "eu-west-1_" + strings.Repeat("b", 45)
	if got := c.pool(t, wire.CreateUserPoolRequest{UserPoolSettings: pinned(id)}); got != id {
		t.Errorf("id = %s, want %s", got, id)
	}
	// The look before the keys are made can be overtaken; the insert decides.
	err := c.db.Update(t.Context(), func(tx storage.Tx) error { return insertPool(tx, storage.Pool{ID: id}, nil) })
	wantException(t, err, wire.InvalidParameterException, "is taken")

	pool := must(c.DescribeUserPool(t.Context(), &wire.DescribeUserPoolRequest{UserPoolId: id}))(t).UserPool
	if want := "arn:aws:cognito-idp:eu-west-1:000000000000:userpool/" + id; pool.Arn != want || pool.UserPoolTags[tagging.CustomID] != id {
		t.Errorf("pool = %s with tags %v, want %s and the tag", pool.Arn, pool.UserPoolTags, want)
	}
	_, err = c.UpdateUserPool(t.Context(), &wire.UpdateUserPoolRequest{UserPoolId: id, UserPoolSettings: pinned("eu-west-1_other")})
	wantException(t, err, wire.InvalidParameterException, "keeps its id")
	must(c.DeleteUserPool(t.Context(), &wire.DeleteUserPoolRequest{UserPoolId: id}))(t)
	if got := c.pool(t, wire.CreateUserPoolRequest{UserPoolSettings: pinned(id)}); got != id {
		t.Errorf("id after deletion = %s, want %s again", got, id)
	}
}

func TestPinnedPoolIDIsGivenOnce(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var made atomic.Int64
	var race sync.WaitGroup
	for range 3 {
		race.Go(func() {
			_, err := c.CreateUserPool(t.Context(), &wire.CreateUserPoolRequest{PoolName: "p", UserPoolSettings: pinned("local_one")})
			if err == nil {
				made.Add(1)
				return
			}
			wantException(t, err, wire.InvalidParameterException, "is taken")
		})
	}
	race.Wait()
	c.update(t, func(tx storage.Tx) error {
		signing, err := tx.Keys.List("local_one")
		if made.Load() != 1 || len(signing) != 2 {
			t.Errorf("%d of 3 calls made the pool, with %d keys; want 1 with 2", made.Load(), len(signing))
		}
		return err
	})
}

func TestUpdateUserPoolResetsWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	first := wire.CreateUserPoolRequest{
		AliasAttributes:       []string{"email"},
		UsernameConfiguration: &wire.UsernameConfigurationType{CaseSensitive: new(false)},
		Schema:                []wire.SchemaAttributeType{{Name: "tier"}},
		UserPoolSettings: wire.UserPoolSettings{
			DeletionProtection: "ACTIVE", AutoVerifiedAttributes: []string{"email"},
			Policies:              &wire.UserPoolPolicyType{PasswordPolicy: &wire.PasswordPolicyType{MinimumLength: new(int32(20))}},
			AdminCreateUserConfig: &wire.AdminCreateUserConfigType{AllowAdminCreateUserOnly: new(true), UnusedAccountValidityDays: new(int32(2))},
			UserPoolTags:          map[string]string{"team": "red"}, KeyConfiguration: &wire.KeyConfigurationType{KeyType: "AWS_OWNED_KEY"},
		},
	}
	id := c.pool(t, first)
	describe := func() *wire.UserPoolType {
		return must(c.DescribeUserPool(t.Context(), &wire.DescribeUserPoolRequest{UserPoolId: id}))(t).UserPool
	}
	before := describe()
	if days := before.Policies.PasswordPolicy.TemporaryPasswordValidityDays; *days != 2 {
		t.Errorf("temporary passwords last %d days, want the 2 of AdminCreateUserConfig", *days)
	}

	must(c.UpdateUserPool(t.Context(), &wire.UpdateUserPoolRequest{UserPoolId: id}))(t)
	want := *before
	settings, err := completePool(wire.UserPoolSettings{})
	if err != nil {
		t.Fatal(err)
	}
	want.UserPoolSettings = settings
	want.UserPoolTags = before.UserPoolTags
	if diff := cmp.Diff(&want, describe()); diff != "" {
		t.Errorf("after an empty update (-want +got):\n%s", diff)
	}
	must(c.UpdateUserPool(t.Context(), &wire.UpdateUserPoolRequest{UserPoolId: id, UserPoolSettings: wire.UserPoolSettings{UserPoolTags: map[string]string{}}}))(t)
	if tags := describe().UserPoolTags; len(tags) > 0 {
		t.Errorf("tags that were replaced by none are %v", tags)
	}

	must(c.UpdateUserPool(t.Context(), &wire.UpdateUserPoolRequest{UserPoolId: id, PoolName: "renamed"}))(t)
	c.update(t, func(tx storage.Tx) error {
		pool, err := tx.Pools.Pool(id)
		if got := pool.ModifiedAt.Sub(pool.CreatedAt); got != 3*time.Microsecond || pool.Name != "renamed" {
			t.Errorf("pool %q was modified %v after it was made, want renamed and 3µs: the clock stood still", pool.Name, got)
		}
		return err
	})
}

func TestDeleteUserPool(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{DeletionProtection: "ACTIVE"}})
	sub := c.user(t, id, "alice").Sub
	_, err := c.DeleteUserPool(t.Context(), &wire.DeleteUserPoolRequest{UserPoolId: id})
	wantException(t, err, wire.InvalidParameterException, "deletion protection is activated")

	must(c.UpdateUserPool(t.Context(), &wire.UpdateUserPoolRequest{UserPoolId: id}))(t)
	must(c.DeleteUserPool(t.Context(), &wire.DeleteUserPoolRequest{UserPoolId: id}))(t)
	_, err = c.DescribeUserPool(t.Context(), &wire.DescribeUserPoolRequest{UserPoolId: id})
	wantException(t, err, wire.ResourceNotFoundException, "User pool "+id+" does not exist.")
	c.update(t, func(tx storage.Tx) error {
		signing, err := tx.Keys.List(id)
		if _, gone := tx.Users.BySub(id, sub); gone == nil || len(signing) > 0 {
			t.Errorf("users or %d keys outlived their pool", len(signing))
		}
		return err
	})
}

func TestListUserPools(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var want []string
	c.update(t, func(tx storage.Tx) error {
		for i := range 65 {
			id := fmt.Sprintf("local_%03d", i)
			want = append(want, id)
			if err := tx.Pools.Insert(storage.Pool{ID: id, Name: "p", Settings: []byte(`{"LambdaConfig":{}}`)}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, limit := range []int32{1, 60, 7} {
		var got []string
		pages, token := 0, ""
		for pages == 0 || token != "" {
			out := must(c.ListUserPools(t.Context(), &wire.ListUserPoolsRequest{MaxResults: &limit, NextToken: token}))(t)
			for _, p := range out.UserPools {
				got = append(got, p.Id)
			}
			pages, token = pages+1, out.NextToken
		}
		if diff := cmp.Diff(want, got); diff != "" || pages != (65+int(limit)-1)/int(limit) {
			t.Errorf("limit %d: %d pages (-want +got):\n%s", limit, pages, diff)
		}
	}
}

// countedPools records how far users are counted.
type countedPools struct {
	storage.Pools
	most *int
}

func (p countedPools) CountUsers(id string, most int) (int, error) {
	*p.most = max(*p.most, most)
	return p.Pools.CountUsers(id, most)
}

// TestEstimatedNumberOfUsers: small pools are counted, large ones in the background
// only.
func TestEstimatedNumberOfUsers(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{})
	users := 0
	add := func(n int) {
		c.update(t, func(tx storage.Tx) error {
			for range n {
				users++
				if err := tx.Users.Insert(storage.User{PoolID: id, Sub: fmt.Sprint(users), Logins: []string{fmt.Sprint(users)}}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	shows := func(want int) {
		t.Helper()
		pool := must(c.DescribeUserPool(t.Context(), &wire.DescribeUserPoolRequest{UserPoolId: id}))(t).UserPool
		if pool.EstimatedNumberOfUsers != int32(want) {
			t.Errorf("EstimatedNumberOfUsers = %d with %d users, want %d", pool.EstimatedNumberOfUsers, users, want)
		}
	}
	recount := func() {
		if err := c.RecountUsers(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	shows(0)
	add(countAtOnce)
	shows(countAtOnce)
	recount()
	add(200)
	shows(countAtOnce + 1) // at least
	recount()
	shows(users)
	counted := users
	add(1)
	recount() // not again so soon
	shows(counted)
	c.counts.set(id, userCount{users: counted})
	recount()
	shows(users)

	most := 0
	c.update(t, func(tx storage.Tx) error {
		tx.Pools = countedPools{tx.Pools, &most}
		n, err := c.estimateUsers(tx, id)
		if n != users || most > countAtOnce+1 {
			t.Errorf("estimate %d, counted up to %d, want %d, at most %d", n, most, users, countAtOnce+1)
		}
		return err
	})
	must(c.DeleteUserPool(t.Context(), &wire.DeleteUserPoolRequest{UserPoolId: id}))(t)
	recount()
	if c.counts.of(id) != (userCount{}) {
		t.Error("the count of a deleted pool stays")
	}
}

func TestCanceledContext(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.CreateUserPool(ctx, &wire.CreateUserPoolRequest{PoolName: "p", UserPoolSettings: pinned("a_b")}); err == nil {
		t.Error("CreateUserPool went on after its context ended")
	}
}
