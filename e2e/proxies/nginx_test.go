package proxies

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func TestMain(m *testing.M) { local.Main(m) }

// exchange sends a request and returns status and body.
func exchange(client *http.Client, r *http.Request) (int, string, error) {
	answer, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

func get(t *testing.T, client *http.Client, url string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	status, body, err := exchange(client, r)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

// operate calls a public operation of user pools.
func operate(ctx context.Context, client *http.Client, endpoint, operation string, request map[string]any) (int, string, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return 0, "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	return exchange(client, r)
}

// TestThousandClientsThroughNginx keeps a thousand clients connected to one nginx
// at once; each of them asks for keys, discovery and its user. All arrive from one
// address, and none is refused.
func TestThousandClientsThroughNginx(t *testing.T) {
	up := local.Up()
	front := startNginx(t, up.Endpoint, "")
	status, body, err := operate(t.Context(), http.DefaultClient, front, "InitiateAuth", map[string]any{
		"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": up.ClientID,
		"AuthParameters": map[string]string{"USERNAME": up.Username, "PASSWORD": up.Password},
	})
	var in struct{ AuthenticationResult struct{ AccessToken string } }
	if err != nil || status != http.StatusOK || json.Unmarshal([]byte(body), &in) != nil {
		t.Fatalf("sign in: %d %s %v", status, body, err)
	}
	const clients = 1000
	var connected, group sync.WaitGroup
	connected.Add(clients)
	failures := make(chan string, 4*clients)
	for range clients {
		client := newClient(t)
		group.Go(func() {
			steps := []func() (int, string, error){
				func() (int, string, error) { return fetch(t.Context(), client, front+"/healthz") },
				func() (int, string, error) {
					return fetch(t.Context(), client, front+"/"+up.UserPoolID+"/.well-known/jwks.json")
				},
				func() (int, string, error) {
					return fetch(t.Context(), client, front+"/"+up.UserPoolID+"/.well-known/openid-configuration")
				},
				func() (int, string, error) {
					return operate(t.Context(), client, front, "GetUser", map[string]any{"AccessToken": in.AuthenticationResult.AccessToken})
				},
			}
			for i, step := range steps {
				status, body, err := step()
				if i == 0 { // all are connected before anything else is asked
					connected.Done()
					connected.Wait()
				}
				if err != nil || status != http.StatusOK {
					failures <- fmt.Sprintf("request %d: %d %.200s %v", i, status, body, err)
				}
			}
		})
	}
	group.Wait()
	close(failures)
	for failure := range failures {
		t.Error(failure)
	}
}

func fetch(ctx context.Context, client *http.Client, url string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	return exchange(client, r)
}

// TestLocalPagesStayBehindNginx asks for the outbox and the session page through
// usual configurations of nginx, as a client of another machine does. The service
// sees a loopback address as the peer of each request and refuses them; the keys
// are served.
func TestLocalPagesStayBehindNginx(t *testing.T) {
	up := local.Up()
	status, body, err := operate(t.Context(), http.DefaultClient, up.Endpoint, "ForgotPassword", map[string]any{"ClientId": up.ClientID, "Username": up.Username})
	if err != nil || status != http.StatusOK {
		t.Fatalf("ForgotPassword: %d %s %v", status, body, err)
	}
	if status, body := get(t, newClient(t), up.Endpoint+"/outbox"); status != http.StatusOK || !strings.Contains(body, "demo@example.com") {
		t.Fatalf("the outbox on this machine: %d %s", status, body)
	}
	for name, directives := range map[string]string{
		"defaults":          "", // HTTP/1.0, and the upstream's address as Host
		"Host passed on":    "proxy_http_version 1.1; proxy_set_header Host $http_host;",
		"usual headers":     "proxy_http_version 1.1; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
		"localhost as Host": "proxy_set_header Host localhost; proxy_set_header X-Real-IP $remote_addr;",
	} {
		front := startNginx(t, up.Endpoint, directives)
		for _, path := range []string{"/outbox", "/", "/session/events"} {
			if status, body := get(t, newClient(t), front+path, "Host", "latchkey.example"); status < 400 || strings.Contains(body, "demo@example.com") {
				t.Errorf("%s, %s: %d %.200s", name, path, status, body)
			}
		}
		if status, body := get(t, newClient(t), front+"/"+up.UserPoolID+"/.well-known/jwks.json"); status != http.StatusOK {
			t.Errorf("%s, keys: %d %.200s", name, status, body)
		}
	}
}

// outerAddress is an address of this machine under which it is not local to itself.
func outerAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil && !network.IP.IsLoopback() {
			return network.IP.String()
		}
	}
	t.Skip("this machine has no address but loopback addresses")
	return ""
}

