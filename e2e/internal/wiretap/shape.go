package wiretap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/smithy-go"
)

// CheckRequest decodes a recorded body strictly into the SDK's input of the
// operation, has the SDK check and encode it again, and compares. So whatever
// the model demands is there, nothing is there that the model does not know,
// and every member has the model's name, type and values.
func CheckRequest(e Exchange) error {
	method, err := operation(e)
	if err != nil {
		return err
	}
	input := reflect.New(method.Type.In(2).Elem())
	if err := names(e.Request, input.Type()); err != nil {
		return fmt.Errorf("%s request: %w", e.Operation, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(e.Request))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(input.Interface()); err != nil {
		return fmt.Errorf("%s request: %w", e.Operation, err)
	}
	if err := values(input); err != nil {
		return fmt.Errorf("%s request: %w", e.Operation, err)
	}
	sdk := &replay{answer: e}
	if _, err := sdk.call(method, input); err != nil && e.Status == http.StatusOK {
		return fmt.Errorf("%s: the SDK refuses the request or its answer: %w", e.Operation, err)
	}
	if same, err := equal(e.Request, sdk.sent); err != nil || !same {
		return fmt.Errorf("%s request is not what the SDK would have sent (%v)", e.Operation, err)
	}
	return nil
}

// CheckAnswer asks whether the SDK knows every member of a recorded answer and
// can read it: into the operation's output, or into an error with the
// exception's name and text.
func CheckAnswer(e Exchange) error {
	method, err := operation(e)
	if err != nil {
		return err
	}
	if e.Status == http.StatusOK {
		if len(e.Answer) > 0 {
			if err := names(e.Answer, method.Type.Out(0)); err != nil {
				return fmt.Errorf("%s answer: %w", e.Operation, err)
			}
		}
		return nil
	}
	var body map[string]string
	if err := json.Unmarshal(e.Answer, &body); err != nil {
		return fmt.Errorf("%s error: %w", e.Operation, err)
	}
	for name := range body {
		if !slices.Contains([]string{"__type", "message", "reasonCode"}, name) {
			return fmt.Errorf("%s error: member %q is not Cognito's", e.Operation, name)
		}
	}
	_, err = (&replay{answer: e}).call(method, reflect.New(method.Type.In(2).Elem()))
	var exception smithy.APIError
	switch {
	case !errors.As(err, &exception):
		return fmt.Errorf("%s error: the SDK reads no exception from it: %w", e.Operation, err)
	case exception.ErrorCode() != body["__type"] || exception.ErrorMessage() != body["message"]:
		return fmt.Errorf("%s error: the SDK reads %s %q", e.Operation, exception.ErrorCode(), exception.ErrorMessage())
	case e.Reply.Get("X-Amzn-Errortype") != body["__type"]+":":
		return fmt.Errorf("%s error: x-amzn-ErrorType is %q", e.Operation, e.Reply.Get("X-Amzn-Errortype"))
	}
	return nil
}

func operation(e Exchange) (reflect.Method, error) {
	client := reflect.TypeFor[*cip.Client]()
	if e.Service == identityPools {
		client = reflect.TypeFor[*ci.Client]()
	}
	method, ok := client.MethodByName(e.Operation)
	if !ok {
		return method, fmt.Errorf("%q is no operation of the SDK", e.Operation)
	}
	return method, nil
}

// identityPools is the Service of the identity pool API.
const identityPools = "AWSCognitoIdentityService"

// names compares the names of JSON members, exactly, with the fields of a type
// of the SDK. encoding/json alone would let wrong case pass.
func names(data []byte, t reflect.Type) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			return eachName(data, t.Elem())
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	for name, value := range members {
		field, ok := t.FieldByName(name)
		if !ok || name == "ResultMetadata" {
			return fmt.Errorf("%s has no member %q", t.Name(), name)
		}
		if err := names(value, field.Type); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func eachName(data []byte, element reflect.Type) error {
	if element.Kind() == reflect.Uint8 {
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	for i, item := range list {
		if err := names(item, element); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

// values looks for texts that are none of their enumeration's.
func values(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return values(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			if err := values(v.Field(i)); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := values(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.String:
		return enumerated(v)
	}
	return nil
}

func enumerated(v reflect.Value) error {
	list := v.MethodByName("Values")
	if !list.IsValid() || v.Len() == 0 {
		return nil
	}
	known := list.Call(nil)[0]
	for i := range known.Len() {
		if known.Index(i).String() == v.String() {
			return nil
		}
	}
	return fmt.Errorf("%q is no %s", v.String(), v.Type().Name())
}

// equal compares two JSON texts by what they say.
func equal(a, b []byte) (bool, error) {
	var x, y any
	err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y))
	return err == nil && reflect.DeepEqual(x, y), err
}

// replay is the SDK's way to the network: it keeps what the SDK sends and gives
// it an answer that was recorded.
type replay struct {
	answer Exchange
	sent   []byte
}

func (r *replay) call(method reflect.Method, input reflect.Value) (reflect.Value, error) {
	endpoint, options := aws.String("http://recorded.invalid"), noChecks(r.answer.Status != http.StatusOK)
	var client any = cip.New(cip.Options{
		Region: "us-east-1", HTTPClient: r, Retryer: aws.NopRetryer{},
		BaseEndpoint: endpoint, Credentials: recorded, APIOptions: options,
	})
	if r.answer.Service == identityPools {
		client = ci.New(ci.Options{
			Region: "us-east-1", HTTPClient: r, Retryer: aws.NopRetryer{},
			BaseEndpoint: endpoint, Credentials: recorded, APIOptions: options,
		})
	}
	results := method.Func.Call([]reflect.Value{
		reflect.ValueOf(client), reflect.ValueOf(context.Background()), input,
	})
	err, _ := results[1].Interface().(error)
	return results[0], err
}

// Do is aws.HTTPClient.
func (r *replay) Do(request *http.Request) (*http.Response, error) {
	var err error
	if r.sent, err = io.ReadAll(request.Body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: r.answer.Status, Header: r.answer.Reply, Request: request,
		Body: io.NopCloser(bytes.NewReader(r.answer.Answer)), ContentLength: int64(len(r.answer.Answer)),
	}, nil
}
