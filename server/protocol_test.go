package server_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
)

// TestEnvelope pins what an error looks like, to the byte.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	answer, body := w.send("InitiateAuth", []byte(`{"AuthFlow":"USER_PASSWORD_AUTH","ClientId":"nobody","AuthParameters":{}}`))
	if answer.StatusCode != 400 {
		t.Errorf("status %d", answer.StatusCode)
	}
	if got, want := string(body), `{"__type":"ResourceNotFoundException","message":"User pool client nobody does not exist."}`; got != want {
		t.Errorf("body %s\nwant %s", got, want)
	}
	for name, want := range map[string]string{
		"x-amzn-ErrorType":              "ResourceNotFoundException:",
		"x-amzn-ErrorMessage":           "User pool client nobody does not exist.",
		"Content-Type":                  "application/x-amz-json-1.1",
		"Access-Control-Allow-Origin":   "*",
		"Access-Control-Expose-Headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(answer.Header.Get("x-amzn-RequestId")) != 36 {
		t.Errorf("request id %q", answer.Header.Get("x-amzn-RequestId"))
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const initiate = "AWSCognitoIdentityProviderService.InitiateAuth"
	for name, test := range map[string]struct {
		target, contentType, body string
		status                    int
		exception                 string
	}{
		"not JSON":             {initiate, "", `{"AuthFlow":`, 400, wire.SerializationException},
		"a list":               {initiate, "", `[]`, 400, wire.SerializationException},
		"empty":                {initiate, "", ``, 400, wire.SerializationException},
		"wrong type":           {initiate, "", `{"AuthFlow":7}`, 400, wire.SerializationException},
		"duplicate name":       {initiate, "", `{"AuthFlow":"USER_SRP_AUTH","AuthFlow":"CUSTOM_AUTH"}`, 400, wire.SerializationException},
		"bad UTF-8":            {initiate, "", "{\"ClientId\":\"\xff\"}", 400, wire.SerializationException},
		"deep":                 {initiate, "", `{"AuthParameters":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", 400, wire.SerializationException},
		"no member":            {initiate, "", `{}`, 400, wire.InvalidParameterException},
		"unknown flow":         {initiate, "", `{"AuthFlow":"MAGIC","ClientId":"a"}`, 400, wire.InvalidParameterException},
		"over-long client":     {initiate, "", `{"AuthFlow":"USER_SRP_AUTH","ClientId":"` + strings.Repeat("a", 129) + `"}`, 400, wire.InvalidParameterException},
		"too large":            {initiate, "", `{"ClientId":"` + strings.Repeat("a", wire.MaxRequestBody) + `"}`, 413, wire.RequestEntityTooLargeException},
		"content type":         {initiate, "text/plain", `{}`, 400, wire.SerializationException},
		"no target":            {"", "", `{}`, 400, wire.UnknownOperationException},
		"unknown operation":    {"AWSCognitoIdentityProviderService.MakeCoffee", "", `{}`, 400, wire.UnknownOperationException},
		"other service":        {"AWSSomethingElse.InitiateAuth", "", `{}`, 400, wire.UnknownOperationException},
		"known, not offered":   {"AWSCognitoIdentityProviderService.ListWebAuthnCredentials", "", `{"AccessToken":"x"}`, 400, wire.UnknownOperationException},
		"admin, not signed":    {"AWSCognitoIdentityProviderService.ListUserPools", "", `{"MaxResults":1}`, 400, wire.MissingAuthenticationTokenException},
		"admin, not offered":   {"AWSCognitoIdentityProviderService.StopUserImportJob", "", `{}`, 400, wire.MissingAuthenticationTokenException},
		"header in small caps": {strings.ToLower(initiate), "", `{}`, 400, wire.UnknownOperationException},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.url+"/", strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Target", test.target)
			r.Header.Set("Content-Type", wire.ContentType)
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			answer, body := w.do(r)
			e := wire.ReadException(answer.StatusCode, answer.Header, body)
			if answer.StatusCode != test.status || e.Type != test.exception {
				t.Errorf("%d %s (%s), want %d %s", answer.StatusCode, e.Type, body, test.status, test.exception)
			}
		})
	}
}

// TestAdminSignature: every admin operation is refused without the administrator's signature.
func TestAdminSignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	body := []byte(`{"UserPoolId":"` + w.pool + `"}`)
	request := func() *http.Request {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.url+"/", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", wire.ContentType)
		return r
	}
	signed := 0
	for operation := range server.UserPools(w.server).Operations() {
		target := wire.Target(wire.UserPools, operation)
		if o, _ := wire.LookupTarget(target); o.Auth != wire.Signed {
			continue
		}
		signed++
		stranger := sigv4.Credentials{AccessKeyID: "AKIASTRANGER", SecretAccessKey: secret.New("x")}
		thief := sigv4.Credentials{AccessKeyID: admin.AccessKeyID, SecretAccessKey: secret.New("guess")}
		for want, sign := range map[string]func(*http.Request){
			wire.MissingAuthenticationTokenException: func(*http.Request) {},
			wire.UnrecognizedClientException: func(r *http.Request) {
				sigv4.Sign(r, body, stranger, "us-east-1", "cognito-idp", w.now())
			},
			wire.InvalidSignatureException: func(r *http.Request) {
				sigv4.Sign(r, body, thief, "us-east-1", "cognito-idp", w.now())
			},
		} {
			r := request()
			r.Header.Set("X-Amz-Target", target)
			sign(r)
			answer, data := w.do(r)
			if e := wire.ReadException(answer.StatusCode, answer.Header, data); e.Type != want {
				t.Errorf("%s: %s, want %s", operation, e.Type, want)
			}
		}
	}
	if signed < 25 {
		t.Errorf("only %d admin operations were tried", signed)
	}
}

// TestAdminSignatureIsForTheService: the credential scope names the API that is called.
func TestAdminSignatureIsForTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, test := range []struct{ target, body, scope string }{
		{wire.Target(wire.UserPools, "ListUserPools"), `{"MaxResults":1}`, "cognito-idp"},
		{wire.Target(wire.IdentityPools, "ListIdentityPools"), `{"MaxResults":1}`, "cognito-identity"},
		{server.RotateSigningKeysTarget, `{"UserPoolId":"` + w.pool + `"}`, "cognito-idp"},
	} {
		for _, scope := range []string{"cognito-idp", "cognito-identity", "s3"} {
			body := []byte(test.body)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", wire.ContentType)
			r.Header.Set(wire.HeaderTarget, test.target)
			sigv4.Sign(r, body, admin, "us-east-1", scope, w.now())
			answer, data := w.do(r)
			if scope == test.scope {
				if answer.StatusCode != http.StatusOK {
					t.Errorf("%s by %s: %d %s", test.target, scope, answer.StatusCode, data)
				}
				continue
			}
			err = wire.ReadException(answer.StatusCode, answer.Header, data)
			wantException(t, err, wire.InvalidSignatureException, "Credential should be scoped to correct service: '"+test.scope+"'.")
		}
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r, err := http.NewRequestWithContext(context.Background(), http.MethodOptions, w.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	const asked = "amz-sdk-invocation-id,amz-sdk-request,cache-control,content-type,x-amz-target,x-amz-user-agent"
	r.Header.Set("Origin", "http://localhost:3000")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", asked)
	answer, _ := w.do(r)
	if answer.StatusCode != http.StatusNoContent ||
		answer.Header.Get("Access-Control-Allow-Headers") != asked ||
		answer.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(answer.Header.Get("Access-Control-Allow-Methods"), "POST") {
		t.Errorf("preflight: %d %v", answer.StatusCode, answer.Header)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	get := func(path string) (int, string) {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, body := w.do(r)
		return answer.StatusCode, string(body)
	}
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200,
		"/us-east-1_nothing00/.well-known/jwks.json":            404,
		"/us-east-1_nothing00/.well-known/openid-configuration": 404,
		"/metrics": 404, "/debug/pprof/": 404, "/debug/vars": 404,
	} {
		if status, body := get(path); status != want {
			t.Errorf("GET %s: %d %s, want %d", path, status, body, want)
		}
	}
	_ = w.store.Close()
	if status, _ := get("/healthz"); status != 200 {
		t.Errorf("healthz without storage: %d", status)
	}
	if status, _ := get("/readyz"); status != 503 {
		t.Errorf("readyz without storage: %d", status)
	}
	_, err := w.withPassword("ann", password)
	wantException(t, err, wire.InternalErrorException, wire.MessageInternalError)
}
