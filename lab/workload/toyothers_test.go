package workload

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"holdfast/resp"
)

// doOther runs what is not of the simple types on the toy.
func (t *toy) doOther(w []string, num func(int) int64) (reply resp.Reply, known bool) {
	switch {
	case strings.Contains(w[0], "BIT"):
		return t.doBits(w, num), true
	case strings.HasPrefix(w[0], "PF"):
		return t.doSketch(w), true
	case strings.HasPrefix(w[0], "GEO"):
		return t.doPlaces(w), true
	case w[0] == "DUMP" && t.keys[w[1]] == nil:
		return nullReply, true
	case w[0] == "DUMP":
		return bulkReply("in a form of its own"), true
	case w[0] == "RESTORE":
		return t.doRestore(w, num), true
	case w[0] == "EVAL":
		return t.doScript(w), true
	case w[0] == "FUNCTION" || w[0] == "FCALL":
		return t.doLibrary(w), true
	}
	return reply, false
}

func (t *toy) text(k string) string {
	if v := t.keys[k]; v != nil {
		return v.s
	}
	return ""
}

// digits are the bits of a string, written as zeros and ones.
func digits(s string) (b []byte) {
	for _, c := range []byte(s) {
		for bit := 7; bit >= 0; bit-- {
			b = append(b, '0'+c>>bit&1)
		}
	}
	return b
}

func undigits(b []byte) string {
	var s []byte
	for eight := range slices.Chunk(b, 8) {
		n := byte(0)
		for _, digit := range eight {
			n = 2*n + digit - '0'
		}
		s = append(s, n)
	}
	return string(s)
}

func (t *toy) doBits(w []string, num func(int) int64) resp.Reply {
	if w[0] == "BITOP" {
		return t.doBitop(w)
	}
	b := digits(t.text(w[1]))
	long := func(n int64) {
		for int64(len(b)) < n || len(b)%8 != 0 {
			b = append(b, '0')
		}
	}
	switch w[0] {
	case "BITCOUNT":
		return intReply(int64(strings.Count(string(b), "1")))
	case "GETBIT":
		long(num(2) + 1)
		return intReply(int64(b[num(2)] - '0'))
	case "SETBIT":
		long(num(2) + 1)
		old := int64(b[num(2)] - '0')
		b[num(2)] = w[3][0]
		t.keys[w[1]] = &thing{s: undigits(b)}
		return intReply(old)
	}
	reply := resp.Reply{Kind: '*'}
	for i := 2; i < len(w); { // BITFIELD
		width, _ := strconv.Atoi(w[i+1][1:]) //nolint:errcheck // only workloads of this package come here
		at, _ := strconv.Atoi(w[i+2][1:])    //nolint:errcheck // the same
		at *= width
		had := len(b)
		long(int64(at + width))
		old, err := strconv.ParseInt(string(b[at:at+width]), 2, 64)
		if err != nil {
			panic(err)
		}
		told := old
		if w[i] == "GET" {
			b = b[:had]
			i += 3
		} else {
			n := num(i + 3)
			if w[i] == "INCRBY" {
				told = ((old+n)%256 + 256) % 256
				n = told
			}
			copy(b[at:], fmt.Sprintf("%0*b", width, n))
			i += 4
		}
		reply.Elems = append(reply.Elems, intReply(told))
	}
	t.keys[w[1]] = &thing{s: undigits(b)}
	return reply
}

func (t *toy) doBitop(w []string) resp.Reply {
	a := digits(t.text(w[3]))
	b := a
	if len(w) > 4 {
		b = digits(t.text(w[4]))
	}
	out := make([]byte, max(len(a), len(b)))
	at := func(b []byte, i int) bool { return i < len(b) && b[i] == '1' }
	for i := range out {
		x, y := at(a, i), at(b, i)
		if out[i] = '0'; map[string]bool{"AND": x && y, "OR": x || y, "XOR": x != y, "NOT": !x}[w[1]] {
			out[i] = '1'
		}
	}
	if delete(t.keys, w[2]); len(out) > 0 {
		t.keys[w[2]] = &thing{s: undigits(out)}
	}
	return intReply(int64(len(out) / 8))
}

// toySketch is a HyperLogLog: in runs while it is small, then with its registers side by side.
func toySketch(elements map[string]bool) string {
	if registers := toyRegisters(elements); len(registers) > 3 && len(registers) < 80 {
		b, from := append([]byte("HYLL\x01"), make([]byte, sketchHead-5)...), 0
		zeros := func(to int) {
			if to > from {
				b = append(b, 0x40|byte((to-from-1)>>8), byte(to-from-1))
			}
		}
		for _, register := range slices.Sorted(maps.Keys(registers)) {
			zeros(register)
			b = append(b, 0x80|byte(registers[register]-1)<<2)
			from = register + 1
		}
		zeros(sketchRegisters)
		return string(b)
	}
	b := append([]byte("HYLL"), make([]byte, sketchHead-4+sketchRegisters*6/8)...)
	for register, rank := range toyRegisters(elements) {
		for bit := range 6 {
			at := register*6 + bit
			b[sketchHead+at/8] |= byte(rank>>bit&1) << (at % 8)
		}
	}
	return string(b)
}

