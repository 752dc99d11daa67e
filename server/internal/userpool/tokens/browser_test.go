package tokens_test

import (
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
)

// TestIssueTokens: a grant is good once, for a user who is still good.
func TestIssueTokens(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx, id := t.Context(), c.Pool(t, wire.CreateUserPoolRequest{})
	client := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id, GenerateSecret: true}).ClientId
	c.User(t, id, "ann")
	pooltest.Must(c.Accounts.AdminSetUserPassword(ctx, &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "ann", Password: pooltest.GoodPassword, Permanent: true}))(t)
	who := *pooltest.Must(c.SignIn.JudgePassword(ctx, client, "ann", pooltest.GoodPassword))(t).Proven
	grant := tokens.BrowserGrant{SessionID: random.SessionID(), Until: c.Base.Now().Add(time.Minute), Scope: "openid", Nonce: "n"}
	first := pooltest.Must(c.Tokens.IssueTokens(ctx, client, who, grant))(t)
	wiretest.WantException(t, pooltest.ErrorOf(c.Tokens.IssueTokens(ctx, client, who, grant)), wire.NotAuthorizedException, "used before")
	_, _, err := c.Tokens.RefreshTokens(ctx, client, first.RefreshToken, "")
	wiretest.WantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)

	grant.SessionID, grant.Implicit = random.SessionID(), true
	if implicit := pooltest.Must(c.Tokens.IssueTokens(ctx, client, who, grant))(t); implicit.RefreshToken != "" || implicit.IdToken == "" {
		t.Errorf("implicit: %+v", implicit)
	}
	grant.SessionID = random.SessionID()
	wiretest.WantException(t, pooltest.ErrorOf(c.Tokens.IssueTokens(ctx, "nobody", who, grant)), wire.ResourceNotFoundException, "")
	stranger := who
	stranger.Sub = random.SessionID()
	wiretest.WantException(t, pooltest.ErrorOf(c.Tokens.IssueTokens(ctx, client, stranger, grant)), wire.NotAuthorizedException, "over")
	pooltest.Must(c.Tokens.AdminUserGlobalSignOut(ctx, &wire.AdminUserGlobalSignOutRequest{UserPoolId: id, Username: "ann"}))(t)
	wiretest.WantException(t, pooltest.ErrorOf(c.Tokens.IssueTokens(ctx, client, who, grant)), wire.NotAuthorizedException, "over")
	if _, good, err := c.Tokens.StillGood(ctx, who, "b-1"); good || err != nil {
		t.Errorf("after the sign-out: %v, %v", good, err)
	}
	if hash, err := c.Tokens.SecretHash(ctx, client, "ann"); err != nil || len(hash) != 44 {
		t.Errorf("secret hash of %d characters, %v", len(hash), err)
	}
}
