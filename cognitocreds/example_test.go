package cognitocreds_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/cognitocreds"
)

// A configuration for any client of aws-sdk-go-v2, such as s3.NewFromConfig(cfg).
func Example() {
	config, err := latchkey.LoadConfig("amplify_outputs.json")
	if err != nil {
		log.Fatal(err)
	}
	client, err := latchkey.New(config)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	cfg := aws.Config{Region: config.Region(), Credentials: cognitocreds.New(client)}
	fmt.Println(cfg.Region)
}

// A call of an API behind AWS's IAM, or behind this module's sigv4auth, signed with
// the user's credentials.
func ExampleProvider_Retrieve() {
	var client *latchkey.Client // of a user who has signed in
	ctx := context.Background()
	keys, err := cognitocreds.New(client).Retrieve(ctx)
	switch {
	case cognitocreds.NeedsSignIn(err):
		fmt.Println("sign in first")
		return
	case errors.Is(err, latchkey.ErrNetwork):
		fmt.Println("offline")
		return
	case err != nil:
		log.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://abc123.execute-api.us-east-1.amazonaws.com/items", http.NoBody)
	if err != nil {
		log.Fatal(err)
	}
	const emptyBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256
	if err := v4.NewSigner().SignHTTP(ctx, keys, request, emptyBody, "execute-api", "us-east-1", time.Now()); err != nil {
		log.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
}

// A guest has an identity and credentials without signing in; a configuration
// without a user pool is enough.
func ExampleNew_guest() {
	client, err := latchkey.New(latchkey.Config{IdentityPoolID: "us-east-1:2c9d7f10-3c3e-4a0f-8a37-0b9a1f8f2b22", AllowGuests: true})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	session, err := client.FetchSession(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	id, err := session.IdentityID()
	if err != nil {
		log.Fatal(err)
	}
	credentials, err := session.Credentials()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id, credentials.AccessKeyID, credentials.Expiration)
}