const poolID = "us-east-1_Proxies01"

// serve runs a service with one pool on an outer address, to which nginx is another machine.
func serve(t *testing.T, limits server.Limits) (endpoint string) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(outerAddress(t), "0"))
	if err != nil {
		t.Fatal(err)
	}
	endpoint = "http://" + listener.Addr().String()
	store := memory.New()
	service, err := server.New(server.Config{Storage: store, SealingKeys: []server.SealingKey{server.NewKey()}, PublicURL: endpoint, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	err = service.Call(t.Context(), "CreateUserPool", &wire.CreateUserPoolRequest{
		PoolName: "test", UserPoolSettings: wire.UserPoolSettings{UserPoolTags: map[string]string{"_custom_id_": poolID}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_, _ = service.Close(), store.Close()
	})
	return endpoint
}

// TestListedProxy sends clients of many addresses through an nginx that the
// service sees at one address. Listed, it has no bound of connections, and each
// client has its own limit of requests; not listed, all of them share one.
func TestListedProxy(t *testing.T) {
	proxy := netip.PrefixFrom(netip.MustParseAddr(outerAddress(t)), 32)
	const clients = 60
	for name, test := range map[string]struct {
		proxies []netip.Prefix
		listed  bool
	}{"listed": {[]netip.Prefix{proxy}, true}, "not listed": {nil, false}} {
		t.Run(name, func(t *testing.T) {
			endpoint := serve(t, server.Limits{ConnectionsPerSource: 5, PerSource: 0.2, Proxies: test.proxies})
			front := startNginx(t, endpoint, "proxy_set_header X-Forwarded-For $http_x_test_client;")
			refused, served := 0, 0
			for i := range clients {
				address := fmt.Sprintf("203.0.113.%d", i+1)
				if status, _ := get(t, newClient(t), front+"/"+poolID+"/oauth2/userInfo", "X-Test-Client", address); status == http.StatusTooManyRequests {
					refused++
				} else {
					served++
				}
			}
			if test.listed && refused > 0 || !test.listed && served > 10 {
				t.Errorf("of %d clients %d were served and %d refused", clients, served, refused)
			}
			if !test.listed {
				return
			}
			last := 0
			for range 5 { // one client: bursts of two
				last, _ = get(t, newClient(t), front+"/"+poolID+"/oauth2/userInfo", "X-Test-Client", "198.51.100.9, 203.0.113.200")
			}
			if last != http.StatusTooManyRequests {
				t.Errorf("one client asks without end: %d", last)
			}
			holdConnections(t, front, 40) // eight times what one source may have
		})
	}
}

// holdConnections has n requests wait for revocations at once through the proxy.
func holdConnections(t *testing.T, front string, n int) {
	t.Helper()
	var group sync.WaitGroup
	answers := make(chan string, n)
	for i := range n {
		client := newClient(t)
		group.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front+"/"+poolID+"/.well-known/revocations?wait=2", nil)
			if err != nil {
				answers <- err.Error()
				return
			}
			r.Header.Set("X-Test-Client", fmt.Sprintf("192.0.2.%d", i+1))
			status, body, err := exchange(client, r)
			if err != nil || status != http.StatusOK {
				answers <- fmt.Sprintf("%d %.200s %v", status, body, err)
			}
		})
	}
	group.Wait()
	close(answers)
	for answer := range answers {
		t.Errorf("one of %d requests at once: %s", n, answer)
	}
}
