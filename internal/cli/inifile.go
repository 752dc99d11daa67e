package cli

import (
	"fmt"
	"slices"
	"strings"
)

// profile is a section of the AWS configuration file as --install writes it.
type profile struct {
	name, command, region string
	force                 bool // also over a section that is not ours
}

// marker is the line by which a section is known as ours.
const marker = "# written by latchkey credentials --install; made again each time"

// sources are the settings that say where a profile's credentials come from. The
// AWS tools prefer some of them to credential_process.
var sources = []string{
	"credential_process", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "role_arn", "source_profile",
	"credential_source", "web_identity_token_file", "sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name",
	"login_session",
}

// withProfile returns the text of an AWS configuration file with the profile in it.
// All other lines, comments and their order stay as they are, and so do the other
// settings of a section that is ours.
func withProfile(text string, p profile) (string, error) {
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
	if !p.force && (!ours || slices.ContainsFunc(lines[end:], p.begins)) {
		return "", fmt.Errorf("it has a profile %s that something else has made", quote(p.name))
	}
	if last := len(lines) - 1; !strings.HasSuffix(lines[last], "\n") {
		lines[last] += newline
	}
	kept, region := p.others(lines[start+1 : end])
	out := strings.Join(lines[:start+1], "") + p.settings(!region, newline) + strings.Join(kept, "") + strings.Join(lines[end:], "")
	return out, nil
}

// others are the lines of a section that stay, and whether one of them is a region.
func (p profile) others(lines []string) (kept []string, region bool) {
	dropping := false
	for _, line := range lines {
		key, _, setting := strings.Cut(line, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		indented := line[0] == ' ' || line[0] == '\t'
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

// settings are the lines that are ours.
func (p profile) settings(region bool, newline string) string {
	text := marker + newline + "credential_process = " + p.command + newline
	if region && p.region != "" {
		text += "region = " + p.region + newline
	}
	return text
}

// header is the line that the section begins with. The default profile's has no
// prefix.
func (p profile) header() string {
	switch {
	case p.name == "default":
		return "[default]"
	case strings.ContainsAny(p.name, " \t"):
		return `[profile "` + p.name + `"]`
	}
	return "[profile " + p.name + "]"
}

// begins reports whether a line begins the profile's section.
func (p profile) begins(line string) bool {
	section, ok := sectionOf(line)
	if !ok {
		return false
	}
	if section == "default" {
		return p.name == "default"
	}
	prefix, name, ok := strings.Cut(section, " ")
	return ok && prefix == "profile" && strings.Trim(strings.TrimSpace(name), `"'`) == p.name
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
