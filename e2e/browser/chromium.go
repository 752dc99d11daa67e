package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long anything may take before it counts as hung. A busy machine
// needs seconds for a page.
const patience = 2 * time.Minute

// Path finds Chromium where Debian puts it, or by its names in PATH.
func Path() (string, error) {
	for _, name := range []string{"/usr/bin/chromium", "chromium", "google-chrome", "chromium-browser"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no chromium")
}

// Tab is a page of a browser of its own.
type Tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	errors   []string
	requests []string
}

// Open starts a browser with nothing in it. Without Chromium the test is skipped
// aloud, or fails under CI=true.
func Open(t *testing.T, flags ...chromedp.ExecAllocatorOption) *Tab {
	t.Helper()
	path, err := Path()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("chromium is missing: ", err)
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Headless,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en-US"),
	}, flags...) // its profile is chromedp's to remove: processes of Chromium's outlive it and write there
	allocated, release := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(release)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	tab := &Tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatal("chromium does not start: ", err)
	}
	call(tab, network.Enable, network.EnableParams{})
	call(tab, log.Enable, cdp.Empty{})
	call(tab, runtime.Enable, cdp.Empty{})
	return tab
}

// hear notes what a person would find in the browser's console, and each request.
func (tab *Tab) hear(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		tab.errors = append(tab.errors, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			tab.errors = append(tab.errors, fmt.Sprint(e.Type))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			tab.errors = append(tab.errors, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		tab.requests = append(tab.requests, e.Request.Method+" "+e.Request.URL)
	}
}

// Errors are what stood in the console since the last call.
func (tab *Tab) Errors() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	errors := tab.errors
	tab.errors = nil
	return errors
}

// Requests are what was asked for since the last call.
func (tab *Tab) Requests() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	requests := tab.requests
	tab.requests = nil
	return slices.DeleteFunc(requests, func(r string) bool { return len(r) > 9 && r[4:9] == "data:" })
}

// call sends a command of the protocol.
func call[P, R any](tab *Tab, command cdp.Command[P, R], params P) {
	tab.t.Helper()
	if _, err := chromedp.Call(tab.ctx, command, params); err != nil {
		tab.t.Fatal(err)
	}
}

// run is an action with its value; the test fails if it does not come in time.
func run[T any](tab *Tab, action chromedp.Action[T]) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		ctx, cancel := context.WithTimeout(tab.ctx, patience/10) // where it hangs, it may not say
		defer cancel()
		shown, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
		tab.t.Fatalf("%v\nthe page: %s\nthe console: %q", err, shown, tab.Errors())
	}
	return value
}

// Go opens an address.
func (tab *Tab) Go(address string) {
	tab.t.Helper()
	run(tab, chromedp.Navigate(address))
}

// Look makes the page light or dark, and as large as a desktop's or a phone's.
func (tab *Tab) Look(scheme string, phone bool) {
	tab.t.Helper()
	size := chromedp.EmulateViewport(1280, 860)
	if phone {
		size = chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(1.5), chromedp.EmulateMobile)
	}
	run(tab, size)
	call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// Evaluate runs a script in the page, as the developer tools do.
func Evaluate[T any](tab *Tab, script string) T {
	tab.t.Helper()
	return run(tab, chromedp.Evaluate[T](script))
}

// Text is what the page shows.
func (tab *Tab) Text() string {
	tab.t.Helper()
	return Evaluate[string](tab, "document.body.innerText")
}

// Picture is what the window shows, as PNG.
func (tab *Tab) Picture() []byte {
	tab.t.Helper()
	return run(tab, chromedp.CaptureScreenshot())
}

// Fill types into a field, in the place of what is there.
func (tab *Tab) Fill(field, value string) {
	tab.t.Helper()
	selector := `[name="` + field + `"]`
	Evaluate[string](tab, "document.querySelector('"+selector+"').value = ''")
	run(tab, chromedp.SendKeys(chromedp.CSS(selector), value))
}

// Press clicks on something that leads to another page, and waits for that.
func (tab *Tab) Press(selector string) {
	tab.t.Helper()
	run(tab, func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
		return chromedp.Void{}, err
	})
}

// leave runs a script that leads to another page, and waits for that.
func (tab *Tab) leave(script string) {
	tab.t.Helper()
	run(tab, func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.RunResponse(ctx, chromedp.Evaluate[chromedp.Void](script))
		return chromedp.Void{}, err
	})
}

// Type presses keys as a person does, wherever the cursor is: "\t" goes to the
// next field, "\r" sends the form. It waits for the page that the keys lead to.
func (tab *Tab) Type(keys string) {
	tab.t.Helper()
	run(tab, func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(keys))
		return chromedp.Void{}, err
	})
}

// until asks again and again what is missing, until nothing is; the test fails if that
// does not come in time.
func (tab *Tab) until(missing func(context.Context) string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	for said := ""; ; {
		switch now := missing(ctx); {
		case now == "":
			return
		case ctx.Err() == nil || said == "":
			said = now
		}
		select {
		case <-ctx.Done():
			tab.t.Fatalf("%s\nthe console: %q", said, tab.Errors())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// withoutScript keeps the page's scripts from running.
func (tab *Tab) withoutScript() {
	tab.t.Helper()
	call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}
