package abi

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/godwit-runtime/godwit/engine/types"
)

// Format returns v as WAVE text, the notation of component values that
// command lines and messages use. Handles have no notation in WAVE: they, and
// whatever does not fit t, appear in angle brackets, which Parse refuses.
func Format(t *types.Type, v Value) string {
	var w waveWriter
	w.value(t, v)
	return w.String()
}

// waveKeywords are words that a label could be mistaken for.
var waveKeywords = map[string]bool{
	"true": true, "false": true, "nan": true, "inf": true,
	"some": true, "none": true, "ok": true, "err": true,
}

type waveWriter struct{ strings.Builder }

func (w *waveWriter) misfit(v Value) { fmt.Fprintf(w, "<%T>", v) }

// value writes v.
//
//godwit:dispatch
func (w *waveWriter) value(t *types.Type, v Value) {
	switch x := v.(type) {
	case bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64:
		fmt.Fprint(w, x)
	case float32:
		w.float(float64(x), 32)
	case float64:
		w.float(x, 64)
	case Char:
		w.WriteByte('\'')
		w.rune(rune(x), '\'')
		w.WriteByte('\'')
	case string:
		w.text(x)
	case encodedString:
		w.text(x.text)
	case []byte:
		w.WriteByte('[')
		for i, b := range x {
			w.comma(i)
			w.WriteString(strconv.Itoa(int(b)))
		}
		w.WriteByte(']')
	case List:
		w.list(t, x)
	case Record:
		w.record(t, x)
	case Variant:
		w.variant(t, x)
	case Flags:
		w.flags(t, x)
	case Map:
		w.entries(t, x)
	case Resource:
		kind := "borrow"
		if x.Own {
			kind = "own"
		}
		fmt.Fprintf(w, "<%s %s>", kind, resourceName(x.Type))
	case nil:
		w.WriteString("<nil>")
	default:
		w.misfit(v)
	}
}

func (w *waveWriter) comma(i int) {
	if i > 0 {
		w.WriteString(", ")
	}
}

func (w *waveWriter) float(f float64, bits int) {
	switch {
	case math.IsNaN(f):
		w.WriteString("nan")
	case math.IsInf(f, 1):
		w.WriteString("inf")
	case math.IsInf(f, -1):
		w.WriteString("-inf")
	default:
		w.WriteString(strconv.FormatFloat(f, 'f', -1, bits))
	}
}

func (w *waveWriter) text(s string) {
	w.WriteByte('"')
	for _, r := range s {
		w.rune(r, '"')
	}
	w.WriteByte('"')
}

func (w *waveWriter) rune(r, quote rune) {
	switch r {
	case '\t':
		w.WriteString(`\t`)
	case '\n':
		w.WriteString(`\n`)
	case '\r':
		w.WriteString(`\r`)
	case '\\', quote:
		w.WriteByte('\\')
		w.WriteRune(r)
	default:
		if unicode.IsPrint(r) || unicode.Is(unicode.Mn, r) {
			w.WriteRune(r)
			return
		}
		fmt.Fprintf(w, `\u{%x}`, r)
	}
}

// label writes a label so that it is no keyword.
func (w *waveWriter) label(s string) {
	if waveKeywords[s] {
		w.WriteByte('%')
	}
	w.WriteString(s)
}

func (w *waveWriter) list(t *types.Type, l List) {
	if t.Kind != types.List && t.Kind != types.FixedList {
		w.misfit(l)
		return
	}
	w.WriteByte('[')
	for i, v := range l {
		w.comma(i)
		w.value(t.Elem, v)
	}
	w.WriteByte(']')
}

func (w *waveWriter) record(t *types.Type, r Record) {
	if t.Kind != types.Record && t.Kind != types.Tuple || len(r) != len(t.Fields) {
		w.misfit(r)
		return
	}
	if t.Kind == types.Tuple {
		w.WriteByte('(')
		for i, f := range t.Fields {
			w.comma(i)
			w.value(f.Type, r[i])
		}
		w.WriteByte(')')
		return
	}
	w.WriteByte('{')
	n := 0
	for i, f := range t.Fields {
		if v, ok := r[i].(Variant); ok && f.Type.Kind == types.Option && v.Case == 0 {
			continue // an absent field is none
		}
		w.comma(n)
		w.WriteString(f.Name)
		w.WriteString(": ")
		w.value(f.Type, r[i])
		n++
	}
	if n == 0 {
		w.WriteByte(':') // {} would be empty flags
	}
	w.WriteByte('}')
}

func (w *waveWriter) variant(t *types.Type, v Variant) {
	payloads := Payloads(t)
	if uint64(v.Case) >= uint64(len(payloads)) {
		w.misfit(v)
		return
	}
	switch t.Kind {
	case types.Variant, types.Enum:
		w.label(caseName(t, v.Case))
	case types.Result:
		w.WriteString([...]string{"ok", "err"}[v.Case])
	default:
		w.WriteString(caseName(t, v.Case))
	}
	if p := payloads[v.Case]; p != nil {
		w.WriteByte('(')
		w.value(p, v.Payload)
		w.WriteByte(')')
	}
}

func (w *waveWriter) flags(t *types.Type, f Flags) {
	if t.Kind != types.Flags {
		w.misfit(f)
		return
	}
	w.WriteByte('{')
	n := 0
	for i, l := range t.Labels {
		if i < 32 && f&(1<<i) != 0 {
			w.comma(n)
			w.WriteString(l)
			n++
		}
	}
	w.WriteByte('}')
}

func (w *waveWriter) entries(t *types.Type, m Map) {
	if t.Kind != types.Map {
		w.misfit(m)
		return
	}
	w.WriteByte('{')
	for i, e := range m {
		w.comma(i)
		w.value(t.Key, e.Key)
		w.WriteString(": ")
		w.value(t.Elem, e.Value)
	}
	if len(m) == 0 {
		w.WriteByte(':')
	}
	w.WriteByte('}')
}
