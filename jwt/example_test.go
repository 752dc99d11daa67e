package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

// Show whose token this is and when it ends. Nothing has been verified.
func ExampleDecode() {
	raw := "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMyJ9." +
		"eyJzdWIiOiI2ZjFlIiwidG9rZW5fdXNlIjoiYWNjZXNzIiwic2NvcGUiOiJvcGVuaWQgZW1haWwiLCJleHAiOjE3ODAzMTUyMDB9." +
		"c2lnbmF0dXJl"
	token, err := jwt.Decode(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Subject(), token.Use(), token.Scopes())
	fmt.Println(token.Expiry().UTC().Format(time.RFC3339))
	fmt.Println(token) // never the token itself

	_, err = jwt.Decode(raw[:60])
	fmt.Println(err)
	// Output:
	// 6f1e access [openid email]
	// 2026-06-01T12:00:00Z
	// jwt(unverified access token, sub "6f1e", expires 2026-06-01T12:00:00Z)
	// jwt: token: token is malformed: it has two parts; it may be cut short: header.payload.signature
}

// Guard an API. The verifier is made once and used for all requests.
func ExampleVerifier() {
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer:    "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3",
		ClientIDs: []string{"1h57kf5cpq17m0eml12EXAMPLE"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	http.HandleFunc("GET /notes", func(w http.ResponseWriter, r *http.Request) {
		raw, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		token, err := verifier.VerifyAccess(r.Context(), raw)
		switch {
		case errors.Is(err, jwt.ErrKeysUnavailable):
			http.Error(w, "try again", http.StatusServiceUnavailable)
		case err != nil:
			http.Error(w, "sign in", http.StatusUnauthorized)
		case !token.HasScope("notes/read"):
			http.Error(w, "not allowed", http.StatusForbidden)
		default:
			fmt.Fprintln(w, "the notes of", token.Subject())
		}
	})

	_, err = verifier.VerifyAccess(context.Background(), "rubbish")
	fmt.Println(errors.Is(err, jwt.ErrMalformed), err)
	// Output:
	// true jwt: token: token is malformed: it has no dots; pass the whole token: header.payload.signature
}
