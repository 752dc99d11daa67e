package fault

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// ProxyError is the cause of a Network fault if a proxy refused to connect to the service.
type ProxyError struct{ Status int }

func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy answered %d %s", e.Status, http.StatusText(e.Status))
}

// ReportProxy has t return a *ProxyError for a proxy's refusal. Call it before t is used.
func ReportProxy(t *http.Transport) {
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		if answer.StatusCode == http.StatusOK {
			return nil
		}
		return &ProxyError{Status: answer.StatusCode}
	}
}
