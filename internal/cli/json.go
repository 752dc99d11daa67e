package cli

import "encoding/json"

// writeJSON writes one value on one line of standard output.
func (a *app) writeJSON(value any) {
	encoder := json.NewEncoder(a.out)
	encoder.SetEscapeHTML(false)
	// The types that come here cannot fail to encode; a stream that cannot be
	// written is remembered by the Output.
	_ = encoder.Encode(value)
}
