package jwt

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// accepts reports whether the reference library takes text as one object of at most
// maxDepth levels, and with which members.
func accepts(text string) (map[string]jsontext.Value, bool) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal([]byte(text), &members); err != nil || members == nil {
		return nil, false
	}
	d := jsontext.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.ReadToken(); err != nil {
			return members, true
		}
		if d.StackDepth() > maxDepth {
			return nil, false
		}
	}
}

// compare runs scanner and reference on the same text.
func compare(t interface{ Fatalf(string, ...any) }, text string) {
	got, problem := scanObject(text, nil)
	want, ok := accepts(text)
	if (problem == "") != ok {
		t.Fatalf("%q: problem %q, reference accepts: %v", text, problem, ok)
	}
	if !ok {
		return
	}
	if len(got) != len(want) {
		t.Fatalf("%q: %d members, want %d", text, len(got), len(want))
	}
	for _, m := range got {
		name := m.nameIn(text)
		raw, ok := want[name]
		if !ok || string(raw) != m.rawIn(text) {
			t.Fatalf("%q: %q = %s, want %s", text, name, m.rawIn(text), raw)
		}
		if wantKind := raw.Kind(); m.kind != kindOf(wantKind) {
			t.Fatalf("%q: %q has kind %d, want %v", text, name, m.kind, wantKind)
		}
		if value, isText := m.textIn(text); isText {
			var want string
			if err := json.Unmarshal(raw, &want); err != nil || value != want {
				t.Fatalf("%q: %q = %q, want %q (%v)", text, name, value, want, err)
			}
		}
		if number, ok := m.secondsIn(text); ok {
			var want int64
			if err := json.Unmarshal(raw, &want); err != nil || number != want {
				t.Fatalf("%q: %q = %d, want %d (%v)", text, name, number, want, err)
			}
		}
		if again, ok := find(text, got, name); !ok || again != m {
			t.Fatalf("%q: %q is not found", text, name)
		}
	}
}

func kindOf(k jsontext.Kind) kind {
	switch k {
	case 'n':
		return kindNull
	case 't', 'f':
		return kindBool
	case '0':
		return kindNumber
	case '"':
		return kindString
	case '[':
		return kindArray
	}
	return kindObject
}

// texts that have tripped JSON readers.
var trickyTexts = []string{
	``, ` `, `{`, `}`, `{}`, ` { } `, `{}}`, `{}{}`, `{} x`, `[]`, `"x"`, `null`, "\ufeff{}", `{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`,
	`{"a":1 "b":2}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{"a":1}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":1,"A":2}`, `{"":1,"":2}`, `{"":{"":1}}`,
	`{"a":{"a":1,"b":{"a":1}},"b":2}`, `{"a":{"x":1,"x":1}}`, `{"a":[{"x":1,"x":1}]}`, `{"a":[{"x":1},{"x":1}]}`, `{"a":{"b":1},"b":1,"c":{"b":1}}`,
	`{"a":01}`, `{"a":-}`, `{"a":-0}`, `{"a":+1}`, `{"a":.5}`, `{"a":1.}`, `{"a":1.5}`, `{"a":1e}`, `{"a":1e+}`, `{"a":1E-9}`, `{"a":1e400}`, `{"a":0x1}`, `{"a":NaN}`, `{"a":--1}`,
	`{"a":tru}`, `{"a":true}`, `{"a":True}`, `{"a":nulll}`, `{"a":falsey}`, `{"a":[1,2,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":[]}`, `{"a":[[],{}]}`, `{"a":[1}}`, `{"a":{]}`,
	`{"a":"x}`, `{"a":"\"}`, `{"a":"\\"}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\u0000"}`, `{"a":"\uD83D\uDE00"}`, `{"a":"\ud83d"}`, `{"a":"\ude00"}`, `{"a":"\ud83dx"}`,
	`{"a":"\ud83d\n"}`, `{"a":"\ud83d\ud83d"}`, `{"a":"\ud83d\u0041"}`, `{"a":"\/\b\f\n\r\t\""}`, `{"a":"\U0041"}`, `{"a":"\u+041"}`, `{"\ud83d":1}`, `{"\ud83d\ude00":1,"😀":2}`,
	"{\"a\":\"\x00\"}", "{\"a\":\"\n\"}", "{\"a\":\"\x1f\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\x80\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf4\x90\x80\x80\"}",
	"{\"a\":\"\xe2\x82\"}", "{\"a\":\"\ufffd\"}", "{\"a\":\"é€😀\"}", "{\"\xff\":1}", "{\"a\":\v1}", "{\u00a0}", "{\"a\":\"12345678\x01\"}", "{\"a\":\"12345678\"}", "{\"a\":\"1234567\\\"\"}",
	`{"a":"é234567\\"}`, `{"a":"1234567é1234567é1234567\u00e9"}`, `{"K":1,"k":2}`, `{/**/}`, `{"a":1}//`, `{"a":1}` + "\x00", `{"a":1}` + "\n",
}

