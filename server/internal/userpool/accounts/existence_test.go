package accounts_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/accounts"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// messengerFunc is a Messenger.
type messengerFunc func(plug.Message) error

func (f messengerFunc) Send(_ context.Context, m plug.Message) error { return f(m) }

func withMessenger(t *testing.T, send messengerFunc) *pooltest.Console {
	return pooltest.New(t, func(config *userpool.Config) { config.Pool.Messenger = send })
}

// crowdKind is a pool, and how its users are named and reached.
type crowdKind struct {
	pool wire.CreateUserPoolRequest
	// name and attributes are those of a user with a number, and typed is what is
	// typed to mean that user, or no user if the number is not taken.
	name       func(n int) string
	attributes func(n int) map[string]string
	typed      func(n int) string
}

func mailOf(n int) string { return fmt.Sprintf("%c%d@%c.example", 'a'+n%26, n, 'a'+n%23) }

func phoneOf(n int) string { return fmt.Sprintf("+1%010d", 2025550000+n) }

func mailAttributes(n int) map[string]string {
	return map[string]string{"email": mailOf(n), "email_verified": "true"}
}

func phoneAttributes(n int) map[string]string {
	return map[string]string{"phone_number": phoneOf(n), "phone_number_verified": "true"}
}

func bothAttributes(n int) map[string]string {
	m := mailAttributes(n)
	maps.Copy(m, phoneAttributes(n))
	return m
}

func userOf(n int) string { return fmt.Sprintf("user-%d", n) }

// crowdKinds are the kinds of names that people type.
func crowdKinds() map[string]crowdKind {
	verifies := func(names ...string) wire.UserPoolSettings {
		return wire.UserPoolSettings{AutoVerifiedAttributes: names}
	}
	byMail := wire.CreateUserPoolRequest{UsernameAttributes: []string{"email"}, UserPoolSettings: verifies("email")}
	byPhone := wire.CreateUserPoolRequest{UsernameAttributes: []string{"phone_number"}, UserPoolSettings: verifies("phone_number")}
	aliases := wire.CreateUserPoolRequest{AliasAttributes: []string{"email", "phone_number"}, UserPoolSettings: verifies("email", "phone_number")}
	plain := wire.CreateUserPoolRequest{UserPoolSettings: verifies("email")}
	return map[string]crowdKind{
		"e-mail as user name":            {byMail, mailOf, mailAttributes, mailOf},
		"phone number as user name":      {byPhone, phoneOf, phoneAttributes, phoneOf},
		"user name in a plain pool":      {plain, userOf, mailAttributes, userOf},
		"user name, reached by phone":    {aliases, userOf, phoneAttributes, userOf},
		"user name, reached by mail":     {aliases, userOf, mailAttributes, userOf},
		"e-mail alias":                   {aliases, userOf, mailAttributes, mailOf},
		"e-mail alias, reached by phone": {aliases, userOf, bothAttributes, mailOf},
		"phone alias":                    {aliases, userOf, phoneAttributes, phoneOf},
	}
}

// answersTo are the answers of every operation that a stranger can call with a name.
type answersTo struct {
	Challenge, Wrong, Password string
	Forgot, Resend             wire.CodeDeliveryDetailsType
	Recover, Confirm           string

	// Again reports whether the sub of the challenge, typed as a name, leads to the same
	// user.
	Again bool
	// SameContact reports whether both operations that send codes show one contact, under
	// the typed name and under the sub.
	SameContact bool

	sub, salt    string // of the challenge
	otherContact bool   // the sub shows another contact than the typed name
}

var uuidShape = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// shape replaces what differs from name to name in a challenge by what it is.
func shape(p wire.Parameters, typed string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		value := p[name]
		switch _, err := hex.DecodeString(strings.Repeat("0", len(value)%2) + value); {
		case name == "SRP_B" && err == nil && len(value) > 750, name == "SALT" && err == nil && len(value) > 24 && len(value) <= 32:
			value = "number"
		case name == "SECRET_BLOCK":
			value = fmt.Sprint(len(value))
		case uuidShape.MatchString(value):
			value = "uuid"
		case value == strings.TrimSpace(typed):
			value = "as typed"
		}
		parts = append(parts, name+"="+value)
	}
	return strings.Join(parts, " ")
}

// How much is asked with a name: what shows something of a user, the same with the name
// in the challenge, and all that only succeeds or fails.
const (
	shownOnce = iota
	shownAgain
	everything
)

