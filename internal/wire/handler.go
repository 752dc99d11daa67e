package wire

import "context"

// Handler answers one operation: it takes the request's JSON body and gives
// the response shape, or an error. An [*Exception] is for the caller to see;
// any other error is the service's own trouble.
type Handler func(ctx context.Context, body []byte) (response any, err error)

// Handle makes a Handler of a typed function: it decodes the body, checks it
// against the constraints of its shape, and calls answer.
func Handle[Request, Response any](answer func(context.Context, *Request) (*Response, error)) Handler {
	return func(ctx context.Context, body []byte) (any, error) {
		request := new(Request)
		if err := Unmarshal(body, request); err != nil {
			return nil, err
		}
		if err := Validate(request); err != nil {
			return nil, err
		}
		response, err := answer(ctx, request)
		if err != nil {
			return nil, err
		}
		return response, nil
	}
}
