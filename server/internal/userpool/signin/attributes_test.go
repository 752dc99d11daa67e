package signin_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/signin"
)

// TestMappedDeveloperAttributesHaveNoEffect covers mappings from before they were refused:
// the person signs in, and the attribute keeps what an administrator wrote.
func TestMappedDeveloperAttributesHaveNoEffect(t *testing.T) {
	t.Parallel()
	schema := pooltest.Must(pool.SchemaFrom([]wire.SchemaAttributeType{{Name: "role", DeveloperOnlyAttribute: new(true)}, {Name: "kyc_verified"}}))(t)
	a := &pool.App{Settings: &pool.ClientSettings{}, PoolSettings: &pool.Settings{UserPoolType: wire.UserPoolType{SchemaAttributes: schema}}}
	a.Settings.WriteAttributes = []string{"email", "custom:kyc_verified"}
	p := &pool.IdentityProvider{}
	p.Mapping = map[string]string{"dev:custom:role": "role", "custom:kyc_verified": "kyc", "email": "email", "email_verified": "email_verified"}
	person := federation.Person{Claims: map[string]string{"role": "admin", "kyc": "yes", "email": "a@example.com", "email_verified": "true"}}
	want := map[string]string{"custom:kyc_verified": "yes", "email": "a@example.com", "email_verified": "true"}
	if diff := cmp.Diff(want, pooltest.Must(signin.Mapped(a, p, person))(t)); diff != "" {
		t.Errorf("mapped attributes (-want +got):\n%s", diff)
	}
}
