package accounts

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// details returns the delivery details of a code that was sent to a contact. For a client
// that hides who exists, they have a form that a made-up user's can have too.
func (s *Service) details(a *pool.App, who *pool.Subject, purpose string, to pool.Contact) *wire.CodeDeliveryDetailsType {
	if a.Settings.HidesUsers() {
		to = s.shownContact(a, who, purpose)
	}
	return to.Details()
}

// possibleMasks are the masked addresses that made-up users can have.
var possibleMasks = sync.OnceValue(func() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		pool.LoginEmail: regexp.MustCompile(`^[a-z]\*\*\*@[a-z]\*\*\*$`),
		pool.LoginPhone: regexp.MustCompile(`^\+\*{6,9}[0-9]{4}$`),
	}
})

// shownContact gives the contact that an answer about a subject shows, wherever the
// code went. It follows from the form of the typed name: an address or number is
// shown itself, for a sub it is made up, and for a user name it is the user's, as far
// as a made-up user could have the same. So no two answers, for a name and for the
// sub that its challenge carries or for two purposes, agree or differ in another way
// for a user than for a made-up one.
func (s *Service) shownContact(a *pool.App, who *pool.Subject, purpose string) pool.Contact {
	if pool.IsEmail(who.Canonical) {
		return pool.Contact{Attribute: pool.LoginEmail, Medium: plug.MediumEmail, Address: who.Canonical}
	}
	if pool.IsPhone(who.Canonical) {
		return pool.Contact{Attribute: pool.LoginPhone, Medium: plug.MediumSMS, Address: who.Canonical}
	}
	usual := usualContact(a.PoolSettings, purpose)
	if _, ok := pool.ParseUUID(who.Canonical); ok && a.PoolSettings.NamesBySub() {
		return s.madeUpContact(a, usual, "sub:"+who.Shown.Sub)
	}
	to := pool.ContactOf(who.User, usual)
	to.Address = strings.ToLower(to.Address)
	if possibleMasks()[usual].MatchString(pool.Masked(to.Address)) {
		return to
	}
	return s.madeUpContact(a, usual, "name:"+who.Canonical)
}

// madeUpContact makes an address or number up: always the same for one name.
func (s *Service) madeUpContact(a *pool.App, attribute, name string) pool.Contact {
	mac := s.box.StableMAC(pool.PurposeMadeUp, []byte("contact"), []byte(a.Pool.ID), []byte(name))
	letter := func(b byte) string { return string(random.Lower[int(b)%len(random.Lower)]) }
	if attribute == pool.LoginEmail {
		return pool.Contact{Attribute: attribute, Medium: plug.MediumEmail, Address: letter(mac[0]) + "@" + letter(mac[1])}
	}
	number := "+" + strings.Repeat("0", 6+int(mac[0])%4)
	for _, b := range mac[1:5] {
		number += string(random.Digits[int(b)%len(random.Digits)])
	}
	return pool.Contact{Attribute: attribute, Medium: plug.MediumSMS, Address: number}
}

// usualContact is the contact that users of the pool get codes at, as far as its
// settings tell: one that all users have, else one that the pool verifies or that
// users sign in with. Of several it is the one that the pool prefers for passwords
// that are recovered, and otherwise the e-mail address.
func usualContact(p *pool.Settings, purpose string) string {
	kinds := []string{pool.LoginEmail, pool.LoginPhone}
	if purpose == pool.CodeReset {
		kinds = append(slices.DeleteFunc(p.RecoveryRanks(), func(kind string) bool { return !slices.Contains(kinds, kind) }), kinds...)
	}
	everyone := func(kind string) bool {
		return len(p.UsernameAttributes) == 1 && p.UsernameAttributes[0] == kind || slices.Contains(p.RequiredAttributes(), kind)
	}
	some := func(kind string) bool { return p.AutoVerifies(kind) || p.SignsInWith(kind) }
	for _, has := range []func(string) bool{everyone, some} {
		if i := slices.IndexFunc(kinds, has); i >= 0 {
			return kinds[i]
		}
	}
	return kinds[0]
}
