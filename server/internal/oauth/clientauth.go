package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// maxForm bounds the body of a form in bytes.
const maxForm = 64 << 10

// readForm reads the parameters of a form that was posted. The query has none:
// what stands there ends up in logs.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, *refused) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, bad(codeInvalidRequest, "Content-Type must be application/x-www-form-urlencoded")
	}
	if r.URL.RawQuery != "" {
		return nil, bad(codeInvalidRequest, "parameters go into the body, not into the URL")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, bad(codeInvalidRequest, "the body is too long or could not be read")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, bad(codeInvalidRequest, "the body is no form")
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, bad(codeInvalidRequest, "a parameter is there more than once: "+shown(name))
		}
	}
	return form, nil
}

// shown keeps a parameter's name presentable (RFC 6749, section 5.2, the
// characters of error_description).
func shown(name string) string {
	for _, c := range []byte(name) {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return "(odd name)"
		}
	}
	return name[:min(len(name), 40)]
}

// authenticator authenticates the clients of forms.
type authenticator struct {
	clients Clients
	replies *replies
}

// form reads the parameters of a form and authenticates its client.
func (a *authenticator) form(w http.ResponseWriter, r *http.Request, poolID string) (url.Values, *Client, *refused) {
	form, refused := readForm(w, r)
	if refused != nil {
		return nil, nil, refused
	}
	client, refused := a.authenticate(r.Context(), poolID, r, form)
	return form, client, refused
}

// authenticate finds the client of a form and checks its secret: in the
// Authorization header or in the body, never in both (RFC 6749, section 2.3). A
// public client names itself.
func (a *authenticator) authenticate(ctx context.Context, poolID string, r *http.Request, form url.Values) (*Client, *refused) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	basic := r.Header.Get("Authorization") != ""
	if basic {
		name, password, ok := basicAuth(r)
		if !ok {
			return nil, &refused{http.StatusUnauthorized, codeInvalidClient, "the Authorization header is not Basic", true}
		}
		if secret != "" || id != "" && id != name {
			return nil, bad(codeInvalidRequest, "the client authenticates in two ways; use one")
		}
		id, secret = name, password
	}
	if id == "" {
		return nil, bad(codeInvalidRequest, "client_id is missing")
	}
	client, err := a.clients.OAuthClient(ctx, id)
	if _, unknown := errors.AsType[*wire.Exception](err); err != nil && !unknown {
		return nil, a.replies.broken(ctx, err)
	}
	// The same for a client that does not exist, is another pool's, or has another secret.
	if err != nil || client.PoolID != poolID || subtle.ConstantTimeCompare([]byte(secret), []byte(client.Secret)) != 1 {
		e := bad(codeInvalidClient, "client id or secret is wrong")
		if basic {
			e.status, e.basic = http.StatusUnauthorized, true
		}
		return nil, e
	}
	return client, nil
}

// basicAuth reads client id and secret, each form-encoded on its own (RFC 6749,
// section 2.3.1).
func basicAuth(r *http.Request) (id, secret string, ok bool) {
	if len(r.Header.Values("Authorization")) != 1 {
		return "", "", false
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		return "", "", false
	}
	id, err := url.QueryUnescape(name)
	secret, err2 := url.QueryUnescape(password)
	return id, secret, err == nil && err2 == nil
}

// bearer reads an access token from the Authorization header (RFC 6750, section 2.1).
func bearer(r *http.Request) (wire.Sensitive, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	return wire.Sensitive(token), ok && strings.EqualFold(scheme, "Bearer") && token != ""
}
