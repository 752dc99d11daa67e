// Package contrast computes whether colors can be told apart, for the tests of
// everything that serves pages: [Palette] reads a stylesheet's colors, [Ratio]
// compares two of them as WCAG 2.2 does.
package contrast

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

var pair = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`)
})

// Palette gives the custom properties of a stylesheet that are colors, each light
// and dark, in the form #rrggbb.
func Palette(css string) map[string][2]string {
	all := map[string][2]string{}
	for _, match := range pair().FindAllStringSubmatch(css, -1) {
		all[match[1]] = [2]string{match[2], match[3]}
	}
	return all
}

// Ratio is the contrast of two colors of the form #rrggbb, from 1 to 21 (WCAG 2.2,
// definition of contrast ratio).
func Ratio(a, b string) (float64, error) {
	la, err := luminance(a)
	if err != nil {
		return 0, err
	}
	lb, err := luminance(b)
	if err != nil {
		return 0, err
	}
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05), nil
}

// luminance is the relative luminance of an sRGB color (WCAG 2.2).
func luminance(hex string) (float64, error) {
	digits, marked := strings.CutPrefix(hex, "#")
	value, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || !marked || len(digits) != 6 {
		return 0, fmt.Errorf("%q is no color; want #rrggbb", hex)
	}
	channel := func(shift uint) float64 {
		c := float64(value>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0), nil
}
