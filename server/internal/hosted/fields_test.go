package hosted_test

import (
	"strconv"
	"testing"
)

// TestFieldsDoNotCutValues: browsers count maxlength in UTF-16 units and cut what is pasted.
// A value that was cut must still be too long for the service, which then says so.
func TestFieldsDoNotCutValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	limits := map[string]int{"username": 128, "password": 256, "new_password": 256, "attribute.email": 2048}
	seen := 0
	for _, path := range []string{"/login", "/signup", "/forgotPassword"} {
		for _, field := range all(w.open(path).page, "input") {
			limit, ok := limits[attr(field, "name")]
			most := attr(field, "maxlength")
			if !ok || most == "" {
				continue
			}
			seen++
			if units, err := strconv.Atoi(most); err != nil || units <= 2*limit {
				t.Errorf("%s: maxlength of %s is %s, want more than two units for each of %d characters", path, attr(field, "name"), most, limit)
			}
		}
	}
	if seen < 4 {
		t.Errorf("%d fields with a maxlength, want at least 4", seen)
	}
}
