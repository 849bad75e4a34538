package lua

import (
	"math"
	"strconv"
	"unicode/utf8"

	glua "github.com/yuin/gopher-lua"
)

// jsonOptions are what cjson.encode_… and cjson.decode_… set. They are put back before each script.
type jsonOptions struct {
	sparseConvert bool
	sparseRatio   int
	sparseSafe    int
	encodeDepth   int
	decodeDepth   int
	precision     int
	keepBuffer    bool
	encodeInvalid string // "on", "off" or "null"
	decodeInvalid bool
}

func defaultJSON() jsonOptions {
	return jsonOptions{
		sparseRatio: 2, sparseSafe: 10, encodeDepth: 1000, decodeDepth: 1000, precision: 14, keepBuffer: true,
		encodeInvalid: "off", decodeInvalid: true,
	}
}

func (m *Machine) nameModule(t *glua.LTable, name, version string) {
	t.RawSetString("_NAME", glua.LString(name))
	t.RawSetString("_VERSION", glua.LString(version))
	if name == "cmsgpack" {
		t.RawSetString("_COPYRIGHT", glua.LString("Copyright (C) 2012, Salvatore Sanfilippo"))
		t.RawSetString("_DESCRIPTION", glua.LString("MessagePack C implementation for Lua"))
	}
}

// jsonModule makes the table cjson.
func (m *Machine) jsonModule() {
	functions := m.jsonFunctions()
	module := m.module("cjson", functions)
	module.RawSetString("null", m.null)
	m.nameModule(module, "cjson", "2.1.0")
	front := m.globals.RawGetString("cjson")
	module.RawSetString("new", m.l.NewFunction(func(l *glua.LState) int {
		l.Push(front)
		return 1
	}))
}

func (m *Machine) jsonFunctions() map[string]glua.LGFunction {
	o := &m.json
	return map[string]glua.LGFunction{
		"encode": m.jsonEncode, "decode": m.jsonDecode,
		"encode_max_depth":        intOption(&o.encodeDepth, 1, math.MaxInt32),
		"decode_max_depth":        intOption(&o.decodeDepth, 1, math.MaxInt32),
		"encode_number_precision": intOption(&o.precision, 1, 14),
		"encode_keep_buffer":      boolOption(&o.keepBuffer),
		"decode_invalid_numbers":  boolOption(&o.decodeInvalid),
		"encode_invalid_numbers":  invalidOption(&o.encodeInvalid),
		"encode_sparse_array": func(l *glua.LState) int {
			if l.GetTop() >= 1 && l.Get(1) != glua.LNil {
				o.sparseConvert = glua.LVAsBool(l.Get(1))
			}
			o.sparseRatio = checkedOption(l, 2, o.sparseRatio, 0, math.MaxInt32)
			o.sparseSafe = checkedOption(l, 3, o.sparseSafe, 0, math.MaxInt32)
			l.Push(glua.LBool(o.sparseConvert))
			l.Push(glua.LNumber(o.sparseRatio))
			l.Push(glua.LNumber(o.sparseSafe))
			return 3
		},
	}
}

func checkedOption(l *glua.LState, i, current, least, most int) int {
	if l.Get(i) == glua.LNil {
		return current
	}
	n := checkInt(l, i)
	if n < least || n > most {
		badArgument(l, i, "expected integer between "+strconv.Itoa(least)+" and "+strconv.Itoa(most))
	}
	return n
}

func intOption(field *int, least, most int) glua.LGFunction {
	return func(l *glua.LState) int {
		*field = checkedOption(l, 1, *field, least, most)
		l.Push(glua.LNumber(*field))
		return 1
	}
}

func boolOption(field *bool) glua.LGFunction {
	return func(l *glua.LState) int {
		if l.Get(1) != glua.LNil {
			*field = glua.LVAsBool(l.Get(1))
		}
		l.Push(glua.LBool(*field))
		return 1
	}
}

func invalidOption(field *string) glua.LGFunction {
	return func(l *glua.LState) int {
		switch v := l.Get(1).(type) {
		case glua.LBool:
			*field = map[bool]string{true: "on", false: "off"}[bool(v)]
		case glua.LString:
			if v != "on" && v != "off" && v != "null" {
				badArgument(l, 1, "invalid option '"+string(v)+"'")
			}
			*field = string(v)
		}
		if *field == "null" {
			l.Push(glua.LString("null"))
		} else {
			l.Push(glua.LBool(*field == "on"))
		}
		return 1
	}
}

