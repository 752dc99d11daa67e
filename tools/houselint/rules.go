package main

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Bounds of the house.
const (
	maxFileLines     = 700
	maxFunctionLines = 120
	maxMethods       = 6
)

var (
	vaguePackages = []string{"util", "utils", "common", "helpers", "helper", "errors", "misc", "shared", "base"}
	vagueSuffix   = regexp.MustCompile(`(Manager|Impl|Utils?)$`)
	promise       = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)
	secretName    = regexp.MustCompile(`(?i)(secret|password|signature|mac|hash)$`)
	sqlStart      = regexp.MustCompile(`(?i)^\s*(select\s|insert into|update \w+ set|delete from)`)
	columnList    = regexp.MustCompile(`(?i)columns?$`)
	startupWork   = []string{"MustCompile", "Must", "ParseFS", "ParseGlob"}
	otherModules  = []string{"bench", "e2e", "tools", "torture"}
	// contracts are methods whose meaning the interface they satisfy documents.
	contracts = []string{"Error", "Unwrap", "Is", "String", "Len", "Less", "Swap", "ServeHTTP", "Write", "Read", "Close"}
)

func (f *file) checkSize() {
	if n := f.set.Position(f.syntax.FileEnd).Line; n > maxFileLines {
		f.report(f.syntax.Package, "file has %d lines, more than %d: split it by what its parts do", n, maxFileLines)
	}
}

func (f *file) checkPackage() {
	if name := f.syntax.Name.Name; slices.Contains(vaguePackages, name) {
		f.report(f.syntax.Package, "package %s is named for nothing it does", name)
	}
}

func (f *file) checkComments() {
	for _, group := range f.syntax.Comments {
		for _, comment := range group.List {
			if word := promise.FindString(comment.Text); word != "" && !strings.Contains(f.path, "houselint") {
				f.report(comment.Pos(), "%s promises instead of doing", word)
			}
		}
	}
}

func (f *file) checkDeclaration(declaration ast.Decl) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		f.checkFunction(d)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			f.checkSpec(d, spec)
		}
	}
}

func (f *file) checkFunction(d *ast.FuncDecl) {
	if n := f.lines(d); n > maxFunctionLines {
		f.report(d.Pos(), "%s has %d lines, more than %d", d.Name.Name, n, maxFunctionLines)
	}
	if f.isTest || !d.Name.IsExported() {
		return
	}
	// Cognito's own operations begin with Get; they stand for themselves.
	if strings.HasPrefix(d.Name.Name, "Get") && !strings.Contains(f.path, "server/") {
		f.report(d.Pos(), "%s: a getter is named for what it gives, without Get", d.Name.Name)
	}
	if d.Doc == nil && receiverExported(d) && !(d.Recv != nil && slices.Contains(contracts, d.Name.Name)) {
		f.report(d.Pos(), "%s is exported and has no doc comment", d.Name.Name)
	}
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	expr := d.Recv.List[0].Type
	for {
		switch t := expr.(type) {
		case *ast.StarExpr:
			expr = t.X
		case *ast.IndexExpr:
			expr = t.X
		case *ast.Ident:
			return t.IsExported()
		default:
			return false
		}
	}
}

func (f *file) checkSpec(d *ast.GenDecl, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ImportSpec:
		if strings.Contains(s.Path.Value, "/latchkey/e2e/") && !strings.Contains(s.Path.Value, "/e2e/internal/") {
			f.report(s.Pos(), "%s: what parts of e2e share stands in e2e/internal", s.Path.Value)
		}
	case *ast.TypeSpec:
		if vagueSuffix.MatchString(s.Name.Name) {
			f.report(s.Pos(), "type %s: the suffix says nothing", s.Name.Name)
		}
		if !f.isTest && s.Name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
			f.report(s.Pos(), "type %s is exported and has no doc comment", s.Name.Name)
		}
	case *ast.ValueSpec:
		documented := d.Doc != nil || s.Doc != nil || s.Comment != nil
		if !f.isTest && s.Names[0].IsExported() && !documented {
			f.report(s.Pos(), "%s is exported and has no doc comment", s.Names[0].Name)
		}
		f.checkStartup(s)
	}
}

// checkStartup finds package variables that compile a regular expression or parse a
// template: every start of the command would do this work, whatever it was started for.
func (f *file) checkStartup(s *ast.ValueSpec) {
	module, _, _ := strings.Cut(filepath.ToSlash(f.path), "/")
	if f.isTest || slices.Contains(otherModules, module) {
		return
	}
	for _, value := range s.Values {
		ast.Inspect(value, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if ok && slices.Contains(startupWork, trailingName(call.Fun)) {
				f.report(call.Pos(), "%s at start-up: use sync.OnceValue", trailingName(call.Fun))
			}
			_, function := node.(*ast.FuncLit)
			return !function
		})
	}
}

func (f *file) checkNode(node ast.Node) bool {
	f.checkTestLength(node)
	f.checkSettingsCodec(node)
	switch n := node.(type) {
	case *ast.InterfaceType:
		if count := n.Methods.NumFields(); count > maxMethods {
			f.report(n.Pos(), "interface has %d methods, more than %d", count, maxMethods)
		}
	case *ast.BinaryExpr:
		f.checkComparison(n)
		f.checkSQL(n)
	}
	return true
}

// checkComparison finds == on what its name calls a secret. Comparing with a
// constant, such as "", asks whether it is there and is fine.
func (f *file) checkComparison(n *ast.BinaryExpr) {
	if f.isTest || n.Op != token.EQL && n.Op != token.NEQ {
		return
	}
	left, right := trailingName(n.X), trailingName(n.Y)
	if left == "" || right == "" || left == "nil" || right == "nil" {
		return
	}
	if secretName.MatchString(left) && secretName.MatchString(right) {
		f.report(n.Pos(), "%s and %s look like secrets: compare in constant time", left, right)
	}
}

// checkSQL finds SQL that is put together with +.
func (f *file) checkSQL(n *ast.BinaryExpr) {
	literal, ok := n.X.(*ast.BasicLit)
	if n.Op != token.ADD || !ok || literal.Kind != token.STRING {
		return
	}
	// A list of columns is a constant under a name.
	_, constant := n.Y.(*ast.BasicLit)
	if !constant && !columnList.MatchString(trailingName(n.Y)) && sqlStart.MatchString(strings.Trim(literal.Value, "`\"")) {
		f.report(n.Pos(), "SQL glued together: bind a parameter")
	}
}

func trailingName(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr:
		return trailingName(e.Fun)
	}
	return ""
}
