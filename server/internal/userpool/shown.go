package userpool

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// details returns the delivery details of a code that was sent to a contact. For a client
// that hides who exists, they have a form that a made-up user's can have too.
func (s *Service) details(a *app, who *subject, purpose string, to contact) *wire.CodeDeliveryDetailsType {
	if a.settings.hidesUsers() {
		to = s.shownContact(a, who, purpose)
	}
	return to.details()
}

// possibleMasks are the masked addresses that made-up users can have.
var possibleMasks = sync.OnceValue(func() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		loginEmail: regexp.MustCompile(`^[a-z]\*\*\*@[a-z]\*\*\*$`),
		loginPhone: regexp.MustCompile(`^\+\*{6,9}[0-9]{4}$`),
	}
})

// shownContact gives the contact that an answer about a subject shows, wherever the
// code went. It follows from the form of the typed name: an address or number is
// shown itself, for a sub it is made up, and for a user name it is the user's, as far
// as a made-up user could have the same. So no two answers, for a name and for the
// sub that its challenge carries or for two purposes, agree or differ in another way
// for a user than for a made-up one.
func (s *Service) shownContact(a *app, who *subject, purpose string) contact {
	if isEmail(who.canonical) {
		return contact{loginEmail, plug.MediumEmail, who.canonical}
	}
	if isPhone(who.canonical) {
		return contact{loginPhone, plug.MediumSMS, who.canonical}
	}
	usual := a.poolSet.usualContact(purpose)
	if _, ok := parseUUID(who.canonical); ok && a.poolSet.namesBySub() {
		return s.madeUpContact(a, usual, "sub:"+who.shown.Sub)
	}
	to := contactOf(who.user, usual)
	to.address = strings.ToLower(to.address)
	if possibleMasks()[usual].MatchString(masked(to.address)) {
		return to
	}
	return s.madeUpContact(a, usual, "name:"+who.canonical)
}

// madeUpContact makes an address or number up: always the same for one name.
func (s *Service) madeUpContact(a *app, attribute, name string) contact {
	mac := s.box.StableMAC(purposeMadeUp, []byte("contact"), []byte(a.pool.ID), []byte(name))
	letter := func(b byte) string { return string(random.Lower[int(b)%len(random.Lower)]) }
	if attribute == loginEmail {
		return contact{attribute, plug.MediumEmail, letter(mac[0]) + "@" + letter(mac[1])}
	}
	number := "+" + strings.Repeat("0", 6+int(mac[0])%4)
	for _, b := range mac[1:5] {
		number += string(random.Digits[int(b)%len(random.Digits)])
	}
	return contact{attribute, plug.MediumSMS, number}
}

// usualContact is the contact that users of the pool get codes at, as far as its
// settings tell: one that all users have, else one that the pool verifies or that
// users sign in with. Of several it is the one that the pool prefers for passwords
// that are recovered, and otherwise the e-mail address.
func (p *PoolSettings) usualContact(purpose string) string {
	kinds := []string{loginEmail, loginPhone}
	if purpose == codeReset {
		kinds = append(slices.DeleteFunc(p.recoveryRanks(), func(kind string) bool { return !slices.Contains(kinds, kind) }), kinds...)
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
