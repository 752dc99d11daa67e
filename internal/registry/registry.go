// Package registry records the addresses at which the local services of this user listen.
//
// `latchkey up` writes the file when its listeners are open ([Record]), and the command
// reads it ([Load]): sessions that were begun at an address of a data folder belong to
// the service that serves this folder now. Addresses are origins; see package origin. An
// address belongs to the folder that was served at it last.
package registry

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/origin"
)

// Bounds of a file. What exceeds them when a service starts is forgotten, the oldest
// first.
const (
	maxServices = 16
	maxCurrent  = 4
	maxFormer   = 16
	maxAddress  = 300     // bytes
	maxFolder   = 4096    // bytes
	maxSize     = 1 << 16 // bytes
)

// Service is a data folder and the addresses at which it was served.
type Service struct {
	Folder  string   // absolute, symbolic links resolved
	Current []string // where its service listened at its last start
	Former  []string // where it listened before, the latest last
}

// Services is the content of the file, in the order of the services' last starts.
type Services []Service

// Former returns the other addresses of the service that listens at endpoint, the latest
// first. It returns nil for an address at which the service listened before its last
// start: another program may listen there now.
func (s Services) Former(endpoint string) []string {
	address := origin.Of(endpoint)
	at := slices.IndexFunc(s, func(service Service) bool { return slices.Contains(service.Current, address) })
	if at < 0 {
		return nil
	}
	addresses := slices.DeleteFunc(slices.Clone(s[at].Current), func(other string) bool { return other == address })
	former := slices.Clone(s[at].Former)
	slices.Reverse(former)
	return append(addresses, former...)
}

// Folder returns the data folder of the service that listens at an endpoint or listened
// there last; empty if there is none.
func (s Services) Folder(endpoint string) string {
	address := origin.Of(endpoint)
	for _, service := range s {
		if slices.Contains(service.Current, address) || slices.Contains(service.Former, address) {
			return service.Folder
		}
	}
	return ""
}

// Start is the start of a local service.
type Start struct {
	Folder    string   // the data folder
	Addresses []string // URLs of the listeners
	// New says that the folder held no service before. Addresses of an earlier folder of
	// the same name are not its own.
	New bool
}

// check returns the start with its folder resolved and its addresses as origins.
func (s Start) check() (Start, error) {
	folder, err := filepath.Abs(s.Folder)
	if err != nil {
		return s, err
	}
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		folder = real
	}
	checked := Start{Folder: folder, New: s.New}
	for _, address := range s.Addresses {
		if address = origin.Of(address); !slices.Contains(checked.Addresses, address) {
			checked.Addresses = append(checked.Addresses, address)
		}
	}
	return checked, Services{{Folder: folder, Current: checked.Addresses}}.check()
}

// after returns the services after a start that was checked. gone reports whether a
// folder does not exist any more.
func (s Services) after(start Start, gone func(folder string) bool) Services {
	started := Service{Folder: start.Folder, Current: start.Addresses}
	taken := func(address string) bool { return slices.Contains(start.Addresses, address) }
	var next Services
	for _, service := range s {
		former := slices.DeleteFunc(slices.Clone(service.Former), taken)
		current := slices.DeleteFunc(slices.Clone(service.Current), taken)
		switch {
		case service.Folder == start.Folder && !start.New:
			former = append(former, current...)
			started.Former = former[max(0, len(former)-maxFormer):]
		case service.Folder != start.Folder && len(current)+len(former) > 0:
			next = append(next, Service{Folder: service.Folder, Current: current, Former: former})
		}
	}
	return append(next, started).bounded(gone)
}

// bounded removes services until the rest is within the bounds: first those whose
// folder is gone, then those that were not started for the longest time.
func (s Services) bounded(gone func(folder string) bool) Services {
	if s.fits() {
		return s
	}
	last := len(s) - 1
	s = append(slices.DeleteFunc(slices.Clone(s[:last]), func(service Service) bool { return gone(service.Folder) }), s[last])
	for len(s) > 1 && !s.fits() {
		s = s[1:]
	}
	return s
}

func (s Services) fits() bool { return len(s) <= maxServices && len(s.encode()) <= maxSize }

func (s Services) equal(other Services) bool {
	return slices.EqualFunc(s, other, func(a, b Service) bool {
		return a.Folder == b.Folder && slices.Equal(a.Current, b.Current) && slices.Equal(a.Former, b.Former)
	})
}

// check returns an error unless the services are such as Record writes.
func (s Services) check() error {
	if len(s) > maxServices {
		return fmt.Errorf("more than %d services", maxServices)
	}
	folders, addresses := map[string]bool{}, map[string]bool{}
	for _, service := range s {
		if err := service.check(); err != nil {
			return err
		}
		for _, address := range slices.Concat(service.Current, service.Former) {
			if addresses[address] {
				return fmt.Errorf("address %s occurs twice", address)
			}
			addresses[address] = true
		}
		if folders[service.Folder] {
			return fmt.Errorf("folder %q occurs twice", service.Folder)
		}
		folders[service.Folder] = true
	}
	return nil
}

func (s Service) check() error {
	switch {
	case len(s.Folder) > maxFolder:
		return fmt.Errorf("a folder's name has more than %d bytes", maxFolder)
	case !filepath.IsAbs(s.Folder) || filepath.Clean(s.Folder) != s.Folder || strings.ToValidUTF8(s.Folder, "") != s.Folder:
		return fmt.Errorf("folder %q is not an absolute path in UTF-8", s.Folder)
	case len(s.Current) > maxCurrent || len(s.Former) > maxFormer:
		return errors.New("a service has too many addresses")
	}
	for _, address := range slices.Concat(s.Current, s.Former) {
		web := strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://")
		if len(address) > maxAddress || !web || origin.Of(address) != address {
			return fmt.Errorf("address %q is not the origin of a service", address[:min(len(address), maxAddress)])
		}
	}
	return nil
}
