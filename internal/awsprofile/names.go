package awsprofile

import (
	"slices"
	"strings"
)

// Names lists the profiles of the configuration file at path that [CheckName] accepts, in the
// order of the file. A file that cannot be read has none.
func Names(path string) []string {
	c, err := read(path)
	if err != nil {
		return nil
	}
	var names []string
	for line := range strings.Lines(c.text) {
		section, ok := sectionOf(line)
		if prefix, name, profile := strings.Cut(section, " "); profile && prefix == "profile" {
			section = strings.Trim(strings.TrimSpace(name), `"'`)
		} else if section != "default" {
			continue
		}
		if ok && CheckName(section) == "" && !slices.Contains(names, section) {
			names = append(names, section)
		}
	}
	return names
}
