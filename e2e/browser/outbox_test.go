package browser

import (
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// TestOutbox looks at the outbox, empty and with messages: they appear without a
// reload, their codes can be copied, and the page leads to the session page and back.
func TestOutbox(t *testing.T) {
	up, err := local.Start(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := up.Stop(); err != nil {
			t.Error(err)
		}
	})
	client := adminOf(up.Ready)
	signUp := func(name string) {
		t.Helper()
		_, err := client.SignUp(t.Context(), &cip.SignUpInput{
			ClientId: aws.String(up.Ready.ClientID), Username: aws.String(name), Password: aws.String(password),
			UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String(name + "@example.com")}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tab := Open(t)
	tab.Go(up.Ready.Endpoint + "/outbox")
	tab.shows("Outbox", "Nothing yet")
	tab.look("outbox-empty")
	signUp("ann")
	tab.comes("document.querySelectorAll('article').length === 1 && document.body.innerText.includes('ann@example.com')")
	signUp("bob")
	tab.comes("document.querySelectorAll('article').length === 2 && document.querySelector('article').innerText.includes('bob@example.com')")
	tab.look("outbox")
	code := Evaluate[string](tab, "document.querySelector('article .code').innerText")
	if !sixDigits.MatchString(code) || Evaluate[string](tab, "document.querySelector('article button').dataset.copy") != code {
		t.Errorf("the code %q is not what its button copies", code)
	}
	// Headless browsers may refuse the clipboard; the button must report either.
	Evaluate[bool](tab, "(document.querySelector('article button').click(), true)")
	tab.comes("['Copied', 'Not copied'].includes(document.querySelector('article button').textContent)")
	tab.comes("document.querySelector('article button').textContent === 'Copy code'")
	tab.Press(`nav a[href="/"]`)
	tab.shows("Nobody is signed in")
	tab.Press(`nav a[href="/outbox"]`)
	tab.shows("Outbox", "ann@example.com", "bob@example.com")
	tab.quiet()
}

// TestOutboxWithoutScripts shows messages and no buttons that would do nothing.
func TestOutboxWithoutScripts(t *testing.T) {
	tab := Open(t)
	tab.withoutScript()
	tab.Go(local.Up().Endpoint + "/outbox")
	tab.shows("Outbox")
	if n := Evaluate[int](tab, "[...document.querySelectorAll('button')].filter(b => b.checkVisibility()).length"); n != 0 {
		t.Errorf("%d buttons", n)
	}
}
