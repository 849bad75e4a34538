package lua

import (
	"reflect"
	"unsafe"

	glua "github.com/yuin/gopher-lua"
)

// keeper measures what functions reach, in bytes on the heap, roughly: what a library keeps from call to call. gopher-lua
// shows neither how long its arrays and lists of names are nor which stack a variable lies on, so that its structures
// are read through twins of them, whose shapes are compared once (checkTwins).
type keeper struct {
	seen   map[unsafe.Pointer]struct{}
	blocks map[uintptr]struct{} // of numbers, by address
	todo   []glua.LValue        // reached, and not yet looked into
	bytes  int64
	most   int64          // beyond which nobody wants to know
	block  uintptr        // that a number was found in last
	last   unsafe.Pointer // the string that was counted last
}

// Twins of gopher-lua's LTable, Upvalue, registry and, as far as it is read, LState.
type (
	tableTwin struct {
		Metatable glua.LValue
		array     []glua.LValue
		dict      map[glua.LValue]glua.LValue
		strdict   map[string]glua.LValue
		keys      []glua.LValue
		k2i       map[glua.LValue]int
	}
	upvalueTwin struct {
		next   unsafe.Pointer
		reg    *registryTwin
		index  int
		value  glua.LValue
		closed bool
	}
	registryTwin struct {
		array   []glua.LValue
		top     int
		growBy  int
		maxSize int
		alloc   unsafe.Pointer
		handler any
	}
	stateTwin struct {
		G       unsafe.Pointer
		Parent  *glua.LState
		Env     *glua.LTable
		Panic   func(*glua.LState)
		Dead    bool
		Options glua.Options
		stop    int32
		reg     *registryTwin
	}
)

// checkTwins sees to it that the twins are like what they stand for.
func checkTwins() {
	for theirs, ours := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[glua.LTable]():  reflect.TypeFor[tableTwin](),
		reflect.TypeFor[glua.Upvalue](): reflect.TypeFor[upvalueTwin](),
		reflect.TypeFor[glua.LState]():  reflect.TypeFor[stateTwin](),
		registryType():                  reflect.TypeFor[registryTwin](),
	} {
		for i := range ours.NumField() {
			a, b := theirs.Field(i), ours.Field(i)
			if a.Name != b.Name || a.Offset != b.Offset || !alike(a.Type, b.Type) {
				panic("BUG: this is not the gopher-lua that lua/kept.go was written for: " + theirs.Name() + "." + a.Name)
			}
		}
	}
	stack, ok := reflect.TypeFor[glua.LState]().FieldByName("stack")
	if !ok || stack.Type.Kind() != reflect.Interface || !stack.Type.Implements(reflect.TypeFor[callStack]()) {
		panic("BUG: a state of gopher-lua has no stack of calls")
	}
}

// alike reports whether a field of theirs can be read as one of a twin. What it points to is a twin's own affair.
func alike(theirs, ours reflect.Type) bool {
	switch kind := ours.Kind(); {
	case theirs.Size() != ours.Size():
		return false
	case kind == reflect.UnsafePointer:
		return theirs.Kind() == reflect.Pointer
	case theirs.Kind() != kind:
		return false
	case kind == reflect.Map:
		return alike(theirs.Key(), ours.Key()) && alike(theirs.Elem(), ours.Elem())
	case kind == reflect.Slice:
		return alike(theirs.Elem(), ours.Elem())
	}
	return true
}

func registryType() reflect.Type {
	reg, ok := reflect.TypeFor[glua.LState]().FieldByName("reg")
	if !ok || reg.Type.Kind() != reflect.Pointer {
		panic("BUG: a state of gopher-lua has no registry")
	}
	return reg.Type.Elem()
}

// What things take on the heap, with what the allocator rounds up.
const (
	tableBytes    = 96
	stringBytes   = 16 // beside the text
	functionBytes = 64
	upvalueBytes  = 64
	entryBytes    = 56      // a name or key with its value, in the map that it is found by
	nameBytes     = 40      // the place of a key in the list of keys, by key
	roomBytes     = 1400    // of maps with few names: from 600 to 2500
	protoBytes    = 6 << 10 // a compiled function, at least
	numbersBytes  = 256     // a block of numbers
	// sharedText is how long a string has to be for it to be counted once only, wherever it is reached.
	sharedText = 32
)

// kept is how many bytes the functions of a library reach, or more than most if that is more.
func (m *Machine) kept(lib *Library, most int64) int64 {
	k := keeper{seen: map[unsafe.Pointer]struct{}{}, blocks: map[uintptr]struct{}{}, most: most}
	for front, behind := range m.protected {
		k.once(unsafe.Pointer(front))
		k.once(unsafe.Pointer(behind))
	}
	k.once(unsafe.Pointer(m.l))
	k.once(unsafe.Pointer((*stateTwin)(unsafe.Pointer(m.l)).reg))
	k.once(unsafe.Pointer(m.null))
	for _, f := range lib.Functions {
		if f.f != nil {
			k.value(f.f)
		}
	}
	for len(k.todo) > 0 && k.bytes <= k.most {
		v := k.todo[len(k.todo)-1]
		k.todo = k.todo[:len(k.todo)-1]
		switch v := v.(type) {
		case *glua.LTable:
			k.table(v)
		case *glua.LFunction:
			k.function(v)
		case *glua.LState:
			k.coroutine(v)
		}
	}
	return k.bytes
}

