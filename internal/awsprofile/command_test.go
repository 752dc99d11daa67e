package awsprofile

import (
	"runtime"
	"testing"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	for name, fine := range map[string]bool{
		"work": true, "default": true, "work-2.eu@x": true, "prod/eu": true, "é": true,
		"": false, "my work": false, " work": false, "a\tb": false, `a\b`: false, "a]b": false, `a"b`: false, "a#b": false, "a;b": false, "a\nb": false,
		"a\u00a0b": false, "a'b": false,
	} {
		if wrong := CheckName(name); (wrong == "") != fine {
			t.Errorf("CheckName(%q) = %q", name, wrong)
		}
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the paths are those of Unix")
	}
	for _, test := range []struct {
		args []string
		want string // empty: refused
	}{
		{[]string{"/usr/bin/latchkey", "credentials"}, "/usr/bin/latchkey credentials"},
		{[]string{"/my home/latchkey", "--config", "/a&b/c.json", "--format", "process"}, `"/my home/latchkey" --config "/a&b/c.json" --format process`},
		{[]string{"/a", "/b c"}, ""}, // the Go SDK would strip the quotes if the first word had some too
		{[]string{`/a\b`, "x"}, ""},
		{[]string{"/a$b", "x"}, ""},
		{[]string{"/a #b", "x"}, ""},
	} {
		if got, err := CommandLine(test.args...); got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("CommandLine(%q) = %q, %v", test.args, got, err)
		}
	}
}
