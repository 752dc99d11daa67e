package awssdk

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// TestUICustomization sets looks of sign-in pages, and fetches a logo from where
// the answer says it is.
func TestUICustomization(t *testing.T) {
	t.Parallel()
	a, pool, all := admin(t), newPool(t), aws.String("ALL")
	app, err := a.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: &pool, ClientName: aws.String("web")})
	check(t, err)
	client := app.UserPoolClient.ClientId
	const noDomain = "There has to be an existing domain associated with this user pool"
	_, err = a.SetUICustomization(t.Context(), &cip.SetUICustomizationInput{UserPoolId: &pool, ClientId: all})
	refused[*types.InvalidParameterException](t, err, noDomain)
	_, err = a.GetUICustomization(t.Context(), &cip.GetUICustomizationInput{UserPoolId: &pool})
	refused[*types.InvalidParameterException](t, err, noDomain)

	domain := name("look")
	_, err = a.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: &domain})
	check(t, err)
	none, err := a.GetUICustomization(t.Context(), &cip.GetUICustomizationInput{UserPoolId: &pool, ClientId: client})
	check(t, err)
	if c := none.UICustomization; c == nil || c.UserPoolId != nil || c.CSS != nil {
		t.Errorf("where nothing was set: %+v", c)
	}
	var logo bytes.Buffer
	check(t, png.Encode(&logo, image.NewGray(image.Rect(0, 0, 350, 178))))
	css := aws.String(".submitButton-customizable {\n\tbackground-color: #337ab7;\n}\n")
	set, err := a.SetUICustomization(t.Context(), &cip.SetUICustomizationInput{UserPoolId: &pool, ClientId: all, CSS: css, ImageFile: logo.Bytes()})
	check(t, err)
	same(t, "ClientId", aws.ToString(set.UICustomization.ClientId), "ALL")
	same(t, "length of CSSVersion", len(aws.ToString(set.UICustomization.CSSVersion)), 14)
	got, err := a.GetUICustomization(t.Context(), &cip.GetUICustomizationInput{UserPoolId: &pool, ClientId: client})
	check(t, err)
	same(t, "CSS", aws.ToString(got.UICustomization.CSS), *css)
	same(t, "LastModifiedDate", aws.ToTime(got.UICustomization.LastModifiedDate), aws.ToTime(set.UICustomization.LastModifiedDate))

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, aws.ToString(got.UICustomization.ImageUrl), nil)
	check(t, err)
	answer, err := http.DefaultClient.Do(request)
	check(t, err)
	defer answer.Body.Close()
	image, err := io.ReadAll(answer.Body)
	check(t, err)
	same(t, "Content-Type", answer.Header.Get("Content-Type"), "image/png")
	same(t, "the logo is the same", bytes.Equal(image, logo.Bytes()), true)

	_, err = a.SetUICustomization(t.Context(), &cip.SetUICustomizationInput{UserPoolId: &pool, ClientId: client, ImageFile: []byte("<svg/>")})
	refused[*types.InvalidParameterException](t, err, "ImageFile is not a PNG, JPEG or GIF image.")
	_, err = a.SetUICustomization(t.Context(), &cip.SetUICustomizationInput{UserPoolId: &pool, ClientId: client, CSS: aws.String("@import 'x';")})
	if err == nil {
		t.Error("@import is taken")
	}
	_, err = a.DeleteUserPoolDomain(t.Context(), &cip.DeleteUserPoolDomainInput{UserPoolId: &pool, Domain: &domain})
	check(t, err)
}
