package localservice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
)

// ErrNotRunning means that the folder's service does not answer.
var ErrNotRunning = errors.New("the service is not running")

// RotateKeys has the service that runs on dir replace its pool's signing keys.
func RotateKeys(ctx context.Context, dir string) (poolID string, err error) {
	s, err := readState(dir)
	if err != nil {
		return "", err
	}
	endpoint, err := endpointOf(dir)
	if err != nil {
		return "", err
	}
	if err := s.answers(ctx, endpoint); err != nil {
		return "", err
	}
	request := &server.RotateSigningKeysRequest{UserPoolId: s.UserPoolID}
	return s.UserPoolID, s.administer(ctx, endpoint, server.RotateSigningKeysTarget, request, nil)
}

// endpointOf is where the folder's service was last started.
func endpointOf(dir string) (string, error) {
	path := filepath.Join(dir, userdirs.ConfigFile)
	data, err := readBounded(path, maxState)
	if err != nil {
		return "", err
	}
	var o outputs
	if err := wire.Unmarshal(data, &o); err != nil || o.Latchkey.UserPoolEndpoint == "" {
		return "", fmt.Errorf("%s does not say where the service is", path)
	}
	return o.Latchkey.UserPoolEndpoint, nil
}

// administer performs an operation with the administrator's signature. response may be nil.
func (s state) administer(ctx context.Context, endpoint, target string, request, response any) error {
	body, err := wire.Marshal(request)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderTarget, target)
	credentials := sigv4.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: secret.New(s.SecretAccessKey)}
	sigv4.Sign(r, body, credentials, Region, wire.UserPools.SigningName(), time.Now())
	r.Close = true
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("%w at %s: %w", ErrNotRunning, endpoint, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, wire.MaxResponseBody))
	switch {
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK:
		return wire.ReadException(answer.StatusCode, answer.Header, data)
	case response == nil:
		return nil
	}
	return wire.Unmarshal(data, response)
}
