package wire_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"pgregory.net/rapid"
)

func TestWriteExceptionBytes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		exception               *wire.Exception
		status                  int
		body, errorType, header string
	}{
		"plain": {
			wire.NewException(wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword), 400,
			`{"__type":"NotAuthorizedException","message":"Incorrect username or password."}`,
			"NotAuthorizedException:", "Incorrect username or password.",
		},
		"internal": {
			wire.NewException(wire.InternalErrorException, "x"), 500,
			`{"__type":"InternalErrorException","message":"x"}`, "InternalErrorException:", "x",
		},
		"no message": {
			wire.UnknownOperation(), 400, `{"__type":"UnknownOperationException"}`, "UnknownOperationException:", "",
		},
		"reason": {
			&wire.Exception{Type: wire.InvalidParameterException, Message: "m", Reason: "r"}, 400,
			`{"__type":"InvalidParameterException","message":"m","reasonCode":"r"}`, "InvalidParameterException:", "m",
		},
		"too large": {
			wire.BodyTooLarge(), 413,
			`{"__type":"RequestEntityTooLargeException","message":"The request body is longer than 1048576 bytes."}`,
			"RequestEntityTooLargeException:", "The request body is longer than 1048576 bytes.",
		},
		"line break": {
			wire.AttributeNotInSchema("custom:x"), 400,
			`{"__type":"InvalidParameterException","message":"Attributes did not conform to the schema: custom:x: Attribute does not exist in the schema.\n"}`,
			"InvalidParameterException:", "Attributes did not conform to the schema: custom:x: Attribute does not exist in the schema.",
		},
		"header injection": {
			wire.NewException(wire.UserLambdaValidationException, "a\r\nSet-Cookie: x=y\x00\u00e9\"\\<"), 400,
			`{"__type":"UserLambdaValidationException","message":"a\r\nSet-Cookie: x=y\u0000é\"\\<"}`,
			"UserLambdaValidationException:", `aSet-Cookie: x=y"\<`,
		},
		"not UTF-8": {
			wire.NewException(wire.ForbiddenException, "a\xffb"), 400,
			"{\"__type\":\"ForbiddenException\",\"message\":\"a\ufffdb\"}", "ForbiddenException:", "ab",
		},
		"long": {
			wire.NewException(wire.ForbiddenException, strings.Repeat("m", 5000)), 400,
			`{"__type":"ForbiddenException","message":"` + strings.Repeat("m", 5000) + `"}`,
			"ForbiddenException:", strings.Repeat("m", 1024),
		},
	} {
		w := httptest.NewRecorder()
		wire.WriteException(w, c.exception, "7d4e2f0a-1111-4222-8333-444455556666")
		got := w.Result().Header
		want := http.Header{
			"Content-Type":     {"application/x-amz-json-1.1"},
			"Content-Length":   {fmt.Sprint(len(c.body))},
			"Cache-Control":    {"no-store"},
			"X-Amzn-Errortype": {c.errorType},
			"X-Amzn-Requestid": {"7d4e2f0a-1111-4222-8333-444455556666"},
		}
		if c.header != "" {
			want["X-Amzn-Errormessage"] = []string{c.header}
		}
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%s: %d %s\nwant %d %s", name, w.Code, w.Body, c.status, c.body)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: headers\n%s", name, diff)
		}
	}
}

func TestWriteResponseBytes(t *testing.T) {
	t.Parallel()
	operation := func(name string) wire.Operation {
		o, ok := wire.LookupTarget(wire.Target(wire.UserPools, name))
		if !ok {
			t.Fatal(name)
		}
		return o
	}
	for name, c := range map[string]struct {
		operation string
		response  any
		status    int
		body      string
	}{
		"empty output": {"GlobalSignOut", &wire.GlobalSignOutResponse{}, 200, `{}`},
		"nil":          {"GlobalSignOut", nil, 200, `{}`},
		"nil pointer":  {"GlobalSignOut", (*wire.GlobalSignOutResponse)(nil), 200, `{}`},
		"no output":    {"AdminDeleteUser", &wire.AdminDeleteUserResponse{}, 200, ``},
		"unwritable":   {"GetUser", &wire.GetUserResponse{Username: "\xff"}, 500, `{"__type":"InternalErrorException","message":"Internal error."}`},
		"tokens are bare": {"InitiateAuth", &wire.InitiateAuthResponse{AuthenticationResult: &wire.AuthenticationResultType{AccessToken: "a.b.c", ExpiresIn: 3600, TokenType: wire.TokenTypeBearer}}, 200,
			`{"ChallengeParameters":{},"AuthenticationResult":{"AccessToken":"a.b.c","ExpiresIn":3600,"TokenType":"Bearer"}}`},
		"challenge": {"InitiateAuth", &wire.InitiateAuthResponse{ChallengeName: wire.ChallengePasswordVerifier, ChallengeParameters: wire.Parameters{"SRP_B": "b", "SALT": "s"}}, 200,
			`{"ChallengeName":"PASSWORD_VERIFIER","ChallengeParameters":{"SALT":"s","SRP_B":"b"}}`},
	} {
		w := httptest.NewRecorder()
		wire.WriteResponse(w, operation(c.operation), c.response, "")
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%s: %d %s\nwant %d %s", name, w.Code, w.Body, c.status, c.body)
		}
		header := w.Result().Header
		if header.Get("Content-Type") != wire.ContentType || header.Get("Cache-Control") != "no-store" || len(header["X-Amzn-Requestid"]) != 0 {
			t.Errorf("%s: headers %v", name, header)
		}
	}
}

