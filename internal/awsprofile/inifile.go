package awsprofile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Profile is a section of the AWS configuration file.
type Profile struct {
	Name    string // see CheckName
	Command string // the line of credential_process; see CommandLine
	Region  string // written unless the section has one; empty for none
	Force   bool   // also replaces a section that another program has made
}

// marker is the line that identifies a section as written by this package.
const marker = "# written by latchkey credentials --install; made again each time"

// sources are the settings that say where a profile's credentials come from. The
// AWS tools prefer some of them to credential_process.
var sources = []string{
	"credential_process", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "role_arn", "source_profile",
	"credential_source", "web_identity_token_file", "sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name",
	"login_session",
}

// ErrForeign means that the file has a profile of this name that another program has made.
var ErrForeign = errors.New("it has a profile of this name that another program has made")

// withProfile returns the text of an AWS configuration file with the profile in it.
// All other lines, comments and their order stay as they are, and so do the other
// settings of a section that is ours.
func withProfile(text string, p Profile) (string, error) {
	lines := slices.Collect(strings.Lines(text))
	newline := "\n"
	if len(lines) > 0 && strings.HasSuffix(lines[0], "\r\n") {
		newline = "\r\n"
	}
	start := slices.IndexFunc(lines, p.begins)
	if start < 0 {
		if len(lines) > 0 {
			if !strings.HasSuffix(text, "\n") {
				text += newline
			}
			text += newline
		}
		return text + p.header() + newline + p.settings(true, newline), nil
	}
	end := start + 1
	for end < len(lines) {
		if _, begins := sectionOf(lines[end]); begins {
			break
		}
		end++
	}
	ours := slices.ContainsFunc(lines[start:end], func(line string) bool { return strings.TrimSpace(line) == marker })
	if !p.Force && (!ours || slices.ContainsFunc(lines[end:], p.begins)) {
		return "", fmt.Errorf("%w: %q", ErrForeign, p.Name)
	}
	if last := len(lines) - 1; !strings.HasSuffix(lines[last], "\n") {
		lines[last] += newline
	}
	kept, region := p.others(lines[start+1 : end])
	out := strings.Join(lines[:start+1], "") + p.settings(!region, newline) + strings.Join(kept, "") + strings.Join(lines[end:], "")
	return out, nil
}

// others are the lines of a section that stay, and whether one of them is a region.
func (p Profile) others(lines []string) (kept []string, region bool) {
	dropping := false
	for _, line := range lines {
		key, indented, setting := settingOf(line)
		switch {
		case indented && dropping && strings.TrimSpace(line) != "":
			continue // belongs to the setting above
		case strings.TrimSpace(line) == marker:
			continue
		}
		if dropping = setting && !indented && slices.Contains(sources, key); dropping {
			continue
		}
		region = region || setting && !indented && key == "region"
		kept = append(kept, line)
	}
	return kept, region
}

// settingOf reads the name of a setting, and whether the line is indented: such a line
// belongs to the setting above it.
func settingOf(line string) (key string, indented, ok bool) {
	key, _, ok = strings.Cut(line, "=")
	return strings.ToLower(strings.TrimSpace(key)), line != "" && (line[0] == ' ' || line[0] == '\t'), ok
}

// settings are the lines that are ours.
func (p Profile) settings(region bool, newline string) string {
	text := marker + newline + "credential_process = " + p.Command + newline
	if region && p.Region != "" {
		text += "region = " + p.Region + newline
	}
	return text
}

// header is the line that the section begins with. The default profile's has no
// prefix.
func (p Profile) header() string {
	if p.Name == "default" {
		return "[default]"
	}
	return "[profile " + p.Name + "]"
}

// begins reports whether a line begins the profile's section.
func (p Profile) begins(line string) bool {
	section, ok := sectionOf(line)
	if !ok {
		return false
	}
	if section == "default" {
		return p.Name == "default"
	}
	prefix, name, ok := strings.Cut(section, " ")
	return ok && prefix == "profile" && strings.Trim(strings.TrimSpace(name), `"'`) == p.Name
}

// sectionOf reads a section's header.
func sectionOf(line string) (name string, ok bool) {
	inner, ok := strings.CutPrefix(strings.TrimSpace(line), "[")
	if !ok {
		return "", false
	}
	inner, _, ok = strings.Cut(inner, "]")
	return strings.TrimSpace(strings.ReplaceAll(inner, "\t", " ")), ok
}
