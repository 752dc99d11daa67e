package latchkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
)

// TestColdCallers: N callers of a new session cost one GetId and one
// GetCredentialsForIdentity, in one client and in several that share a store.
func TestColdCallers(t *testing.T) {
	t.Parallel()
	for _, clients := range []int{1, 5} {
		for _, guest := range []bool{false, true} {
			t.Run(fmt.Sprint("clients ", clients, " guest ", guest), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p, kept := newFakePool(), store.NewMemory()
					p.delay = 300 * time.Millisecond
					var all []*Client
					for range clients {
						all = append(all, p.newClient(t, withStore(kept), withIdentityPool(true)))
					}
					if !guest {
						signIn(t, all[0], "alice")
					}
					var group sync.WaitGroup
					ids := make([]string, 20)
					for i := range ids {
						group.Go(func() {
							session := fetch(t, all[i%clients])
							wantCredentials(t, p, session)
							ids[i], _ = session.IdentityID()
						})
					}
					group.Wait()
					for _, id := range ids {
						if id != ids[0] {
							t.Fatalf("identities %v", ids)
						}
					}
					if got := p.asked(); got != [2]int{1, 1} {
						t.Errorf("asked %v times, want 1 and 1", got)
					}
				})
			})
		}
	}
}

// TestCredentialsLast: credentials follow their real expiration, are handed out
// while due, and are renewed behind by one call with the identity that is known.
func TestCredentialsLast(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		life   time.Duration
		age    time.Duration
		option []FetchOption
		calls  int
		same   bool // the caller has the old ones
	}{
		{name: "fresh", life: time.Hour, age: 54 * time.Minute, same: true},
		{name: "due", life: time.Hour, age: 56 * time.Minute, calls: 1, same: true},
		{name: "expired", life: time.Hour, age: time.Hour, calls: 1},
		{name: "nearly expired", life: time.Hour, age: time.Hour - 3*time.Second, calls: 1},
		{name: "short life, fresh", life: 15 * time.Minute, age: 13 * time.Minute, same: true},
		{name: "short life, due", life: 15 * time.Minute, age: 14 * time.Minute, calls: 1, same: true},
		{name: "long life", life: 12 * time.Hour, age: 11*time.Hour + 54*time.Minute, same: true},
		{name: "forced", life: time.Hour, age: time.Minute, option: []FetchOption{ForceRefresh()}, calls: 1},
		{name: "asked to last", life: time.Hour, age: 10 * time.Minute, option: []FetchOption{MinValidity(51 * time.Minute)}, calls: 1},
		{name: "last as asked", life: time.Hour, age: 10 * time.Minute, option: []FetchOption{MinValidity(49 * time.Minute)}, same: true},
		{name: "tokens only", life: time.Minute, age: time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				p.life, p.identity.life = 24*time.Hour, tt.life
				c := p.signedIn(t, "alice", withIdentityPool(false))
				first := wantCredentials(t, p, fetch(t, c))
				time.Sleep(tt.age)
				session := known(t, c)
				if tt.name != "tokens only" {
					session = fetch(t, c, tt.option...)
				}
				got, err := session.Credentials()
				switch {
				case tt.name == "tokens only":
					if !errors.Is(err, ErrNotFetched) || got.AccessKeyID != "" {
						t.Errorf("Credentials: %v, %v", got.AccessKeyID, err)
					}
				case err != nil, tt.same != (got.AccessKeyID == first.AccessKeyID):
					t.Errorf("Credentials: %v after %v, %v", got.AccessKeyID, first.AccessKeyID, err)
				}
				synctest.Wait()
				if asked := p.asked(); asked != [2]int{1, 1 + tt.calls} {
					t.Errorf("asked %v times, want 1 and %d", asked, 1+tt.calls)
				}
				if id, err := session.IdentityID(); err != nil || id == "" {
					t.Errorf("IdentityID: %q, %v", id, err)
				}
			})
		})
	}
}

// TestCredentialsRestart: a client that is made later finds identity and
// credentials in the store and asks nobody, also a guest's.
func TestCredentialsRestart(t *testing.T) {
	t.Parallel()
	for _, guest := range []bool{false, true} {
		t.Run(fmt.Sprint("guest ", guest), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := newFakePool(), store.NewMemory()
				first := p.newClient(t, withStore(kept), withIdentityPool(true))
				if !guest {
					signIn(t, first, "alice")
				}
				want := wantCredentials(t, p, fetch(t, first))
				for _, age := range []time.Duration{time.Second, 30 * time.Minute} {
					time.Sleep(age)
					again := p.newClient(t, withStore(kept), withIdentityPool(true))
					for range 3 {
						if got := wantCredentials(t, p, fetch(t, again)); got.AccessKeyID != want.AccessKeyID || !got.Expiration.Equal(want.Expiration) {
							t.Errorf("credentials %v, want %v", got, want)
						}
						time.Sleep(2 * time.Second)
					}
				}
				if asked := p.asked(); asked != [2]int{1, 1} {
					t.Errorf("asked %v times", asked)
				}
			})
		})
	}
}

