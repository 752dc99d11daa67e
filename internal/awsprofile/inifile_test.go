package awsprofile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWithProfile: a profile is put beside what is there, or in the place of the one
// made before, and nothing else changes.
func TestWithProfile(t *testing.T) {
	t.Parallel()
	const ours = marker + "\ncredential_process = /bin/latchkey credentials\n"
	tests := map[string]struct {
		text, name string
		force      bool
		want       string // empty: refused
	}{
		"no file":           {"", "work", false, "[profile work]\n" + ours + "region = us-east-1\n"},
		"default":           {"", "default", false, "[default]\n" + ours + "region = us-east-1\n"},
		"beside another":    {"[default]\nregion=x", "work", false, "[default]\nregion=x\n\n[profile work]\n" + ours + "region = us-east-1\n"},
		"CRLF":              {"[a]\r\n", "work", false, "[a]\r\n\r\n[profile work]\r\n" + strings.ReplaceAll(ours, "\n", "\r\n") + "region = us-east-1\r\n"},
		"again":             {"[profile work]\n" + ours + "region = us-east-1\n", "work", false, "[profile work]\n" + ours + "region = us-east-1\n"},
		"again, moved":      {"[profile work]\n" + marker + "\ncredential_process = /old\n", "work", false, "[profile work]\n" + ours + "region = us-east-1\n"},
		"own settings stay": {"[profile work]\n" + ours + "region = x\n# note\noutput = json\n\n[z]\na=b\n", "work", false, "[profile work]\n" + ours + "region = x\n# note\noutput = json\n\n[z]\na=b\n"},
		"nested settings":   {"[profile work]\n" + ours + "s3 =\n  region = x\n", "work", false, "[profile work]\n" + ours + "region = us-east-1\ns3 =\n  region = x\n"},
		"foreign":           {"[profile work]\noutput = json\n", "work", false, ""},
		"foreign, quoted":   {"[ profile  \"work\" ]\noutput = json\n", "work", false, ""},
		"foreign, forced": {"[profile work] # x\nrole_arn = a\n  b\noutput = json", "work", true,
			"[profile work] # x\n" + ours + "region = us-east-1\noutput = json\n"},
		"another of its name": {"[profile work]\n" + ours + "[profile work]\nrole_arn=a\n", "work", false, ""},
		"a longer name":       {"[profile worker]\nregion=a\n", "work", false, "[profile worker]\nregion=a\n\n[profile work]\n" + ours + "region = us-east-1\n"},
		"credentials section": {"[work]\nregion=a\n", "work", false, "[work]\nregion=a\n\n[profile work]\n" + ours + "region = us-east-1\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := withProfile(tt.text, Profile{Name: tt.name, Command: "/bin/latchkey credentials", Region: "us-east-1", Force: tt.force})
			if (err != nil) != (tt.want == "") {
				t.Fatalf("withProfile: %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if again, err := withProfile(got, Profile{Name: tt.name, Command: "/bin/latchkey credentials", Region: "us-east-1"}); tt.want != "" && (err != nil || again != got) {
				t.Errorf("written again: %v\n%s", err, again)
			}
		})
	}
}

func FuzzWithProfile(f *testing.F) {
	f.Add("[default]\nregion = x\n[profile work]\n"+marker+"\n", "work")
	f.Add("\ufeff[profile work\n=\n\r", "default")
	f.Fuzz(func(t *testing.T, text, name string) {
		p := Profile{Name: name, Command: "/bin/latchkey credentials", Region: "us-east-1"}
		got, err := withProfile(text, p)
		if err != nil {
			return
		}
		// Whatever stood outside the section stands there still, and writing it
		// again changes nothing.
		if strings.TrimSpace(name) == name && name != "" && !strings.ContainsAny(name, "[]\"'\r\n\t\x00") {
			if again, err := withProfile(got, p); err != nil || again != got {
				t.Errorf("written again: %v\n%q\n%q", err, got, again)
			}
		}
		for line := range strings.Lines(text) {
			if section, ok := sectionOf(line); ok && !strings.Contains(got, strings.TrimSpace(line)) {
				t.Errorf("section %q is gone", section)
			}
		}
	})
}
