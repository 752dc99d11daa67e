// Command redirector is a Go program that signs in at somebody else's OpenID
// provider by redirect, with a browser that follows forms and keeps cookies.
//
//	redirector ISSUER CLIENT sign-in|cancel|mix-up
//
// It prints what came of it as one JSON object. The test beside the JavaScript
// clients, where the provider runs, starts it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey"
)

// user is who signs in: the provider takes any name.
const user = "ann"

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: redirector ISSUER CLIENT sign-in|cancel|mix-up")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "redirector:", err)
		os.Exit(1)
	}
}

// outcome is what the program prints.
type outcome struct {
	Username, UserID, Page  string
	Denied, Untrusted, Kept bool
	Error                   string
}

func run(ctx context.Context, issuer, clientID, do string) error {
	pages := make(chan string, 1)
	config := latchkey.Config{
		UserPoolID: "us-east-1_Elsewhere", ClientID: clientID, UserPoolEndpoint: issuer, Issuer: issuer, OAuthBaseURL: issuer,
		OAuth: &latchkey.OAuthConfig{Scopes: []string{"openid"}, RedirectSignIn: []string{"http://127.0.0.1/callback"}},
		OpenBrowser: func(ctx context.Context, address string) error {
			page, err := browse(ctx, address, do == "cancel")
			pages <- page
			return err
		},
	}
	if do == "mix-up" {
		config.Issuer = "https://another.example"
	}
	client, err := latchkey.New(config)
	if err != nil {
		return err
	}
	var o outcome
	if err := client.SignInBrowser(ctx); err != nil {
		o.Error, o.Denied, o.Untrusted = err.Error(), errors.Is(err, latchkey.ErrDenied), errors.Is(err, latchkey.ErrFlow)
	}
	select {
	case o.Page = <-pages:
	case <-ctx.Done():
	}
	who, err := client.CurrentUser(ctx)
	o.Kept, o.Username, o.UserID = err == nil, who.Username, who.UserID
	return errors.Join(json.NewEncoder(os.Stdout).Encode(o), client.Close())
}

var (
	action = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	abort  = regexp.MustCompile(`href="([^"]+/abort)"`)
	prompt = regexp.MustCompile(`name="prompt" value="([^"]+)"`)
)

// browse goes where it is sent and fills in forms, until a page has none, or to the
// link that gives up.
func browse(ctx context.Context, address string, giveUp bool) (page string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Jar: jar}
	var form url.Values
	for range 5 {
		method := http.MethodGet
		if form != nil {
			method = http.MethodPost
		}
		request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
		if err != nil {
			return "", err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := client.Do(request)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			return "", err
		}
		page, form = string(text), nil
		next := action.FindStringSubmatch(page)
		if giveUp && abort.MatchString(page) {
			next = abort.FindStringSubmatch(page)
		} else if kind := prompt.FindStringSubmatch(page); next != nil && kind != nil {
			form = url.Values{"prompt": {kind[1]}, "login": {user}, "password": {"any"}}
		}
		if next == nil {
			return page, nil
		}
		to, err := answer.Request.URL.Parse(html.UnescapeString(next[1]))
		if err != nil {
			return "", err
		}
		address = to.String()
	}
	return page, errors.New("too many forms")
}
