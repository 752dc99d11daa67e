package jwt

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// checkURL accepts https, and http to the loopback interface or, if insecure is set, to
// any host.
func checkURL(what, text string, insecure bool) error {
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("jwt: %s URL: it cannot be parsed", what)
	}
	switch {
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("jwt: %s URL %q: it must have a host and neither a user nor a fragment", what, u.Redacted())
	case u.Scheme == "https" || u.Scheme == "http" && (insecure || loopback(u.Hostname())):
		return nil
	}
	return fmt.Errorf("jwt: %s URL %q: it must be https, or http on the loopback interface", what, u.Redacted())
}

// loopback accepts addresses and the one name that RFC 6761 reserves for them.
func loopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

// safeClient returns a copy of client, or of a default one, that stays at the URL
// it was given: a redirect could lead to a host that serves other keys.
func safeClient(client *http.Client) *http.Client {
	var safe http.Client
	if client != nil {
		safe = *client
	} else if base, ok := http.DefaultTransport.(*http.Transport); ok {
		// Fetches are minutes apart: a kept connection would only hold goroutines.
		transport := base.Clone()
		transport.DisableKeepAlives = true
		transport.MaxResponseHeaderBytes = 64 << 10
		safe.Transport = transport
	}
	safe.Jar = nil
	safe.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &safe
}

// download makes one request and reads the key set. interval is when to ask again.
func (r *RemoteKeys) download(ctx context.Context) (set *KeySet, interval time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("jwt: fetching keys: %w", err)
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("jwt: fetching keys: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("jwt: fetching keys from %s: status %d; expected 200, redirects are not followed", request.URL.Redacted(), response.StatusCode)
	}
	doc, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
	if err != nil {
		return nil, 0, fmt.Errorf("jwt: fetching keys from %s: %w", request.URL.Redacted(), err)
	}
	if set, err = parseKeys(doc); err != nil {
		return nil, 0, fmt.Errorf("jwt: fetching keys from %s: %w", request.URL.Redacted(), err)
	}
	return set, maxAge(response.Header), nil
}

// maxAge returns the max-age of Cache-Control (RFC 9111 section 5.2.2.1) within
// our bounds.
func maxAge(header http.Header) time.Duration {
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		if err != nil {
			return minInterval
		}
		return min(max(time.Duration(seconds)*time.Second, minInterval), maxInterval)
	}
	return minInterval
}
