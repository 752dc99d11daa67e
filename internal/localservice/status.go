package localservice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// ErrUnwell means that the folder's service answers, and that it cannot do its work.
var ErrUnwell = errors.New("the service is not well")

// statusTimeout is how long a service on the same machine may take to answer.
const statusTimeout = 5 * time.Second

// Status returns what clients need to know of the service that runs on dir. It asks the
// service whether it has this folder's user pool and takes the administrator's key, and
// whether its storage takes writes. The description comes with ErrUnwell too, and with no
// other error; the password is as of the start. Errors: ErrNotRunning, ErrUnwell.
func Status(ctx context.Context, dir string) (Ready, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Ready{}, err
	}
	s, err := readState(dir)
	if err != nil {
		return Ready{}, err
	}
	r, err := readRunning(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Ready{}, fmt.Errorf("%w: %s does not exist", ErrNotRunning, filepath.Join(dir, runningFile))
	}
	if err != nil {
		return Ready{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	if err := s.answers(ctx, r.Endpoint); err != nil {
		if errors.Is(err, ErrUnwell) {
			return describe(dir, s, r), err
		}
		return Ready{}, err
	}
	return describe(dir, s, r), healthy(ctx, r.Endpoint)
}

// answers asks the service at endpoint for the folder's user pool.
func (s state) answers(ctx context.Context, endpoint string) error {
	request := &wire.DescribeUserPoolRequest{UserPoolId: s.UserPoolID}
	var response wire.DescribeUserPoolResponse
	err := s.administer(ctx, endpoint, wire.Target(wire.UserPools, "DescribeUserPool"), request, &response)
	exception, answered := errors.AsType[*wire.Exception](err)
	switch {
	case errors.Is(err, ErrNotRunning):
		return err
	case err == nil && response.UserPool.Id == s.UserPoolID:
		return nil
	case answered && exception.Status >= http.StatusInternalServerError && exception.Type != "":
		return fmt.Errorf("%w: %w", ErrUnwell, err)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w: another program answers at %s", ErrNotRunning, endpoint)
}

// healthy asks the service at endpoint whether it is ready.
func healthy(ctx context.Context, endpoint string) error {
	status, text, err := get(ctx, endpoint+"/readyz")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnwell, err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("%w: %s", ErrUnwell, strings.TrimSpace(text))
	}
	return nil
}

// get performs a GET request and returns the beginning of the answer's body.
func get(ctx context.Context, address string) (status int, text string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	r.Close = true
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, 200))
	return answer.StatusCode, string(data), err
}
