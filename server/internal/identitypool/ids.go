package identitypool

import (
	"regexp"
	"strings"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/random"
)

const (
	// accountID is the AWS account in the ARNs of this service, which has none.
	accountID = "000000000000"
	// maxID is the longest id (API reference, IdentityPoolId and IdentityId).
	maxID = 55
)

// idPattern is the API reference's, with both parts there.
var idPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w-]+:[0-9a-f-]+$`) })

func isID(id string) bool { return len(id) <= maxID && idPattern().MatchString(id) }

// newID draws the id of a pool or an identity: nobody can guess it, and it is
// never given out again.
func newID(region string) string { return region + ":" + random.UUID() }

func regionOf(id string) string {
	region, _, _ := strings.Cut(id, ":")
	return region
}

// arnOf is the ARN of an identity pool.
func arnOf(poolID string) string {
	return "arn:aws:cognito-identity:" + regionOf(poolID) + ":" + accountID + ":identitypool/" + poolID
}
