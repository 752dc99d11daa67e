package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

type members = map[string]any

// TestCallTakesGoValues performs operations with each kind of value.
func TestCallTakesGoValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	config := w.config
	config.AdminKeys = nil // no signature would be accepted
	s, err := server.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	created := members{}
	err = s.Call(ctx, "AdminCreateUser", members{
		"UserPoolId": w.pool, "Username": "ann", "MessageAction": "SUPPRESS",
		"UserAttributes": []members{{"Name": "email", "Value": "ann@example.com"}},
	}, &created)
	if err != nil {
		t.Fatal(err)
	}
	if user, _ := created["User"].(members); user["Username"] != "ann" || user["UserStatus"] != "FORCE_CHANGE_PASSWORD" {
		t.Errorf("AdminCreateUser: %v", created)
	}
	type setPassword struct {
		Pool      string `json:"UserPoolId"`
		Username  string
		Password  plug.Secret
		Permanent bool
	}
	if err := s.Call(ctx, "AdminSetUserPassword", setPassword{w.pool, "ann", plug.NewSecret(password), true}, nil); err != nil {
		t.Fatal(err)
	}
	var signedIn wire.InitiateAuthResponse
	err = s.Call(ctx, "cognito-idp:InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: w.client,
		AuthParameters: wire.Parameters{"USERNAME": "ann", "PASSWORD": password},
	}, &signedIn)
	if err != nil || signedIn.AuthenticationResult == nil {
		t.Fatalf("InitiateAuth: %v", err)
	}
	var user struct {
		Username       string
		UserCreateDate *time.Time
		UserAttributes []struct{ Name, Value *string }
	}
	if err := s.Call(ctx, "AdminGetUser", members{"UserPoolId": w.pool, "Username": "ann"}, &user); err != nil {
		t.Fatal(err)
	}
	if age := w.now().Sub(*user.UserCreateDate); user.Username != "ann" || age < 0 || age > time.Hour || len(user.UserAttributes) < 2 {
		t.Errorf("AdminGetUser: %+v", user)
	}
	if err := s.Call(ctx, "AdminDeleteUser", members{"UserPoolId": w.pool, "Username": "ann"}, &created); err != nil {
		t.Errorf("an operation that answers without a body: %v", err)
	}
}

// TestCallReachesEveryOperation calls all that the service offers without a request.
func TestCallReachesEveryOperation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, name := range server.Offered(w.server) {
		err := w.server.Call(t.Context(), name, nil, nil)
		if e, ok := errors.AsType[*server.Error](err); err != nil && (!ok || e.Code != wire.InvalidParameterException && e.Code != wire.NotAuthorizedException) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCallFindsOperations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	pool := members{"UserPoolId": w.pool}
	for _, test := range []struct {
		operation string
		in        any
		code      string
		message   string
	}{
		{"DescribeUserPool", pool, "", ""},
		{"cognito-idp:DescribeUserPool", pool, "", ""},
		{"ListIdentityPools", members{"MaxResults": 1}, "", ""},
		{"cognito-identity:ListIdentityPools", members{"MaxResults": 1}, "", ""},
		{"RotateSigningKeys", pool, "", ""},
		{"latchkey:RotateSigningKeys", pool, "", ""},
		{"TagResource", pool, wire.UnknownOperationException, `ambiguous operation "TagResource": use cognito-idp:TagResource or cognito-identity:TagResource`},
		{"cognito-identity:DescribeUserPool", pool, wire.UnknownOperationException, `unknown operation "cognito-identity:DescribeUserPool"`},
		{"describeUserPool", pool, wire.UnknownOperationException, `unknown operation "describeUserPool"`},
		{"", pool, wire.UnknownOperationException, `unknown operation ""`},
		{"CreateUserImportJob", pool, wire.UnknownOperationException, wire.NotOffered(wire.Operation{Name: "CreateUserImportJob"}).Message},
	} {
		err := w.server.Call(t.Context(), test.operation, test.in, nil)
		if test.code == "" {
			if err != nil {
				t.Errorf("%q: %v", test.operation, err)
			}
			continue
		}
		want := &server.Error{Operation: test.operation, Code: test.code, Message: test.message, Status: http.StatusBadRequest}
		if e, ok := errors.AsType[*server.Error](err); !ok || !sameError(e, want) {
			t.Errorf("%q: %v, want %v", test.operation, err, want)
		}
	}
	tags := members{}
	err := w.server.Call(t.Context(), "cognito-idp:ListTagsForResource", members{"ResourceArn": "arn:aws:cognito-idp:us-east-1:000000000000:userpool/" + w.pool}, &tags)
	if err != nil {
		t.Errorf("ListTagsForResource: %v", err)
	}
}

