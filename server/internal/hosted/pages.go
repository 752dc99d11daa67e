package hosted

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// Bounds of what a page takes, in bytes.
const (
	maxBody  = 64 << 10
	maxField = 4 << 10 // of one field; a Session is the longest
	// maxAdded is how much a page adds to the query of an authorization request: a language
	// and the mark of a step.
	maxAdded = 1 << 10
)

// Config is what [Pages] are made of. Accounts, Door, Flow and Memory are required.
type Config struct {
	Accounts Accounts
	Door     Door
	Flow     Flow
	Memory   Memory
	// MaxQuery bounds the query of an authorization request in bytes; 0 is 16 KiB.
	MaxQuery int
	// Brands gives the look of a client's pages; nil is Latchkey's own.
	Brands plug.Brands
	// Note learns what went wrong with each answer that shows it: the code of an
	// error page, or the type of the exception that a form shows. ctx is the request's.
	Note   func(ctx context.Context, code string)
	Logger *slog.Logger
}

// Pages is an [http.Handler] of the sign-in pages. The requests' contexts must say
// [At] which place they are. It is safe for concurrent use.
type Pages struct {
	Config
	origins *http.CrossOriginProtection
	routes  map[string]route
}

// route answers for one path. post is nil where nothing is posted; bare pages are
// not about an authorization request. own pages are about passwords of this pool:
// they are closed for a client whose people sign in elsewhere only.
type route struct {
	show func(*visit)
	post func(*visit)
	bare bool
	own  bool
}

// New makes Pages.
func New(c Config) *Pages {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Note == nil {
		c.Note = func(context.Context, string) {}
	}
	if c.MaxQuery <= 0 {
		c.MaxQuery = 16 << 10
	}
	p := &Pages{Config: c, origins: http.NewCrossOriginProtection()}
	p.routes = map[string]route{
		"/login":                 {show: func(v *visit) { signIn{v}.show() }, post: func(v *visit) { signIn{v}.post() }},
		"/newPassword":           {show: func(v *visit) { newPassword{v}.show() }, post: func(v *visit) { newPassword{v}.post() }, own: true},
		"/signup":                signUp().route(),
		"/confirmUser":           confirmSignUp().route(),
		"/forgotPassword":        forgotPassword().route(),
		"/confirmforgotPassword": resetPassword().route(),
		"/error":                 {show: (*visit).showError, bare: true},
		"/signOut":               {show: (*visit).showSignOut, post: (*visit).signOut, bare: true},
		"/signedOut":             {show: (*visit).showSignedOut, bare: true},
	}
	return p
}

// Paths are the paths below [Place].Base that Pages answers: those of the pages,
// which Cognito's hosted pages have too, and those of what they are made of.
func (p *Pages) Paths() []string {
	paths := []string{StylePath, brandStylePath, brandLogoPath}
	for path := range p.routes {
		paths = append(paths, path)
	}
	return paths
}

// visit is one request for a page on its way to its answer.
type visit struct {
	*Pages
	w     http.ResponseWriter
	r     *http.Request
	place Place
	texts *texts
	brand brand
	// request is nil on bare pages.
	request *Request
}

// ServeHTTP answers one request.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	place, ok := placeOf(r.Context())
	if !ok {
		p.Note(r.Context(), "not_found")
		header(w.Header(), false)
		http.Error(w, "no user pool has this address", http.StatusNotFound)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, place.Base)
	if p.serveAsset(w, r, place, path) {
		return
	}
	v := p.visit(w, r, place)
	at, known := p.routes[path]
	switch {
	case !known:
		v.fail(http.StatusNotFound, "not_found")
	case len(r.URL.RawQuery) > p.MaxQuery+maxAdded:
		v.fail(http.StatusRequestURITooLong, "invalid_request")
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		v.serve(at, at.show)
	case r.Method == http.MethodPost && at.post != nil:
		v.receive(at)
	default:
		w.Header().Set("Allow", allowed(at))
		v.fail(http.StatusMethodNotAllowed, "invalid_request")
	}
}

func (v *visit) note(code string) { v.Note(v.r.Context(), code) }

