package latchkey

import (
	"context"
	"net/http"

	"golang.org/x/oauth2"
)

// TokenSource returns a source of access tokens for packages that take one of
// golang.org/x/oauth2, such as gRPC's credentials. Each call of Token asks
// [Client.FetchSession], so there is no use in wrapping it with
// oauth2.ReuseTokenSource. Of ctx only the values are used: the source lives as
// long as the client, and a refresh it waits for has its own deadline.
func (c *Client) TokenSource(ctx context.Context) oauth2.TokenSource {
	return tokenSource{c, context.WithoutCancel(ctx)}
}

// tokenSource is what x/oauth2 asks for: its Token has no context, so that the
// one of TokenSource has to be kept.
type tokenSource struct {
	c   *Client
	ctx context.Context // values only; Token has no parameter for it
}

// Token returns the access token, refreshed if need be.
func (s tokenSource) Token() (*oauth2.Token, error) { return s.c.bearer(s.ctx, "TokenSource") }

// bearer is the access token as x/oauth2 carries it, without the refresh token:
// refreshing is the client's business alone. op is the call of this package.
func (c *Client) bearer(ctx context.Context, op string) (*oauth2.Token, error) {
	tokens, err := c.fetchTokens(ctx, op, nil)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: tokens.Access.Raw(), TokenType: "Bearer", Expiry: tokens.Expiry}, nil
}

// HTTPClient returns a client that sends the access token as bearer token
// (RFC 6750) with each request, for calling one's own API. Waiting for a token
// is bounded by the request's own context. ctx serves as in x/oauth2: an
// *http.Client under the key oauth2.HTTPClient lends its Transport.
//
// A request that follows a redirect to another host, or from https to http,
// goes without the token.
func (c *Client) HTTPClient(ctx context.Context) *http.Client {
	base := http.DefaultTransport
	if lender, ok := ctx.Value(oauth2.HTTPClient).(*http.Client); ok && lender != nil && lender.Transport != nil {
		base = lender.Transport
	}
	return &http.Client{Transport: &bearerTransport{c, base}}
}

// bearerTransport adds the token to requests. x/oauth2's own Transport would wait
// for the token without regard to the request's context, and would send it to
// whatever host a redirect names.
type bearerTransport struct {
	c    *Client
	base http.RoundTripper
}

// RoundTrip sends a copy of the request with the token.
func (t *bearerTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if !sameOrigin(request) {
		return t.base.RoundTrip(request)
	}
	token, err := t.c.bearer(request.Context(), "HTTPClient")
	if err != nil {
		if request.Body != nil {
			_ = request.Body.Close() // a RoundTripper always closes it
		}
		return nil, err
	}
	request = request.Clone(request.Context())
	token.SetAuthHeader(request)
	return t.base.RoundTrip(request)
}

// sameOrigin reports whether a request goes where the first of its chain of
// redirects went.
func sameOrigin(request *http.Request) bool {
	first := request
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	return first.URL.Host == request.URL.Host && (first.URL.Scheme == request.URL.Scheme || request.URL.Scheme == "https")
}