// cjson.encode(value)
func (m *Machine) jsonEncode(l *glua.LState) int {
	if l.GetTop() != 1 {
		badArgument(l, 1, "expected 1 argument")
	}
	e := jsonEncoder{m: m, l: l}
	e.value(l.Get(1), 0)
	l.Push(glua.LString(e.out))
	return 1
}

type jsonEncoder struct {
	m   *Machine
	l   *glua.LState
	out []byte
}

func (e *jsonEncoder) fail(what, why string) { fail(e.l, "Cannot serialise %s: %s", what, why) }

func (e *jsonEncoder) value(v glua.LValue, depth int) {
	e.m.spend(e.l)
	switch v := v.(type) {
	case glua.LString:
		e.text(string(v))
	case glua.LNumber:
		e.number(float64(v))
	case glua.LBool:
		e.out = strconv.AppendBool(e.out, bool(v))
	case *glua.LTable:
		e.table(e.m.view(v), depth+1)
	case *glua.LNilType:
		e.out = append(e.out, "null"...)
	case *glua.LUserData:
		if v != e.m.null {
			e.fail("userdata", "type not supported")
		}
		e.out = append(e.out, "null"...)
	default:
		e.fail(v.Type().String(), "type not supported")
	}
}

// text appends a string, which may become six times as long.
func (e *jsonEncoder) text(s string) {
	n := len(s)
	if n > 64<<10 {
		for _, c := range []byte(s) {
			if c < ' ' || c == 127 {
				n += 5
			}
		}
	}
	e.m.pay(e.l, int64(n)*2)
	e.out = appendJSONString(e.out, s)
}

func (e *jsonEncoder) number(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		switch e.m.json.encodeInvalid {
		case "off":
			e.fail("number", "must not be NaN or Inf")
		case "null":
			e.out = append(e.out, "null"...)
			return
		}
	}
	e.out = appendG(e.out, f, e.m.json.precision)
}

func (e *jsonEncoder) table(t *glua.LTable, depth int) {
	if depth > e.m.json.encodeDepth {
		fail(e.l, "Cannot serialise, excessive nesting (%d)", depth)
	}
	e.m.pay(e.l, 16)
	if n, ok := e.arrayLength(t); ok {
		e.out = append(e.out, '[')
		for i := 1; i <= n; i++ {
			if i > 1 {
				e.out = append(e.out, ',')
			}
			e.value(t.RawGet(glua.LNumber(i)), depth)
		}
		e.out = append(e.out, ']')
		return
	}
	e.out = append(e.out, '{')
	first := true
	for key, v := t.Next(glua.LNil); key != glua.LNil; key, v = t.Next(key) {
		if !first {
			e.out = append(e.out, ',')
		}
		first = false
		switch key := key.(type) {
		case glua.LString:
			e.text(string(key))
		case glua.LNumber:
			e.out = append(e.out, '"')
			e.number(float64(key))
			e.out = append(e.out, '"')
		default:
			e.fail(key.Type().String(), "table key must be a number or string")
		}
		e.out = append(e.out, ':')
		e.value(v, depth)
	}
	e.out = append(e.out, '}')
}

// arrayLength says whether a table is an array, and how long: its keys are whole numbers from 1 on, with few left out.
func (e *jsonEncoder) arrayLength(t *glua.LTable) (n int, ok bool) {
	items := 0
	for key, _ := t.Next(glua.LNil); key != glua.LNil; key, _ = t.Next(key) {
		f, isNumber := key.(glua.LNumber)
		if !isNumber || float64(f) != math.Floor(float64(f)) || f < 1 || f > math.MaxInt32 {
			return 0, false
		}
		n = max(n, int(f))
		items++
		e.m.spend(e.l)
	}
	if items == 0 {
		return 0, false
	}
	o := e.m.json
	if o.sparseRatio > 0 && n > items*o.sparseRatio && n > o.sparseSafe {
		if !o.sparseConvert {
			e.fail("table", "excessively sparse array")
		}
		return 0, false
	}
	return n, true
}

