package latchkey

import (
	"context"
	"errors"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// findDevice looks for the device that was remembered for a user. The user's
// name in tokens decides, whatever its case; what the user typed at an earlier
// sign-in, such as an e-mail address, comes second. A store that fails costs the
// device at most, so its errors are left to the sign-in's end.
func (c *Client) findDevice(ctx context.Context, typed string) *store.Device {
	accounts, err := c.store.List(ctx, c.scope)
	if err != nil {
		return nil
	}
	var alias *store.Device
	for _, account := range accounts {
		record, err := c.store.Load(ctx, account)
		if err != nil || record.Device == nil {
			continue
		}
		if strings.EqualFold(account.Username, typed) {
			return record.Device
		}
		if record.SignIn != nil && strings.EqualFold(record.SignIn.LoginID, typed) {
			alias = record.Device
		}
	}
	return alias
}

// deviceGone reports whether the service has forgotten the device.
func deviceGone(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == wire.ResourceNotFoundException && e.Message == wire.MessageDeviceDoesNotExist
}

// forgetDevice drops a device from the record that has it. A record that somebody
// else changes at the same moment is left: the next sign-in tries again.
func (c *Client) forgetDevice(ctx context.Context, device *store.Device) {
	accounts, err := c.store.List(ctx, c.scope)
	if err != nil {
		return
	}
	for _, account := range accounts {
		record, err := c.store.Load(ctx, account)
		if err != nil || record.Device == nil || record.Device.Key != device.Key {
			continue
		}
		previous := record.Generation
		record.Device, record.Generation = nil, previous+1
		if err := c.save(ctx, record, previous); err != nil {
			c.log.WarnContext(ctx, "latchkey: a forgotten device could not be dropped", "username", account.Username, "error", err)
		}
	}
}
