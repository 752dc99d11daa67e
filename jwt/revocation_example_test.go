package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

// Refuse tokens of sessions that have ended, at an API whose issuer is Latchkey's
// service.
func ExampleFollowRevocations() {
	const issuer = "https://auth.example.com/us-east-1_Ab1Cd2Ef3"
	revocations, err := jwt.FollowRevocations(issuer, func(o *jwt.RevocationOptions) {
		o.OnError = func(err error) { log.Print(err) }
	})
	if err != nil {
		log.Fatal(err)
	}
	defer revocations.Stop()
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer, ClientIDs: []string{"1h57kf5cpq17m0eml12EXAMPLE"}, Revocations: revocations,
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := revocations.Ready(ctx); err != nil {
		log.Fatal(err) // or serve: until then tokens are refused as unavailable
	}
	http.HandleFunc("GET /notes", func(w http.ResponseWriter, r *http.Request) {
		_, err := verifier.VerifyAccess(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		switch {
		case errors.Is(err, jwt.ErrKeysUnavailable), errors.Is(err, jwt.ErrRevocationsUnavailable):
			http.Error(w, "try again", http.StatusServiceUnavailable)
		case err != nil: // jwt.ErrRevoked among others
			http.Error(w, "sign in", http.StatusUnauthorized)
		default:
			fmt.Fprintln(w, "the notes")
		}
	})
}
