package server

import (
	"fmt"
	"reflect"
)

// checkParts refuses parts that are there and hold nothing: an interface with a nil
// pointer in it would panic in the first request that needs it.
func (c Config) checkParts() error {
	for _, part := range []struct {
		field string
		value any
	}{
		{"Storage", c.Storage}, {"Signer", c.Signer}, {"Broker", c.Broker}, {"Messenger", c.Messenger},
		{"Brands", c.Brands}, {"Observer", c.Observer},
	} {
		switch v := reflect.ValueOf(part.value); v.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan, reflect.Slice:
			if v.IsNil() {
				return fmt.Errorf("server: Config.%s is a nil %s; leave the field empty to have none", part.field, v.Type())
			}
		}
	}
	return nil
}