func appendJSONString(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\' || c == '/':
			out = append(out, '\\', c)
		case c == '\b':
			out = append(out, `\b`...)
		case c == '\f':
			out = append(out, `\f`...)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c < ' ' || c == 127:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// cjson.decode(text)
func (m *Machine) jsonDecode(l *glua.LState) int {
	if l.GetTop() != 1 {
		badArgument(l, 1, "expected 1 argument")
	}
	d := jsonDecoder{m: m, l: l, s: checkText(l, 1)}
	if len(d.s) >= 2 && (d.s[0] == 0 || d.s[1] == 0) {
		fail(l, "JSON parser does not support UTF-16 or UTF-32")
	}
	d.scan()
	v := d.value(0)
	if d.scan(); d.token != jsonEnd {
		d.expected("the end")
	}
	l.Push(v)
	return 1
}

// jsonToken is a kind of token, by the name that errors give it.
type jsonToken string

const (
	jsonObjectBegin jsonToken = "T_OBJ_BEGIN"
	jsonObjectEnd   jsonToken = "T_OBJ_END"
	jsonArrayBegin  jsonToken = "T_ARR_BEGIN"
	jsonArrayEnd    jsonToken = "T_ARR_END"
	jsonString      jsonToken = "T_STRING"
	jsonNumber      jsonToken = "T_NUMBER"
	jsonBool        jsonToken = "T_BOOLEAN"
	jsonNull        jsonToken = "T_NULL"
	jsonColon       jsonToken = "T_COLON"
	jsonComma       jsonToken = "T_COMMA"
	jsonEnd         jsonToken = "T_END"
)

// jsonDecoder reads JSON as lua-cjson does, token by token.
type jsonDecoder struct {
	m     *Machine
	l     *glua.LState
	s     string
	at    int
	token jsonToken
	begin int // of the token
	text  string
	num   float64
	truth bool
}

// expected raises the error of a token that is out of place.
func (d *jsonDecoder) expected(what string) {
	fail(d.l, "Expected %s but found %s at character %d", what, string(d.token), d.begin+1)
}

// bad makes an error of what is no token.
func (d *jsonDecoder) bad(what string, at int) { d.token, d.begin = jsonToken(what), at }

func (d *jsonDecoder) scan() {
	d.m.spend(d.l)
	for d.at < len(d.s) && (d.s[d.at] == ' ' || d.s[d.at] == '\t' || d.s[d.at] == '\n' || d.s[d.at] == '\r') {
		d.at++
	}
	d.begin = d.at
	if d.at == len(d.s) {
		d.token = jsonEnd
		return
	}
	c := d.s[d.at]
	if token, ok := map[byte]jsonToken{
		'{': jsonObjectBegin, '}': jsonObjectEnd, '[': jsonArrayBegin, ']': jsonArrayEnd, ':': jsonColon, ',': jsonComma,
	}[c]; ok {
		d.token = token
		d.at++
		return
	}
	switch {
	case c == '"':
		d.scanString()
	case c == '-' || isDigit(c):
		d.scanNumber()
	case d.word("true"):
		d.token, d.truth = jsonBool, true
	case d.word("false"):
		d.token, d.truth = jsonBool, false
	case d.word("null"):
		d.token = jsonNull
	default:
		d.scanNumber() // nan, inf
	}
}

func (d *jsonDecoder) word(w string) bool {
	if len(d.s)-d.at < len(w) || d.s[d.at:d.at+len(w)] != w {
		return false
	}
	d.at += len(w)
	return true
}

func (d *jsonDecoder) scanNumber() {
	end := d.at
	for end < len(d.s) && (isDigit(d.s[end]) || isAlpha(d.s[end]) || d.s[end] == '.' || d.s[end] == '+' || d.s[end] == '-') {
		end++
	}
	for ; end > d.at; end-- { // as much of it as is a number
		f, ok := parseNumber(d.s[d.at:end])
		if !ok {
			continue
		}
		if !d.m.json.decodeInvalid && (math.IsNaN(f) || math.IsInf(f, 0)) {
			break
		}
		d.token, d.num, d.at = jsonNumber, f, end
		return
	}
	d.bad("invalid token", d.begin)
}

func (d *jsonDecoder) scanString() {
	i := d.at + 1
	for i < len(d.s) && d.s[i] != '"' && d.s[i] != '\\' && d.s[i] >= ' ' {
		i++
	}
	if i < len(d.s) && d.s[i] == '"' {
		d.token, d.text, d.at = jsonString, string(d.m.part(d.l, d.s, d.at+1, i)), i+1
		return
	}
	out := []byte(d.s[d.at+1 : i])
	for {
		if i >= len(d.s) {
			d.bad("unexpected end of string", i)
			return
		}
		switch c := d.s[i]; {
		case c == '"':
			d.token, d.text, d.at = jsonString, string(out), i+1
			return
		case c == '\\':
			next, ok := d.escape(&out, i+1)
			if !ok {
				return
			}
			i = next
		default:
			out = append(out, c)
			i++
		}
	}
}

// escape reads what stands behind a backslash.
func (d *jsonDecoder) escape(out *[]byte, i int) (next int, ok bool) {
	if i >= len(d.s) {
		d.bad("unexpected end of string", i)
		return 0, false
	}
	if plain, ok := map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[d.s[i]]; ok {
		*out = append(*out, plain)
		return i + 1, true
	}
	if d.s[i] != 'u' {
		d.bad("invalid escape code", i-1)
		return 0, false
	}
	point, ok := d.hex4(i + 1)
	next = i + 5
	if ok && 0xd800 <= point && point < 0xe000 { // half of a pair
		low, found := rune(0), false
		if point < 0xdc00 && next+1 < len(d.s) && d.s[next] == '\\' && d.s[next+1] == 'u' {
			low, found = d.hex4(next + 2)
		}
		ok = found && 0xdc00 <= low && low < 0xe000
		point = 0x10000 + (point-0xd800)<<10 + (low - 0xdc00)
		next += 6
	}
	if !ok {
		d.bad("invalid unicode escape code", i-1)
		return 0, false
	}
	*out = utf8.AppendRune(*out, point)
	return next, true
}

func (d *jsonDecoder) hex4(i int) (rune, bool) {
	if i+4 > len(d.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(d.s[i:i+4], 16, 16)
	return rune(n), err == nil
}

// value makes a value of the token at hand and those behind it.
func (d *jsonDecoder) value(depth int) glua.LValue {
	switch d.token {
	case jsonString:
		d.m.pay(d.l, int64(len(d.text)))
		return glua.LString(d.text)
	case jsonNumber:
		return glua.LNumber(d.num)
	case jsonBool:
		return glua.LBool(d.truth)
	case jsonNull:
		return d.m.null
	case jsonObjectBegin:
		return d.object(d.deeper(depth))
	case jsonArrayBegin:
		return d.array(d.deeper(depth))
	}
	d.expected("value")
	return nil
}

func (d *jsonDecoder) deeper(depth int) int {
	if depth++; depth > d.m.json.decodeDepth {
		fail(d.l, "Found too many nested data structures (%d) at character %d", depth, d.begin+1)
	}
	d.m.pay(d.l, 512) // a table
	return depth
}

func (d *jsonDecoder) object(depth int) glua.LValue {
	t := &glua.LTable{Metatable: glua.LNil}
	if d.scan(); d.token == jsonObjectEnd {
		return t
	}
	for {
		if d.token != jsonString {
			d.expected("object key string")
		}
		key := d.text
		if d.scan(); d.token != jsonColon {
			d.expected("colon")
		}
		d.scan()
		d.m.pay(d.l, int64(len(key))+64)
		t.RawSetString(key, d.value(depth))
		switch d.scan(); d.token {
		case jsonObjectEnd:
			return t
		case jsonComma:
			d.scan()
		default:
			d.expected("comma or object end")
		}
	}
}

func (d *jsonDecoder) array(depth int) glua.LValue {
	t := &glua.LTable{Metatable: glua.LNil}
	if d.scan(); d.token == jsonArrayEnd {
		return t
	}
	for i := 1; ; i++ {
		d.m.pay(d.l, 16)
		t.RawSetInt(d.m.index(d.l, i), d.value(depth))
		switch d.scan(); d.token {
		case jsonArrayEnd:
			return t
		case jsonComma:
			d.scan()
		default:
			d.expected("comma or array end")
		}
	}
}