// ask calls operations with a name.
func ask(c *pooltest.Console, client *wire.UserPoolClientType, typed string, depth int) (a answersTo, err error) {
	ctx := context.Background()
	out, err := c.SignIn.InitiateAuth(ctx, &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserSRP, ClientId: client.ClientId, AuthParameters: wire.Parameters{"USERNAME": typed, "SRP_A": somePublicA()},
	})
	if err != nil {
		return a, err
	}
	p := out.ChallengeParameters
	a.Challenge, a.sub, a.salt = shape(p, typed), p["USER_ID_FOR_SRP"], p["SALT"]
	forgot, err := c.Accounts.ForgotPassword(ctx, &wire.ForgotPasswordRequest{ClientId: client.ClientId, Username: typed})
	if err != nil {
		return a, err
	}
	resent, err := c.Accounts.ResendConfirmationCode(ctx, &wire.ResendConfirmationCodeRequest{ClientId: client.ClientId, Username: typed})
	if err != nil {
		return a, err
	}
	a.Forgot, a.Resend = *forgot.CodeDeliveryDetails, *resent.CodeDeliveryDetails
	if depth >= shownAgain {
		if err = askAgain(c, client, p, &a); err != nil {
			return a, err
		}
	}
	for _, details := range []*wire.CodeDeliveryDetailsType{&a.Forgot, &a.Resend} {
		details.Destination = maskShape(details.Destination, strings.TrimSpace(typed))
	}
	if depth < everything {
		return a, nil
	}
	_, err = c.SignIn.RespondToAuthChallenge(ctx, &wire.RespondToAuthChallengeRequest{
		ClientId: client.ClientId, ChallengeName: wire.ChallengePasswordVerifier,
		ChallengeResponses: wire.Parameters{
			"USERNAME": p["USERNAME"], "PASSWORD_CLAIM_SECRET_BLOCK": p["SECRET_BLOCK"],
			"PASSWORD_CLAIM_SIGNATURE": base64.StdEncoding.EncodeToString(make([]byte, 32)), "TIMESTAMP": srp.Timestamp(c.Base.Now()),
		},
	})
	a.Wrong = fmt.Sprint(err)
	_, err = c.SignIn.InitiateAuth(ctx, &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: client.ClientId, AuthParameters: wire.Parameters{"USERNAME": typed, "PASSWORD": "Wrong-Horse-9"},
	})
	a.Password = fmt.Sprint(err)
	_, err = c.Accounts.ConfirmForgotPassword(ctx, &wire.ConfirmForgotPasswordRequest{ClientId: client.ClientId, Username: typed, ConfirmationCode: "123", Password: pooltest.GoodPassword})
	a.Recover = fmt.Sprint(err)
	_, err = c.Accounts.ConfirmSignUp(ctx, &wire.ConfirmSignUpRequest{ClientId: client.ClientId, Username: typed, ConfirmationCode: "123"})
	a.Confirm = fmt.Sprint(err)
	return a, nil
}

// askAgain asks with the name in a challenge.
func askAgain(c *pooltest.Console, client *wire.UserPoolClientType, p wire.Parameters, a *answersTo) error {
	ctx, name := context.Background(), p["USERNAME"]
	out, err := c.SignIn.InitiateAuth(ctx, &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserSRP, ClientId: client.ClientId, AuthParameters: wire.Parameters{"USERNAME": name, "SRP_A": somePublicA()},
	})
	if err != nil {
		return err
	}
	q := out.ChallengeParameters
	a.Again = q["USERNAME"] == name && q["USER_ID_FOR_SRP"] == name && q["SALT"] == p["SALT"]
	forgot, err := c.Accounts.ForgotPassword(ctx, &wire.ForgotPasswordRequest{ClientId: client.ClientId, Username: name})
	if err != nil {
		return err
	}
	resent, err := c.Accounts.ResendConfirmationCode(ctx, &wire.ResendConfirmationCodeRequest{ClientId: client.ClientId, Username: name})
	if err != nil {
		return err
	}
	a.SameContact = a.Forgot == a.Resend && *forgot.CodeDeliveryDetails == *resent.CodeDeliveryDetails
	a.otherContact = a.Forgot != *forgot.CodeDeliveryDetails
	return nil
}

