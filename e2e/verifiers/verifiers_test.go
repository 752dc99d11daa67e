package verifiers

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestMain(m *testing.M) { local.Main(m) }

func issuer() string { return local.Up().Endpoint + "/" + local.Up().UserPoolID }

// signIn signs the demo user in.
func signIn(t *testing.T) *types.AuthenticationResultType {
	t.Helper()
	client := cip.New(cip.Options{
		Region: local.Up().Region, BaseEndpoint: aws.String(local.Up().Endpoint), Credentials: aws.AnonymousCredentials{},
	})
	out, err := client.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeUserPasswordAuth, ClientId: aws.String(local.Up().ClientID),
		AuthParameters: map[string]string{"USERNAME": local.Up().Username, "PASSWORD": local.Up().Password},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.AuthenticationResult
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	return body
}

// tampered changes a claim and leaves the signature.
func tampered(token string) string {
	parts := strings.Split(token, ".")
	middle := len(parts[1]) / 2
	other := "A"
	if parts[1][middle] == 'A' {
		other = "B"
	}
	parts[1] = parts[1][:middle] + other + parts[1][middle+1:]
	return strings.Join(parts, ".")
}

func TestGoOIDC(t *testing.T) {
	t.Parallel()
	provider, err := oidc.NewProvider(t.Context(), issuer())
	if err != nil {
		t.Fatal(err)
	}
	tokens := signIn(t)
	verify := func(token string, change func(*oidc.Config)) (*oidc.IDToken, error) {
		config := &oidc.Config{ClientID: local.Up().ClientID}
		change(config)
		return provider.Verifier(config).Verify(t.Context(), token)
	}
	as := func(*oidc.Config) {}
	id, err := verify(*tokens.IdToken, as)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Use      string `json:"token_use"`
		Username string `json:"cognito:username"`
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if id.Issuer != issuer() || !slices.Equal(id.Audience, []string{local.Up().ClientID}) || claims.Use != "id" ||
		claims.Username != local.Up().Username || claims.Email == "" || !claims.Verified {
		t.Errorf("ID token says %+v %+v", id, claims)
	}
	if life := id.Expiry.Sub(id.IssuedAt); life != time.Hour {
		t.Errorf("the ID token lives %v, want 1h", life)
	}
	for name, refuse := range map[string]func() error{
		"another audience": func() error {
			_, err := verify(*tokens.IdToken, func(c *oidc.Config) { c.ClientID = "another" })
			return err
		},
		"after its life": func() error {
			_, err := verify(*tokens.IdToken, func(c *oidc.Config) { c.Now = func() time.Time { return time.Now().Add(61 * time.Minute) } })
			return err
		},
		"tampered with":   func() error { _, err := verify(tampered(*tokens.IdToken), as); return err },
		"an access token": func() error { _, err := verify(*tokens.AccessToken, as); return err }, // it has no audience
	} {
		if refuse() == nil {
			t.Errorf("a token is accepted: %s", name)
		}
	}
}

func TestDiscoveryNamesItsOwnIssuer(t *testing.T) {
	t.Parallel()
	provider, err := oidc.NewProvider(t.Context(), issuer())
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		JWKS  string   `json:"jwks_uri"`
		Algs  []string `json:"id_token_signing_alg_values_supported"`
		Types []string `json:"subject_types_supported"`
	}
	if err := provider.Claims(&document); err != nil {
		t.Fatal(err)
	}
	if document.JWKS != issuer()+"/.well-known/jwks.json" || !slices.Contains(document.Algs, "RS256") || len(document.Types) == 0 {
		t.Errorf("discovery says %+v", document)
	}
	if _, err := oidc.NewProvider(t.Context(), local.Up().Endpoint+"/us-east-1_NoSuchPl"); err == nil {
		t.Error("a pool that does not exist is discovered")
	}
}

