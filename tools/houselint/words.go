package main

import (
	"fmt"
	"regexp"
	"strings"
)

// maxIdioms is how many idioms comments may have in 10,000 words.
const maxIdioms = 10

// idioms are expressions of spoken and translated English that technical prose does without.
// They are a symptom: rewrite the sentence with subject, verb and the field's terms.
const idioms = `nobody|somebody|whoever|whom|told|tells|all the same|of (its|one's|our|their) own|by chance|at hand|` +
	`beside (it|that|him|them)|can(not)? be had|could(n't| not)? be had|is to (be|go)|comes? to nothing|in so many words`

// prose counts what the comments of non-test files say.
type prose struct {
	idioms *regexp.Regexp
	words  int
	found  []string // the idioms, with file and line
}

func newProse() *prose {
	return &prose{idioms: regexp.MustCompile(`(?i)\b(` + strings.ReplaceAll(idioms, " ", `\s+`) + `)\b`)}
}

// add counts a file's comments. A group of lines is one text, since sentences wrap.
func (p *prose) add(f *file) {
	for _, group := range f.syntax.Comments {
		var lines []string
		for _, comment := range group.List {
			for line := range strings.SplitSeq(comment.Text, "\n") {
				lines = append(lines, strings.Trim(line, "/* \t"))
			}
		}
		text := strings.Join(lines, "\n")
		p.words += len(strings.Fields(text))
		for _, place := range p.idioms.FindAllStringIndex(text, -1) {
			line := f.set.Position(group.Pos()).Line + strings.Count(text[:place[0]], "\n")
			p.found = append(p.found, fmt.Sprintf("%s:%d: %q in a comment", f.path, line, text[place[0]:place[1]]))
		}
	}
}

// check reports the idioms if there are too many.
func (p *prose) check() []string {
	if len(p.found)*10_000 <= maxIdioms*p.words {
		return nil
	}
	return append(p.found, fmt.Sprintf("%d idioms in %d words of comments, more than %d in 10,000", len(p.found), p.words, maxIdioms))
}
