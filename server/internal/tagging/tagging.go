// Package tagging edits the tags of user pools and identity pools, by the same rules
// for both. Both packages of pools import it.
package tagging

import (
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

const (
	// CustomID is the tag that pins the id of a new pool. Test set-ups and
	// emulators of Cognito share the convention. The tag stays with the pool.
	CustomID = "_custom_id_"
	// maxTags is how many tags a resource may have (AWS general reference).
	maxTags = 50
)

// Resource is a pool whose tags change.
type Resource struct {
	ID   string
	Kind string // with its article, such as "a user pool"
}

// CheckPinned returns InvalidParameterException if the tags would pin another id.
func (r Resource) CheckPinned(tags map[string]string) error {
	if id, pinned := tags[CustomID]; pinned && id != r.ID {
		return wire.Exceptionf(wire.InvalidParameterException, "The tag %s cannot be changed: %s keeps its id.", CustomID, r.Kind)
	}
	return nil
}

// Add returns the tags of the resource with more, which replace those of the same name.
// It returns InvalidParameterException if they would pin another id or be more than 50.
func (r Resource) Add(tags, more map[string]string) (map[string]string, error) {
	if err := r.CheckPinned(more); err != nil {
		return nil, err
	}
	all := map[string]string{}
	maps.Copy(all, tags)
	maps.Copy(all, more)
	if len(all) > maxTags {
		return nil, wire.Exceptionf(wire.InvalidParameterException, "%d tags are too many: %s can have %d.", len(all), r.Kind, maxTags)
	}
	return all, nil
}

// Remove returns the tags without those names. A name without a tag changes nothing.
func Remove(tags map[string]string, names []string) map[string]string {
	rest := maps.Clone(tags)
	maps.DeleteFunc(rest, func(name, _ string) bool { return slices.Contains(names, name) })
	return rest
}
