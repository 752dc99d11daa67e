package examples_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/cognitocreds"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// open makes a client from Amplify's configuration file, whose sessions outlive the
// program.
func open() *latchkey.Client {
	config, err := latchkey.LoadConfig("amplify_outputs.json")
	if err != nil {
		log.Fatal(err)
	}
	if config.Store, err = filestore.New("sessions"); err != nil {
		log.Fatal(err)
	}
	client, err := latchkey.New(config)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// list is Amplify Storage's list({path}): a user's own folder of a bucket, named after
// the identity id as Amplify's access levels are.
func list(ctx context.Context, client *latchkey.Client, bucket string, options s3.Options) ([]string, error) {
	session, err := client.FetchSession(ctx)
	if err != nil {
		return nil, err
	}
	id, err := session.IdentityID()
	if err != nil {
		return nil, err
	}
	options.Credentials = cognitocreds.New(client)
	var names []string
	for pages := s3.NewListObjectsV2Paginator(s3.New(options), &s3.ListObjectsV2Input{
		Bucket: &bucket, Prefix: aws.String("private/" + id + "/"),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			names = append(names, *object.Key)
		}
	}
	return names, nil
}

// The objects in the user's own folder.
func Example_s3() {
	client := open()
	defer client.Close()
	names, err := list(context.Background(), client, "my-bucket", s3.Options{Region: "us-east-1"})
	switch {
	case cognitocreds.NeedsSignIn(err):
		fmt.Println("sign in first: latchkey login")
	case errors.Is(err, latchkey.ErrNetwork):
		fmt.Println("offline; the user is still signed in")
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println(names)
}

// item reads one item of a table.
func item(ctx context.Context, client *latchkey.Client, table, key string, options dynamodb.Options) (map[string]ddb.AttributeValue, error) {
	options.Credentials = cognitocreds.New(client)
	out, err := dynamodb.New(options).GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &table, Key: map[string]ddb.AttributeValue{"id": &ddb.AttributeValueMemberS{Value: key}},
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// An item of a DynamoDB table.
func Example_dynamoDB() {
	client := open()
	defer client.Close()
	found, err := item(context.Background(), client, "todos", "42", dynamodb.Options{Region: "us-east-1"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(found))
}

// emptyBody is the SHA-256 of no bytes.
const emptyBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// call gets a page of an API that wants AWS signatures, such as one behind API
// Gateway with IAM, or behind this project's sigv4auth.
func call(ctx context.Context, client *latchkey.Client, url string) (*http.Response, error) {
	keys, err := cognitocreds.New(client).Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	if err := v4.NewSigner().SignHTTP(ctx, keys, request, emptyBody, "execute-api", "us-east-1", time.Now()); err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}

// A generic call with credentials.
func Example_signedRequest() {
	client := open()
	defer client.Close()
	response, err := call(context.Background(), client, "https://abc123.execute-api.us-east-1.amazonaws.com/items")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
}

// A guest has an identity id and credentials, and nothing else; an identity pool is
// all that is configured.
func Example_guest() {
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
	names, err := list(context.Background(), client, "public-bucket", s3.Options{Region: "us-east-1"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id, names)
}
