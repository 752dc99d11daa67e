package cli

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/jwt"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0s"}, {900 * time.Millisecond, "0s"}, {59 * time.Second, "59s"}, {time.Minute, "1m"},
		{59*time.Minute + 30*time.Second, "59m 30s"}, {time.Hour + 5*time.Second, "1h"},
		{4*time.Hour + 5*time.Minute, "4h 5m"}, {30*24*time.Hour - time.Second, "29d 23h"},
	} {
		if got := span(test.d); got != test.want {
			t.Errorf("span(%v) = %q, not %q", test.d, got, test.want)
		}
	}
	for d, want := range map[time.Duration]string{
		90 * time.Second: "1m 30s left", -90 * time.Second: "expired 1m 30s ago", 0: "expired 0s ago",
		-364 * 24 * time.Hour: "expired 364d ago", -366 * 24 * time.Hour: "expired long ago", -20787 * 24 * time.Hour: "expired long ago",
	} {
		if got := left(d); got != want {
			t.Errorf("left(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestMembersKeepTheirOrder(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	object := `{"z":"text \"quoted\"","a":[1, 2],"exp":1800000060,"iat":1799999940,"nbf":1800000001,"auth_time":1e3,"t":true,"n":null}`
	var got [][2]string
	for _, m := range members([]byte(object)) {
		got = append(got, [2]string{m.name, m.text() + m.date(now)})
	}
	want := [][2]string{
		{"z", `text "quoted"`}, {"a", "[1,2]"},
		{"exp", "1800000060  (2027-01-15 08:01:00 UTC, in 1m)"},
		{"iat", "1799999940  (2027-01-15 07:59:00 UTC, 1m ago)"},
		{"nbf", "1800000001  (2027-01-15 08:00:01 UTC, in 1s)"},
		{"auth_time", "1e3"}, {"t", "true"}, {"n", "null"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDatesFarAway: a date that is far from now is shown without a count of days.
func TestDatesFarAway(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for seconds, want := range map[string]string{
		"0":            "  (1970-01-01 00:00:00 UTC, long ago)",
		"1799913600":   "  (2027-01-14 08:00:00 UTC, 1d ago)",
		"1830000000":   "  (2027-12-28 13:20:00 UTC, in 347d 5h)",
		"4000000000":   "  (2096-10-02 07:06:40 UTC)",
		"253402300799": "  (9999-12-31 23:59:59 UTC)",
		"253402300800": "",
	} {
		if got := (member{"exp", json.RawMessage(seconds)}).date(now); got != want {
			t.Errorf("exp %s: %q, want %q", seconds, got, want)
		}
	}
}

// FuzzMembers: whatever payload jwt.Decode accepts, all of it is shown.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"b":{"c":[null]}}`, `{"exp":-1}`, `{"exp":99999999999999999999}`, `{"":""}`, `[]`, `{"a":"\u001b"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		encode := base64.RawURLEncoding.EncodeToString
		token, err := jwt.Decode(encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(payload)) + ".")
		if err != nil {
			return // not a token: nothing to show
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(token.Payload(), &want); err != nil {
			t.Fatal(err)
		}
		all := members(token.Payload())
		if len(all) != len(want) {
			t.Fatalf("%d members of %d", len(all), len(want))
		}
		for _, m := range all {
			if _, ok := want[m.name]; !ok {
				t.Errorf("%q is no member", m.name)
			}
			_ = m.text() + m.date(time.Now())
		}
	})
}

func TestUpFlags(t *testing.T) {
	t.Parallel()
	good := upFlags{listen: "127.0.0.1:0", httpsListen: "[::1]:9230", logLevel: "INFO", credentialLife: time.Hour}
	if _, wrong := good.check(); wrong != "" {
		t.Errorf("refused: %s", wrong)
	}
	for name, spoil := range map[string]func(*upFlags){
		"no port":      func(f *upFlags) { f.listen = "127.0.0.1" },
		"empty":        func(f *upFlags) { f.httpsListen = "" },
		"service name": func(f *upFlags) { f.listen = "127.0.0.1:http" },
		"metrics":      func(f *upFlags) { f.metricsListen = ":" },
		"level":        func(f *upFlags) { f.logLevel = "trace" },
		"no life":      func(f *upFlags) { f.credentialLife = 0 },
		"a long life":  func(f *upFlags) { f.credentialLife = 13 * time.Hour },
		"no STS":       func(f *upFlags) { f.sts = "sts" },
		"STS's least":  func(f *upFlags) { f.sts, f.credentialLife = "https://sts.example.com", time.Minute },
	} {
		flags := good
		spoil(&flags)
		if _, wrong := flags.check(); wrong == "" {
			t.Errorf("%s: not refused", name)
		}
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	if got := mask("AKIAABCDEFGHIJKLMNOP"); got != "AKIA********MNOP" {
		t.Errorf("masked as %s", got)
	}
	if got := mask("short"); got != "********" {
		t.Errorf("a short one is masked as %s", got)
	}
}

func TestCodeQuestion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		challenge latchkey.Challenge
		want      string
	}{
		{latchkey.Challenge{Name: "CUSTOM_CHALLENGE"}, "Answer to the service's challenge:"},
		{latchkey.Challenge{Name: "EMAIL_OTP", Medium: "EMAIL", Destination: "a***@b***"}, "Code sent to a***@b***:"},
		{latchkey.Challenge{Name: "SMS_MFA"}, "Code:"},
	} {
		if got := codeQuestion(&test.challenge); got != test.want {
			t.Errorf("%s: asked with %q", test.challenge.Name, got)
		}
	}
}
