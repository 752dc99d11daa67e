package contrast

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRatio(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21}, {"#ffffff", "#000000", 21}, {"#123456", "#123456", 1}, {"#767676", "#ffffff", 4.54}, {"#ff0000", "#ffffff", 4.00},
	} {
		if got, err := Ratio(test.a, test.b); err != nil || math.Abs(got-test.want) > 0.01 {
			t.Errorf("%s on %s: %.3f, %v; want %.2f", test.a, test.b, got, err, test.want)
		}
	}
	for _, bad := range []string{"", "#fff", "ffffff", "#gggggg", "#-12345", "#1234567"} {
		if _, err := Ratio("#000000", bad); err == nil {
			t.Errorf("%q is taken for a color", bad)
		}
		if _, err := Ratio(bad, "#000000"); err == nil {
			t.Errorf("%q is taken for a color", bad)
		}
	}
}

func TestPalette(t *testing.T) {
	t.Parallel()
	got := Palette(":root {\n\t--ink: light-dark(#111111, #eeeeee);\n\t--size: 1rem;\n}")
	if diff := cmp.Diff(map[string][2]string{"ink": {"#111111", "#eeeeee"}}, got); diff != "" {
		t.Error(diff)
	}
}
