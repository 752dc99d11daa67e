package userpool

import (
	"regexp"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// details are what an answer tells of where a code of that purpose went; to is where
// it did. A client that hides who exists learns nothing of a user that the answer for
// a made-up one could not say as well.
func (s *Service) details(a *app, who *subject, purpose string, to contact) *wire.CodeDeliveryDetailsType {
	if a.settings.hidesUsers() {
		to = s.shownContact(a, who, purpose, to)
	}
	return to.details()
}

// possibleMasks are the masked addresses that made-up users can have.
var possibleMasks = map[string]*regexp.Regexp{
	loginEmail: regexp.MustCompile(`^[a-z]\*\*\*@[a-z]\*\*\*$`),
	loginPhone: regexp.MustCompile(`^\+\*{6,9}[0-9]{4}$`),
}

// shownContact gives the contact that an answer about a subject shows. If a contact
// was typed, it is that one, whatever the user's is. Otherwise it is the user's, as
// far as a made-up user could have the same, and else a made-up one: always the same
// for one name.
func (s *Service) shownContact(a *app, who *subject, purpose string, to contact) contact {
	if isEmail(who.canonical) {
		return contact{loginEmail, MediumEmail, who.canonical}
	}
	if isPhone(who.canonical) {
		return contact{loginPhone, MediumSMS, who.canonical}
	}
	usual := a.poolSet.usualContact(purpose)
	to.address = strings.ToLower(to.address)
	if to.attribute == usual && possibleMasks[usual].MatchString(masked(to.address)) {
		return to
	}
	mac := s.box.MAC(purposeMadeUp, []byte("contact"), []byte(a.pool.ID), []byte(who.canonical))
	letter := func(b byte) string { return string(random.Lower[int(b)%len(random.Lower)]) }
	if usual == loginEmail {
		return contact{usual, MediumEmail, letter(mac[0]) + "@" + letter(mac[1])}
	}
	number := "+" + strings.Repeat("0", 6+int(mac[0])%4)
	for _, b := range mac[1:5] {
		number += string(random.Digits[int(b)%len(random.Digits)])
	}
	return contact{usual, MediumSMS, number}
}

// usualContact is the contact that users of the pool get codes at, as far as its
// settings tell: one that all users have, else one that the pool verifies or that
// users sign in with. Of several it is the one that the pool prefers for passwords
// that are recovered, and otherwise the e-mail address.
func (p *PoolSettings) usualContact(purpose string) string {
	kinds := []string{loginEmail, loginPhone}
	if ranks := p.recoveryRanks(); purpose == codeReset && len(ranks) > 0 {
		kinds = ranks
	}
	everyone := func(kind string) bool {
		return len(p.UsernameAttributes) == 1 && p.UsernameAttributes[0] == kind || slices.Contains(p.requiredAttributes(), kind)
	}
	some := func(kind string) bool { return p.autoVerifies(kind) || p.signsInWith(kind) }
	for _, has := range []func(string) bool{everyone, some} {
		if i := slices.IndexFunc(kinds, has); i >= 0 {
			return kinds[i]
		}
	}
	return kinds[0]
}

// canonicalAddress is the form in which messages to one address are counted.
func canonicalAddress(address string) string { return strings.ToLower(normalized(address)) }
