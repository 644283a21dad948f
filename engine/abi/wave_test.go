package abi

import (
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/godwit-runtime/godwit/engine/types"
)

func waveVariant() *types.Type {
	return &types.Type{Kind: types.Variant, Cases: []types.Case{{Name: "some", Type: types.TypeU8}, {Name: "b-c"}}}
}

func TestWAVEIsReadAndWritten(t *testing.T) {
	rec := recordOf(types.TypeU8, option(types.TypeString))
	for _, tt := range []struct {
		name string
		t    *types.Type
		text string
		v    Value
		form string // as written, where not text
	}{
		{"bool", types.TypeBool, "true", true, ""},
		{"least s64", types.TypeS64, "-9223372036854775808", int64(math.MinInt64), ""},
		{"largest u64", types.TypeU64, "18446744073709551615", uint64(math.MaxUint64), ""},
		{"float", types.TypeF64, "1.5e3", 1500.0, "1500"},
		{"negative infinity", types.TypeF32, "-inf", float32(math.Inf(-1)), ""},
		{"negative zero", types.TypeF64, "-0", math.Copysign(0, -1), ""},
		{"char", types.TypeChar, `'\''`, Char('\''), ""},
		{"char by number", types.TypeChar, `'\u{1f370}'`, Char(0x1f370), "'\U0001f370'"},
		{"string", types.TypeString, `"a\"\\\n\t\r☃'\u{0}"`, "a\"\\\n\t\r☃'\x00", ""},
		{"multi-line string", types.TypeString, "\"\"\"\n    a\n      \\u{62}\n\n    \"\"\"", "a\n  b\n", `"a\n  b\n"`},
		{"bytes", list(types.TypeU8), "[1, 255]", []byte{1, 255}, ""},
		{"empty list", list(types.TypeString), "[]", List{}, ""},
		{"trailing comma", list(types.TypeU16), "[1, 2,]", List{uint16(1), uint16(2)}, "[1, 2]"},
		{"white space and comments", tupleOf(types.TypeU8, types.TypeBool), " ( 1 // one\n ,\tfalse ) ", Record{uint8(1), false}, "(1, false)"},
		{"record in any order", rec, `{l1: some("x"), l0: 1}`, Record{uint8(1), Variant{1, "x"}}, `{l0: 1, l1: some("x")}`},
		{"absent option", rec, "{l0: 1}", Record{uint8(1), Variant{}}, ""},
		{"record of absent options", recordOf(option(types.TypeU8)), "{:}", Record{Variant{}}, ""},
		{"option without some", option(types.TypeU8), "7", Variant{1, uint8(7)}, "some(7)"},
		{"option of option", option(option(types.TypeU8)), "some(none)", Variant{1, Variant{}}, ""},
		{"result without ok", result(types.TypeString, nil), `"x"`, Variant{0, "x"}, `ok("x")`},
		{"err without payload", result(types.TypeString, nil), "err", Variant{Case: 1}, ""},
		{"case that is a keyword", waveVariant(), "%some(3)", Variant{0, uint8(3)}, ""},
		{"case without payload", waveVariant(), "b-c", Variant{Case: 1}, ""},
		{"flags", labels(types.Flags, 3), "{l2, l0}", Flags(5), "{l0, l2}"},
		{"no flags", labels(types.Flags, 3), "{}", Flags(0), ""},
		{"fixed list", fixed(types.TypeU8, 2), "[1, 2]", List{uint8(1), uint8(2)}, ""},
		{"map", mapOf(types.TypeString, types.TypeU8), `{"a": 1, "b": 2}`, Map{{"a", uint8(1)}, {"b", uint8(2)}}, ""},
		{"empty map", mapOf(types.TypeString, types.TypeU8), `{:}`, Map{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := Parse(tt.t, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(v, tt.v) {
				t.Errorf("read %#v, want %#v", v, tt.v)
			}
			if tt.form == "" {
				tt.form = tt.text
			}
			if got := Format(tt.t, v); got != tt.form {
				t.Errorf("written %s, want %s", got, tt.form)
			}
		})
	}
	if v, err := Parse(types.TypeF32, "nan"); err != nil || Format(types.TypeF32, v) != "nan" {
		t.Errorf("nan reads as %v, error %v", v, err)
	}
}

func TestWAVEMistakesAreLocated(t *testing.T) {
	for _, tt := range []struct {
		name   string
		t      *types.Type
		text   string
		offset int
	}{
		{"empty text", types.TypeU8, "", 0},
		{"number out of range", list(types.TypeS8), "[1, 128]", 4},
		{"negative unsigned", types.TypeU8, "-1", 0},
		{"plus sign", types.TypeU8, "+1", 0},
		{"fraction for an integer", types.TypeU8, "1.5", 0},
		{"text after the value", types.TypeU8, "1 2", 2},
		{"missing comma", tupleOf(types.TypeU8, types.TypeU8), "(1 2)", 3},
		{"missing element", tupleOf(types.TypeU8, types.TypeU8), "(1)", 2},
		{"unknown field", recordOf(types.TypeU8), "{x: 1}", 1},
		{"field given twice", recordOf(types.TypeU8), "{l0: 1, l0: 2}", 8},
		{"missing field", recordOf(types.TypeU8), "{:}", 3},
		{"unknown case", labels(types.Enum, 2), "l2", 0},
		{"missing payload", waveVariant(), "%some", 5},
		{"unknown flag", labels(types.Flags, 1), "{l0, l1}", 5},
		{"string without end", types.TypeString, `"abc`, 4},
		{"escape without end", types.TypeString, `"\`, 1},
		{"surrogate escape", types.TypeChar, `'\u{d800}'`, 1},
		{"empty char", types.TypeChar, `''`, 1},
		{"two characters", types.TypeChar, `'ab'`, 2},
		{"invalid utf-8", types.TypeString, "\"\xff\"", 1},
		{"fixed list of the wrong length", fixed(types.TypeU8, 2), "[1]", 0},
		{"handle", &types.Type{Kind: types.Own}, "1", 0},
		{"option of option without some", option(option(types.TypeU8)), "1", 0},
		{"multi-line string on one line", types.TypeString, `"""a"""`, 3},
	} {
		v, err := Parse(tt.t, tt.text)
		var e *WaveError
		if !errors.As(err, &e) {
			t.Errorf("%s: reads as %v, error %v", tt.name, v, err)
			continue
		}
		if e.Offset != tt.offset {
			t.Errorf("%s: %v, want byte %d", tt.name, e, tt.offset)
		}
	}
}

func TestWAVEArguments(t *testing.T) {
	ft := funcOf(nil, types.TypeU8, types.TypeString, option(types.TypeU8))
	for text, want := range map[string][]Value{
		`(1, "a", some(2))`: {uint8(1), "a", Variant{1, uint8(2)}},
		`(1, "a", 2)`:       {uint8(1), "a", Variant{1, uint8(2)}},
		` ( 1, "a", ) `:     {uint8(1), "a", Variant{}},
		`(1)`:               nil,
		`(1, "a", 2, 3)`:    nil,
		`1`:                 nil,
		`(1, "a") x`:        nil,
	} {
		got, err := ParseArgs(ft.Params, text)
		if want == nil {
			if err == nil {
				t.Errorf("%s reads as %v", text, got)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads as %v, error %v", text, got, err)
		}
	}
}

func TestValuesThatDoNotFitAreFormattedInBrackets(t *testing.T) {
	rt := &types.Resource{Name: "file"}
	for want, c := range map[string]struct {
		t *types.Type
		v Value
	}{
		"<own file>":    {&types.Type{Kind: types.Own, Resource: rt}, Resource{Type: rt, Own: true}},
		"<nil>":         {types.TypeU8, nil},
		"<int>":         {types.TypeU8, 1},
		"<abi.Record>":  {tupleOf(types.TypeU8), Record{}},
		"<abi.Variant>": {types.TypeU8, Variant{}},
		"<abi.List>":    {types.TypeU8, List{}},
		"<abi.Flags>":   {types.TypeU8, Flags(1)},
		"<abi.Map>":     {types.TypeU8, Map{}},
		"(<nil>)":       {tupleOf(types.TypeU8), Record{nil}},
	} {
		if got := Format(c.t, c.v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
