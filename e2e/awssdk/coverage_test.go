package awssdk

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/e2e/internal/wiretap"
)

// succeeded are the operations that have answered 200 in these tests.
var succeeded sync.Map

func called(e wiretap.Exchange) {
	if e.Status == http.StatusOK {
		succeeded.Store(e.Operation, true)
	}
}

// nothingLeftOut asks the service for every operation that the SDK knows, and
// names those that are offered and that no test has seen succeed. It has nothing
// to say when only some tests were run.
func nothingLeftOut() error {
	for _, choice := range []string{"test.run", "test.skip", "test.list"} {
		if flag.Lookup(choice).Value.String() != "" {
			return nil
		}
	}
	sdk := reflect.TypeFor[*cip.Client]()
	var missing []string
	for method := range sdk.Methods() {
		if _, ok := succeeded.Load(method.Name); ok || method.Type.NumIn() != 4 {
			continue
		}
		offers, err := offered(method)
		if err != nil {
			return err
		}
		if offers {
			missing = append(missing, method.Name)
		}
	}
	if _, signedUp := succeeded.Load("SignUp"); !signedUp && !slices.Contains(missing, "SignUp") {
		// Nobody can be confirmed where nobody can sign up; that it is refused is tested.
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == "AdminConfirmSignUp" })
	}
	if len(missing) > 0 {
		return fmt.Errorf("offered, but no test has called it with success: %s", strings.Join(missing, ", "))
	}
	return nil
}

// offered asks for an operation with nothing in its body, which the service
// refuses: with UnknownOperationException if it does not offer it.
func offered(method reflect.Method) (bool, error) {
	client := cip.New(cip.Options{
		Region: local.Up().Region, BaseEndpoint: aws.String(local.Up().Endpoint), Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: local.Up().AccessKeyID, SecretAccessKey: local.Up().SecretAccessKey}, nil
		}),
		APIOptions: []func(*middleware.Stack) error{func(s *middleware.Stack) error {
			_, _ = s.Initialize.Remove("OperationInputValidation") // some have none
			return nil
		}},
	})
	results := method.Func.Call([]reflect.Value{
		reflect.ValueOf(client), reflect.ValueOf(context.Background()), reflect.New(method.Type.In(2).Elem()),
	})
	err, _ := results[1].Interface().(error)
	if err == nil {
		return true, nil
	}
	exception, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false, err
	}
	return exception.ErrorCode() != "UnknownOperationException", nil
}
