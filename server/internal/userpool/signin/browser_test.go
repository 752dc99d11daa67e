package signin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/signin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
)

// TestJudgePassword: the pages' sign-in counts, hides and refuses as the API's
// does, whatever flows the client allows.
func TestJudgePassword(t *testing.T) {
	t.Parallel()
	for name, hides := range map[string]string{"legacy": wire.PreventUserExistenceErrorsLegacy, "hiding": wire.PreventUserExistenceErrorsEnabled} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pooltest.New(t)
			ctx, id := t.Context(), c.Pool(t, wire.CreateUserPoolRequest{})
			client := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id, GenerateSecret: true, UserPoolClientSettings: wire.UserPoolClientSettings{
				ExplicitAuthFlows: []wire.ExplicitAuthFlow{wire.AllowCustomAuth}, PreventUserExistenceErrors: hides,
			}}).ClientId
			ann := c.User(t, id, "ann")
			pooltest.Must(c.Accounts.AdminSetUserPassword(ctx, &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "ann", Password: pooltest.GoodPassword, Permanent: true}))(t)
			step := pooltest.Must(c.SignIn.JudgePassword(ctx, client, "ann", pooltest.GoodPassword))(t)
			ann = c.Stored(t, id, "ann")
			want := &signin.Step{Proven: &tokens.Proven{PoolID: id, Sub: ann.Sub, Username: "ann", Provider: pool.OwnProvider, AuthTime: c.Base.Now(), SignOuts: ann.SignOuts, PasswordEpoch: ann.PasswordEpoch}}
			if diff := cmp.Diff(want, step); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			unknown := wire.UserNotFoundException
			if hides == wire.PreventUserExistenceErrorsEnabled {
				unknown = wire.NotAuthorizedException
			}
			wiretest.WantException(t, pooltest.ErrorOf(c.SignIn.JudgePassword(ctx, client, "nobody", pooltest.GoodPassword)), unknown, "")
			wiretest.WantException(t, pooltest.ErrorOf(c.SignIn.JudgePassword(ctx, client, "", pooltest.GoodPassword)), wire.InvalidParameterException, "USERNAME")
			wiretest.WantException(t, pooltest.ErrorOf(c.SignIn.JudgePassword(ctx, client, "ann", "")), wire.InvalidParameterException, "PASSWORD")
			wiretest.WantException(t, pooltest.ErrorOf(c.SignIn.JudgePassword(ctx, client, strings.Repeat("a", 129), "x")), wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
			wiretest.WantException(t, pooltest.ErrorOf(c.SignIn.JudgePassword(ctx, client, "\xff", "x")), wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
			wiretest.WantException(t, pooltest.ErrorOf(c.SignIn.JudgePassword(ctx, "nobody", "ann", pooltest.GoodPassword)), wire.ResourceNotFoundException, "")
			for range 5 {
				wiretest.WantException(t, pooltest.ErrorOf(c.SignIn.JudgePassword(ctx, client, "ann", "Wrong-Horse-1")), wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
			}
			c.Advance(600 * time.Millisecond) // the lock is settled and not over
			wiretest.WantException(t, pooltest.ErrorOf(c.SignIn.JudgePassword(ctx, client, "ann", pooltest.GoodPassword)), wire.NotAuthorizedException, wire.MessagePasswordAttemptsExceeded)
			c.Advance(time.Hour)
			pooltest.Must(c.SignIn.JudgePassword(ctx, client, "ann", pooltest.GoodPassword))(t)
			pooltest.Must(c.Accounts.AdminDisableUser(ctx, &wire.AdminDisableUserRequest{UserPoolId: id, Username: "ann"}))(t)
			wiretest.WantException(t, pooltest.ErrorOf(c.SignIn.JudgePassword(ctx, client, "ann", pooltest.GoodPassword)), wire.NotAuthorizedException, wire.MessageUserDisabled)
		})
	}
}

// TestNewPasswordStep: a temporary password leads to a step, and the step to a
// proven user.
func TestNewPasswordStep(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx := t.Context()
	id := c.Pool(t, wire.CreateUserPoolRequest{Schema: []wire.SchemaAttributeType{{Name: "name", Required: new(true)}}})
	client := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id}).ClientId
	other := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id}).ClientId
	pooltest.Must(c.Accounts.AdminCreateUser(ctx, &wire.AdminCreateUserRequest{UserPoolId: id, Username: "ann", TemporaryPassword: pooltest.GoodPassword, MessageAction: wire.MessageActionSuppress}))(t)
	step := pooltest.Must(c.SignIn.JudgePassword(ctx, client, "ann", pooltest.GoodPassword))(t).NewPassword
	if step == nil || step.Username != "ann" || cmp.Diff([]string{"name"}, step.Required) != "" {
		t.Fatalf("%+v", step)
	}
	const next = "Another-Horse-7"
	named := map[string]string{"name": "Ann"}
	answer := func(client string, session wire.Sensitive, username string, password wire.Sensitive, attributes map[string]string) error {
		return pooltest.ErrorOf(c.SignIn.NewPassword(ctx, client, session, username, password, attributes))
	}
	wiretest.WantException(t, answer(client, step.Session, "ann", "weakest", named), wire.InvalidPasswordException, "")
	wiretest.WantException(t, answer(client, step.Session, "ann", next, nil), wire.InvalidParameterException, "name")
	wiretest.WantException(t, answer(client, step.Session, "bob", next, named), wire.NotAuthorizedException, wire.MessageInvalidSession)
	wiretest.WantException(t, answer(other, step.Session, "ann", next, named), wire.NotAuthorizedException, wire.MessageInvalidSession)
	wiretest.WantException(t, answer(client, step.Session, "ann", "", named), wire.InvalidParameterException, "NEW_PASSWORD")
	done := pooltest.Must(c.SignIn.NewPassword(ctx, client, step.Session, "ann", next, named))(t).Proven
	ann := c.Stored(t, id, "ann")
	if done == nil || done.PasswordEpoch != ann.PasswordEpoch || ann.Attributes["name"] != "Ann" || ann.Status != string(wire.UserStatusConfirmed) {
		t.Errorf("%+v of %+v", done, ann)
	}
	if _, good, err := c.Tokens.StillGood(ctx, *done, "b-1"); !good || err != nil {
		t.Errorf("just signed in: %v, %v", good, err)
	}
	wiretest.WantException(t, answer(client, step.Session, "ann", next, named), wire.NotAuthorizedException, "")
}
