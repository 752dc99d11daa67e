package session

import (
	"context"
	"strings"

	"github.com/latchkey-auth/latchkey/store"
)

// Device is the device that the service remembers for a user. The user's name in tokens
// decides, whatever its case; what the user typed at an earlier sign-in comes second. Store
// errors are ignored here: at worst the device key is not sent, and saving the session will
// report them.
func (e *Engine) Device(ctx context.Context, typed string) *store.Device {
	ctx, cancel := context.WithTimeout(ctx, flightTime)
	defer cancel()
	accounts, err := e.records.list(ctx)
	if err != nil {
		return nil
	}
	var alias *store.Device
	for _, account := range accounts {
		record, err := e.records.load(ctx, account)
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

// ForgetDevice drops a device from the record that has it.
func (e *Engine) ForgetDevice(ctx context.Context, device *store.Device) {
	accounts, err := e.records.list(ctx)
	if err != nil {
		return
	}
	for _, account := range accounts {
		_, err := e.records.Update(ctx, account, nil, func(old Held) (store.Record, error) {
			if old.Record.Device == nil || old.Record.Device.Key != device.Key {
				return old.Record, errUnchanged
			}
			next := old.Record
			next.Device = nil
			return next, nil
		})
		if err != nil {
			e.log.WarnContext(ctx, "latchkey: cannot drop a forgotten device", "username", account.Username, "error", err)
		}
	}
}
