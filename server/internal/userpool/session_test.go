package userpool_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// TestRefresh: both ways give new tokens of the same session.
func TestRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	first := w.signIn("ann")
	w.advance(10 * time.Minute)
	ways := map[string]func() (*wire.AuthenticationResultType, error){
		"GetTokensFromRefreshToken": func() (*wire.AuthenticationResultType, error) { return w.refresh(first.RefreshToken) },
		"REFRESH_TOKEN_AUTH":        func() (*wire.AuthenticationResultType, error) { return w.refreshAuth(first.RefreshToken) },
	}
	before := pooltest.Claims(t, first.AccessToken)
	for name, refresh := range ways {
		result, err := refresh()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after := pooltest.Claims(t, result.AccessToken)
		if result.RefreshToken != "" {
			t.Errorf("%s: a refresh token came back without rotation", name)
		}
		if result.AccessToken == first.AccessToken || result.IdToken == "" || after.ID() == before.ID() {
			t.Errorf("%s: the tokens are not new", name)
		}
		if !after.AuthTime().Equal(before.AuthTime()) || after.OriginID() != before.OriginID() {
			t.Errorf("%s: auth_time or origin_jti changed", name)
		}
		if after.IssuedAt().Sub(before.IssuedAt()) < 10*time.Minute {
			t.Errorf("%s: iat %v after %v", name, after.IssuedAt(), before.IssuedAt())
		}
	}
}

func (w *world) refreshAuth(token wire.Sensitive) (*wire.AuthenticationResultType, error) {
	w.t.Helper()
	out, err := call[wire.InitiateAuthResponse](w, "InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowRefreshTokenAuth, ClientId: w.client,
		AuthParameters: wire.Parameters{"REFRESH_TOKEN": string(token)},
	})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}

// TestRefreshTokensAreExact: nothing that is almost a refresh token is one.
func TestRefreshTokensAreExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	token := string(w.signIn("ann").RefreshToken)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{"longer": token + "A", "with padding": token + "=", "garbage": "garbage"}
	for n := 1; n < len(token); n += 7 {
		bad[fmt.Sprintf("first %d characters", n)] = token[:n]
	}
	for bit := 0; bit < len(raw)*8; bit += 13 {
		flipped := append([]byte(nil), raw...)
		flipped[bit/8] ^= 1 << (bit % 8)
		bad[fmt.Sprintf("bit %d flipped", bit)] = base64.RawURLEncoding.EncodeToString(flipped)
	}
	for name, candidate := range bad {
		_, err := w.refresh(wire.Sensitive(candidate))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		wantException(t, err, wire.NotAuthorizedException, wire.MessageInvalidRefreshToken)
	}
	other := must[wire.CreateUserPoolClientResponse](w, "CreateUserPoolClient", &wire.CreateUserPoolClientRequest{UserPoolId: w.pool, ClientName: "other"})
	_, err = call[wire.GetTokensFromRefreshTokenResponse](w, "GetTokensFromRefreshToken", &wire.GetTokensFromRefreshTokenRequest{
		ClientId: other.UserPoolClient.ClientId, RefreshToken: wire.Sensitive(token),
	})
	wantException(t, err, wire.NotAuthorizedException, wire.MessageInvalidRefreshToken)
	if _, err := w.refresh(wire.Sensitive(token)); err != nil {
		t.Errorf("the token itself: %v", err)
	}
}

