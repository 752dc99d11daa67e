package sigv4auth_test

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/latchkey-auth/latchkey/sigv4auth"
)

// An API that takes requests signed with an identity pool's credentials.
func Example() {
	key, err := sigv4auth.ReadKey("/etc/notes/credentials.key") // a copy of the service's
	if err != nil {
		log.Fatal(err)
	}
	auth, err := sigv4auth.New(sigv4auth.Config{
		Keys:     [][]byte{key},
		Regions:  []string{"us-east-1"},
		Services: []string{"notes"}, // a name of its own: what is signed for another API is refused
		Hosts:    []string{"notes.example.com"},
	})
	if err != nil {
		log.Fatal(err)
	}
	notes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := sigv4auth.FromContext(r.Context())
		fmt.Fprintf(w, "notes of %s, until %s\n", caller.IdentityID, caller.Expires.Format(time.RFC3339))
	})
	server := &http.Server{Addr: ":8443", Handler: auth.Require(notes), ReadTimeout: 30 * time.Second}
	log.Fatal(server.ListenAndServeTLS("cert.pem", "key.pem"))
}

// Guests may read; who signed in may write.
func ExampleFromContext() {
	key, err := sigv4auth.ReadKey("credentials.key")
	if err != nil {
		log.Fatal(err)
	}
	auth, err := sigv4auth.New(sigv4auth.Config{
		Keys: [][]byte{key}, Regions: []string{"eu-west-1"}, Services: []string{"execute-api"},
		AllowGuests: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/pictures/", auth.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := sigv4auth.FromContext(r.Context())
		if r.Method != http.MethodGet && !caller.Authenticated {
			http.Error(w, "sign in to change pictures", http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, caller.RoleARN, caller.Tags["team"])
	})))
}
