package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/bench/measure"
	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// This file compares a service with few users to one with many: what takes longer
// there is what grows with the users.

const (
	fewUsers     = 1000
	refreshers   = 100 // users who sign in by the API and refresh
	fillBatch    = 2000
	peopleScopes = "openid email"
)

// population is a service with so many users, each with a session.
type population struct {
	*world
	users   int
	refresh []wire.Sensitive // tokens of users all over the pool
	next    int
}

func newPopulation(users int) (*population, error) {
	w, err := newWorld(nil)
	if err != nil {
		return nil, err
	}
	p := &population{world: w, users: users}
	if err := p.fill(); err != nil {
		return p, err
	}
	if err := p.signIn(); err != nil {
		return p, err
	}
	return p, w.handler.Housekeep(context.Background())
}

func personName(i int) string  { return fmt.Sprintf("person%07d", i) }
func personEmail(i int) string { return fmt.Sprintf("person%07d@example.com", i) }

// person is a user whose name says nothing about the place of the sub. One in four
// users is CONFIRMED, one in ten is disabled.
func (p *population) person(i int, now time.Time) (storage.User, storage.Session) {
	user := storage.User{
		PoolID: p.pool, Sub: random.UUID(), Username: personName(i), Logins: []string{"username:" + personName(i)},
		Status: "UNCONFIRMED", Enabled: i%10 != 0, CreatedAt: now, ModifiedAt: now,
		Attributes: map[string]string{"email": personEmail(i), "email_verified": "true", "name": "A Person"},
	}
	if i%4 == 0 {
		user.Status = "CONFIRMED"
	}
	session := storage.Session{
		ID: random.SessionID(), PoolID: p.pool, ClientID: p.client, UserSub: user.Sub, OriginJTI: random.UUID(), Generation: 1,
		CreatedAt: now, RefreshedAt: now, RotatedAt: now, TokensEndAt: now.Add(time.Hour), ExpiresAt: now.AddDate(0, 1, 0),
	}
	return user, session
}

