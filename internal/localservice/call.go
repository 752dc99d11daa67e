package localservice

import (
	"context"

	"github.com/latchkey-auth/latchkey/server"
)

// perform runs an operation of the service and returns its response.
func perform[Response any](ctx context.Context, s *server.Server, operation string, request any) (*Response, error) {
	response := new(Response)
	if err := s.Call(ctx, operation, request, response); err != nil {
		return nil, err
	}
	return response, nil
}