// TestSessionEnds: each way to end a session is felt at once, by refresh and by
// every call that takes an access token, and hits the right sessions.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	const revoked, accessRevoked = wire.MessageRefreshTokenRevoked, wire.MessageAccessTokenRevoked
	for name, test := range map[string]struct {
		end             func(w *world, mine *wire.AuthenticationResultType)
		refresh, access [2]string
		othersToo       bool
	}{
		"RevokeToken": {func(w *world, mine *wire.AuthenticationResultType) {
			must[wire.RevokeTokenResponse](w, "RevokeToken", &wire.RevokeTokenRequest{ClientId: w.client, Token: mine.RefreshToken})
		}, [2]string{wire.NotAuthorizedException, revoked}, [2]string{wire.NotAuthorizedException, accessRevoked}, false},
		"GlobalSignOut": {func(w *world, mine *wire.AuthenticationResultType) {
			must[wire.GlobalSignOutResponse](w, "GlobalSignOut", &wire.GlobalSignOutRequest{AccessToken: mine.AccessToken})
		}, [2]string{wire.NotAuthorizedException, revoked}, [2]string{wire.NotAuthorizedException, accessRevoked}, true},
		"AdminUserGlobalSignOut": {func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminUserGlobalSignOutResponse](w, "AdminUserGlobalSignOut", &wire.AdminUserGlobalSignOutRequest{UserPoolId: w.pool, Username: "ann"})
		}, [2]string{wire.NotAuthorizedException, revoked}, [2]string{wire.NotAuthorizedException, accessRevoked}, true},
		"AdminDisableUser": {func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: "ann"})
			must[wire.AdminEnableUserResponse](w, "AdminEnableUser", &wire.AdminEnableUserRequest{UserPoolId: w.pool, Username: "ann"})
		}, [2]string{wire.NotAuthorizedException, revoked}, [2]string{wire.NotAuthorizedException, accessRevoked}, true},
		"AdminSetUserPassword": {func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminSetUserPasswordResponse](w, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{UserPoolId: w.pool, Username: "ann", Password: password, Permanent: true})
		}, [2]string{wire.NotAuthorizedException, revoked}, [2]string{wire.NotAuthorizedException, accessRevoked}, true},
		"AdminDeleteUser": {func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminDeleteUserResponse](w, "AdminDeleteUser", &wire.AdminDeleteUserRequest{UserPoolId: w.pool, Username: "ann"})
		}, [2]string{wire.NotAuthorizedException, revoked}, [2]string{wire.NotAuthorizedException, accessRevoked}, true},
		"expiry": {func(w *world, _ *wire.AuthenticationResultType) { w.advance(31 * 24 * time.Hour) },
			[2]string{wire.NotAuthorizedException, wire.MessageRefreshTokenExpired}, [2]string{wire.NotAuthorizedException, wire.MessageAccessTokenExpired}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.addUser("ann")
			w.addUser("bob")
			mine, other, bobs := w.signIn("ann"), w.signIn("ann"), w.signIn("bob")
			if _, err := w.getUser(mine.AccessToken); err != nil {
				t.Fatalf("before: %v", err)
			}
			test.end(w, mine)
			_, err := w.refresh(mine.RefreshToken)
			wantException(t, err, test.refresh[0], test.refresh[1])
			_, err = w.getUser(mine.AccessToken)
			wantException(t, err, test.access[0], test.access[1])
			if _, err := w.refresh(other.RefreshToken); (err != nil) != test.othersToo {
				t.Errorf("the user's other session: %v", err)
			}
			if name == "expiry" {
				return
			}
			if _, err := w.refresh(bobs.RefreshToken); err != nil {
				t.Errorf("another user's session: %v", err)
			}
			if name != "AdminDeleteUser" {
				// A sign-in right after is not hit.
				again := w.signIn("ann")
				if _, err := w.getUser(again.AccessToken); err != nil {
					t.Errorf("a sign-in right after: %v", err)
				}
			}
		})
	}
}

func TestRevokeTokenAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	tokens := w.signIn("ann")
	revoke := func(client string, token wire.Sensitive) error {
		_, err := call[wire.RevokeTokenResponse](w, "RevokeToken", &wire.RevokeTokenRequest{ClientId: client, Token: token})
		return err
	}
	wantException(t, revoke("nobody", tokens.RefreshToken), wire.UnauthorizedException, "Invalid client id or client secret.")
	wantException(t, revoke(w.client, tokens.AccessToken), wire.UnsupportedTokenTypeException, "Only refresh tokens can be revoked.")
	for _, token := range []wire.Sensitive{"never-issued", tokens.RefreshToken, tokens.RefreshToken} {
		if err := revoke(w.client, token); err != nil {
			t.Errorf("RevokeToken: %v", err)
		}
	}
	off := must[wire.CreateUserPoolClientResponse](w, "CreateUserPoolClient", &wire.CreateUserPoolClientRequest{
		UserPoolId: w.pool, ClientName: "off",
		UserPoolClientSettings: wire.UserPoolClientSettings{EnableTokenRevocation: new(false)},
	})
	wantException(t, revoke(off.UserPoolClient.ClientId, "x"), wire.UnsupportedOperationException, "Token revocation is not enabled for this client.")
}