// once reports whether something is reached for the first time.
func (k *keeper) once(p unsafe.Pointer) bool {
	if _, seen := k.seen[p]; seen || p == nil {
		return false
	}
	k.seen[p] = struct{}{}
	return true
}

// value counts a value, or notes it for later.
func (k *keeper) value(v glua.LValue) {
	switch of := v.(type) {
	case glua.LString:
		k.text(of)
	case glua.LNumber:
		k.number(v)
	case *glua.LTable:
		k.later(unsafe.Pointer(of), v)
	case *glua.LFunction:
		k.later(unsafe.Pointer(of), v)
	case *glua.LState:
		k.later(unsafe.Pointer(of), v)
	}
}

func (k *keeper) later(p unsafe.Pointer, v glua.LValue) {
	if k.once(p) {
		k.todo = append(k.todo, v)
	}
}

func (k *keeper) values(list []glua.LValue) {
	for _, v := range list {
		if k.value(v); k.bytes > k.most {
			return
		}
	}
}

// text counts a string. Short ones that are reached from several places are counted at each.
func (k *keeper) text(s glua.LString) {
	p := unsafe.Pointer(unsafe.StringData(string(s)))
	if p == k.last || len(s) >= sharedText && !k.once(p) {
		return
	}
	k.last = p
	k.bytes += stringBytes + int64(len(s)+15)&^15
}

// number counts a number that is no part of what holds it. They lie in blocks of 32, each of which lives as long as one of them.
func (k *keeper) number(v glua.LValue) {
	block := uintptr((*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1]) &^ (numbersBytes - 1)
	if block == k.block {
		return
	}
	k.block = block
	if _, seen := k.blocks[block]; !seen {
		k.blocks[block] = struct{}{}
		k.bytes += numbersBytes
	}
}

func (k *keeper) table(t *glua.LTable) {
	twin := (*tableTwin)(unsafe.Pointer(t))
	k.bytes += tableBytes + 16*int64(cap(twin.array)+cap(twin.keys)) + nameBytes*int64(len(twin.keys))
	if twin.keys != nil || twin.strdict != nil || twin.dict != nil {
		k.bytes += roomBytes + entryBytes*int64(len(twin.keys))
	}
	k.value(twin.Metatable)
	k.values(twin.array)
	k.values(twin.keys)
	for _, v := range twin.strdict {
		k.value(v)
	}
	for _, v := range twin.dict {
		k.value(v)
	}
}

func (k *keeper) function(f *glua.LFunction) {
	k.bytes += functionBytes + 8*int64(len(f.Upvalues))
	if f.Env != nil {
		k.value(f.Env)
	}
	if f.Proto != nil {
		k.proto(f.Proto)
	}
	for _, up := range f.Upvalues {
		if up == nil || !k.once(unsafe.Pointer(up)) {
			continue
		}
		k.bytes += upvalueBytes
		k.value(up.Value())
		k.registry((*upvalueTwin)(unsafe.Pointer(up)).reg)
	}
}

// proto counts compiled code.
func (k *keeper) proto(p *glua.FunctionProto) {
	if !k.once(unsafe.Pointer(p)) {
		return
	}
	k.bytes += protoBytes + 4*int64(cap(p.Code)) + 16*int64(cap(p.Constants)) + 8*int64(cap(p.DbgSourcePositions)) +
		24*int64(cap(p.DbgCalls)) + 56*int64(cap(p.DbgLocals))
	k.values(p.Constants)
	for _, inner := range p.FunctionPrototypes {
		k.proto(inner)
	}
}

// registry counts a stack of values and the coroutine whose it is: they live as long as a function that has a variable on it.
func (k *keeper) registry(r *registryTwin) {
	if !k.once(unsafe.Pointer(r)) {
		return
	}
	k.bytes += coroutineBytes + 16*int64(cap(r.array))
	for _, v := range r.array {
		if v != nil {
			k.value(v)
		}
	}
}

func (k *keeper) coroutine(l *glua.LState) {
	k.bytes += callBytes * int64(depth(l))
	k.value(l.Env)
	k.registry((*stateTwin)(unsafe.Pointer(l)).reg)
}

// callBytes is what a call takes in a coroutine.
const callBytes = 80

// callStack is what a state keeps its calls on.
type callStack interface{ Sp() int }

// depth is how many calls a coroutine is in. (GetStack, by which one could find out, counts tail calls, which take nothing.)
func depth(l *glua.LState) int {
	field := reflect.ValueOf(l).Elem().FieldByName("stack")
	stack, ok := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Interface().(callStack)
	if !ok {
		return 0
	}
	return stack.Sp()
}
