package accounts_test

import (
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/accounts"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// TestUsualContact: which contact the answers about users of a pool show.
func TestUsualContact(t *testing.T) {
	t.Parallel()
	recovery := func(names ...string) *wire.AccountRecoverySettingType {
		r := &wire.AccountRecoverySettingType{}
		for i, name := range names {
			r.RecoveryMechanisms = append(r.RecoveryMechanisms, wire.RecoveryOptionType{Name: name, Priority: new(int32(i + 1))})
		}
		return r
	}
	required := func(name string) []wire.SchemaAttributeType {
		return []wire.SchemaAttributeType{{Name: name, AttributeDataType: "String", Required: new(true), Mutable: new(true)}}
	}
	both := []string{"email", "phone_number"}
	for name, test := range map[string]struct {
		pool           wire.CreateUserPoolRequest
		reset, confirm string
	}{
		"no settings":           {wire.CreateUserPoolRequest{}, "email", "email"},
		"verifies phones":       {wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{AutoVerifiedAttributes: []string{"phone_number"}}}, "phone_number", "phone_number"},
		"verifies both":         {wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{AutoVerifiedAttributes: both}}, "email", "email"},
		"phones are user names": {wire.CreateUserPoolRequest{UsernameAttributes: []string{"phone_number"}, UserPoolSettings: wire.UserPoolSettings{AutoVerifiedAttributes: both}}, "phone_number", "phone_number"},
		"phones are required":   {wire.CreateUserPoolRequest{Schema: required("phone_number"), UserPoolSettings: wire.UserPoolSettings{AutoVerifiedAttributes: both}}, "phone_number", "phone_number"},
		"recovered by phone first": {wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{
			AutoVerifiedAttributes: both, AccountRecoverySetting: recovery("verified_phone_number", "verified_email")}}, "phone_number", "email"},
		"recovered by phone, which no one has": {wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{
			AutoVerifiedAttributes: []string{"email"}, AccountRecoverySetting: recovery("verified_phone_number", "verified_email")}}, "email", "email"},
		"recovered by administrators": {wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{
			AccountRecoverySetting: recovery("admin_only")}}, "email", "email"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pooltest.New(t)
			id := c.Pool(t, test.pool)
			set, _, err := c.Base.Pools.ViewUser(t.Context(), id, c.User(t, id, map[bool]string{true: "+15550001234", false: "ann"}[len(test.pool.UsernameAttributes) > 0]).Sub)
			if err != nil {
				t.Fatal(err)
			}
			if got := accounts.UsualContact(set, pool.CodeReset); got != test.reset {
				t.Errorf("forgotten passwords: %s, want %s", got, test.reset)
			}
			if got := accounts.UsualContact(set, pool.CodeSignUp); got != test.confirm {
				t.Errorf("sign-ups: %s, want %s", got, test.confirm)
			}
		})
	}
}