// TestAccessTokens: what GetUser takes, and what it refuses with which words.
func TestAccessTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"})
	tokens := w.signIn("ann")
	user, err := w.getUser(tokens.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if user.Username != "ann" || len(user.UserAttributes) < 2 || user.UserAttributes[0].Name != "sub" {
		t.Errorf("GetUser: %+v", user)
	}
	access := string(tokens.AccessToken)
	head, payload, signature := split(access)
	foreign := newWorld(t, nil)
	foreign.addUser("ann")
	for name, test := range map[string]struct{ token, want string }{
		"garbage":         {"garbage", wire.MessageInvalidAccessToken},
		"ID token":        {string(tokens.IdToken), wire.MessageInvalidAccessToken},
		"other payload":   {head + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(pooltest.Claims(t, tokens.AccessToken).Payload()), "ann", "bob", 1))) + "." + signature, wire.MessageAccessTokenSignature},
		"no signature":    {head + "." + payload + ".", wire.MessageInvalidAccessToken},
		"another service": {string(foreign.signIn("ann").AccessToken), wire.MessageInvalidAccessToken},
	} {
		_, err := w.getUser(wire.Sensitive(test.token))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if !strings.Contains(err.Error(), wire.NotAuthorizedException) {
			t.Errorf("%s: %v", name, err)
		}
		if name != "no signature" {
			wantException(t, err, wire.NotAuthorizedException, test.want)
		}
	}
}

func split(token string) (head, payload, signature string) {
	parts := strings.Split(token, ".")
	return parts[0], parts[1], parts[2]
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	mine, other := w.signIn("ann"), w.signIn("ann")
	change := func(previous, proposed wire.Sensitive) error {
		_, err := call[wire.ChangePasswordResponse](w, "ChangePassword", &wire.ChangePasswordRequest{
			AccessToken: mine.AccessToken, PreviousPassword: previous, ProposedPassword: proposed,
		})
		return err
	}
	wantException(t, change("Wrong-Horse-1", "New-Password-1"), wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
	wantException(t, change(password, "lower-case-1"), wire.InvalidPasswordException, wire.MessagePasswordUppercase)
	if err := change(password, "New-Password-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.getUser(mine.AccessToken); err != nil {
		t.Errorf("the caller's own session ended: %v", err)
	}
	if _, err := w.refresh(mine.RefreshToken); err != nil {
		t.Errorf("the caller's own session ended: %v", err)
	}
	if _, err := w.refresh(other.RefreshToken); err == nil {
		t.Error("the other session goes on")
	}
	if _, err := w.withSRP("ann", "New-Password-1"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if _, err := w.withSRP("ann", password); err == nil {
		t.Error("the old password still works")
	}
}

// TestRotation: every refresh gives a successor; the predecessor gives the same
// one inside the grace period and ends the session after it.
func TestRotation(t *testing.T) {
	t.Parallel()
	rotating := func(grace int32) *world {
		w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
			c.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserPasswordAuth}
			c.RefreshTokenRotation = &wire.RefreshTokenRotationType{Feature: wire.FeatureEnabled, RetryGracePeriodSeconds: &grace}
		})
		w.addUser("ann")
		return w
	}
	w := rotating(30)
	first := w.signIn("ann").RefreshToken
	_, err := w.refreshAuth(first)
	wantException(t, err, wire.UnsupportedOperationException, wire.MessageRefreshFlowNeedsNoRotation)

	var mu sync.Mutex
	seen := map[wire.Sensitive]int{}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			result, err := w.refresh(first)
			if err != nil {
				t.Errorf("inside the grace period: %v", err)
				return
			}
			mu.Lock()
			seen[result.RefreshToken]++
			mu.Unlock()
		})
	}
	group.Wait()
	if len(seen) != 1 {
		t.Fatalf("%d successors of one token", len(seen))
	}
	var second wire.Sensitive
	for token := range seen {
		second = token
	}
	if second == first {
		t.Error("the token did not change")
	}
	w.advance(31 * time.Second)
	_, err = w.refresh(first)
	wantException(t, err, wire.RefreshTokenReuseException, wire.MessageRefreshTokenReuse)
	_, err = w.refresh(second)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)

	w = rotating(0)
	first = w.signIn("ann").RefreshToken
	result, err := w.refresh(first)
	if err != nil {
		t.Fatal(err)
	}
	third, err := w.refresh(result.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.refresh(first)
	wantException(t, err, wire.RefreshTokenReuseException, wire.MessageRefreshTokenReuse)
	if _, err = w.refresh(third.RefreshToken); err == nil {
		t.Error("the family goes on after a reuse")
	}
}
