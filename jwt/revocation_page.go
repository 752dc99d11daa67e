package jwt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	maxFeedPage    = 1 << 20 // bytes
	maxFeedEntries = 4096
	maxFeedID      = 128 // bytes; the ids are UUIDs
)

// feedPage is one document of the feed.
type feedPage struct {
	entries []feedEntry
	next    int64
	more    bool
}

// feedEntry is an entry for a session or, with a before, for a user.
type feedEntry struct {
	originID, eventID string
	until             int64

	user             userKey
	before           int64
	except, replaced []string
}

// parsePage reads a document as strictly as a token. Members that are not known
// are passed over.
func parsePage(src string) (*feedPage, error) {
	if len(src) > maxFeedPage {
		return nil, fmt.Errorf("its document is larger than %d bytes", maxFeedPage)
	}
	members, problem := scanObject(src, nil)
	if problem != "" {
		return nil, errors.New("its document is " + problem)
	}
	page := &feedPage{}
	next, _ := find(src, members, "next")
	list, _ := find(src, members, "revocations")
	var ok bool
	if page.next, ok = wholeNumber(next, src); !ok || list.kind != kindArray {
		return nil, errors.New(`its document has no number "next" or no array "revocations"`)
	}
	if more, ok := find(src, members, "more"); ok {
		page.more = more.rawIn(src) == "true"
	}
	var failed error
	scanArray(list.rawIn(src), func(text string, k kind, _ bool) bool {
		var e feedEntry
		if e, failed = parseEntry(text, k); failed == nil && len(page.entries) == maxFeedEntries {
			failed = fmt.Errorf("its document has more than %d entries", maxFeedEntries)
		}
		page.entries = append(page.entries, e)
		return failed == nil
	})
	return page, failed
}

// parseEntry refuses an entry that it would have to overlook: then a session
// that has ended would go on.
func parseEntry(src string, k kind) (e feedEntry, err error) {
	if k != kindObject {
		return e, errors.New("an entry is not an object")
	}
	members, problem := scanObject(src, nil)
	if problem != "" {
		return e, errors.New("an entry is " + problem)
	}
	for name, into := range map[string]*string{"origin_jti": &e.originID, "event_id": &e.eventID} {
		m, there := find(src, members, name)
		if !there {
			continue
		}
		text, ok := m.textIn(src)
		if !ok || len(text) > maxFeedID {
			return e, fmt.Errorf("%s of an entry is not a text of at most %d bytes", name, maxFeedID)
		}
		*into = strings.Clone(text) // not the whole page
	}
	until, _ := find(src, members, "until")
	seconds, ok := until.secondsIn(src)
	if e.until = seconds; !ok {
		return e, errors.New("an entry has no time")
	}
	if e.originID == "" && e.eventID == "" {
		return e, e.parseUser(src, members)
	}
	return e, nil
}

func wholeNumber(m member, src string) (int64, bool) {
	if m.kind != kindNumber {
		return 0, false
	}
	n, err := strconv.ParseInt(m.rawIn(src), 10, 64)
	return n, err == nil && n >= 0
}
