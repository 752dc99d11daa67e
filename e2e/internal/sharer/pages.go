package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/latchkey-auth/latchkey"
)

// The app client's URLs, of those that `latchkey up` registers.
const (
	callbackURL  = "http://localhost:3000/"
	signedOutURL = "http://localhost:3000/"
)

// signInAtPages signs in by redirect, in a browser that fills in the login form.
func signInAtPages(ctx context.Context, client *latchkey.Client, username, password string) error {
	address, flow, err := client.AuthCodeURL()
	if err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callbackURL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	login, err := browse(ctx, browser, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	back, err := browse(ctx, browser, http.MethodPost, login.Request.URL.String(), url.Values{"username": {username}, "password": {password}})
	if err != nil {
		return err
	}
	if back.Header.Get("Location") == "" {
		return fmt.Errorf("the login form was answered with %s", back.Status)
	}
	return client.Exchange(ctx, flow, back.Header.Get("Location"))
}

func browse(ctx context.Context, browser *http.Client, method, address string, form url.Values) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := browser.Do(r)
	if err == nil {
		err = answer.Body.Close()
	}
	return answer, err
}
