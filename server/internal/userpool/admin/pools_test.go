package admin_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/tagging"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/admin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

func TestCreateUserPoolDefaults(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	made := pooltest.Must(c.Admin.CreateUserPool(t.Context(), &wire.CreateUserPoolRequest{PoolName: "people"}))(t).UserPool
	if !pool.IsPoolID(made.Id) || len(made.Id) != len("us-east-1_")+9 {
		t.Errorf("id %q has not the shape of a pool id", made.Id)
	}
	now := wire.NewTime(c.Base.Now())
	days := int32(7)
	want := &wire.UserPoolType{
		Id: made.Id, Name: "people", Arn: "arn:aws:cognito-idp:us-east-1:000000000000:userpool/" + made.Id,
		CreationDate: now, LastModifiedDate: now, SchemaAttributes: pooltest.Must(pool.SchemaFrom(nil))(t),
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
	described := pooltest.Must(c.Admin.DescribeUserPool(t.Context(), &wire.DescribeUserPoolRequest{UserPoolId: made.Id}))(t)
	if diff := cmp.Diff(want, described.UserPool); diff != "" {
		t.Errorf("DescribeUserPool (-want +got):\n%s", diff)
	}
	c.Update(t, func(tx storage.Tx) error {
		signing, err := tx.Keys.List(made.Id)
		if len(signing) != 2 {
			t.Errorf("pool has %d keys, want 2", len(signing))
		}
		return err
	})
}

func TestCreateUserPoolRefusals(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	c.Pool(t, wire.CreateUserPoolRequest{UserPoolSettings: pinned("local_taken")})
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
			_, err := c.Admin.CreateUserPool(t.Context(), &tt.in)
			wiretest.WantException(t, err, wire.InvalidParameterException, tt.text)
		})
	}
}

func pinned(id string) wire.UserPoolSettings {
	return wire.UserPoolSettings{UserPoolTags: map[string]string{tagging.CustomID: id}}
}

func TestPinnedPoolID(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := "eu-west-1_" + strings.Repeat("b", 45)
	if got := c.Pool(t, wire.CreateUserPoolRequest{UserPoolSettings: pinned(id)}); got != id {
		t.Errorf("id = %s, want %s", got, id)
	}
	// The look before the keys are made can be overtaken; the insert decides.
	err := c.Store.Update(t.Context(), func(tx storage.Tx) error { return admin.InsertPool(tx, storage.Pool{ID: id}, nil) })
	wiretest.WantException(t, err, wire.InvalidParameterException, "is taken")

	pool := pooltest.Must(c.Admin.DescribeUserPool(t.Context(), &wire.DescribeUserPoolRequest{UserPoolId: id}))(t).UserPool
	if want := "arn:aws:cognito-idp:eu-west-1:000000000000:userpool/" + id; pool.Arn != want || pool.UserPoolTags[tagging.CustomID] != id {
		t.Errorf("pool = %s with tags %v, want %s and the tag", pool.Arn, pool.UserPoolTags, want)
	}
	_, err = c.Admin.UpdateUserPool(t.Context(), &wire.UpdateUserPoolRequest{UserPoolId: id, UserPoolSettings: pinned("eu-west-1_other")})
	wiretest.WantException(t, err, wire.InvalidParameterException, "keeps its id")
	pooltest.Must(c.Admin.DeleteUserPool(t.Context(), &wire.DeleteUserPoolRequest{UserPoolId: id}))(t)
	if got := c.Pool(t, wire.CreateUserPoolRequest{UserPoolSettings: pinned(id)}); got != id {
		t.Errorf("id after deletion = %s, want %s again", got, id)
	}
}

func TestPinnedPoolIDIsGivenOnce(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	var made atomic.Int64
	var race sync.WaitGroup
	for range 3 {
		race.Go(func() {
			_, err := c.Admin.CreateUserPool(t.Context(), &wire.CreateUserPoolRequest{PoolName: "p", UserPoolSettings: pinned("local_one")})
			if err == nil {
				made.Add(1)
				return
			}
			wiretest.WantException(t, err, wire.InvalidParameterException, "is taken")
		})
	}
	race.Wait()
	c.Update(t, func(tx storage.Tx) error {
		signing, err := tx.Keys.List("local_one")
		if made.Load() != 1 || len(signing) != 2 {
			t.Errorf("%d of 3 calls made the pool, with %d keys; want 1 with 2", made.Load(), len(signing))
		}
		return err
	})
}

func TestUpdateUserPoolResetsWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
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
	id := c.Pool(t, first)
	describe := func() *wire.UserPoolType {
		return pooltest.Must(c.Admin.DescribeUserPool(t.Context(), &wire.DescribeUserPoolRequest{UserPoolId: id}))(t).UserPool
	}
	before := describe()
	if days := before.Policies.PasswordPolicy.TemporaryPasswordValidityDays; *days != 2 {
		t.Errorf("temporary passwords last %d days, want the 2 of AdminCreateUserConfig", *days)
	}

	pooltest.Must(c.Admin.UpdateUserPool(t.Context(), &wire.UpdateUserPoolRequest{UserPoolId: id}))(t)
	want := *before
	settings, err := admin.CompletePool(wire.UserPoolSettings{})
	if err != nil {
		t.Fatal(err)
	}
	want.UserPoolSettings = settings
	want.UserPoolTags = before.UserPoolTags
	if diff := cmp.Diff(&want, describe()); diff != "" {
		t.Errorf("after an empty update (-want +got):\n%s", diff)
	}
	pooltest.Must(c.Admin.UpdateUserPool(t.Context(), &wire.UpdateUserPoolRequest{UserPoolId: id, UserPoolSettings: wire.UserPoolSettings{UserPoolTags: map[string]string{}}}))(t)
	if tags := describe().UserPoolTags; len(tags) > 0 {
		t.Errorf("tags that were replaced by none are %v", tags)
	}

	pooltest.Must(c.Admin.UpdateUserPool(t.Context(), &wire.UpdateUserPoolRequest{UserPoolId: id, PoolName: "renamed"}))(t)
	c.Update(t, func(tx storage.Tx) error {
		pool, err := tx.Pools.Pool(id)
		if got := pool.ModifiedAt.Sub(pool.CreatedAt); got != 3*time.Microsecond || pool.Name != "renamed" {
			t.Errorf("pool %q was modified %v after it was made, want renamed and 3µs: the clock stood still", pool.Name, got)
		}
		return err
	})
}

func TestDeleteUserPool(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{DeletionProtection: "ACTIVE"}})
	sub := c.User(t, id, "alice").Sub
	_, err := c.Admin.DeleteUserPool(t.Context(), &wire.DeleteUserPoolRequest{UserPoolId: id})
	wiretest.WantException(t, err, wire.InvalidParameterException, "deletion protection is activated")

	pooltest.Must(c.Admin.UpdateUserPool(t.Context(), &wire.UpdateUserPoolRequest{UserPoolId: id}))(t)
	pooltest.Must(c.Admin.DeleteUserPool(t.Context(), &wire.DeleteUserPoolRequest{UserPoolId: id}))(t)
	_, err = c.Admin.DescribeUserPool(t.Context(), &wire.DescribeUserPoolRequest{UserPoolId: id})
	wiretest.WantException(t, err, wire.ResourceNotFoundException, "User pool "+id+" does not exist.")
	c.Update(t, func(tx storage.Tx) error {
		signing, err := tx.Keys.List(id)
		if _, gone := tx.Users.BySub(id, sub); gone == nil || len(signing) > 0 {
			t.Errorf("users or %d keys outlived their pool", len(signing))
		}
		return err
	})
}

func TestListUserPools(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	var want []string
	c.Update(t, func(tx storage.Tx) error {
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
			out := pooltest.Must(c.Admin.ListUserPools(t.Context(), &wire.ListUserPoolsRequest{MaxResults: &limit, NextToken: token}))(t)
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
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	users := 0
	add := func(n int) {
		c.Update(t, func(tx storage.Tx) error {
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
		pool := pooltest.Must(c.Admin.DescribeUserPool(t.Context(), &wire.DescribeUserPoolRequest{UserPoolId: id}))(t).UserPool
		if pool.EstimatedNumberOfUsers != int32(want) {
			t.Errorf("EstimatedNumberOfUsers = %d with %d users, want %d", pool.EstimatedNumberOfUsers, users, want)
		}
	}
	recount := func() {
		if err := c.Admin.RecountUsers(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	shows(0)
	add(admin.CountAtOnce)
	shows(admin.CountAtOnce)
	recount()
	add(200)
	shows(admin.CountAtOnce + 1) // at least
	recount()
	shows(users)
	counted := users
	add(1)
	recount() // not again so soon
	shows(counted)
	c.Admin.CountAgain(id, counted)
	recount()
	shows(users)

	most := 0
	c.Update(t, func(tx storage.Tx) error {
		tx.Pools = countedPools{tx.Pools, &most}
		n, err := c.Admin.EstimateUsers(tx, id)
		if n != users || most > admin.CountAtOnce+1 {
			t.Errorf("estimate %d, counted up to %d, want %d, at most %d", n, most, users, admin.CountAtOnce+1)
		}
		return err
	})
	pooltest.Must(c.Admin.DeleteUserPool(t.Context(), &wire.DeleteUserPoolRequest{UserPoolId: id}))(t)
	recount()
	if c.Admin.Counted(id) {
		t.Error("the count of a deleted pool stays")
	}
}

func TestCanceledContext(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Admin.CreateUserPool(ctx, &wire.CreateUserPoolRequest{PoolName: "p", UserPoolSettings: pinned("a_b")}); err == nil {
		t.Error("CreateUserPool went on after its context ended")
	}
}
