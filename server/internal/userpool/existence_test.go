package userpool_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// randomUUID is the form of a user's sub.
var randomUUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// TestLockoutFollowsTypedName: a lock is shown under the name that was tried, and
// holds under the user's other names without showing that they are the user's.
func TestLockoutFollowsTypedName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		setting     string
		tried, next string
		message     string // of the right password under the other name
	}{
		{wire.PreventUserExistenceErrorsEnabled, "ann", "ann@example.com", wire.MessageIncorrectUsernameOrPassword},
		{wire.PreventUserExistenceErrorsEnabled, "ann@example.com", "ann", wire.MessageIncorrectUsernameOrPassword},
		{wire.PreventUserExistenceErrorsEnabled, "nobody", "nobody@example.com", wire.MessageIncorrectUsernameOrPassword},
		{wire.PreventUserExistenceErrorsLegacy, "ann", "ann@example.com", wire.MessagePasswordAttemptsExceeded},
	} {
		t.Run(test.setting+" "+test.tried, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
				pooltest.Hiding(p, c)
				c.PreventUserExistenceErrors = test.setting
			})
			w.stopClock()
			w.addUser("ann", pooltest.Verified("ann@example.com")...)
			for flow, signIn := range w.passwordFlows() {
				for range 5 {
					wantException(t, signIn(test.tried, "wrong"), wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
				}
				w.advance(600 * time.Millisecond)
				if err := signIn(test.tried, password); err == nil || err.Error() != "NotAuthorizedException: "+wire.MessagePasswordAttemptsExceeded {
					t.Errorf("%s: the tried name: %v", flow, err)
				}
				wantException(t, signIn(test.next, password), wire.NotAuthorizedException, test.message)
				w.advance(time.Hour)
				if test.tried == "nobody" {
					continue
				}
				for _, name := range []string{test.next, test.tried} {
					if err := signIn(name, password); err != nil {
						t.Errorf("%s: %s after the lock: %v", flow, name, err)
					}
				}
			}
		})
	}
}

// TestLockoutDoesNotLinkNames: the answers to wrong passwords under two names are
// the same whether or not the names belong to one user.
func TestLockoutDoesNotLinkNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Hiding)
	w.stopClock()
	w.addUser("ann", pooltest.Verified("ann@example.com")...)
	answers := func(names ...string) (all []string) {
		for i := range 16 {
			_, err := w.withPassword(names[i/4%2], "wrong")
			all = append(all, err.Error())
			w.advance(600 * time.Millisecond)
		}
		return all
	}
	if diff := cmp.Diff(answers("bob", "bob@example.com"), answers("ann", "ann@example.com")); diff != "" {
		t.Errorf("answers for two unknown names and for two names of one user (-unknown +user):\n%s", diff)
	}
}

// TestNamesInAliasPools: in a pool with aliases a challenge names the user by the
// sub, whatever was typed, and a made-up user by a sub that looks the same.
func TestNamesInAliasPools(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pool    func(*wire.CreateUserPoolRequest)
		create  string
		typed   []string
		unknown []string
	}{
		"e-mail alias": {
			func(p *wire.CreateUserPoolRequest) { p.AliasAttributes = []string{"email"} },
			"ann", []string{"ann", "ann@example.com"}, []string{"bob", "bob@example.com"},
		},
		"e-mail as user name": {
			func(p *wire.CreateUserPoolRequest) { p.UsernameAttributes = []string{"email"} },
			"ann@example.com", []string{"ann@example.com"}, []string{"bob", "bob@example.com"},
		},
		"no aliases": {func(*wire.CreateUserPoolRequest) {}, "ann", []string{"ann"}, []string{"bob", "bob@example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
				test.pool(p)
				c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
			})
			w.addUser(test.create, pooltest.Verified("ann@example.com")...)
			ann := w.user(test.create)
			named := func(typed string) string {
				t.Helper()
				_, out, err := w.startSRP(typed)
				if err != nil {
					t.Fatal(err)
				}
				p := out.ChallengeParameters
				if p["USERNAME"] != p["USER_ID_FOR_SRP"] {
					t.Errorf("%s: USERNAME %s, USER_ID_FOR_SRP %s", typed, p["USERNAME"], p["USER_ID_FOR_SRP"])
				}
				return p["USERNAME"]
			}
			plain := name == "no aliases"
			if !plain { // clients keep USERNAME of the challenge as the user's name
				test.typed = append(test.typed, attribute(ann, "sub"))
			}
			for _, typed := range test.typed {
				want := attribute(ann, "sub")
				if plain {
					want = "ann"
				}
				if got := named(typed); got != want {
					t.Errorf("%s is called %s, want %s", typed, got, want)
				}
				if _, err := w.withSRP(typed, password); err != nil {
					t.Errorf("%s: %v", typed, err)
				}
				if _, err := w.withPassword(typed, password); err != nil {
					t.Errorf("%s: %v", typed, err)
				}
			}
			seen := map[string]bool{}
			for _, typed := range test.unknown {
				got := named(typed)
				if got != named(" "+typed) || !plain && !randomUUID.MatchString(got) || plain && got != typed || seen[got] {
					t.Errorf("%s is called %s", typed, got)
				}
				seen[got] = true
				_, err := w.withSRP(typed, password)
				wantException(t, err, wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
			}
			if plain {
				return
			}
			// What looks like a sub may be one, or a user name where there are such.
			subs, others := 0, 0
			for range 40 {
				sub := random.UUID()
				switch got := named(sub); {
				case got == sub:
					subs++
				case randomUUID.MatchString(got):
					others++
				}
			}
			if subs+others != 40 || subs == 0 || (others == 0) != (name == "e-mail as user name") {
				t.Errorf("of 40 subs without a user %d are called so and %d by another sub", subs, others)
			}
		})
	}
}