// TestTokensBeforeCredentials: refreshed tokens are in the store before the
// identity pool is called, and stay there when it fails.
func TestTokensBeforeCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		p.rotate = true
		c := p.signedIn(t, "alice", withStore(kept), withIdentityPool(false))
		wantCredentials(t, p, fetch(t, c))
		old := wantTokens(t, fetch(t, c), "alice").Access.Raw()
		time.Sleep(2 * time.Hour)
		seen := ""
		p.set(func(p *fakePool) {
			p.script = func(op string, _ *http.Request) (*http.Response, error) {
				if op != opCredentials {
					return nil, nil
				}
				record, err := kept.Load(context.Background(), c.account())
				if err != nil {
					return nil, err
				}
				seen = record.Tokens.Access.Reveal()
				return exception("InvalidIdentityPoolConfigurationException", "Invalid identity pool configuration. Check assigned IAM roles for this pool."), nil
			}
		})
		session := fetch(t, c)
		if raw := wantTokens(t, session, "alice").Access.Raw(); raw == old || raw != seen {
			t.Error("the identity pool was called before the new tokens were stored")
		}
		_, err := session.Credentials()
		if !errors.Is(err, ErrConfig) {
			t.Errorf("Credentials: %v", err)
		}
		if id, err := session.IdentityID(); err != nil || id == "" {
			t.Errorf("IdentityID: %q, %v", id, err)
		}
		again := wantTokens(t, known(t, p.newClient(t, withStore(kept))), "alice")
		if again.Access.Raw() != seen {
			t.Error("the new tokens were dropped")
		}
	})
}

// TestCredentialsBackoff: a failing identity pool is asked less and less often and
// as it asks itself, its trouble is not the user pool's, and the reverse.
func TestCredentialsBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.signedIn(t, "alice", withIdentityPool(false))
		wantCredentials(t, p, fetch(t, c))
		failing := true
		p.set(func(p *fakePool) {
			p.script = func(op string, _ *http.Request) (*http.Response, error) {
				if failing && op == opCredentials {
					answer := exception("TooManyRequestsException", "Rate exceeded")
					answer.Header.Set("Retry-After", "90")
					return answer, nil
				}
				return nil, nil
			}
		})
		time.Sleep(61 * time.Minute)
		for range 100 {
			session := fetch(t, c, ForceRefresh())
			wantTokens(t, session, "alice")
			_, err := session.Credentials()
			if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, ErrThrottled) || e.RetryAfter != 90*time.Second {
				t.Fatalf("Credentials: %v", err)
			}
		}
		if got := p.count(opCredentials); got != 2 {
			t.Errorf("%d calls during the pause, want 1", got-1)
		}
		if got := p.count(opRefresh); got != 100 {
			t.Errorf("%d refreshes, want 100: the user pool is well", got)
		}
		failing = false
		time.Sleep(91 * time.Second)
		wantCredentials(t, p, fetch(t, c))
	})
}

// TestIdentityGone: an identity that the pool does not know any more is replaced
// once, the user's by his other one and the guest's by a new guest.
func TestIdentityGone(t *testing.T) {
	t.Parallel()
	for _, guest := range []bool{false, true} {
		for _, how := range []string{"deleted", "disabled", "always"} {
			t.Run(fmt.Sprint(how, " guest ", guest), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p, heard := newFakePool(), &recorder{}
					c := p.newClient(t, withIdentityPool(true))
					if !guest {
						signIn(t, c, "alice")
					}
					defer listen(t, c, heard.add)()
					before, _ := fetch(t, c).IdentityID()
					p.set(func(p *fakePool) {
						switch how {
						case "deleted":
							delete(p.identity.identities, before)
						case "disabled":
							p.identity.identities[before].disabled = true
						default:
							p.script = func(op string, _ *http.Request) (*http.Response, error) {
								if op == opCredentials {
									return exception("ResourceNotFoundException", "Identity 'x' not found."), nil
								}
								return nil, nil
							}
						}
					})
					asked := p.asked()
					session := fetch(t, c, ForceRefresh())
					synctest.Wait()
					now := p.asked()
					if diff := cmp.Diff([2]int{1, 2}, [2]int{now[0] - asked[0], now[1] - asked[1]}); diff != "" {
						t.Errorf("calls (-want +got):\n%s", diff)
					}
					if how == "always" {
						if _, err := session.Credentials(); !errors.Is(err, ErrNotAuthorized) {
							t.Errorf("Credentials: %v", err)
						}
						return
					}
					wantCredentials(t, p, session)
					after, _ := session.IdentityID()
					if after == before {
						t.Error("the identity is still the one that is gone")
					}
					if got := heard.names(); len(got) == 0 || got[len(got)-1] != "IdentityChanged" {
						t.Errorf("events %v", got)
					}
				})
			})
		}
	}
}