func toyRegisters(elements map[string]bool) map[int]int {
	all := map[int]int{}
	for e := range elements {
		r := rankOf(e)
		all[int(r>>8)] = max(all[int(r>>8)], int(r&255))
	}
	return all
}

func (t *toy) doSketch(w []string) resp.Reply {
	all := map[string]bool{}
	keys := w[1:]
	if w[0] == "PFADD" {
		keys = w[1:2]
	}
	for _, k := range keys {
		if v := t.keys[k]; v != nil {
			maps.Copy(all, v.sketch)
		}
	}
	switch w[0] {
	case "PFCOUNT":
		return intReply(int64(math.Round(sketchRegisters * math.Log(sketchRegisters/float64(sketchRegisters-len(toyRegisters(all)))))))
	case "PFMERGE":
		t.keys[w[1]] = &thing{sketch: all}
		return okReply
	}
	before := toyRegisters(all)
	for _, e := range w[2:] {
		all[e] = true
	}
	t.keys[w[1]] = &thing{sketch: all}
	if maps.Equal(before, toyRegisters(all)) {
		return intReply(0)
	}
	return intReply(1)
}

// toyGeohash halves the earth again and again.
func toyGeohash(lon, lat float64) (score int64) {
	west, east, south, north := -180.0, 180.0, -85.05112878, 85.05112878
	halve := func(low, high *float64, x float64) {
		score *= 2
		if middle := (*low + *high) / 2; x >= middle {
			*low = middle
			score++
		} else {
			*high = middle
		}
	}
	for range 26 {
		halve(&west, &east, lon)
		halve(&south, &north, lat)
	}
	return score
}

func (t *toy) doPlaces(w []string) resp.Reply {
	float := func(text string) float64 {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) {
			panic(fmt.Sprintf("%q: %v", w, err))
		}
		return f
	}
	z := map[string]int64{}
	if w[0] == "GEOSEARCHSTORE" {
		if v := t.keys[w[2]]; v != nil {
			for member, score := range v.z {
				if score == toyGeohash(float(w[4]), float(w[5])) {
					z[member] = score
				}
			}
		}
		if delete(t.keys, w[1]); len(z) > 0 {
			t.keys[w[1]] = &thing{z: z}
		}
		return intReply(int64(len(z)))
	}
	if v := t.keys[w[1]]; v != nil {
		z = maps.Clone(v.z)
	}
	i, option := 2, ""
	if len(w)%3 == 0 {
		i, option = 3, w[2]
	}
	n := int64(0)
	for ; i < len(w); i += 3 {
		score := toyGeohash(float(w[i]), float(w[i+1]))
		old, there := z[w[i+2]]
		if there && option == "NX" {
			continue
		}
		if !there || option == "CH" && old != score {
			n++
		}
		z[w[i+2]] = score
	}
	t.keys[w[1]] = &thing{z: z}
	return intReply(n)
}

func (t *toy) doRestore(w []string, num func(int) int64) resp.Reply {
	if t.keys[w[1]] != nil && !slices.Contains(w[4:], "REPLACE") {
		return errReply(resp.ErrBusyKey)
	}
	t.keys[w[1]] = &thing{l: undumped(w[3]), isList: true, deadline: num(2)}
	return okReply
}

func (t *toy) doScript(w []string) resp.Reply {
	call := func(words ...string) resp.Reply { return t.do(request(words...), 0) }
	if w[1] == transferScript {
		return resp.Reply{Kind: '*', Elems: []resp.Reply{call("DECRBY", w[3], w[6]), call("INCRBY", w[4], w[6]), call("RPUSH", w[5], w[7])}}
	}
	a, b := t.text(w[3]), t.text(w[4])
	call("SET", w[3], b)
	call("SET", w[4], a)
	return resp.Reply{Kind: '*', Elems: []resp.Reply{arrayReply([]string{a, b}), call("RPUSH", w[5], w[6])}}
}

func (t *toy) doLibrary(w []string) resp.Reply {
	_, number, _ := strings.Cut(w[1], "library_")
	of := "library_" + number
	switch {
	case w[0] == "FUNCTION" && w[1] == "LOAD":
		begin := strings.Index(w[3], "library_")
		name := w[3][begin : begin+strings.IndexByte(w[3][begin:], '\n')]
		t.libraries[name] = versionIn(w[3])
		return bulkReply(name)
	case w[0] == "FUNCTION" && w[1] == "DELETE":
		if _, there := t.libraries[w[2]]; !there {
			return errReply(resp.ErrNoLibrary)
		}
		delete(t.libraries, w[2])
		return okReply
	case w[0] == "FUNCTION": // LIST LIBRARYNAME name WITHCODE
		version, there := t.libraries[w[3]]
		if !there {
			return arrayReply(nil)
		}
		return resp.Reply{Kind: '*', Elems: []resp.Reply{arrayReply([]string{"library_name", w[3], "engine", "LUA", "library_code", libraryCode(w[3], version)})}}
	}
	version, there := t.libraries[of]
	switch {
	case !there:
		return errReply(resp.ErrNoFunction)
	case len(w) == 3:
		return bulkReply(version)
	}
	from := t.do(request("DECRBY", w[3], w[5]), 0)
	to := t.do(request("INCRBY", w[4], w[5]), 0)
	return resp.Reply{Kind: '*', Elems: []resp.Reply{bulkReply(version), from, to}}
}
