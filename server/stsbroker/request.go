package stsbroker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/latchkey-auth/latchkey/server/plug"
)

const maxAnswer = 64 << 10 // bytes; a session token may have a few kilobytes

// ask makes one call.
func (b *Broker) ask(ctx context.Context, form url.Values) (plug.Credentials, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return plug.Credentials{}, fmt.Errorf("stsbroker: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	request.Header.Set("Accept", "text/xml")
	response, err := b.client.Do(request)
	if err != nil {
		return plug.Credentials{}, fmt.Errorf("stsbroker: %w", err) // names the endpoint, which holds no secret
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return plug.Credentials{}, fmt.Errorf("stsbroker: reading the answer of %s: %w", b.endpoint, err)
	}
	if len(body) > maxAnswer {
		return plug.Credentials{}, fmt.Errorf("stsbroker: the answer of %s is longer than %d bytes", b.endpoint, maxAnswer)
	}
	if response.StatusCode != http.StatusOK {
		return plug.Credentials{}, b.refusal(response, body, form.Get("WebIdentityToken"))
	}
	credentials, err := readCredentials(body)
	if err == nil && !credentials.Expiration.After(b.now()) {
		err = errors.New("the credentials have expired already; compare the clocks")
	}
	if err != nil {
		return plug.Credentials{}, fmt.Errorf("stsbroker: the answer of %s: %w", b.endpoint, err)
	}
	return credentials, nil
}

// refusal makes an error of an answer that gives no credentials.
func (b *Broker) refusal(response *http.Response, body []byte, token string) error {
	status := response.StatusCode
	if status >= 300 && status < 400 {
		return fmt.Errorf("stsbroker: %s redirects (status %d); set Endpoint to the final address", b.endpoint, status)
	}
	e, err := readError(body)
	if err != nil { // a proxy, a load balancer, another server: it says nothing about the role
		return fmt.Errorf("stsbroker: %s answers with status %d and no error of STS: %w", b.endpoint, status, err)
	}
	e.Status = status
	if strings.Contains(e.Message, token) {
		e.Message = "(the message repeats the token)"
	}
	return e
}