// TestStaleLogin: a pool that finds the ID token too old gets another one; only
// the refresh decides whether the session is over.
func TestStaleLogin(t *testing.T) {
	t.Parallel()
	for _, over := range []bool{false, true} {
		t.Run(fmt.Sprint("over ", over), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				c := p.signedIn(t, "alice", withIdentityPool(false))
				refused := 0
				p.set(func(p *fakePool) {
					if over {
						p.users["alice"].exception = "UserNotFoundException"
					}
					p.script = func(op string, _ *http.Request) (*http.Response, error) {
						if refused++; op == opIdentity && refused == 1 {
							return exception("NotAuthorizedException", "Token is inactive"), nil
						}
						return nil, nil
					}
				})
				session := fetch(t, c)
				if p.count(opRefresh) != 1 {
					t.Errorf("%d refreshes, want 1", p.count(opRefresh))
				}
				if !over {
					wantCredentials(t, p, session)
					return
				}
				if _, err := session.Credentials(); !errors.Is(err, ErrSessionExpired) || session.SignedIn() {
					t.Errorf("Credentials: %v", err)
				}
			})
		})
	}
}

// TestCredentialsOfOthersEnd: what other processes do to the session reaches a
// renewal, and nothing that it brings is kept for a session that is over.
func TestCredentialsOfOthersEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.signedIn(t, "alice", withStore(kept), withIdentityPool(false))
		wantCredentials(t, p, fetch(t, c))
		if _, err := p.newClient(t, withStore(kept)).SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Minute) // due, and nothing has looked
		_, err := c.FetchCredentials(t.Context(), MinValidity(30*time.Minute))
		if !errors.Is(err, ErrGuestsDisabled) {
			t.Errorf("FetchCredentials: %v", err)
		}
		if s := fetch(t, c); s.SignedIn() {
			t.Errorf("still signed in: %v", s)
		}
	})
}

// TestFetchCredentials: the credentials alone do not refresh tokens that they do not
// need, and do when they need them.
func TestFetchCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		p.life = 5 * time.Minute
		c := p.signedIn(t, "alice", withIdentityPool(false))
		first, err := c.FetchCredentials(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Minute)
		again, err := c.FetchCredentials(t.Context())
		if err != nil || again.AccessKeyID != first.AccessKeyID || p.count(opRefresh) != 0 {
			t.Errorf("FetchCredentials: %v, %v; %d refreshes", again, err, p.count(opRefresh))
		}
		time.Sleep(7 * time.Minute) // due
		if _, err := c.FetchCredentials(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		last, err := c.FetchCredentials(t.Context())
		if err != nil || last.AccessKeyID == first.AccessKeyID || p.count(opRefresh) != 1 || p.count(opCredentials) != 2 {
			t.Errorf("FetchCredentials: %v, %v; %d refreshes, asked %v", last, err, p.count(opRefresh), p.asked())
		}
	})
}

// TestForeignClock: credentials are judged by the pool's clock, and their
// expiration is told on this machine's.
func TestForeignClock(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{0, 2 * time.Second, -time.Hour, time.Hour, -30 * 24 * time.Hour} {
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				p.offset, p.dated = offset, true
				c := p.signedIn(t, "alice", withIdentityPool(false))
				got := wantCredentials(t, p, fetch(t, c))
				if left := time.Until(got.Expiration); left < time.Hour-3*time.Second || left > time.Hour+3*time.Second {
					t.Errorf("credentials last for %v", left)
				}
				time.Sleep(50 * time.Minute)
				fetch(t, c)
				if got := p.count(opCredentials); got != 1 {
					t.Errorf("%d calls", got)
				}
			})
		})
	}
}

// TestBadPoolAnswers: what is not what was asked for is refused and changes nothing.
func TestBadPoolAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ op, body string }{
		"no identity":           {opIdentity, `{}`},
		"identity of nowhere":   {opIdentity, `{"IdentityId":"x"}`},
		"identity of two lines": {opIdentity, `{"IdentityId":"us-east-1:a\nb"}`},
		"identity too long":     {opIdentity, `{"IdentityId":"us-east-1:` + fmt.Sprintf("%0200d", 1) + `"}`},
		"a page":                {opIdentity, `<html>`},
		"no credentials":        {opCredentials, `{"IdentityId":"us-east-1:a"}`},
		"no secret":             {opCredentials, `{"IdentityId":"us-east-1:a","Credentials":{"AccessKeyId":"A","Expiration":9999999999}}`},
		"no expiration":         {opCredentials, `{"IdentityId":"us-east-1:a","Credentials":{"AccessKeyId":"A","SecretKey":"s"}}`},
		"null":                  {opCredentials, `null`},
		"nothing":               {opCredentials, ``},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				c := p.signedIn(t, "alice", withIdentityPool(false))
				p.set(func(p *fakePool) {
					p.script = func(op string, _ *http.Request) (*http.Response, error) {
						if op == tt.op {
							return reply(http.StatusOK, "application/x-amz-json-1.1", tt.body), nil
						}
						return nil, nil
					}
				})
				session := fetch(t, c)
				wantTokens(t, session, "alice")
				if got, err := session.Credentials(); !errors.Is(err, ErrService) || got.AccessKeyID != "" {
					t.Errorf("Credentials: %v, %v", got, err)
				}
				p.set(func(p *fakePool) { p.script = nil })
				time.Sleep(time.Minute)
				wantCredentials(t, p, fetch(t, c))
			})
		})
	}
}
