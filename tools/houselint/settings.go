package main

import (
	"go/ast"
	"path/filepath"
	"strings"
)

// settingsRoom is the codec of the member Settings of the service's stored entities.
const settingsRoom = "server/internal/settings"

// checkSettingsCodec finds stored settings that another codec reads or writes: its
// errors would be answered as the caller's.
func (f *file) checkSettingsCodec(node ast.Node) {
	folder := filepath.ToSlash(filepath.Dir(f.path))
	if !strings.HasPrefix(folder, "server") || folder == settingsRoom || f.isTest {
		return
	}
	switch n := node.(type) {
	case *ast.CallExpr:
		if isWire(n, "Unmarshal") && len(n.Args) > 0 && selects(n.Args[0], "Settings") {
			f.report(n.Pos(), "stored settings are read by %s", settingsRoom)
		}
	case *ast.AssignStmt:
		if call, ok := n.Rhs[0].(*ast.CallExpr); ok && isWire(call, "Marshal") && selects(n.Lhs[0], "Settings") {
			f.report(n.Pos(), "stored settings are written by %s", settingsRoom)
		}
	}
}

func isWire(call *ast.CallExpr, name string) bool {
	function, ok := call.Fun.(*ast.SelectorExpr)
	return ok && function.Sel.Name == name && trailingName(function.X) == "wire"
}

func selects(expr ast.Expr, name string) bool {
	s, ok := expr.(*ast.SelectorExpr)
	return ok && s.Sel.Name == name
}
