package userpool

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestJudgePassword: the pages' sign-in counts, hides and refuses as the API's
// does, whatever flows the client allows.
func TestJudgePassword(t *testing.T) {
	t.Parallel()
	for name, hides := range map[string]string{"legacy": wire.PreventUserExistenceErrorsLegacy, "hiding": wire.PreventUserExistenceErrorsEnabled} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newConsole(t)
			ctx, id := t.Context(), c.pool(t, wire.CreateUserPoolRequest{})
			client := c.client(t, wire.CreateUserPoolClientRequest{UserPoolId: id, GenerateSecret: true, UserPoolClientSettings: wire.UserPoolClientSettings{
				ExplicitAuthFlows: []wire.ExplicitAuthFlow{wire.AllowCustomAuth}, PreventUserExistenceErrors: hides,
			}}).ClientId
			ann := c.user(t, id, "ann")
			must(c.AdminSetUserPassword(ctx, &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "ann", Password: goodPassword, Permanent: true}))(t)
			step := must(c.JudgePassword(ctx, client, "ann", goodPassword))(t)
			ann = c.stored(t, id, "ann")
			want := &Step{Proven: &Proven{PoolID: id, Sub: ann.Sub, Username: "ann", Provider: ownProvider, AuthTime: c.now(), SignOuts: ann.SignOuts, PasswordEpoch: ann.PasswordEpoch}}
			if diff := cmp.Diff(want, step); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			unknown := wire.UserNotFoundException
			if hides == wire.PreventUserExistenceErrorsEnabled {
				unknown = wire.NotAuthorizedException
			}
			wantException(t, errorOf(c.JudgePassword(ctx, client, "nobody", goodPassword)), unknown, "")
			wantException(t, errorOf(c.JudgePassword(ctx, client, "", goodPassword)), wire.InvalidParameterException, "USERNAME")
			wantException(t, errorOf(c.JudgePassword(ctx, client, "ann", "")), wire.InvalidParameterException, "PASSWORD")
			wantException(t, errorOf(c.JudgePassword(ctx, client, strings.Repeat("a", 129), "x")), wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
			wantException(t, errorOf(c.JudgePassword(ctx, client, "\xff", "x")), wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
			wantException(t, errorOf(c.JudgePassword(ctx, "nobody", "ann", goodPassword)), wire.ResourceNotFoundException, "")
			for range 5 {
				wantException(t, errorOf(c.JudgePassword(ctx, client, "ann", "Wrong-Horse-1")), wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
			}
			c.advance(600 * time.Millisecond) // the lock is settled and not over
			wantException(t, errorOf(c.JudgePassword(ctx, client, "ann", goodPassword)), wire.NotAuthorizedException, wire.MessagePasswordAttemptsExceeded)
			c.advance(time.Hour)
			must(c.JudgePassword(ctx, client, "ann", goodPassword))(t)
			must(c.AdminDisableUser(ctx, &wire.AdminDisableUserRequest{UserPoolId: id, Username: "ann"}))(t)
			wantException(t, errorOf(c.JudgePassword(ctx, client, "ann", goodPassword)), wire.NotAuthorizedException, wire.MessageUserDisabled)
		})
	}
}