// fill inserts the users and a session of each.
func (p *population) fill() error {
	for first := 0; first < p.users; first += fillBatch {
		err := p.store.Update(context.Background(), func(tx storage.Tx) error {
			now := time.Now()
			for i := first; i < min(first+fillBatch, p.users); i++ {
				user, session := p.person(i, now)
				if err := tx.Users.Insert(user); err != nil {
					return err
				}
				if err := tx.Sessions.Insert(session); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// signIn gives some users a password and signs them in.
func (p *population) signIn() error {
	ctx := context.Background()
	request := &wire.UpdateUserPoolClientRequest{UserPoolId: p.pool, ClientId: p.client}
	request.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserPasswordAuth, wire.AllowRefreshTokenAuth}
	request.AllowedOAuthFlowsUserPoolClient, request.AllowedOAuthFlows = new(true), []string{"code"}
	request.AllowedOAuthScopes, request.CallbackURLs = strings.Fields(peopleScopes), []string{loopbackCallback}
	if err := p.handler.Call(ctx, "UpdateUserPoolClient", request, nil); err != nil {
		return err
	}
	for i := range refreshers {
		name := personName((i*10 + 1) * (p.users / fewUsers)) // one who is enabled
		err := p.handler.Call(ctx, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{UserPoolId: p.pool, Username: name, Password: srpPassword, Permanent: true}, nil)
		if err == nil {
			err = p.handler.Call(ctx, "AdminEnableUser", &wire.AdminEnableUserRequest{UserPoolId: p.pool, Username: name}, nil)
		}
		if err != nil {
			return err
		}
		var in wire.InitiateAuthResponse
		err = p.call("InitiateAuth", &wire.InitiateAuthRequest{
			AuthFlow: wire.AuthFlowUserPassword, ClientId: p.client, AuthParameters: wire.Parameters{"USERNAME": name, "PASSWORD": srpPassword},
		}, &in)
		if err != nil {
			return err
		}
		p.refresh = append(p.refresh, in.AuthenticationResult.RefreshToken)
	}
	return nil
}

// list reads a page of users that must not be empty.
func (p *population) list(filter, token string) (next string, err error) {
	out, err := perform[wire.ListUsersResponse](context.Background(), p.handler, "ListUsers", &wire.ListUsersRequest{UserPoolId: p.pool, Filter: filter, PaginationToken: token})
	if err == nil && len(out.Users) == 0 {
		err = fmt.Errorf("no users pass %s", filter)
	}
	if err != nil {
		return "", err
	}
	return out.PaginationToken, nil
}

// deep is the token of the sixth page of a list.
func (p *population) deep(filter string) (token string, err error) {
	for range 5 {
		if token, err = p.list(filter, token); err != nil {
			return "", err
		}
	}
	return token, nil
}

// userTask is something whose time must not grow with the users.
type userTask struct {
	name  string
	limit float64
	make  func(p *population) (func() error, error)
}

func listTask(name, filter string) userTask {
	return userTask{"ListUsers " + name, 2, func(p *population) (func() error, error) {
		return func() error { _, err := p.list(filter, ""); return err }, nil
	}}
}

var userTasks = []userTask{
	{"DescribeUserPool", 1.5, func(p *population) (func() error, error) {
		return func() error {
			out, err := perform[wire.DescribeUserPoolResponse](context.Background(), p.handler, "DescribeUserPool", &wire.DescribeUserPoolRequest{UserPoolId: p.pool})
			if err == nil && int(out.UserPool.EstimatedNumberOfUsers) < p.users {
				err = fmt.Errorf("%d users are shown of %d", out.UserPool.EstimatedNumberOfUsers, p.users)
			}
			return err
		}, nil
	}},
	{"GET /login", 1.5, func(p *population) (func() error, error) { return p.openLogin, nil }},
	{"refresh, durable, users in turn", 1.1, func(p *population) (func() error, error) { return p.refreshNext, nil }},
	listTask("without a filter", ""),
	{"ListUsers email = one user's", 2, func(p *population) (func() error, error) {
		return func() error {
			_, err := p.list(fmt.Sprintf("email = %q", personEmail(rand.IntN(p.users))), "")
			return err
		}, nil
	}},
	listTask("email ^= all users'", `email ^= "person"`),
	{"ListUsers email ^= all users', the sixth page", 2, func(p *population) (func() error, error) {
		token, err := p.deep(`email ^= "person"`)
		return func() error { _, err := p.list(`email ^= "person"`, token); return err }, err
	}},
	listTask("username ^= all users'", `username ^= "person"`),
	listTask("cognito:user_status = CONFIRMED", `cognito:user_status = "CONFIRMED"`),
	listTask("status = Disabled", `status = "Disabled"`),
}

func (p *population) openLogin() error {
	query := url.Values{"response_type": {"code"}, "client_id": {p.client}, "redirect_uri": {loopbackCallback}, "scope": {peopleScopes}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:9229/"+p.pool+"/login?"+query.Encode(), nil)
	r.RemoteAddr = "127.0.0.1:1"
	answer := httptest.NewRecorder()
	p.handler.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		return fmt.Errorf("GET /login: status %d", answer.Code)
	}
	return nil
}

func (p *population) refreshNext() error {
	p.next = (p.next + 1) % len(p.refresh)
	return p.call("GetTokensFromRefreshToken", &wire.GetTokensFromRefreshTokenRequest{ClientId: p.client, RefreshToken: p.refresh[p.next]}, nil)
}

// benchUsers measures each task at both sizes, in wall time: a query that reads the
// disk waits for it.
func benchUsers(b *bench) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	few, err := newPopulation(fewUsers)
	if few != nil {
		defer few.close()
	}
	if err != nil {
		return err
	}
	start := time.Now()
	many, err := newPopulation(b.users)
	if many != nil {
		defer many.close()
	}
	if err != nil {
		return err
	}
	filled := time.Since(start)
	var failed error
	var contestants []measure.Contestant
	for _, task := range userTasks {
		for _, p := range []*population{few, many} {
			op, err := task.make(p)
			if err != nil {
				return err
			}
			contestants = append(contestants, measure.Contestant{Name: task.name, Wall: true, Op: func(n int) {
				for range n {
					if err := op(); err != nil {
						failed = err
					}
				}
			}})
		}
	}
	b.reportUsers(measure.Rounds(b.rounds, contestants...))
	fmt.Fprintf(b.out, "\nIn process, SQLite; each user has a session. Filling the larger pool took %v.\n", filled.Round(time.Second))
	return failed
}

func (b *bench) reportUsers(results []measure.Result) {
	var rows [][]string
	for i, task := range userTasks {
		few, many := results[2*i], results[2*i+1]
		ratio := many.Over(few.Times(1))
		rows = append(rows, []string{task.name, few.Range(), many.Range(), ratio.String()})
		b.atMost(task.limit, ratio.Median, fmt.Sprintf("%s: with %d users, of the time with %d", task.name, b.users, fewUsers))
	}
	b.table([]string{"wall time", fmt.Sprint(fewUsers, " users"), fmt.Sprint(b.users, " users"), "ratio"}, rows)
}
