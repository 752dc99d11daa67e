package wire_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// A service reads a request, checks it, and answers what is wrong with it.
func Example() {
	operation, _ := wire.LookupTarget("AWSCognitoIdentityProviderService.InitiateAuth")
	fmt.Println(operation.Name, operation.Auth == wire.Public)

	var request wire.InitiateAuthRequest
	err := wire.Unmarshal([]byte(`{"AuthFlow":"USER_SRP_AUTH","AuthParameters":{"USERNAME":"ann","SRP_A":"0f"}}`), &request)
	fmt.Println(request.AuthParameters, err)

	w := httptest.NewRecorder()
	if e, ok := wire.Validate(&request).(*wire.Exception); ok {
		wire.WriteException(w, e, "")
	}
	fmt.Println(w.Code, w.Body)
	// Output:
	// InitiateAuth true
	// map[SRP_A:[redacted] USERNAME:[redacted]] <nil>
	// 400 {"__type":"InvalidParameterException","message":"1 validation error detected: Value at 'clientId' failed to satisfy constraint: Member must not be null"}
}

// A client reads an answer that is not 200.
func ExampleReadException() {
	e := wire.ReadException(400, nil, []byte(`{"__type":"NotAuthorizedException","message":"Refresh Token has been revoked"}`))
	fmt.Println(e.Type == wire.NotAuthorizedException, e.Message == wire.MessageRefreshTokenRevoked)
	fmt.Println(wire.ReadException(502, nil, []byte("<html>Bad gateway</html>")))
	// Output:
	// true true
	// HTTP status 502 without an exception name
}
