package main

import (
	"fmt"
	"go/ast"
	"maps"
	"path"
	"path/filepath"
	"slices"
)

// Bounds of packages.
const (
	maxTypeMethods = 60
	maxRootNames   = 85 // exported names of the session client's package
)

// house is what is counted over whole packages.
type house struct {
	methods map[string]int // by folder and type
	root    []string       // exported names in the root
	prose   *prose
}

func newHouse() *house { return &house{methods: map[string]int{}, prose: newProse()} }

// add counts a file's declarations.
func (h *house) add(f *file) {
	h.prose.add(f)
	folder := path.Dir(filepath.ToSlash(f.path))
	for _, declaration := range f.syntax.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Recv != nil {
				h.methods[folder+"."+receiverName(d)]++
			} else if folder == "." && d.Name.IsExported() {
				h.root = append(h.root, d.Name.Name)
			}
		case *ast.GenDecl:
			if folder == "." {
				h.addSpecs(d)
			}
		}
	}
}

func (h *house) addSpecs(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			h.addName(s.Name)
		case *ast.ValueSpec:
			for _, name := range s.Names {
				h.addName(name)
			}
		}
	}
}

func (h *house) addName(name *ast.Ident) {
	if name.IsExported() {
		h.root = append(h.root, name.Name)
	}
}

// check compares the counts with their bounds.
func (h *house) check() (findings []string) {
	for _, name := range slices.Sorted(maps.Keys(h.methods)) {
		if n := h.methods[name]; n > maxTypeMethods {
			findings = append(findings, fmt.Sprintf("%s has %d methods, more than %d: divide it by what its parts do", name, n, maxTypeMethods))
		}
	}
	if n := len(h.root); n > maxRootNames {
		findings = append(findings, fmt.Sprintf("the root exports %d names, more than %d", n, maxRootNames))
	}
	return append(findings, h.prose.check()...)
}

func receiverName(d *ast.FuncDecl) string {
	expr := d.Recv.List[0].Type
	for {
		switch t := expr.(type) {
		case *ast.StarExpr:
			expr = t.X
		case *ast.IndexExpr:
			expr = t.X
		case *ast.IndexListExpr:
			expr = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}
