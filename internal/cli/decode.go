package cli

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/jwt"
)

// decoded is what decode tells with --json.
type decoded struct {
	Verified bool            `json:"verified"` // always false
	Header   json.RawMessage `json:"header"`
	Claims   json.RawMessage `json:"claims"`
}

func (a *app) decodeCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "decode [TOKEN|-]",
		Short: "Show what a token says, without verifying it",
		Long: `Shows header and claims of a token: the one given, the one on standard input
for "-", or the stored access token. Nothing is verified; see "latchkey verify".`,
		Example: "  latchkey token id | latchkey decode -",
		Args:    a.atMost(1),
		RunE:    a.decode,
	}
	a.addAccountFlag(command)
	return command
}

func (a *app) decode(cmd *cobra.Command, args []string) error {
	raw, err := a.givenToken(cmd.Context(), args)
	if err != nil {
		return err
	}
	token, err := jwt.Decode(raw)
	if err != nil {
		return wrongToken(err)
	}
	a.err.Print(a.err.Paint(ui.Yellow, "NOT VERIFIED:") + " anybody can have written this. " + a.typed("verify") + " tells whether it is genuine.")
	if a.json {
		a.writeJSON(decoded{Header: token.HeaderBytes(), Claims: token.Payload()})
		return nil
	}
	a.showClaims(token, time.Now())
	return nil
}

func (a *app) showClaims(token *jwt.Unverified, now time.Time) {
	table := &ui.Table{Indent: "  "}
	a.out.Print(a.out.Paint(ui.Bold, "Header"))
	for _, m := range members(token.HeaderBytes()) {
		table.Field(m.name, m.text())
	}
	table.Write(a.out)
	a.out.Print("")
	a.out.Print(a.out.Paint(ui.Bold, "Claims"))
	table = &ui.Table{Indent: "  "}
	for _, m := range members(token.Payload()) {
		table.Field(m.name, m.text()+m.date(now))
	}
	table.Write(a.out)
}

// member is one member of a JSON object, in the order in which they stand.
type member struct {
	name  string
	value json.RawMessage
}

// members takes apart an object that jwt.Decode has accepted.
func members(object []byte) []member {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	var all []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return all
		}
		var m member
		m.name, _ = name.(string)
		if decoder.Decode(&m.value) != nil {
			return all
		}
		all = append(all, m)
	}
	return all
}

// text is the value without the quotes of a string.
func (m member) text() string {
	var s *string // a pointer: null is no string
	if json.Unmarshal(m.value, &s) == nil && s != nil {
		return *s
	}
	var compact bytes.Buffer
	if json.Compact(&compact, m.value) != nil {
		return string(m.value)
	}
	return compact.String()
}

// date tells what the claims that are times mean (RFC 7519 section 4.1, OpenID
// Connect Core section 2); it is empty for others.
func (m member) date(now time.Time) string {
	switch m.name {
	case "exp", "iat", "nbf", "auth_time":
	default:
		return ""
	}
	seconds, err := strconv.ParseInt(string(m.value), 10, 64)
	if err != nil || seconds < 0 || seconds > endOfTime {
		return ""
	}
	at := time.Unix(seconds, 0)
	switch until := at.Sub(now); {
	case until >= year:
		return "  (" + moment(at) + ")"
	case until > 0:
		return "  (" + moment(at) + ", in " + span(until) + ")"
	default:
		return "  (" + moment(at) + ", " + ago(-until) + ")"
	}
}

const endOfTime = 253402300799 // the last second of the year 9999