// sameError compares what callers see of two errors, without the id of the request.
func sameError(a, b *server.Error) bool {
	return a.Operation == b.Operation && a.Code == b.Code && a.Message == b.Message && a.Status == b.Status && a.Reason == b.Reason
}

// TestCallRefusesAsOverHTTP compares the exceptions of both ways.
func TestCallRefusesAsOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	for _, test := range []struct {
		operation string
		in        any
	}{
		{"AdminGetUser", members{"UserPoolId": w.pool, "Username": "nobody"}},
		{"AdminGetUser", members{"UserPoolId": w.pool}},
		{"AdminGetUser", members{"UserPoolId": "no pool", "Username": strings.Repeat("x", 129)}},
		{"AdminGetUser", members{"UserPoolId": 7, "Username": "ann"}},
		{"AdminCreateUser", members{"UserPoolId": w.pool, "Username": "ann"}},
		{"AdminCreateUser", members{"UserPoolId": w.pool, "Username": strings.Repeat("x", wire.MaxRequestBody)}},
		{"InitiateAuth", members{"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": w.client, "AuthParameters": members{"USERNAME": "ann", "PASSWORD": "wrong"}}},
		{"GetUser", members{"AccessToken": "a.b.c"}},
		{"GetId", members{"IdentityPoolId": "us-east-1:00000000-0000-0000-0000-000000000000"}},
	} {
		body, err := wire.Marshal(test.in)
		if err != nil {
			t.Fatal(err)
		}
		answer, data := w.send(test.operation, body)
		over := wire.ReadException(answer.StatusCode, answer.Header, data)
		want := &server.Error{Operation: test.operation, Code: over.Type, Message: over.Message, Status: over.Status, Reason: over.Reason}
		err = w.server.Call(t.Context(), test.operation, test.in, nil)
		e, ok := errors.AsType[*server.Error](err)
		if !ok || !sameError(e, want) || e.RequestID == "" {
			t.Errorf("%s: %#v, over HTTP %#v", test.operation, e, want)
		}
		if !errors.Is(err, &server.Error{Code: over.Type}) || errors.Is(err, &server.Error{Code: "OtherException"}) || errors.Is(err, &server.Error{}) {
			t.Errorf("errors.Is does not compare codes of %v", err)
		}
	}
}

func TestCallRefusesValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	pool := members{"UserPoolId": w.pool, "GroupName": "writers"}
	for name, test := range map[string]struct {
		in, out any
		want    string
	}{
		"text":          {"{}", nil, "not a JSON object"},
		"list":          {[]string{"a"}, nil, "not a JSON object"},
		"channel":       {members{"UserPoolId": make(chan int)}, nil, "chan int"},
		"out a value":   {pool, members{}, "not a non-nil pointer"},
		"out a nil":     {pool, (*members)(nil), "not a non-nil pointer"},
		"out a struct":  {pool, struct{}{}, "not a non-nil pointer"},
		"secret in out": {pool, "hunter2", "not a non-nil pointer"},
	} {
		err := w.server.Call(t.Context(), "CreateGroup", test.in, test.out)
		if _, refused := errors.AsType[*server.Error](err); err == nil || refused || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if err := w.server.Call(t.Context(), "GetGroup", pool, nil); !errors.Is(err, &server.Error{Code: wire.ResourceNotFoundException}) {
		t.Errorf("a refused call made the group: %v", err)
	}
	var wrong struct{ Group struct{ GroupName int } }
	if err := w.server.Call(t.Context(), "CreateGroup", pool, &wrong); err == nil || !strings.Contains(err.Error(), "decode the response into") {
		t.Errorf("a response of another type: %v", err)
	}
	if err := w.server.Call(t.Context(), "GetGroup", pool, nil); err != nil {
		t.Errorf("the group of a response that was not decoded: %v", err)
	}
}