// somePublicA is one SRP_A for all: what the service answers does not depend on it.
var somePublicA = func() func() string {
	client, err := srp.NewClient()
	if err != nil {
		panic(err)
	}
	return client.A
}()

// maskShape says what a masked address shows.
func maskShape(mask, typed string) string {
	switch {
	case mask == pool.Masked(typed) && (pool.IsEmail(typed) || pool.IsPhone(typed)):
		return "the typed address"
	case accounts.PossibleMasks()[pool.LoginEmail].MatchString(mask):
		return "an e-mail address"
	case accounts.PossibleMasks()[pool.LoginPhone].MatchString(mask):
		return "a phone number"
	}
	return mask
}

// TestAnswersForThousandNames compares the answers for a thousand users of each kind
// with those for a thousand names without a user.
func TestAnswersForThousandNames(t *testing.T) {
	t.Parallel()
	users := 1000
	if testing.Short() {
		users = 50
	}
	for name, kind := range crowdKinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := withMessenger(t, func(plug.Message) error { return nil })
			client := crowdOf(t, c, kind, users)
			sides := [2]struct {
				shapes      map[answersTo]int
				subs, salts []string
				others      int
			}{}
			for side := range sides {
				s := &sides[side]
				s.shapes = map[answersTo]int{}
				answers := make([]answersTo, users)
				group := errgroup.Group{} // answers that hide who exists wait for a full step of time
				group.SetLimit(32)
				for n := range users {
					group.Go(func() (err error) {
						depth := shownOnce
						if n%5 == 0 {
							depth = shownAgain
						}
						if n < 10 {
							depth = everything
						}
						answers[n], err = ask(c, client, kind.typed(side*users+n), depth)
						return err
					})
				}
				if err := group.Wait(); err != nil {
					t.Fatal(err)
				}
				for _, a := range answers {
					s.subs, s.salts = append(s.subs, strings.ReplaceAll(a.sub, "-", "")), append(s.salts, fmt.Sprintf("%032s", a.salt))
					if a.otherContact {
						s.others++
					}
					a.sub, a.salt, a.otherContact = "", "", false
					s.shapes[a]++
				}
			}
			if diff := cmp.Diff(sides[0].shapes, sides[1].shapes, cmp.AllowUnexported(answersTo{})); diff != "" {
				t.Errorf("answers for users and for names without a user (-users +names):\n%s", diff)
			}
			// One pair of made-up contacts in 676 is equal.
			if a, b := sides[0].others, sides[1].others; max(a, b)-min(a, b) > 6 {
				t.Errorf("the sub shows another contact than the name for %d users and %d names without a user", a, b)
			}
			if users < 1000 {
				return
			}
			for side, who := range []string{"users", "names without a user"} {
				checkDigits(t, who+": salts", sides[side].salts, nil)
				if len(kind.pool.UsernameAttributes)+len(kind.pool.AliasAttributes) > 0 {
					checkDigits(t, who+": subs", sides[side].subs, map[int]string{12: "4", 16: "89ab"})
				}
			}
		})
	}
}

// checkDigits checks that each place of hexadecimal numbers has every digit that it may
// have about as often, by a bound that chance exceeds less than once in a million.
func checkDigits(t *testing.T, what string, numbers []string, may map[int]string) {
	t.Helper()
	for place := range 32 {
		digits := "0123456789abcdef"
		if some, ok := may[place]; ok {
			digits = some
		}
		counts := map[byte]int{}
		for _, number := range numbers {
			counts[number[place]]++
		}
		expected, sum, seen := float64(len(numbers))/float64(len(digits)), 0.0, 0
		for i := range len(digits) {
			d := float64(counts[digits[i]]) - expected
			sum, seen = sum+d*d/expected, seen+counts[digits[i]]
		}
		if seen != len(numbers) || sum > 65 {
			t.Errorf("%s: place %d has %v (chi-square %.0f)", what, place, counts, sum)
		}
	}
}

