package lua

import (
	"reflect"
	"unsafe"

	glua "github.com/yuin/gopher-lua"
)

// keepUpvalues undoes what gopher-lua does at the end of each protected call: from then on an error would cut the variables of
// all functions on the stack off from the closures that share them, also of those that go on after the error was caught.
// (Two pcalls that fail, one after the other, and a counter in a closure no longer counts.) The field that says so
// is not exported.
func (m *Machine) keepUpvalues(l *glua.LState) {
	*(*bool)(unsafe.Add(unsafe.Pointer(l), m.errorField)) = true
}

// errorField is where that field is.
func errorField() uintptr {
	field, ok := reflect.TypeFor[glua.LState]().FieldByName("hasErrorFunc")
	if !ok || field.Type.Kind() != reflect.Bool {
		panic("BUG: this is not the gopher-lua that lua/upvalues.go was written for")
	}
	return field.Offset
}