// callObserver collects what an Observer is told.
type callObserver struct{ calls [][2]string }

func (o *callObserver) Observe(operation, exception string, _ time.Duration) {
	o.calls = append(o.calls, [2]string{operation, exception})
}

func TestCallIsObserved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	observer, config := &callObserver{}, w.config
	config.Observer = observer
	s, err := server.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_ = s.Call(t.Context(), "cognito-idp:DescribeUserPool", members{"UserPoolId": w.pool}, nil)
	_ = s.Call(t.Context(), "GetGroup", members{"UserPoolId": w.pool, "GroupName": "nobody"}, nil)
	_ = s.Call(t.Context(), "Unknown", nil, nil)
	want := [][2]string{{"DescribeUserPool", ""}, {"GetGroup", wire.ResourceNotFoundException}, {"", wire.UnknownOperationException}}
	if diff := cmp.Diff(want, observer.calls); diff != "" {
		t.Error(diff)
	}
	if log := w.log.String(); strings.Count(log, "source=in-process") != len(want) || !strings.Contains(log, "operation=GetGroup exception=ResourceNotFoundException") {
		t.Errorf("log %s", log)
	}
}

// brokenStore fails, or panics, where a transaction begins.
type brokenStore struct {
	storage.Store
	fail func(ctx context.Context) error
}

func (b *brokenStore) View(ctx context.Context, view func(storage.Tx) error) error {
	if b.fail != nil {
		return b.fail(ctx)
	}
	return b.Store.View(ctx, view)
}

func TestErrorWithoutCodeIsNoOther(t *testing.T) {
	t.Parallel()
	if errors.Is(&server.Error{}, &server.Error{}) || errors.Is(&server.Error{Code: "A"}, errors.New("A")) || !errors.Is(&server.Error{Code: "A"}, &server.Error{Code: "A", Status: 400}) {
		t.Error("errors.Is does not compare codes")
	}
}

func TestCallTellsCauseOfFailure(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk failed")
	store := &brokenStore{Store: memory.New()}
	defer store.Close()
	s, err := server.New(server.Config{Storage: store, SealingKeys: []server.SealingKey{sealingKey(1)}, PublicURL: "http://127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx   context.Context
		fail  func(context.Context) error
		cause error
		text  string
	}{
		"storage":  {t.Context(), func(context.Context) error { return broken }, broken, "disk failed"},
		"canceled": {canceled, func(ctx context.Context) error { return ctx.Err() }, context.Canceled, "context canceled"},
		"panic":    {t.Context(), func(context.Context) error { panic("broken") }, nil, "panic: broken"},
	} {
		store.fail = test.fail
		err := s.Call(test.ctx, "ListUserPools", members{"MaxResults": 1}, nil)
		e, ok := errors.AsType[*server.Error](err)
		if !ok || e.Code != wire.InternalErrorException || e.Message != wire.MessageInternalError || e.Status != http.StatusInternalServerError {
			t.Errorf("%s: %#v", name, err)
			continue
		}
		if test.cause != nil && !errors.Is(err, test.cause) || !strings.HasPrefix(err.Error(), "server: call ListUserPools: InternalErrorException: "+test.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