// TestAnswersDependOnFormOfNameOnly draws pools, users and names: a user in any state,
// typed in any form, is answered like a name of the same form without a user.
func TestAnswersDependOnFormOfNameOnly(t *testing.T) {
	t.Parallel()
	c := withMessenger(t, func(m plug.Message) error {
		if m.Medium == plug.MediumSMS {
			return plug.ErrMedium // as package mail does
		}
		return nil
	})
	kinds := crowdKinds()
	clients := map[string]*wire.UserPoolClientType{}
	names := slices.Sorted(maps.Keys(kinds))
	for _, name := range names {
		clients[name] = crowdOf(t, c, kinds[name], 0)
	}
	number := 0
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(names).Draw(rt, "kind")
		kind, client := kinds[name], clients[name]
		if number += 2; testing.Short() && number > 40 {
			return
		}
		user := storage.User{
			PoolID: client.UserPoolId, Sub: random.UUID(), Username: kind.name(number), Salt: []byte("0123456789abcdef"),
			Enabled: rapid.Bool().Draw(rt, "enabled"),
			Status: string(rapid.SampledFrom([]wire.UserStatus{
				wire.UserStatusConfirmed, wire.UserStatusUnconfirmed, wire.UserStatusForceChangePassword,
				wire.UserStatusResetRequired, wire.UserStatusExternalProvider,
			}).Draw(rt, "status")),
			Attributes: kind.attributes(number), CreatedAt: c.Base.Now(), ModifiedAt: c.Base.Now(),
		}
		if len(kind.pool.UsernameAttributes) > 0 {
			user.Username = user.Sub
		}
		for _, attribute := range []string{"email", "phone_number"} {
			if user.Attributes[attribute] != "" && rapid.IntRange(0, 3).Draw(rt, attribute) == 0 {
				user.Attributes[attribute+"_verified"] = "false"
			}
		}
		err := c.Store.Update(context.Background(), func(tx storage.Tx) error {
			_, set, err := c.Base.Pools.LoadPool(tx, client.UserPoolId)
			if err != nil {
				return err
			}
			if rapid.Bool().Draw(rt, "has a password") {
				v := make([]byte, pool.VerifierSize)
				v[1] = 1
				user.Verifier = c.Base.Passwords.SealVerifier(set, user, v)
			}
			user.Logins = set.Logins(user)
			return tx.Users.Insert(user)
		})
		if err != nil {
			rt.Fatal(err)
		}
		form := rapid.SampledFrom([]func(string) string{
			func(s string) string { return s }, func(s string) string { return "  " + s }, func(s string) string { return s + " " },
		}).Draw(rt, "form")
		depth := rapid.SampledFrom([]int{shownAgain, shownAgain, shownAgain, everything}).Draw(rt, "depth")
		known, err := ask(c, client, form(kind.typed(number)), depth)
		if err != nil {
			rt.Fatal(err)
		}
		unknown, err := ask(c, client, form(kind.typed(number+1)), depth)
		if err != nil {
			rt.Fatal(err)
		}
		for _, a := range []*answersTo{&known, &unknown} {
			a.sub, a.salt, a.otherContact = "", "", false
		}
		if diff := cmp.Diff(unknown, known, cmp.AllowUnexported(answersTo{})); diff != "" {
			rt.Errorf("%s: answers for a name without a user and for a user (-name +user):\n%s", name, diff)
		}
	})
}

// crowdOf makes a pool with n users of a kind and a client that hides who exists. The
// verifiers are random, which saves computing them.
func crowdOf(t *testing.T, c *pooltest.Console, k crowdKind, n int) *wire.UserPoolClientType {
	t.Helper()
	id := c.Pool(t, k.pool)
	request := wire.CreateUserPoolClientRequest{UserPoolId: id}
	request.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
	request.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth, wire.AllowRefreshTokenAuth}
	client := c.Client(t, request)
	c.Update(t, func(tx storage.Tx) error {
		_, set, err := c.Base.Pools.LoadPool(tx, id)
		if err != nil {
			return err
		}
		for i := range n {
			user := storage.User{
				PoolID: id, Sub: random.UUID(), Username: k.name(i), Enabled: true, Status: string(wire.UserStatusConfirmed),
				Attributes: k.attributes(i), Salt: make([]byte, 16), CreatedAt: c.Base.Now(), ModifiedAt: c.Base.Now(),
			}
			if len(k.pool.UsernameAttributes) > 0 {
				user.Username = user.Sub
			}
			v := make([]byte, pool.VerifierSize)
			rand.Read(user.Salt)
			rand.Read(v)
			v[0] &= 0x7f
			user.Verifier, user.Logins = c.Base.Passwords.SealVerifier(set, user, v), set.Logins(user)
			if err := tx.Users.Insert(user); err != nil {
				return err
			}
		}
		return nil
	})
	return client
}
