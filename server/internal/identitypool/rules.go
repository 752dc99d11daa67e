package identitypool

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// matching gives the roles of the rules that a login's claims match, in the order
// of the rules.
func (p *proven) matching(c *wire.RulesConfigurationType) []string {
	var roles []string
	if c == nil {
		return nil
	}
	for _, rule := range c.Rules {
		if matches(rule, p.values(rule.Claim)) {
			roles = append(roles, rule.RoleARN)
		}
	}
	return roles
}

// matches compares the values of a claim with a rule. A claim that is not there
// matches no rule, NotEqual included; of one that is a list any element matches,
// and for NotEqual all must.
func matches(rule wire.MappingRule, values []string) bool {
	if len(values) == 0 {
		return false
	}
	switch rule.MatchType {
	case wire.MatchNotEqual:
		return !slices.Contains(values, rule.Value)
	case wire.MatchEquals:
		return slices.Contains(values, rule.Value)
	case wire.MatchStartsWith:
		return slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(v, rule.Value) })
	case wire.MatchContains:
		return slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, rule.Value) })
	}
	return false
}

// values gives a claim as texts: a text, a number or truth value as JSON writes it,
// or the elements of a list of such. There are none of an object, of null, and of a
// claim that is not there.
func (p *proven) values(name string) []string {
	raw, ok := p.claims.Lookup(name)
	value := jsontext.Value(raw)
	if !ok {
		return nil
	}
	if value.Kind() != '[' {
		text, ok := scalar(value)
		if !ok {
			return nil
		}
		return []string{text}
	}
	var list []jsontext.Value
	if err := json.Unmarshal(value, &list); err != nil {
		return nil
	}
	var texts []string
	for _, element := range list {
		text, ok := scalar(element)
		if !ok {
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}

func scalar(value jsontext.Value) (string, bool) {
	switch value.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, value)
		return string(text), err == nil
	case '0', 't', 'f':
		return string(bytes.TrimSpace(value)), true
	}
	return "", false
}
