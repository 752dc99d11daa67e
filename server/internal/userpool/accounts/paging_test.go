package accounts_test

import (
	"encoding/base64"
	"testing"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

func TestListUsersPages(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Crowd(t, 125)
	tests := []struct {
		limit *int32
		first int
		pages int
	}{
		{nil, 60, 3}, {new(int32(0)), 60, 3}, {new(int32(60)), 60, 3}, {new(int32(25)), 25, 5}, {new(int32(1)), 1, 125},
		{new(int32(1000)), 60, 3}, // beyond what validation lets through
	}
	for _, tt := range tests {
		seen := map[string]bool{}
		pages, token := 0, ""
		for pages == 0 || token != "" {
			out := pooltest.Must(c.Accounts.ListUsers(t.Context(), &wire.ListUsersRequest{UserPoolId: id, Limit: tt.limit, PaginationToken: token}))(t)
			if pages == 0 && len(out.Users) != tt.first {
				t.Errorf("first page has %d users, want %d", len(out.Users), tt.first)
			}
			for _, u := range out.Users {
				seen[u.Username] = true
			}
			pages, token = pages+1, out.PaginationToken
		}
		if pages != tt.pages || len(seen) != 125 {
			t.Errorf("%d users on %d pages, want 125 on %d", len(seen), pages, tt.pages)
		}
	}
}

func TestPagingTokenIsBound(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id, other := c.Crowd(t, 3), c.Crowd(t, 3)
	one := new(int32(1))
	in := wire.ListUsersRequest{UserPoolId: id, Limit: one, Filter: `username ^= "user"`}
	token := pooltest.Must(c.Accounts.ListUsers(t.Context(), &in))(t).PaginationToken

	elsewhere := map[string]func(token string) error{
		"another pool": func(token string) error {
			_, err := c.Accounts.ListUsers(t.Context(), &wire.ListUsersRequest{UserPoolId: other, Filter: in.Filter, PaginationToken: token})
			return err
		},
		"another filter": func(token string) error {
			_, err := c.Accounts.ListUsers(t.Context(), &wire.ListUsersRequest{UserPoolId: id, PaginationToken: token})
			return err
		},
		"another operation": func(token string) error {
			_, err := c.Accounts.ListGroups(t.Context(), &wire.ListGroupsRequest{UserPoolId: id, NextToken: token})
			return err
		},
		"clients": func(token string) error {
			_, err := c.Admin.ListUserPoolClients(t.Context(), &wire.ListUserPoolClientsRequest{UserPoolId: id, NextToken: token})
			return err
		},
		"pools": func(token string) error {
			_, err := c.Admin.ListUserPools(t.Context(), &wire.ListUserPoolsRequest{NextToken: token})
			return err
		},
		"members": func(token string) error {
			_, err := c.Accounts.ListUsersInGroup(t.Context(), &wire.ListUsersInGroupRequest{UserPoolId: id, NextToken: token})
			return err
		},
		"groups of a user": func(token string) error {
			_, err := c.Accounts.AdminListGroupsForUser(t.Context(), &wire.AdminListGroupsForUserRequest{UserPoolId: id, NextToken: token})
			return err
		},
	}
	for name, list := range elsewhere {
		t.Run(name, func(t *testing.T) {
			wiretest.WantException(t, list(token), wire.InvalidParameterException, "Invalid pagination token.")
		})
	}
	// Two lists of one scope differ by their operation alone.
	for _, name := range []string{"a", "b"} {
		pooltest.Must(c.Accounts.CreateGroup(t.Context(), &wire.CreateGroupRequest{UserPoolId: id, GroupName: name}))(t)
	}
	groups := pooltest.Must(c.Accounts.ListGroups(t.Context(), &wire.ListGroupsRequest{UserPoolId: id, Limit: one}))(t)
	wiretest.WantException(t, elsewhere["clients"](groups.NextToken), wire.InvalidParameterException, "Invalid pagination token.")

	// The token of the same list still works, as often as it is used.
	for range 2 {
		next := in
		next.PaginationToken = token
		pooltest.Must(c.Accounts.ListUsers(t.Context(), &next))(t)
	}
}

func TestPagingTokenIsAuthentic(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Crowd(t, 3)
	in := wire.ListUsersRequest{UserPoolId: id, Limit: new(int32(1))}
	token := pooltest.Must(c.Accounts.ListUsers(t.Context(), &in))(t).PaginationToken
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	list := func(token string) error {
		_, err := c.Accounts.ListUsers(t.Context(), &wire.ListUsersRequest{UserPoolId: id, PaginationToken: token})
		return err
	}
	for i := range raw {
		for _, flip := range []byte{1, 0x80} {
			changed := append([]byte(nil), raw...)
			changed[i] ^= flip
			if err := list(base64.RawURLEncoding.EncodeToString(changed)); !wire.IsException(err, wire.InvalidParameterException) {
				t.Fatalf("byte %d changed: %v", i, err)
			}
		}
	}
	for _, bad := range []string{"x", token + "A", token + "=", token[1:], "' OR 1=1 --", base64.RawURLEncoding.EncodeToString([]byte("user001"))} {
		wiretest.WantException(t, list(bad), wire.InvalidParameterException, "Invalid pagination token.")
	}
	rapid.Check(t, func(t *rapid.T) {
		if forged := rapid.String().Draw(t, "token"); forged != "" && forged != token && list(forged) == nil {
			t.Fatalf("token %q was taken", forged)
		}
	})
}
