package cli

import (
	"errors"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/testlength"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

// TestTortureKillFollowed kills the service with SIGKILL as soon as it has acknowledged
// a revocation, whether or not its followers were told. A verifier that follows
// must refuse the token once the service is back on its SQLite file, and no other.
func TestTortureKillFollowed(t *testing.T) {
	p := newPlace(t)
	s := p.up(t)
	issuer := s.Endpoint + "/" + s.UserPoolID
	revocations, err := jwt.FollowRevocations(issuer, func(o *jwt.RevocationOptions) {
		o.OnError = func(err error) { t.Logf("follower: %v", err) }
	})
	if err != nil {
		t.Fatal(err)
	}
	defer revocations.Stop()
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer, ClientIDs: []string{s.ClientID}, Leeway: time.Second, Revocations: revocations,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := revocations.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	verify := func(tokens *wire.AuthenticationResultType) error {
		_, err := verifier.VerifyAccess(t.Context(), string(tokens.AccessToken))
		return err
	}
	stays, n, worst := passwordSignIn(t, s), testlength.Rounds(t, 5), time.Duration(0)
	for round := range n {
		ends := passwordSignIn(t, s)
		if err := errors.Join(verify(ends), verify(stays)); err != nil {
			t.Fatalf("round %d: before the revocation: %v", round, err)
		}
		request := &wire.RevokeTokenRequest{Token: ends.RefreshToken, ClientId: s.ClientID}
		if err := errors.Join(s.call("RevokeToken", request, nil, false), s.kill()); err != nil {
			t.Fatal(err)
		}
		if s, err = startService(p, s.again()...); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.kill() })
		back := time.Now()
		for !errors.Is(verify(ends), jwt.ErrRevoked) {
			if time.Since(back) > patience {
				t.Fatalf("round %d: %v after the restart: %v, want ErrRevoked", round, patience, verify(ends))
			}
			time.Sleep(time.Millisecond)
		}
		worst = max(worst, time.Since(back))
		if err := verify(stays); err != nil {
			t.Fatalf("round %d: another session's token: %v", round, err)
		}
	}
	t.Logf("%d kills right after a revocation: refused at most %v after the service was back, reconnecting included", n, worst)
}

// passwordSignIn signs the demo user in.
func passwordSignIn(t *testing.T, s *service) *wire.AuthenticationResultType {
	t.Helper()
	var answer wire.InitiateAuthResponse
	err := s.call("InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: s.ClientID,
		AuthParameters: wire.Parameters{"USERNAME": s.Username, "PASSWORD": s.Password},
	}, &answer, false)
	if err != nil {
		t.Fatal(err)
	}
	return answer.AuthenticationResult
}
