package architecture

import (
	"encoding/json"
	"errors"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// public are the packages that programs which embed the service import.
var public = []string{
	"server", "server/plug", "server/mail", "server/metrics", "server/ownbroker", "server/stsbroker",
	"server/storage", "server/storage/memory", "server/storage/sqlite", "server/storage/storagetest",
}

// TestPublicNamesMentionPublicTypes finds exported names of the public packages that
// mention a type of a package of this module that is not public.
func TestPublicNamesMentionPublicTypes(t *testing.T) {
	t.Parallel()
	var found []string
	packages := exportData(t)
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(packages[path]) })
	for _, path := range public {
		p, err := imports.Import(module + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Scope().Names()) == 0 {
			t.Errorf("%s has no names", path)
		}
		found = append(found, mentions(p)...)
	}
	for _, line := range found {
		t.Errorf("%s: name a type of a public package instead", line)
	}
}

// exportData returns the files of compiled packages, by import path.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export"}
	for _, path := range public {
		args = append(args, module+"/"+path)
	}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ ImportPath, Export string }
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		files[p.ImportPath] = p.Export
	}
}

// mentions returns a line for each exported name of a package and each package of
// this module, not public, of which it mentions a type: "server.Config.Keys: internal/keys.Ring".
func mentions(p *types.Package) []string {
	lines := map[string]bool{}
	note := func(name string, t types.Type) {
		for _, foreign := range foreignTypes(p, t) {
			lines[strings.TrimPrefix(p.Path(), module+"/")+"."+name+": "+foreign] = true
		}
	}
	for _, name := range p.Scope().Names() {
		object := p.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		named, isType := object.Type().(*types.Named)
		if _, declared := object.(*types.TypeName); !declared || !isType || named.Obj().Pkg() != p {
			note(name, object.Type())
			continue
		}
		for method := range named.Methods() {
			if method.Exported() {
				note(name+"."+method.Name(), method.Type())
			}
		}
		noteUnderlying(name, named.Underlying(), note)
	}
	return slices.Sorted(maps.Keys(lines))
}

// noteUnderlying notes the exported fields of a struct and the methods of an interface one by one.
func noteUnderlying(name string, t types.Type, note func(string, types.Type)) {
	switch t := t.(type) {
	case *types.Struct:
		for field := range t.Fields() {
			if field.Exported() {
				note(name+"."+field.Name(), field.Type())
			}
		}
	case *types.Interface:
		for method := range t.Methods() {
			note(name+"."+method.Name(), method.Type())
		}
	default:
		note(name, t)
	}
}

// foreignTypes are the types that a type is made of and that are declared in a package
// of this module that is not public.
func foreignTypes(from *types.Package, t types.Type) (found []string) {
	each := func(all ...types.Type) {
		for _, t := range all {
			found = append(found, foreignTypes(from, t)...)
		}
	}
	switch t := t.(type) {
	case *types.Alias:
		each(t.Rhs())
		found = append(found, foreignName(from, t.Obj())...)
	case *types.Named:
		found = append(found, foreignName(from, t.Obj())...)
		for argument := range t.TypeArgs().Types() {
			each(argument)
		}
	case interface{ Elem() types.Type }: // pointer, slice, array, channel, map
		each(t.Elem())
		if m, ok := t.(*types.Map); ok {
			each(m.Key())
		}
	case *types.Signature:
		for v := range t.Params().Variables() {
			each(v.Type())
		}
		for v := range t.Results().Variables() {
			each(v.Type())
		}
	case *types.Struct:
		for field := range t.Fields() {
			each(field.Type())
		}
	case *types.Interface:
		for method := range t.ExplicitMethods() {
			each(method.Type())
		}
	}
	return found
}

func foreignName(from *types.Package, name *types.TypeName) []string {
	if name.Pkg() == nil || name.Pkg() == from {
		return nil
	}
	path, own := strings.CutPrefix(name.Pkg().Path(), module+"/")
	if !own || slices.Contains(public, path) {
		return nil
	}
	return []string{path + "." + name.Name()}
}