// keySet fetches the keys with go-jose.
func keySet(t *testing.T) jose.JSONWebKeySet {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(get(t, issuer()+"/.well-known/jwks.json"), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestKeys(t *testing.T) {
	t.Parallel()
	set := keySet(t)
	if len(set.Keys) != 2 {
		t.Errorf("%d keys are published, want 2", len(set.Keys))
	}
	for _, key := range set.Keys {
		public, ok := key.Key.(*rsa.PublicKey)
		if !ok || !key.Valid() || key.Algorithm != "RS256" || key.Use != "sig" || !key.IsPublic() || public.N.BitLen() != 2048 {
			t.Errorf("key %s is %T, %s, %s", key.KeyID, key.Key, key.Algorithm, key.Use)
		}
	}
	var raw struct{ Keys []map[string]string }
	if err := json.Unmarshal(get(t, issuer()+"/.well-known/jwks.json"), &raw); err != nil {
		t.Fatal(err)
	}
	for _, key := range raw.Keys {
		for member := range key {
			if !slices.Contains([]string{"alg", "e", "kid", "kty", "n", "use"}, member) {
				t.Errorf("a key shows %q", member)
			}
		}
	}
}

func TestGolangJWT(t *testing.T) {
	t.Parallel()
	set, tokens := keySet(t), signIn(t)
	find := func(token *jwt.Token) (any, error) {
		kid, _ := token.Header["kid"].(string)
		keys := set.Key(kid)
		if len(keys) != 1 {
			return nil, fmt.Errorf("%d keys have the id %q", len(keys), kid)
		}
		return keys[0].Key, nil
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer()), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
	}
	claims := jwt.MapClaims{}
	access, err := jwt.ParseWithClaims(*tokens.AccessToken, claims, find, options...)
	if err != nil {
		t.Fatal(err)
	}
	if claims["token_use"] != "access" || claims["client_id"] != local.Up().ClientID || claims["username"] != local.Up().Username {
		t.Errorf("access token says %v", claims)
	}
	if _, typ := access.Header["typ"]; typ {
		t.Error("the header has a typ, Cognito's has none")
	}
	id, err := jwt.Parse(*tokens.IdToken, find, append(options, jwt.WithAudience(local.Up().ClientID))...)
	if err != nil {
		t.Fatal(err)
	}
	if id.Header["kid"] == access.Header["kid"] {
		t.Error("one key signs both tokens, Cognito has two")
	}
	if _, err := jwt.Parse(tampered(*tokens.AccessToken), find, options...); err == nil {
		t.Error("a token that was tampered with is accepted")
	}
	if _, err := jwt.Parse(*tokens.AccessToken, find, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer()+"x")); err == nil {
		t.Error("a token of another issuer is accepted")
	}
}

func TestGoJOSE(t *testing.T) {
	t.Parallel()
	set, tokens := keySet(t), signIn(t)
	for use, text := range map[string]*string{"access": tokens.AccessToken, "id": tokens.IdToken} {
		token, err := josejwt.ParseSigned(*text, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		var standard josejwt.Claims
		var own struct {
			Use string `json:"token_use"`
		}
		if err := token.Claims(set, &standard, &own); err != nil {
			t.Fatal(err)
		}
		if err := standard.ValidateWithLeeway(josejwt.Expected{Issuer: issuer(), Time: time.Now()}, 0); err != nil {
			t.Error(err)
		}
		if own.Use != use {
			t.Errorf("token_use is %q, want %q", own.Use, use)
		}
	}
}

// TestKeysStayOverSignIns follows go-oidc's cache: ten tokens in a row
// cost one look at the keys, because their ids stay.
func TestKeysStayOverSignIns(t *testing.T) {
	t.Parallel()
	fetches := 0
	ctx := oidc.ClientContext(context.Background(), &http.Client{Transport: counter{&fetches}})
	keys := oidc.NewRemoteKeySet(ctx, issuer()+"/.well-known/jwks.json")
	for range 10 {
		if _, err := keys.VerifySignature(ctx, *signIn(t).IdToken); err != nil {
			t.Fatal(err)
		}
	}
	if fetches != 1 {
		t.Errorf("the keys were fetched %d times for ten tokens, want once", fetches)
	}
}

type counter struct{ n *int }

func (c counter) RoundTrip(r *http.Request) (*http.Response, error) {
	*c.n++
	return http.DefaultTransport.RoundTrip(r)
}
