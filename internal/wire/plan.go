package wire

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// plan holds the checks of one struct type.
type plan []memberCheck

type memberCheck struct {
	index    []int
	name     string // with a small first letter, as Cognito prints it
	kind     reflect.Kind
	pointer  bool
	required bool
	own      *rule
	each     *rule
	keys     *rule
	nested   plan // of a struct, of a list's elements, or of a map's values
}

var plans sync.Map // of reflect.Type to plan

func planFor(t reflect.Type) plan {
	if p, ok := plans.Load(t); ok {
		return p.(plan)
	}
	p, _ := plans.LoadOrStore(t, compile(t, nil))
	return p.(plan)
}

// compile reads the tags of t. The shapes form no cycles, so it ends.
func compile(t reflect.Type, prefix []int) plan {
	var p plan
	for field := range t.Fields() {
		index := slices.Concat(prefix, field.Index)
		if field.Anonymous {
			p = append(p, compile(field.Type, index)...)
			continue
		}
		if field.IsExported() {
			p = append(p, compileMember(field, index))
		}
	}
	return slices.DeleteFunc(p, memberCheck.idle)
}

func compileMember(field reflect.StructField, index []int) memberCheck {
	_, required := field.Tag.Lookup("required")
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" {
		name = field.Name
	}
	check := memberCheck{
		index:    index,
		name:     strings.ToLower(name[:1]) + name[1:],
		pointer:  field.Type.Kind() == reflect.Pointer,
		required: required,
		own:      ruleFor(field, "is"),
		each:     ruleFor(field, "each"),
		keys:     ruleFor(field, "keys"),
	}
	t := field.Type
	if check.pointer {
		t = t.Elem()
	}
	check.kind = t.Kind()
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct && t != reflect.TypeFor[Time]() {
		check.nested = planFor(t)
	}
	return check
}

func (c memberCheck) idle() bool {
	return !c.required && c.own == nil && c.each == nil && c.keys == nil && len(c.nested) == 0
}
