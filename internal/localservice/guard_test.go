package localservice

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// outerAddress is an address of this machine that is not a loopback address.
func outerAddress(t *testing.T) net.IP {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil && !network.IP.IsLoopback() {
			return network.IP
		}
	}
	t.Skip("this machine has no address but loopback addresses")
	return nil
}

// TestPagesAreForThisMachine listens on all interfaces: the outbox and the session
// page answer connections from loopback addresses only, whatever the Host header
// and forwarding headers say, and clients on the network sign in as before.
func TestPagesAreForThisMachine(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir())
	o.Listen, o.HTTPSListen = "0.0.0.0:0", "0.0.0.0:0"
	o.Home = func(HomeConfig) (Home, error) { return new(sign), nil }
	ready, stop := start(t, o)
	defer stop()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	forgotten := &wire.ForgotPasswordRequest{ClientId: ready.ClientID, Username: ready.Username}
	if err := call(t, client, ready.Endpoint, "ForgotPassword", forgotten, &wire.ForgotPasswordResponse{}); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(strings.TrimPrefix(ready.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	outer := "http://" + net.JoinHostPort(outerAddress(t).String(), port)
	for _, path := range []string{"/outbox", "/outbox?style", "/", "/callback", "/session/events"} {
		for name, change := range map[string]func(*http.Request){
			"as it is":        func(*http.Request) {},
			"Host":            func(r *http.Request) { r.Host = "localhost" },
			"Host with port":  func(r *http.Request) { r.Host = "127.0.0.1:" + port },
			"X-Forwarded-For": func(r *http.Request) { r.Host = "localhost"; r.Header.Set("X-Forwarded-For", "127.0.0.1") },
		} {
			if status, body := ask(t, client, outer+path, change); status < 400 || strings.Contains(body, "demo@") || strings.Contains(body, "home") {
				t.Errorf("%s of another machine, %s: %d %s", path, name, status, body)
			}
		}
		status, body := ask(t, client, ready.Endpoint+path, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.9") })
		if status < 400 || strings.Contains(body, "demo@") {
			t.Errorf("%s through a proxy: %d %s", path, status, body)
		}
	}
	if status, body := ask(t, client, ready.Endpoint+"/outbox", func(*http.Request) {}); status != http.StatusOK || !strings.Contains(body, "demo@example.com") {
		t.Errorf("the outbox on this machine: %d %s", status, body)
	}
	if _, body := ask(t, client, ready.Endpoint+"/", func(r *http.Request) { r.Host = "localhost:" + port }); body != "home" {
		t.Errorf("the session page on this machine: %s", body)
	}
	var in wire.InitiateAuthResponse
	err = call(t, client, outer, "InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: ready.ClientID,
		AuthParameters: wire.Parameters{"USERNAME": ready.Username, "PASSWORD": ready.Password},
	}, &in)
	if err != nil || in.AuthenticationResult == nil {
		t.Errorf("a client on the network: %v", err)
	}
}

func ask(t *testing.T, client *http.Client, url string, change func(*http.Request)) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", url, err))
	}
	return answer.StatusCode, string(data)
}
