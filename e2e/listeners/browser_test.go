package listeners

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// asked are the headers for which Chromium asks before a call of Amplify, in
// the form in which it asks (Fetch standard, CORS-unsafe request-header names:
// lower case, sorted, no spaces).
const asked = "amz-sdk-invocation-id,amz-sdk-request,cache-control,content-type,x-amz-target,x-amz-user-agent"

const origin = "http://localhost:5173"

func do(t *testing.T, method, address, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", origin)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(answer)
}

// list splits a header as browsers do.
func list(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		items = append(items, strings.ToLower(strings.TrimSpace(item)))
	}
	return items
}

func TestPreflightAsChromiumAsks(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string]string{
		"Amplify":                    asked,
		"amazon-cognito-identity-js": "cache-control,content-type,x-amz-target,x-amz-user-agent",
		"a header of tomorrow":       "content-type,x-amz-target,x-amz-tomorrow",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, _ := do(t, http.MethodOptions, local.Up().Endpoint+"/", "", map[string]string{
				"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers,
				"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site",
			})
			h := response.Header
			if response.StatusCode/100 != 2 || h.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s, origin %q", response.Status, h.Get("Access-Control-Allow-Origin"))
			}
			if !slices.Contains(list(h.Get("Access-Control-Allow-Methods")), "post") {
				t.Errorf("methods %q", h.Get("Access-Control-Allow-Methods"))
			}
			allowed := list(h.Get("Access-Control-Allow-Headers"))
			for _, one := range list(headers) {
				if !slices.Contains(allowed, one) {
					t.Errorf("%s is not among %q: the browser blocks the call", one, allowed)
				}
			}
		})
	}
}

func TestAnswersAreReadableForPages(t *testing.T) {
	t.Parallel()
	up := local.Up()
	good := `{"AuthFlow":"USER_PASSWORD_AUTH","ClientId":"` + up.ClientID + `","AuthParameters":{"USERNAME":"` + up.Username + `","PASSWORD":"` + up.Password + `"}}`
	for _, test := range []struct {
		name, target, body, fault string
		status                    int
	}{
		{"success", "InitiateAuth", good, "", 200},
		{"wrong password", "InitiateAuth", strings.Replace(good, up.Password, "Wrong-Horse-9", 1), "NotAuthorizedException", 400},
		{"unknown operation", "InitiateAuthentication", good, "UnknownOperationException", 400},
		{"half a body", "InitiateAuth", good[:20], "SerializationException", 400},
		{"unsigned administration", "ListUsers", `{}`, "MissingAuthenticationTokenException", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			response, body := do(t, http.MethodPost, up.Endpoint+"/", test.body, map[string]string{
				"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSCognitoIdentityProviderService." + test.target,
			})
			h := response.Header
			if response.StatusCode != test.status {
				t.Errorf("status %d, want %d: %s", response.StatusCode, test.status, body)
			}
			if test.fault != "" && (h.Get("X-Amzn-Errortype") != test.fault+":" || !strings.Contains(body, `"__type":"`+test.fault+`"`)) {
				t.Errorf("fault %q, %s, want %s", h.Get("X-Amzn-Errortype"), body, test.fault)
			}
			if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Content-Type") != "application/x-amz-json-1.1" {
				t.Errorf("headers %v", h)
			}
			for _, exposed := range []string{"x-amzn-requestid", "x-amzn-errortype", "x-amzn-errormessage", "date"} {
				if !slices.Contains(list(h.Get("Access-Control-Expose-Headers")), exposed) {
					t.Errorf("%s is not exposed", exposed)
				}
			}
			if h.Get("X-Amzn-Requestid") == "" || h.Get("Set-Cookie") != "" {
				t.Errorf("headers %v", h)
			}
		})
	}
}

func TestDocumentsAreReadableForPages(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"jwks.json", "openid-configuration"} {
		response, _ := do(t, http.MethodGet, local.Up().Endpoint+"/"+local.Up().UserPoolID+"/.well-known/"+path, "", nil)
		if response.StatusCode != http.StatusOK || response.Header.Get("Access-Control-Allow-Origin") != "*" ||
			response.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s %v", path, response.Status, response.Header)
		}
	}
}
