package account

import (
	"context"

	"github.com/latchkey-auth/latchkey"
)

// Delete deletes the signed-in user (DeleteUser) and forgets the session, here and in the
// store. There is nothing to revoke then. If the deletion fails, the session stays.
func (a *Account) Delete(ctx context.Context) error {
	if err := a.client.Call(ctx, "DeleteUser", nil, nil); err != nil {
		return err
	}
	_, err := a.client.SignOut(ctx, latchkey.LocalOnly())
	return err
}