func TestReadException(t *testing.T) {
	t.Parallel()
	const revoked = wire.MessageRefreshTokenRevoked
	for name, c := range map[string]struct {
		status    int
		errorType string
		body      string
		want      wire.Exception
	}{
		"body":                   {400, "", `{"__type":"NotAuthorizedException","message":"Refresh Token has been revoked"}`, wire.Exception{Type: "NotAuthorizedException", Message: revoked}},
		"header, colon":          {400, "NotAuthorizedException:", `{"message":"Refresh Token has been revoked"}`, wire.Exception{Type: "NotAuthorizedException", Message: revoked}},
		"header, colon and URL":  {400, "NotAuthorizedException:http://internal.amazon.com/coral/com.amazonaws.cognito/", `{"message":"m"}`, wire.Exception{Type: "NotAuthorizedException", Message: "m"}},
		"header, comma":          {400, "NotAuthorizedException, other", `{}`, wire.Exception{Type: "NotAuthorizedException"}},
		"header before body":     {400, "UserNotFoundException:", `{"__type":"NotAuthorizedException","code":"X"}`, wire.Exception{Type: "UserNotFoundException"}},
		"code before __type":     {400, "", `{"__type":"A","code":"B"}`, wire.Exception{Type: "B"}},
		"code is a number":       {400, "", `{"__type":"A","code":7}`, wire.Exception{Type: "A"}},
		"namespace":              {400, "", `{"__type":"com.amazon.coral.service#SerializationException","Message":"text"}`, wire.Exception{Type: "SerializationException", Message: "text"}},
		"namespace and colon":    {400, "", `{"__type":"aws.x#UserNotFoundException:http://x#y"}`, wire.Exception{Type: "UserNotFoundException"}},
		"message before Message": {400, "", `{"__type":"A","message":"small","Message":"large"}`, wire.Exception{Type: "A", Message: "small"}},
		"message is no text":     {400, "", `{"__type":"A","message":{"a":1},"Message":"large"}`, wire.Exception{Type: "A", Message: "large"}},
		"reason":                 {400, "", `{"__type":"InvalidParameterException","message":"m","reasonCode":"r"}`, wire.Exception{Type: "InvalidParameterException", Message: "m", Reason: "r"}},
		"case is kept":           {400, "", `{"__type":"notauthorizedexception"}`, wire.Exception{Type: "notauthorizedexception"}},
		"escapes":                {400, "", `{"__type":"A","message":"\u00e9\n\"\\"}`, wire.Exception{Type: "A", Message: "é\n\"\\"}},
		"no name":                {400, "", `{"message":"m"}`, wire.Exception{Message: "m"}},
		"name is no name":        {400, "", `{"__type":"<script>","message":"m"}`, wire.Exception{Message: "m"}},
		"name is too long":       {400, "", `{"__type":"` + strings.Repeat("A", 129) + `"}`, wire.Exception{}},
		"name is not ASCII":      {400, "", `{"__type":"NotAuthorizedExceptión"}`, wire.Exception{}},
		"empty":                  {429, "", ``, wire.Exception{}},
		"empty with a header":    {400, "NotAuthorizedException:", ``, wire.Exception{}},
		"HTML":                   {503, "", `<html>bad gateway</html>`, wire.Exception{}},
		"HTML with a header":     {400, "NotAuthorizedException:", `<html>x</html>`, wire.Exception{}},
		"unfinished":             {400, "NotAuthorizedException:", `{"__type":"NotAuthorizedException"`, wire.Exception{}},
		"two objects":            {400, "", `{"__type":"NotAuthorizedException"}{}`, wire.Exception{}},
		"name twice":             {400, "", `{"__type":"A","__type":"NotAuthorizedException"}`, wire.Exception{}},
		"array":                  {400, "", `[{"__type":"NotAuthorizedException"}]`, wire.Exception{}},
		"text":                   {400, "", `"NotAuthorizedException"`, wire.Exception{}},
		"too deep":               {400, "", `{"__type":"A","x":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`, wire.Exception{}},
		"too long":               {400, "", `{"__type":"A","x":"` + strings.Repeat("x", 64<<10) + `"}`, wire.Exception{}},
		"long message is cut":    {400, "", `{"__type":"A","message":"` + strings.Repeat("é", 3000) + `"}`, wire.Exception{Type: "A", Message: strings.Repeat("é", 2048)}},
	} {
		c.want.Status = c.status
		c.want.RequestID = "id-1"
		header := http.Header{}
		header.Set("x-amzn-RequestId", "id-1")
		if c.errorType != "" {
			header.Set("x-amzn-ErrorType", c.errorType)
		}
		if diff := cmp.Diff(&c.want, wire.ReadException(c.status, header, []byte(c.body))); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestReadExceptionVectors reads the shared classification table: a name must
// be found exactly where the body is JSON that has one.
func TestReadExceptionVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/error-classification.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Cases []struct {
			ID      string            `json:"id"`
			Op      string            `json:"op"`
			Status  int               `json:"status"`
			Headers map[string]string `json:"headers"`
			Body    string            `json:"body"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, c := range vectors.Cases {
		if c.Status < 400 {
			continue
		}
		read++
		header := http.Header{}
		for name, value := range c.Headers {
			header.Set(name, value)
		}
		named := strings.Contains(c.Body, "__type") || header.Get("x-amzn-ErrorType") != ""
		e := wire.ReadException(c.Status, header, []byte(c.Body))
		if (e.Type != "") != named || e.Status != c.Status || named && !strings.Contains(c.Body+header.Get("x-amzn-ErrorType"), e.Type) {
			t.Errorf("%s: %+v", c.ID, e)
		}
	}
	if read < 30 {
		t.Errorf("read only %d cases", read)
	}
}

// TestExceptionTravels writes exceptions through a real server and reads them back.
func TestExceptionTravels(t *testing.T) {
	t.Parallel()
	var sent *wire.Exception
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		wire.WriteException(w, sent, sent.RequestID)
	}))
	t.Cleanup(server.Close)
	rapid.Check(t, func(t *rapid.T) {
		sent = wire.NewException(
			rapid.SampledFrom([]string{wire.NotAuthorizedException, wire.InternalErrorException, wire.RefreshTokenReuseException}).Draw(t, "type"),
			rapid.StringN(0, 300, -1).Draw(t, "message"))
		sent.Reason = rapid.StringN(0, 30, -1).Draw(t, "reason")
		sent.RequestID = rapid.StringMatching(`[0-9a-f-]{0,36}`).Draw(t, "id")
		response, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sent, wire.ReadException(response.StatusCode, response.Header, body)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestExceptionIsAnError(t *testing.T) {
	t.Parallel()
	e := wire.Exceptionf(wire.NotAuthorizedException, "line one\r\nline %d\x1b[31m", 2)
	if got, want := e.Error(), "NotAuthorizedException: line one  line 2 [31m"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	wrapped := fmt.Errorf("refresh: %w", e)
	if !errors.Is(wrapped, &wire.Exception{Type: wire.NotAuthorizedException}) || errors.Is(wrapped, &wire.Exception{Type: wire.UserNotFoundException}) {
		t.Error("errors.Is does not compare types")
	}
	if !wire.IsException(wrapped, wire.NotAuthorizedException) || wire.IsException(io.EOF, wire.NotAuthorizedException) {
		t.Error("IsException does not see through wrapping")
	}
	nameless := wire.ReadException(502, nil, []byte("<html>"))
	if got := nameless.Error(); got != "HTTP status 502 without an exception name" {
		t.Error(got)
	}
	if errors.Is(nameless, &wire.Exception{}) {
		t.Error("two exceptions without a name are called equal")
	}
}

func FuzzReadException(f *testing.F) {
	f.Add(400, "NotAuthorizedException:", []byte(`{"__type":"a#b:c","message":"m"}`))
	f.Add(500, "", []byte(`<html>`))
	f.Add(400, "x#y,z", []byte(`{"code":1,"Message":"\ud83d\ude00"}`))
	f.Fuzz(func(t *testing.T, status int, errorType string, body []byte) {
		header := http.Header{"X-Amzn-Errortype": {errorType}}
		e := wire.ReadException(status, header, body)
		if strings.ContainsAny(e.Type, "#:, \r\n") || len(e.Type) > 128 || len(e.Message) > 4096 || e.Status != status {
			t.Fatalf("%+v", e)
		}
		if strings.ContainsAny(e.Error(), "\r\n\x1b") {
			t.Fatalf("error text has control characters: %q", e.Error())
		}
		wire.WriteException(httptest.NewRecorder(), e, "")
	})
}