// TestLengthOfChallengeTellsNothing pads a user's name and one without a user with
// white space, which does not count, to every length that a name may have, and
// shortens SRP_A: at none does the length of SECRET_BLOCK tell which is which.
func TestLengthOfChallengeTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
	})
	wide := strings.Repeat("𝄞", 120) // four bytes each
	lengthOf := func(name string, a int) int {
		t.Helper()
		out, err := call[wire.InitiateAuthResponse](w, "InitiateAuth", &wire.InitiateAuthRequest{
			AuthFlow: wire.AuthFlowUserSRP, ClientId: w.client,
			AuthParameters: wire.Parameters{"USERNAME": name, "SRP_A": strings.Repeat("7", a)},
		})
		if err != nil {
			wantException(t, err, wire.InvalidParameterException, "1 validation error detected: Value at 'username' failed to satisfy constraint: Member must have length less than or equal to 128")
			return 0
		}
		return len(out.ChallengeParameters["SECRET_BLOCK"])
	}
	for _, name := range []string{"ann", wide + "ann"} {
		w.addUser(name)
		other := strings.TrimSuffix(name, "ann") + "bob"
		for n := 0; n < 1024; n = 2*n + 1 {
			padded := strings.Repeat(" ", n)
			if a, b := lengthOf(name+padded, 700), lengthOf(other+padded, 700); a != b {
				t.Errorf("%d characters more: %d for the user, %d without one", n, a, b)
			}
		}
		step := 8
		if testing.Short() {
			step = 80
		}
		for n := 1; n <= 760; n += step {
			if a, b := lengthOf(name, n), lengthOf(other, n); a != b {
				t.Errorf("SRP_A of %d digits: %d for the user, %d without one", n, a, b)
			}
		}
	}
}

// TestAnswersMayCarryAnyNameOfTheChallenge: clients answer with USERNAME or
// USER_ID_FOR_SRP, with the name as typed or with the user name. Another name
// fails like a wrong password and spends the challenge.
func TestAnswersMayCarryAnyNameOfTheChallenge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		pooltest.Hiding(p, c)
		c.GenerateSecret = true
	})
	w.addUser("ann", pooltest.Verified("ann@example.com")...)
	w.addUser("bob", pooltest.Verified("bob@example.com")...)
	sub := attribute(w.user("ann"), "sub")
	described := must[wire.DescribeUserPoolClientResponse](w, "DescribeUserPoolClient", &wire.DescribeUserPoolClientRequest{UserPoolId: w.pool, ClientId: w.client})
	hash := func(name string) string {
		return srp.SecretHash(name, w.client, string(described.UserPoolClient.ClientSecret))
	}
	answer := func(typed, name, hashed string) error {
		client, err := srp.NewClient()
		if err != nil {
			t.Fatal(err)
		}
		out := must[wire.InitiateAuthResponse](w, "InitiateAuth", &wire.InitiateAuthRequest{
			AuthFlow: wire.AuthFlowUserSRP, ClientId: w.client,
			AuthParameters: wire.Parameters{"USERNAME": typed, "SRP_A": client.A(), "SECRET_HASH": hash(typed)},
		})
		request := w.proof(client, out, password)
		request.ChallengeResponses["USERNAME"], request.ChallengeResponses["SECRET_HASH"] = name, hash(hashed)
		_, err = call[wire.RespondToAuthChallengeResponse](w, "RespondToAuthChallenge", request)
		if err != nil && !wire.IsException(err, wire.NotAuthorizedException) {
			t.Fatal(err)
		}
		if _, again := call[wire.RespondToAuthChallengeResponse](w, "RespondToAuthChallenge", request); hashed != "bob" {
			wantException(t, again, wire.NotAuthorizedException, wire.MessageSessionUsed)
		}
		return err
	}
	const typed = "ann@example.com"
	for _, name := range []string{sub, typed, "ann"} {
		for _, hashed := range []string{name, sub, typed} {
			if err := answer(typed, name, hashed); err != nil {
				t.Errorf("USERNAME %s with SECRET_HASH of %s: %v", name, hashed, err)
			}
		}
	}
	wantException(t, answer(typed, sub, "bob"), wire.NotAuthorizedException, "Unable to verify secret hash for client "+w.client)
	for _, typed := range []string{"ann@example.com", "nobody@example.com"} {
		wantException(t, answer(typed, "bob", typed), wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
	}
}
