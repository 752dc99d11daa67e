// Command houselint checks the rules of this repository that no general
// linter knows: how long files and functions may be, what packages and
// functions may be called, that exported names are documented, that interfaces
// stay small, that no type has too many methods and the root not too many names, that
// secrets are not compared with ==, that SQL is not glued together, that package variables do
// no costly work at start-up, that no long form of a test hides from `make torture`,
// that stored settings have one codec, that comments are plain technical English, and that no example or comment promises instead of doing.
//
//	go run ./houselint ..
//
// It prints one line a finding and exits 1 if there is any.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	files, err := goFiles(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "houselint:", err)
		os.Exit(2)
	}
	findings := 0
	house := newHouse()
	for _, path := range files {
		for _, finding := range check(root, path, house) {
			fmt.Println(finding)
			findings++
		}
	}
	for _, finding := range house.check() {
		fmt.Println(finding)
		findings++
	}
	if findings > 0 {
		fmt.Fprintf(os.Stderr, "houselint: %d findings in %d files\n", findings, len(files))
		os.Exit(1)
	}
	fmt.Printf("houselint: %d files, no findings\n", len(files))
}

// goFiles lists the Go files below root, without those of foreign packages.
func goFiles(root string) (files []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "node_modules" || name == "testdata" || name == ".git") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

// file is one parsed file under inspection.
type file struct {
	path     string
	isTest   bool
	set      *token.FileSet
	syntax   *ast.File
	findings []string
}

func check(root, path string, house *house) []string {
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}
	}
	shown, err := filepath.Rel(root, path)
	if err != nil {
		shown = path
	}
	f := &file{path: shown, isTest: strings.HasSuffix(path, "_test.go"), set: set, syntax: syntax}
	f.checkSize()
	f.checkPackage()
	f.checkComments()
	for _, declaration := range syntax.Decls {
		f.checkDeclaration(declaration)
	}
	ast.Inspect(syntax, f.checkNode)
	if !f.isTest {
		house.add(f)
	}
	return f.findings
}

func (f *file) report(pos token.Pos, format string, args ...any) {
	line := f.set.Position(pos).Line
	f.findings = append(f.findings, fmt.Sprintf("%s:%d: %s", f.path, line, fmt.Sprintf(format, args...)))
}

func (f *file) lines(node ast.Node) int {
	return f.set.Position(node.End()).Line - f.set.Position(node.Pos()).Line + 1
}
