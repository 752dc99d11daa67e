package wire

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Validate checks a pointer to a request shape against the constraints of
// Cognito's model. All failures stand in one [*Exception] of type
// InvalidParameterException, in Cognito's words:
//
//	1 validation error detected: Value at 'userPoolId' failed to satisfy constraint: Member must not be null
//
// Values are repeated only where the model does not call them sensitive.
//
// Three struct tags drive it. required refuses the zero value; is, each and keys
// name an entry of the constraint table for the value itself, for the elements
// of a list or the values of a map, and for the keys of a map. They are compiled
// into a plan once per type; checking a valid request allocates nothing.
// A required text that is empty counts as null.
func Validate(request any) error {
	value := reflect.Indirect(reflect.ValueOf(request))
	if !value.IsValid() || value.Kind() != reflect.Struct {
		return NewException(InternalErrorException, MessageInternalError)
	}
	found := report{}
	planFor(value.Type()).check(&found, "", value)
	return found.exception()
}

func (p plan) check(found *report, path string, value reflect.Value) {
	for i := range p {
		p[i].check(found, path, value.FieldByIndex(p[i].index))
	}
}

func (c *memberCheck) check(found *report, path string, value reflect.Value) {
	if value.IsZero() && (c.pointer || c.kind == reflect.String || c.kind == reflect.Slice || c.kind == reflect.Map) {
		if c.required {
			found.add(path+c.name, "", "Member must not be null")
		}
		return
	}
	if c.pointer {
		value = value.Elem()
	}
	switch c.kind {
	case reflect.String:
		c.own.checkText(found, path, c.name, value)
	case reflect.Int32, reflect.Int64:
		c.own.checkNumber(found, path, c.name, value.Int())
	case reflect.Slice:
		c.checkList(found, path, value)
	case reflect.Map:
		c.checkMap(found, path, value)
	case reflect.Struct:
		if len(c.nested) > 0 {
			c.nested.check(found, path+c.name+".", value)
		}
	}
}

func (c *memberCheck) checkList(found *report, path string, value reflect.Value) {
	c.own.checkCount(found, path, c.name, value)
	if c.each != nil && !c.each.holdsForAll(value.Len(), func(i int) string { return value.Index(i).String() }) {
		found.add(path+c.name, c.each.show(value), "Member must satisfy constraint: "+c.each.describe())
	}
	for i := 0; len(c.nested) > 0 && i < value.Len() && !found.full(); i++ {
		c.nested.check(found, path+c.name+"."+strconv.Itoa(i+1)+".member.", value.Index(i))
	}
}

func (c *memberCheck) checkMap(found *report, path string, value reflect.Value) {
	c.own.checkCount(found, path, c.name, value)
	if len(c.nested) > 0 {
		c.checkShapes(found, path, value)
		return
	}
	keysHold, valuesHold := true, true
	for key, text := range mapOf(value) {
		keysHold = keysHold && (c.keys == nil || c.keys.holds(key))
		valuesHold = valuesHold && (c.each == nil || c.each.holds(text))
	}
	if !keysHold {
		found.add(path+c.name, "", "Map keys must satisfy constraint: "+c.keys.describe())
	}
	if !valuesHold {
		found.add(path+c.name, "", "Map value must satisfy constraint: "+c.each.describe())
	}
}

// checkShapes checks a map whose values are shapes, in the order of its keys.
func (c *memberCheck) checkShapes(found *report, path string, value reflect.Value) {
	keys := value.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	if c.keys != nil && !c.keys.holdsForAll(len(keys), func(i int) string { return keys[i].String() }) {
		found.add(path+c.name, "", "Map keys must satisfy constraint: "+c.keys.describe())
		return
	}
	for _, key := range keys {
		if found.full() {
			return
		}
		c.nested.check(found, path+c.name+"."+key.String()+".member.", value.MapIndex(key))
	}
}

// mapOf reaches the map itself, which is faster than reflection's iteration and
// does not allocate.
func mapOf(value reflect.Value) map[string]string {
	if value.Type() == reflect.TypeFor[Parameters]() {
		return value.Interface().(Parameters)
	}
	texts, _ := value.Interface().(map[string]string)
	return texts
}