// TestNewPasswordStep: a temporary password leads to a step, and the step to a
// proven user.
func TestNewPasswordStep(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ctx := t.Context()
	id := c.pool(t, wire.CreateUserPoolRequest{Schema: []wire.SchemaAttributeType{{Name: "name", Required: new(true)}}})
	client := c.client(t, wire.CreateUserPoolClientRequest{UserPoolId: id}).ClientId
	other := c.client(t, wire.CreateUserPoolClientRequest{UserPoolId: id}).ClientId
	must(c.AdminCreateUser(ctx, &wire.AdminCreateUserRequest{UserPoolId: id, Username: "ann", TemporaryPassword: goodPassword, MessageAction: wire.MessageActionSuppress}))(t)
	step := must(c.JudgePassword(ctx, client, "ann", goodPassword))(t).NewPassword
	if step == nil || step.Username != "ann" || cmp.Diff([]string{"name"}, step.Required) != "" {
		t.Fatalf("%+v", step)
	}
	const next = "Another-Horse-7"
	named := map[string]string{"name": "Ann"}
	answer := func(client string, session wire.Sensitive, username string, password wire.Sensitive, attributes map[string]string) error {
		return errorOf(c.NewPassword(ctx, client, session, username, password, attributes))
	}
	wantException(t, answer(client, step.Session, "ann", "weakest", named), wire.InvalidPasswordException, "")
	wantException(t, answer(client, step.Session, "ann", next, nil), wire.InvalidParameterException, "name")
	wantException(t, answer(client, step.Session, "bob", next, named), wire.NotAuthorizedException, wire.MessageInvalidSession)
	wantException(t, answer(other, step.Session, "ann", next, named), wire.NotAuthorizedException, wire.MessageInvalidSession)
	wantException(t, answer(client, step.Session, "ann", "", named), wire.InvalidParameterException, "NEW_PASSWORD")
	done := must(c.NewPassword(ctx, client, step.Session, "ann", next, named))(t).Proven
	ann := c.stored(t, id, "ann")
	if done == nil || done.PasswordEpoch != ann.PasswordEpoch || ann.Attributes["name"] != "Ann" || ann.Status != string(wire.UserStatusConfirmed) {
		t.Errorf("%+v of %+v", done, ann)
	}
	if _, good, err := c.StillGood(ctx, *done, "b-1"); !good || err != nil {
		t.Errorf("just signed in: %v, %v", good, err)
	}
	wantException(t, answer(client, step.Session, "ann", next, named), wire.NotAuthorizedException, "")
}

// TestIssueTokens: a grant is good once, for a user who is still good.
func TestIssueTokens(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ctx, id := t.Context(), c.pool(t, wire.CreateUserPoolRequest{})
	client := c.client(t, wire.CreateUserPoolClientRequest{UserPoolId: id, GenerateSecret: true}).ClientId
	c.user(t, id, "ann")
	must(c.AdminSetUserPassword(ctx, &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "ann", Password: goodPassword, Permanent: true}))(t)
	who := *must(c.JudgePassword(ctx, client, "ann", goodPassword))(t).Proven
	grant := BrowserGrant{SessionID: random.SessionID(), Until: c.now().Add(time.Minute), Scope: "openid", Nonce: "n"}
	first := must(c.IssueTokens(ctx, client, who, grant))(t)
	wantException(t, errorOf(c.IssueTokens(ctx, client, who, grant)), wire.NotAuthorizedException, "used before")
	_, _, err := c.RefreshTokens(ctx, client, first.RefreshToken, "")
	wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)

	grant.SessionID, grant.Implicit = random.SessionID(), true
	if implicit := must(c.IssueTokens(ctx, client, who, grant))(t); implicit.RefreshToken != "" || implicit.IdToken == "" {
		t.Errorf("implicit: %+v", implicit)
	}
	grant.SessionID = random.SessionID()
	wantException(t, errorOf(c.IssueTokens(ctx, "nobody", who, grant)), wire.ResourceNotFoundException, "")
	stranger := who
	stranger.Sub = random.SessionID()
	wantException(t, errorOf(c.IssueTokens(ctx, client, stranger, grant)), wire.NotAuthorizedException, "over")
	must(c.AdminUserGlobalSignOut(ctx, &wire.AdminUserGlobalSignOutRequest{UserPoolId: id, Username: "ann"}))(t)
	wantException(t, errorOf(c.IssueTokens(ctx, client, who, grant)), wire.NotAuthorizedException, "over")
	if _, good, err := c.StillGood(ctx, who, "b-1"); good || err != nil {
		t.Errorf("after the sign-out: %v, %v", good, err)
	}
	if hash, err := c.SecretHash(ctx, client, "ann"); err != nil || len(hash) != 44 {
		t.Errorf("secret hash of %d characters, %v", len(hash), err)
	}
}
