package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// signedAs sends an operation with an administrator's signature.
func (w *world) signedAs(credentials sigv4.Credentials, service wire.Service, operation, body string) error {
	w.t.Helper()
	target := wire.Target(service, operation)
	if operation == "RotateSigningKeys" {
		target = server.RotateSigningKeysTarget
	}
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderTarget, target)
	sigv4.Sign(r, []byte(body), credentials, "us-east-1", service.SigningName(), w.now())
	answer, data := w.do(r)
	if answer.StatusCode != http.StatusOK {
		return wire.ReadException(answer.StatusCode, answer.Header, data)
	}
	return nil
}

func TestAdminKeyCallsItsOperationsOnly(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, nil, func(c *server.Config) {
		c.AdminKeys = append(c.AdminKeys, server.AdminKey{
			Name: "helpdesk", ID: "AKIAHELPDESK", Secret: plug.NewSecret("helpdesk/secret"),
			Operations: []string{"AdminGetUser", "cognito-identity:TagResource", "RotateSigningKeys", "CreateUserImportJob"},
		}, server.AdminKey{ID: "AKIASECOND", Secret: plug.NewSecret("second/secret")})
	})
	w.addUser("ann")
	helpdesk := sigv4.Credentials{AccessKeyID: "AKIAHELPDESK", SecretAccessKey: secret.New("helpdesk/secret")}
	second := sigv4.Credentials{AccessKeyID: "AKIASECOND", SecretAccessKey: secret.New("second/secret")}
	ann := fmt.Sprintf(`{"UserPoolId":%q,"Username":"ann"}`, w.pool)
	for _, test := range []struct {
		service   wire.Service
		operation string
		body      string
		denied    string
		other     string // the exception of an operation that is allowed
	}{
		{wire.UserPools, "AdminGetUser", ann, "", ""},
		{wire.UserPools, "RotateSigningKeys", ann, "", ""},
		{wire.IdentityPools, "TagResource", `{}`, "", wire.InvalidParameterException},
		{wire.UserPools, "CreateUserImportJob", `{}`, "", wire.UnknownOperationException},
		{wire.UserPools, "TagResource", `{}`, "cognito-idp:TagResource", ""},
		{wire.UserPools, "AdminDeleteUser", ann, "cognito-idp:AdminDeleteUser", ""},
		{wire.IdentityPools, "CreateIdentityPool", `{}`, "cognito-identity:CreateIdentityPool", ""},
	} {
		err := w.signedAs(helpdesk, test.service, test.operation, test.body)
		switch {
		case test.denied != "":
			wantException(t, err, wire.AccessDeniedException,
				"User: arn:aws:iam::000000000000:user/helpdesk is not authorized to perform: "+test.denied+" on resource: *")
		case test.other != "" && !wire.IsException(err, test.other), test.other == "" && err != nil:
			t.Errorf("%s: %v", test.operation, err)
		}
	}
	if err := w.signedAs(helpdesk, wire.UserPools, "InitiateAuth", `{}`); !wire.IsException(err, wire.InvalidParameterException) {
		t.Errorf("an operation without a signature: %v", err)
	}
	thief := sigv4.Credentials{AccessKeyID: "AKIAHELPDESK", SecretAccessKey: second.SecretAccessKey}
	if err := w.signedAs(thief, wire.UserPools, "AdminGetUser", ann); !wire.IsException(err, wire.InvalidSignatureException) {
		t.Errorf("the id of one key with the secret of another: %v", err)
	}
	if err := w.signedAs(second, wire.UserPools, "AdminDeleteUser", ann); err != nil {
		t.Errorf("a key without Operations: %v", err)
	}
	log := w.log.String()
	for _, want := range []string{
		"operation=AdminGetUser exception=\"\"", "administrator=helpdesk", "operation=AdminDeleteUser exception=AccessDeniedException", "administrator=AKIASECOND",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s", want)
		}
	}
}

func TestNewRefusesAdminKeys(t *testing.T) {
	t.Parallel()
	good := server.AdminKey{Name: "ann@example.com", ID: "AKIAGOOD", Secret: plug.NewSecret("hunter2")}
	with := func(change func(*server.AdminKey)) []server.AdminKey {
		key := good
		change(&key)
		return []server.AdminKey{{ID: "AKIAFIRST", Secret: plug.NewSecret("first")}, key}
	}
	operations := func(names ...string) []server.AdminKey {
		return with(func(k *server.AdminKey) { k.Operations = names })
	}
	for name, test := range map[string]struct {
		keys []server.AdminKey
		err  string
	}{
		"none":               {nil, ""},
		"all":                {with(func(*server.AdminKey) {}), ""},
		"operations":         {operations("AdminGetUser", "cognito-idp:ListUsers", "latchkey:RotateSigningKeys"), ""},
		"one name":           {with(func(k *server.AdminKey) { k.Name = "AKIAFIRST" }), ""},
		"no name":            {with(func(k *server.AdminKey) { k.Name = "" }), ""},
		"no id":              {with(func(k *server.AdminKey) { k.ID = "" }), `invalid ID ""`},
		"id with a slash":    {with(func(k *server.AdminKey) { k.ID = "a/b" }), `invalid ID "a/b"`},
		"id twice":           {with(func(k *server.AdminKey) { k.ID = "AKIAFIRST" }), `duplicate ID "AKIAFIRST"`},
		"name with a line":   {with(func(k *server.AdminKey) { k.Name = "a\nb" }), `invalid Name "a\nb"`},
		"no secret":          {with(func(k *server.AdminKey) { k.Secret = plug.Secret{} }), `Secret of "AKIAGOOD" is empty`},
		"unknown operation":  {operations("AdminGetUser", "AdminGetUsers"), `Operations of "AKIAGOOD": unknown operation "AdminGetUsers"`},
		"operation as glob":  {operations("cognito-idp:*"), `Operations of "AKIAGOOD": unknown operation "cognito-idp:*"`},
		"empty operation":    {operations(""), `Operations of "AKIAGOOD": unknown operation ""`},
		"operation in both":  {operations("TagResource"), `Operations of "AKIAGOOD": ambiguous operation "TagResource": use cognito-idp:TagResource or cognito-identity:TagResource`},
		"operation for all":  {operations("SignUp"), `Operations of "AKIAGOOD": operation "SignUp" needs no admin key`},
		"operation of users": {operations("GetUser"), `Operations of "AKIAGOOD": operation "GetUser" needs no admin key`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			defer store.Close()
			s, err := server.New(server.Config{
				Storage: store, SealingKeys: []server.SealingKey{sealingKey(1)}, PublicURL: "http://127.0.0.1", AdminKeys: test.keys,
			})
			if err == nil {
				_ = s.Close()
			}
			want := "server: Config.AdminKeys[1]: " + test.err
			if (err == nil) != (test.err == "") || err != nil && err.Error() != want {
				t.Errorf("New: %v, want %s", err, want)
			}
			if printed := fmt.Sprintf("%+v %#v", test.keys, test.keys); strings.Contains(printed, "hunter2") {
				t.Errorf("printed as %s", printed)
			}
		})
	}
}
