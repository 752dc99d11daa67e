package localservice

import (
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// planOf signs the demo user in and reads custom:plan of the ID token.
func planOf(t *testing.T, ready Ready) string {
	t.Helper()
	var in wire.InitiateAuthResponse
	err := call(t, trusting(t, ready.CAFile), ready.Endpoint, "InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: ready.ClientID,
		AuthParameters: wire.Parameters{"USERNAME": ready.Username, "PASSWORD": ready.Password},
	}, &in)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Decode(string(in.AuthenticationResult.IdToken))
	if err != nil {
		t.Fatal(err)
	}
	plan, _ := token.Custom("plan")
	return plan
}

// TestDemoUserHasPlan covers a new pool, one from before the attribute, and a value that
// the operator has changed.
func TestDemoUserHasPlan(t *testing.T) {
	o := options(t.TempDir())
	first, stop := start(t, o)
	if got := planOf(t, first); got != "free" {
		t.Errorf("custom:plan is %q", got)
	}
	stop()

	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	err = s.server.Call(t.Context(), "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
		UserPoolId: first.UserPoolID, Username: first.Username, UserAttributes: []wire.AttributeType{{Name: "custom:plan", Value: "team"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	second, stop := start(t, o)
	if got := planOf(t, second); got != "team" {
		t.Errorf("a value of the operator's became %q", got)
	}
	stop()

	if s, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	withoutPlan(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	third, _ := start(t, o)
	if got := planOf(t, third); got != "free" {
		t.Errorf("custom:plan of a pool from before is %q", got)
	}
}

// withoutPlan puts pool and demo user back to what they were before the attribute.
func withoutPlan(t *testing.T, s *Service) {
	t.Helper()
	err := s.store.Update(t.Context(), func(tx storage.Tx) error {
		pool, err := tx.Pools.Pool(s.state.UserPoolID)
		if err != nil {
			return err
		}
		var set wire.UserPoolType
		if err := wire.Unmarshal(pool.Settings, &set); err != nil {
			return err
		}
		set.SchemaAttributes = set.SchemaAttributes[:len(set.SchemaAttributes)-1]
		if pool.Settings, err = wire.Marshal(&set); err != nil {
			return err
		}
		users, err := tx.Users.List(pool.ID, storage.UserFilter{}, storage.UserCursor{}, 10)
		if err != nil {
			return err
		}
		for _, user := range users {
			delete(user.Attributes, "custom:plan")
			if err := tx.Users.Update(user); err != nil {
				return err
			}
		}
		pool.ModifiedAt = pool.ModifiedAt.Add(1e9)
		return tx.Pools.Update(pool)
	})
	if err != nil {
		t.Fatal(err)
	}
}
