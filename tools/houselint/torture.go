package main

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
)

// Where the length of a test may be read without regard to the test's name.
const lengthRoom = "internal/testlength"

// runWhole are the folders that `make torture` runs as a whole.
var runWhole = []string{"torture", "e2e/s3"}

// checkTestLength finds long forms that `make torture` would not run: it selects tests
// by name, and testlength.Rounds is what checks the name.
func (f *file) checkTestLength(node ast.Node) {
	folder := filepath.ToSlash(filepath.Dir(f.path))
	if folder == lengthRoom || folder == "tools/houselint" {
		return
	}
	switch n := node.(type) {
	case *ast.BasicLit:
		if strings.Trim(n.Value, "`\"") == "LATCHKEY_TORTURE" {
			f.report(n.Pos(), "the length of a test is read by %s: use Rounds", lengthRoom)
		}
	case *ast.SelectorExpr:
		room, ok := n.X.(*ast.Ident)
		if ok && room.Name == "testlength" && n.Sel.Name != "Rounds" && !slices.Contains(runWhole, folder) {
			f.report(n.Pos(), "testlength.%s does not check the test's name: use Rounds", n.Sel.Name)
		}
	}
}
