package awssdk

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestIdentityProviderAdministration(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t)
	name, details := aws.String("Corp"), map[string]string{
		"client_id": "app", "client_secret": "s3cret", "attributes_request_method": "GET",
		"oidc_issuer": "https://idp.example.com", "authorize_scopes": "openid email",
	}
	made, err := a.CreateIdentityProvider(t.Context(), &cip.CreateIdentityProviderInput{
		UserPoolId: &pool, ProviderName: name, ProviderType: types.IdentityProviderTypeTypeOidc, ProviderDetails: details,
		AttributeMapping: map[string]string{"email": "email"}, IdpIdentifiers: []string{"corp.example.com"},
	})
	check(t, err)
	same(t, "secret", made.IdentityProvider.ProviderDetails["client_secret"], "s3cret")
	same(t, "redirect URI", made.IdentityProvider.ProviderDetails["redirect_uri"], local.Up().Endpoint+"/"+pool+"/oauth2/idpresponse/Corp")
	same(t, "user name", made.IdentityProvider.AttributeMapping["username"], "sub")
	_, err = a.CreateIdentityProvider(t.Context(), &cip.CreateIdentityProviderInput{
		UserPoolId: &pool, ProviderName: name, ProviderType: types.IdentityProviderTypeTypeOidc, ProviderDetails: details,
	})
	refused[*types.DuplicateProviderException](t, err, "A provider with the name Corp already exists in the user pool "+pool+".")
	_, err = a.CreateIdentityProvider(t.Context(), &cip.CreateIdentityProviderInput{
		UserPoolId: &pool, ProviderName: aws.String("Saml"), ProviderType: types.IdentityProviderTypeTypeSaml, ProviderDetails: map[string]string{"MetadataURL": "https://x.example"},
	})
	refused[*types.InvalidParameterException](t, err, "The provider name Saml is reserved.")

	_, err = a.UpdateIdentityProvider(t.Context(), &cip.UpdateIdentityProviderInput{UserPoolId: &pool, ProviderName: name, AttributeMapping: map[string]string{"name": "name"}})
	check(t, err)
	got, err := a.DescribeIdentityProvider(t.Context(), &cip.DescribeIdentityProviderInput{UserPoolId: &pool, ProviderName: name})
	check(t, err)
	same(t, "mapping", got.IdentityProvider.AttributeMapping["name"], "name")
	byID, err := a.GetIdentityProviderByIdentifier(t.Context(), &cip.GetIdentityProviderByIdentifierInput{UserPoolId: &pool, IdpIdentifier: aws.String("corp.example.com")})
	check(t, err)
	same(t, "by identifier", aws.ToString(byID.IdentityProvider.ProviderName), "Corp")
	listed := 0
	for pages := cip.NewListIdentityProvidersPaginator(a, &cip.ListIdentityProvidersInput{UserPoolId: &pool}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		check(t, err)
		listed += len(page.Providers)
	}
	same(t, "providers listed", listed, 1)

	user := newUserIn(t, pool)
	subject := &types.ProviderUserIdentifierType{ProviderName: name, ProviderAttributeName: aws.String("Cognito_Subject"), ProviderAttributeValue: aws.String("u-1")}
	link := &cip.AdminLinkProviderForUserInput{
		UserPoolId: &pool, SourceUser: subject,
		DestinationUser: &types.ProviderUserIdentifierType{ProviderName: aws.String("Cognito"), ProviderAttributeValue: &user},
	}
	_, err = a.AdminLinkProviderForUser(t.Context(), link)
	check(t, err)
	_, err = a.AdminLinkProviderForUser(t.Context(), link)
	refused[*types.InvalidParameterException](t, err, "SourceUser is already linked to DestinationUser")
	_, err = a.AdminDisableProviderForUser(t.Context(), &cip.AdminDisableProviderForUserInput{UserPoolId: &pool, User: subject})
	check(t, err)

	_, err = a.DeleteIdentityProvider(t.Context(), &cip.DeleteIdentityProviderInput{UserPoolId: &pool, ProviderName: name})
	check(t, err)
	_, err = a.DescribeIdentityProvider(t.Context(), &cip.DescribeIdentityProviderInput{UserPoolId: &pool, ProviderName: name})
	refused[*types.ResourceNotFoundException](t, err, "Identity provider Corp does not exist.")
}
