package cli

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/localhost"
	"github.com/latchkey-auth/latchkey/jwt"
)

// verified is the output of verify --json. Only reason is there for a token
// that is not valid: what such a token says is worth nothing.
type verified struct {
	Valid     bool       `json:"valid"`
	Reason    string     `json:"reason,omitempty"`
	Use       string     `json:"use,omitempty"` // "access" or "id"
	Username  string     `json:"username,omitempty"`
	UserID    string     `json:"user_id,omitempty"`
	ClientID  string     `json:"client_id,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// verifyCommand is `latchkey verify`.
type verifyCommand struct{ *app }

func (a *app) verifyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "verify [TOKEN|-]",
		Short: "Tell whether a token is genuine and still valid",
		Long: `Verifies a token against the keys that the configured user pool publishes: the
one given, the one on standard input for "-", or the stored access token. It must
be for the configured app client. The exit code is 1 if it is not valid.

A token stays valid until it expires, also after a sign-out.`,
		Args: a.atMost(1),
		RunE: (&verifyCommand{a}).verify,
	}
	a.addAccountFlag(command)
	return command
}

func (c *verifyCommand) verify(cmd *cobra.Command, args []string) error {
	config, err := c.config()
	if err != nil {
		return err
	}
	if config.UserPoolID == "" || config.ClientID == "" {
		return &failure{
			code: exitUsage, err: errors.New("the configuration names no user pool with an app client"),
			hints: []string{"set auth.user_pool_id and auth.user_pool_client_id"},
		}
	}
	raw, err := c.givenToken(cmd.Context(), args)
	if err != nil {
		return err
	}
	claims, err := c.check(cmd.Context(), config, raw)
	if err != nil {
		err = wrongToken(err)
		if c.json && exitCode(err) == exitFailed {
			c.writeJSON(verified{Reason: c.reason(err)})
		}
		if hint := c.adviseToken(err); hint != "" {
			return &failure{err: err, hints: []string{hint}}
		}
		return err
	}
	if c.json {
		expiry := claims.Expiry()
		c.writeJSON(verified{
			Valid: true, Use: claims.Use(), Username: claims.Username(),
			UserID: claims.Subject(), ClientID: claims.ClientID(), ExpiresAt: &expiry,
		})
		return nil
	}
	c.showVerdict(claims)
	return nil
}

func (c *verifyCommand) showVerdict(claims jwt.Claims) {
	use := map[string]string{jwt.UseAccess: "access token", jwt.UseID: "ID token"}[claims.Use()]
	c.out.Print(c.out.Paint(ui.Green, "Valid") + " " + use + " of " + ui.Clean(claims.Username()) +
		" until " + moment(claims.Expiry()) + ", for " + span(time.Until(claims.Expiry())) + ".")
}

// check verifies a token for the use that it says it is for.
func (c *verifyCommand) check(ctx context.Context, config latchkey.Config, raw string) (jwt.Claims, error) {
	read, err := jwt.Decode(raw)
	if err != nil {
		return jwt.Claims{}, err
	}
	keys, err := c.issuerKeys(config)
	if err != nil {
		return jwt.Claims{}, err
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer(config), ClientIDs: []string{config.ClientID}, Keys: keys, CacheSize: -1,
	})
	if err != nil {
		return jwt.Claims{}, &failure{code: exitUsage, err: errors.New(withoutPackage(err)), hints: []string{"check " + c.target.issuerMember}}
	}
	if read.Use() == jwt.UseID {
		token, err := verifier.VerifyID(ctx, raw)
		if err != nil {
			return jwt.Claims{}, err
		}
		return token.Claims(), nil
	}
	token, err := verifier.VerifyAccess(ctx, raw)
	if err != nil {
		return jwt.Claims{}, err
	}
	return token.Claims(), nil
}

// issuerKeys are the keys of the configured issuer.
func (c *verifyCommand) issuerKeys(config latchkey.Config) (*jwt.RemoteKeys, error) {
	address := strings.TrimSuffix(issuer(config), "/") + "/.well-known/jwks.json"
	if u, err := url.Parse(address); err == nil && !config.InsecureHTTP && localhost.Exposed(u) {
		return nil, &failure{
			code: exitUsage, err: errors.New(c.target.issuerMember + " is plain http to another machine, " + quote(u.Hostname())),
			hints: []string{"use https, or set latchkey.insecure_http to true if everyone on the network may read and change the keys"},
		}
	}
	keys, err := jwt.NewRemoteKeys(address, func(o *jwt.RemoteOptions) {
		o.HTTPClient = lazyClient(config.CAFile, c.catchSignals)
		o.InsecureHTTP = true // checked above
	})
	if err != nil {
		return nil, &failure{code: exitUsage, err: errors.New(withoutPackage(err)), hints: []string{"check " + c.target.issuerMember}}
	}
	return keys, nil
}

// issuer is whose keys count: the configured issuer, else that of the service at
// user_pool_endpoint, else Cognito's for the pool.
func issuer(config latchkey.Config) string {
	switch {
	case config.Issuer != "":
		return config.Issuer
	case config.UserPoolEndpoint != "":
		return strings.TrimSuffix(config.UserPoolEndpoint, "/") + "/" + config.UserPoolID
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(config.Region(), "cn-") { // another partition
		domain = "amazonaws.com.cn"
	}
	return "https://cognito-idp." + config.Region() + "." + domain + "/" + config.UserPoolID
}
