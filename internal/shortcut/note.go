package shortcut

import (
	"bytes"
	"strconv"
	"time"
)

// What can be asked for.
const (
	Credentials = "credentials" // as credential_process demands them
	Access      = "access"      // the access token
	ID          = "id"          // the ID token
)

// Note says what to answer while three files are what they were.
//
// In its file it is lines of text: a title, the sum, the two names, the replies with
// their pieces, and a sum of all the lines before.
type Note struct {
	Sum     uint64 // of the configuration, the pointer and the record; see the function
	Pointer string // the file that says who is active
	Record  string // the file of that account's record
	Replies []Reply
}

// Reply is what to answer when one thing is asked for.
type Reply struct {
	Wanted      string    // one of the constants above
	From, Until time.Time // when the answer holds, by this machine's wall clock
	Pieces      []Piece
}

// Piece is a part of an answer: a text without a line end, or a part of the record.
// After the last one comes a line end.
type Piece struct {
	Text           string
	Offset, Length int // of the part; Length is 0 for a text
}

// title begins a note; another form of notes will have another.
const title = "latchkey shortcut 1"

// The words that lines begin with.
const (
	wordSum, wordPointer, wordRecord = "sum ", "pointer ", "record "
	wordReply, wordText, wordPart    = "reply ", "text ", "part "
	wordCheck                        = "check "
)

// Sum is FNV-1a, 64 bits, over texts and their lengths. It tells what has changed by
// accident or in the course of things; whoever can write the user's own files need
// not deceive it.
func Sum(texts ...[]byte) uint64 {
	const basis, prime = 14695981039346656037, 1099511628211
	sum := uint64(basis)
	for _, text := range texts {
		for n := len(text); n > 0; n >>= 8 {
			sum = (sum ^ uint64(n&0xff)) * prime
		}
		sum *= prime // ends the length
		for _, b := range text {
			sum = (sum ^ uint64(b)) * prime
		}
	}
	return sum
}

func hex(n uint64) string { return strconv.FormatUint(n, 16) }

// Encode writes a note as its file holds it. It reports false for one that cannot be
// written: with a line end in a name or a text.
func (n *Note) Encode() (data []byte, ok bool) {
	line := func(parts ...string) {
		for _, part := range parts {
			ok = ok && bytes.IndexByte([]byte(part), '\n') < 0
			data = append(data, part...)
		}
		data = append(data, '\n')
	}
	ok = true
	line(title)
	line(wordSum, hex(n.Sum))
	line(wordPointer, n.Pointer)
	line(wordRecord, n.Record)
	for _, r := range n.Replies {
		line(wordReply, r.Wanted, " ", strconv.FormatInt(r.From.UnixNano(), 10), " ", strconv.FormatInt(r.Until.UnixNano(), 10))
		for _, p := range r.Pieces {
			if p.Length == 0 {
				line(wordText, p.Text)
			} else {
				line(wordPart, strconv.Itoa(p.Offset), " ", strconv.Itoa(p.Length))
			}
		}
	}
	line(wordCheck, hex(Sum(data)))
	return data, ok
}

// decode reads what Encode has written, whole and unchanged.
func decode(data []byte) (n *Note, ok bool) {
	end := bytes.LastIndex(data, []byte("\n"+wordCheck))
	if end < 0 || string(data[end+1:]) != wordCheck+hex(Sum(data[:end+1]))+"\n" {
		return nil, false
	}
	n = new(Note)
	head, rest, _ := bytes.Cut(data[:end+1], []byte("\n"))
	if ok = string(head) == title; !ok {
		return nil, false
	}
	for ok && len(rest) > 0 {
		head, rest, ok = bytes.Cut(rest, []byte("\n"))
		ok = ok && n.take(head)
	}
	return n, ok
}

// take reads one line.
func (n *Note) take(line []byte) (ok bool) {
	word, value, _ := bytes.Cut(line, []byte(" "))
	text := string(value)
	var last *Reply
	if len(n.Replies) > 0 {
		last = &n.Replies[len(n.Replies)-1]
	}
	switch string(word) + " " {
	case wordSum:
		sum, err := strconv.ParseUint(text, 16, 64)
		n.Sum = sum
		return err == nil
	case wordPointer:
		n.Pointer = text
	case wordRecord:
		n.Record = text
	case wordReply:
		wanted, times, _ := bytes.Cut(value, []byte(" "))
		from, until, ok := pair(times)
		n.Replies = append(n.Replies, Reply{Wanted: string(wanted), From: time.Unix(0, from), Until: time.Unix(0, until)})
		return ok
	case wordText:
		if last == nil {
			return false
		}
		last.Pieces = append(last.Pieces, Piece{Text: text})
	case wordPart:
		offset, length, ok := pair(value)
		if last == nil || !ok || offset < 0 || offset > MaxFile || length <= 0 || length > MaxFile {
			return false
		}
		last.Pieces = append(last.Pieces, Piece{Offset: int(offset), Length: int(length)})
	default:
		return false
	}
	return true
}

// pair reads two numbers with a space between them.
func pair(text []byte) (first, second int64, ok bool) {
	a, b, ok := bytes.Cut(text, []byte(" "))
	if !ok {
		return 0, 0, false
	}
	first, wrong := strconv.ParseInt(string(a), 10, 64)
	second, alsoWrong := strconv.ParseInt(string(b), 10, 64)
	return first, second, wrong == nil && alsoWrong == nil
}

// find returns the reply that holds now.
func (n *Note) find(wanted string, now time.Time) (r *Reply, ok bool) {
	for i := range n.Replies {
		r := &n.Replies[i]
		if r.Wanted == wanted && !now.Before(r.From) && now.Before(r.Until) {
			return r, true
		}
	}
	return nil, false
}

// assemble makes the answer out of its pieces.
func (r *Reply) assemble(record []byte) (answer []byte, ok bool) {
	for _, p := range r.Pieces {
		if p.Length == 0 {
			answer = append(answer, p.Text...)
			continue
		}
		if p.Offset+p.Length > len(record) {
			return nil, false
		}
		answer = append(answer, record[p.Offset:p.Offset+p.Length]...)
	}
	return append(answer, '\n'), true
}
