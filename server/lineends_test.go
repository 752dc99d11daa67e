package server_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// folded is a token with a line end inside, which base64 decoders often skip.
func folded[T ~string](token T) T { return token[:8] + "\r\n" + token[8:] }

// TestLineEndsAreRefused: no token of the service has a second spelling.
func TestLineEndsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	w.addUser("ben")
	token := w.signIn("ann").RefreshToken
	if _, err := w.refresh(folded(token)); err == nil {
		t.Error("a folded refresh token is accepted")
	}
	_, _ = call[wire.RevokeTokenResponse](w, "RevokeToken", &wire.RevokeTokenRequest{ClientId: w.client, Token: folded(token)})
	if _, err := w.refresh(token); err != nil {
		t.Errorf("the token as it was issued: %v", err)
	}

	client, out, err := w.startSRP("ann")
	if err != nil {
		t.Fatal(err)
	}
	answer := w.proof(client, out, password)
	good := answer.ChallengeResponses["PASSWORD_CLAIM_SECRET_BLOCK"]
	answer.ChallengeResponses["PASSWORD_CLAIM_SECRET_BLOCK"] = folded(good)
	_, err = call[wire.RespondToAuthChallengeResponse](w, "RespondToAuthChallenge", answer)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageInvalidSession)
	answer.ChallengeResponses["PASSWORD_CLAIM_SECRET_BLOCK"] = good
	must[wire.RespondToAuthChallengeResponse](w, "RespondToAuthChallenge", answer)

	list := &wire.ListUsersRequest{UserPoolId: w.pool, Limit: new(int32(1))}
	next := must[wire.ListUsersResponse](w, "ListUsers", list).PaginationToken
	list.PaginationToken = folded(next)
	if _, err := call[wire.ListUsersResponse](w, "ListUsers", list); err == nil {
		t.Error("a folded pagination token is accepted")
	}
	list.PaginationToken = next
	must[wire.ListUsersResponse](w, "ListUsers", list)
}

func TestLineEndsInSessionsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	must[wire.AdminCreateUserResponse](w, "AdminCreateUser", &wire.AdminCreateUserRequest{
		UserPoolId: w.pool, Username: "new", TemporaryPassword: "Temporary-1", MessageAction: wire.MessageActionSuppress,
	})
	out, err := w.withPassword("new", "Temporary-1")
	if err != nil {
		t.Fatal(err)
	}
	respond := func(session wire.Sensitive) error {
		_, err := call[wire.RespondToAuthChallengeResponse](w, "RespondToAuthChallenge", &wire.RespondToAuthChallengeRequest{
			ClientId: w.client, ChallengeName: wire.ChallengeNewPasswordRequired, Session: session,
			ChallengeResponses: wire.Parameters{"USERNAME": "new", "NEW_PASSWORD": password},
		})
		return err
	}
	wantException(t, respond(folded(out.Session)), wire.NotAuthorizedException, wire.MessageInvalidSession)
	if err := respond(out.Session); err != nil {
		t.Error(err)
	}
}

func TestLineEndsInOAuthAreRefused(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	code := w.visitor().signIn("ann", nil).Get("code")
	if out := w.token(w.redeemForm(folded(code))); out.Status != http.StatusBadRequest || out.Error != "invalid_grant" {
		t.Errorf("a folded code: %+v", out)
	}
	out := w.token(w.redeemForm(code))
	if out.Status != http.StatusOK {
		t.Fatalf("the code as it was issued: %+v", out)
	}
	refresh := func(token string) answered {
		return w.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {w.client}, "refresh_token": {token}})
	}
	if out := refresh(folded(out.Refresh)); out.Error != "invalid_grant" {
		t.Errorf("a folded refresh token: %+v", out)
	}
	if out := refresh(out.Refresh); out.Status != http.StatusOK {
		t.Errorf("the refresh token as it was issued: %+v", out)
	}
	answer, body := w.visitor().get(w.base() + "/oauth2/authorize?" + w.query(map[string]string{"code_challenge": folded(challengeOf(verifier))}).Encode())
	if to, err := answer.Location(); err != nil || to.Query().Get("error") != "invalid_request" {
		t.Errorf("a folded challenge: %s, %v, %s", answer.Status, to, body)
	}
}

// TestLineEndsInImagesAreRefused: bytes in JSON have one spelling too.
func TestLineEndsInImagesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	body := `{"UserPoolId":"` + w.pool + `","ImageFile":"iVBO\r\nRw0KGgo="}`
	answer, data := w.send("SetUICustomization", []byte(body))
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("%s %s", answer.Status, data)
	}
}