func (p *Pages) visit(w http.ResponseWriter, r *http.Request, place Place) *visit {
	header(w.Header(), false)
	return &visit{Pages: p, w: w, r: r, place: place, texts: choose(r)}
}

func allowed(at route) string {
	if at.post == nil {
		return "GET, HEAD"
	}
	return "GET, HEAD, POST"
}

// ShowError answers with the error page: code is an OAuth error, or one of those
// that this package has a text for.
func (p *Pages) ShowError(w http.ResponseWriter, r *http.Request, status int, code string) {
	place, _ := placeOf(r.Context())
	p.visit(w, r, place).fail(status, code)
}

// ShowSignedOut answers with the page of those who signed out, in the look of the
// client that they signed out of.
func (p *Pages) ShowSignedOut(w http.ResponseWriter, r *http.Request, clientID string) {
	place, _ := placeOf(r.Context())
	v := p.visit(w, r, place)
	if err := v.loadBrand(clientID); err != nil {
		p.Logger.WarnContext(r.Context(), "a brand cannot be shown", "pool", place.Pool, "error", err)
	}
	v.showSignedOut()
}

// receive takes a form: posted by a page of the same origin, of bounded size, and
// of the kind that a browser sends.
func (v *visit) receive(at route) {
	if err := v.origins.Check(v.r); err != nil {
		v.fail(http.StatusForbidden, "cross_site")
		return
	}
	media, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		v.fail(http.StatusUnsupportedMediaType, "invalid_request")
		return
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxBody)
	err = v.r.ParseForm()
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		v.fail(http.StatusRequestEntityTooLarge, "invalid_request")
		return
	}
	if err != nil || overlong(v.r.PostForm) {
		v.fail(http.StatusBadRequest, "invalid_request")
		return
	}
	v.serve(at, at.post)
}

func overlong(form url.Values) bool {
	for name, values := range form {
		if len(name) > maxField || len(values) != 1 || len(values[0]) > maxField {
			return true
		}
	}
	return false
}

// serve reads the authorization request, where the page is about one, and answers.
func (v *visit) serve(at route, answer func(*visit)) {
	if at.bare {
		answer(v)
		return
	}
	query, err := url.ParseQuery(v.r.URL.RawQuery)
	if err != nil {
		v.fail(http.StatusBadRequest, "invalid_request")
		return
	}
	v.request, err = v.Flow.Read(v.r.Context(), v.place.Pool, query)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		v.refuse(refusal)
		return
	}
	if err == nil {
		err = v.loadBrand(v.request.ClientID)
	}
	if err != nil {
		v.trouble(err)
		return
	}
	if at.own && !v.request.Passwords {
		v.fail(http.StatusBadRequest, "unauthorized_client")
		return
	}
	header(v.w.Header(), true)
	answer(v)
}

// refuse answers for a request that the flow does not serve. Where the error may
// go to the client's registered address, it does.
func (v *visit) refuse(refusal *Refusal) {
	if refusal.Location == "" {
		v.fail(http.StatusBadRequest, refusal.Code)
		return
	}
	v.note(refusal.Code)
	v.redirect(refusal.Location)
}

// trouble answers for what is not the person's fault.
func (v *visit) trouble(err error) {
	if wire.IsException(err, wire.TooManyRequestsException) {
		v.fail(http.StatusTooManyRequests, "busy")
		return
	}
	v.Logger.ErrorContext(v.r.Context(), "sign-in page failed", "path", v.r.URL.Path, "error", err)
	v.fail(http.StatusInternalServerError, "server_error")
}

// field is a value of the posted form. White space around it is a slip of the
// keyboard, or of a code that was pasted.
func (v *visit) field(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }

// secretField is such a value as it was typed.
func (v *visit) secretField(name string) wire.Sensitive {
	return wire.Sensitive(v.r.PostForm.Get(name))
}

// attributes are the attributes in the posted form.
func (v *visit) attributes() map[string]string {
	given := map[string]string{}
	for field := range v.r.PostForm {
		name, ok := strings.CutPrefix(field, attributePrefix)
		if ok && name != "" && len(given) < 50 {
			given[name] = v.field(field)
		}
	}
	return given
}

// fields makes the fields of this request's forms.
func (v *visit) fields() fields { return fields{v.texts, v.request} }
