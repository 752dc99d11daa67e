package admin

import "github.com/latchkey-auth/latchkey/server/storage"

const (
	CustomIDPrefix      = customIDPrefix
	MessageNoDomain     = messageNoDomain
	MessageDomainTaken  = messageDomainTaken
	MessageDomainPrefix = messageDomainPrefix
	AccountID           = accountID
	MaxResourceServers  = maxResourceServers
	CountAtOnce         = countAtOnce
	MaxLogo             = maxLogo
)

var (
	CompleteClient = completeClient
	CompletePool   = completePool
	InsertPool     = insertPool
	LogoType       = logoType
)

func (s *Service) EstimateUsers(tx storage.Tx, poolID string) (int, error) {
	return s.estimateUsers(tx, poolID)
}

// CountAgain lets the next RecountUsers count a pool again.
func (s *Service) CountAgain(poolID string, users int) { s.counts.set(poolID, userCount{users: users}) }

// Counted reports whether a count of a pool is kept.
func (s *Service) Counted(poolID string) bool { return s.counts.of(poolID) != (userCount{}) }
