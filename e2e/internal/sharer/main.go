// Command sharer is a Go program that shares a session with a JavaScript front
// end: a session client over amplifystore, whose storage is a folder with a file
// per key that a page's custom storage reads and writes too.
//
//	sharer FOLDER ENDPOINT POOL CLIENT session
//	sharer FOLDER ENDPOINT POOL CLIENT refresh
//	sharer FOLDER ENDPOINT POOL CLIENT sign-in USERNAME PASSWORD
//	sharer FOLDER ENDPOINT POOL CLIENT sign-in-by-redirect USERNAME PASSWORD
//	sharer FOLDER ENDPOINT POOL CLIENT sign-out
//
// It prints what it finds as one JSON object. The test beside the JavaScript
// clients starts it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/store/amplifystore"
)

func main() {
	if len(os.Args) < 6 {
		fmt.Fprintln(os.Stderr, "usage: sharer FOLDER ENDPOINT POOL CLIENT DO …")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1:5], os.Args[5], os.Args[6:]); err != nil {
		fmt.Fprintln(os.Stderr, "sharer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, where []string, do string, args []string) (err error) {
	client, err := latchkey.New(latchkey.Config{
		UserPoolID: where[2], ClientID: where[3], UserPoolEndpoint: where[1],
		OAuthBaseURL: where[1] + "/" + where[2],
		OAuth: &latchkey.OAuthConfig{
			Scopes: []string{"openid", "email", "aws.cognito.signin.user.admin"}, RedirectSignIn: []string{callbackURL}, RedirectSignOut: []string{signedOutURL},
		},
		Store: amplifystore.New(folder(where[0])),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	var options []latchkey.FetchOption
	var report latchkey.SignOutReport
	switch do {
	case "refresh":
		options = append(options, latchkey.ForceRefresh())
	case "sign-in":
		_, err = client.SignIn(ctx, latchkey.Password(args[0], args[1]))
	case "sign-in-by-redirect":
		err = signInAtPages(ctx, client, args[0], args[1])
	case "sign-out":
		report, err = client.SignOut(ctx)
	}
	if err != nil {
		return err
	}
	return tell(ctx, client, options, report.LogoutURL)
}

// found is what the program prints. It hands tokens to the test on purpose.
type found struct {
	SignedIn bool   `json:"signedIn"`
	Username string `json:"username,omitempty"`
	Sub      string `json:"sub,omitempty"`
	Access   string `json:"access,omitempty"`
	ID       string `json:"id,omitempty"`
	LoginID  string `json:"loginId,omitempty"`   // of the sign-in details
	Logout   string `json:"logoutUrl,omitempty"` // of the sign-out
}

func tell(ctx context.Context, client *latchkey.Client, options []latchkey.FetchOption, logout string) error {
	session, err := client.FetchSession(ctx, options...)
	if err != nil {
		return err
	}
	f := found{SignedIn: session.SignedIn(), Logout: logout}
	if f.SignedIn {
		user, userErr := client.CurrentUser(ctx)
		tokens, tokensErr := session.Tokens()
		if err := errors.Join(userErr, tokensErr); err != nil {
			return err
		}
		f.Username, f.Sub = user.Username, user.UserID
		f.LoginID = user.LoginID
		f.Access, f.ID = tokens.Access.Raw(), tokens.ID.Raw()
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}