func TestScanTricky(t *testing.T) {
	t.Parallel()
	for _, text := range trickyTexts {
		compare(t, text)
	}
	for depth := range 40 {
		compare(t, `{"a":`+strings.Repeat("[", depth)+strings.Repeat("]", depth)+`}`)
		compare(t, strings.Repeat(`{"a":`, depth)+"{}"+strings.Repeat("}", depth))
	}
	for n := range 100 {
		list := make([]string, n)
		for i := range list {
			list[i] = `"` + strings.Repeat("x", i) + `":{"y":1}`
		}
		compare(t, "{"+strings.Join(list, ",")+"}")
		for _, twice := range []int{0, n / 2, n - 1} {
			if n > 0 {
				compare(t, "{"+strings.Join(append(list, list[twice]), ",")+"}")
			}
		}
	}
}

// TestScanDifferential makes JSON, mostly valid, and then damages some of it.
func TestScanDifferential(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(drawObject(t, 4))
		for range rapid.IntRange(0, 2).Draw(t, "damages") {
			i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text[i] = rapid.SampledFrom([]byte("{}[]\",:\\u0eE.-+ \x00\x1f\x80\xff\xc3ndt")).Draw(t, "byte")
		}
		compare(t, string(text))
	})
}

func drawObject(t *rapid.T, depth int) string {
	members := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return drawString(t) + space(t) + ":" + space(t) + drawValue(t, depth-1) + space(t)
	}), 0, 6).Draw(t, "members")
	return "{" + space(t) + strings.Join(members, ","+space(t)) + "}"
}

func drawValue(t *rapid.T, depth int) string {
	kinds := 5
	if depth > 0 {
		kinds = 7
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "literal")
	case 1, 2:
		return rapid.SampledFrom([]string{"0", "-1", "1780315200", "1.5e-3", "12E+4", "9223372036854775807", "-0.0"}).Draw(t, "number")
	case 3, 4:
		return drawString(t)
	case 5:
		elements := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return drawValue(t, depth-1) }), 0, 4).Draw(t, "elements")
		return "[" + space(t) + strings.Join(elements, " ,") + "]"
	}
	return drawObject(t, depth)
}

func drawString(t *rapid.T) string {
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "b", "exp", "sub", "12345678", "é", "😀", "\u2028", `\n`, `\/`, `\"`, `\\`, `\u0061`, `\u0000`, `\ud83d\ude00`, `\uFFFD`, `\ud800`,
	}), 0, 5).Draw(t, "pieces")
	return `"` + strings.Join(pieces, "") + `"`
}

func space(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", "", " ", "\n\t"}).Draw(t, "space")
}

// TestDecode64 compares with encoding/base64, which skips line ends: those aside,
// both must accept the same.
func TestDecode64(t *testing.T) {
	t.Parallel()
	reference := base64.RawURLEncoding.Strict()
	check := func(t interface{ Fatalf(string, ...any) }, text string) {
		want, err := reference.DecodeString(text)
		ok := err == nil && !strings.ContainsAny(text, "\r\n")
		got := make([]byte, decodedLen(len(text)))
		n, accepted := decode64(got, text)
		if accepted != ok || ok && string(got[:n]) != string(want) {
			t.Fatalf("%q: %v %x, want %v %x", text, accepted, got[:n], ok, want)
		}
	}
	for c := range 256 {
		for _, before := range []string{"", "A", "AA", "AAA", "AAAA", "AAAAA", "AAAAAA", "AAAAAAA", "AAAAAAAA"} {
			for _, after := range []string{"", "A", "AAAAAAAAA"} {
				check(t, before+string([]byte{byte(c)})+after)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, reference.EncodeToString(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		check(t, rapid.StringOf(rapid.RuneFrom([]rune("ABZaz019-_+/=.\n\r é"))).Draw(t, "text"))
	})
}

// TestScanArray covers what claims ask of arrays.
func TestScanArray(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[]`: "", `[1]`: "1", `[ "a" , "b" ]`: "a|b", `["a",["b"],{"c":1}]`: `a|["b"]|{"c":1}`, `["\u0061"]`: `\u0061`,
	} {
		var got []string
		if !scanArray(text, func(value string, _ kind, _ bool) bool { got = append(got, value); return true }) {
			t.Errorf("%s is refused", text)
		}
		if joined := strings.Join(got, "|"); joined != want {
			t.Errorf("%s gave %s, want %s", text, joined, want)
		}
	}
	for _, text := range []string{``, `{}`, `"a"`, `[`, `[1`, `[1,]`} {
		if scanArray(text, func(string, kind, bool) bool { return true }) {
			t.Errorf("%s is accepted", text)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range trickyTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { compare(t, text) })
}
