package wat

import (
	"math"
	"testing"
)

func TestIntegers(t *testing.T) {
	for _, c := range []struct {
		why  string
		text string
		bits int
		want uint64
		err  error
	}{
		{"decimal", "42", 32, 42, nil},
		{"hexadecimal, both cases", "0xaB", 32, 0xab, nil},
		{"underscores between digits", "1_000_0", 32, 10000, nil},
		{"a plus sign", "+7", 32, 7, nil},
		{"negative numbers are two's complement", "-1", 32, math.MaxUint32, nil},
		{"the smallest", "-0x8000_0000", 32, 1 << 31, nil},
		{"the largest", "4294967295", 32, math.MaxUint32, nil},
		{"minus zero is zero", "-0", 64, 0, nil},
		{"64 bits", "-9223372036854775808", 64, 1 << 63, nil},
		{"below the smallest", "-2147483649", 32, 0, errRange},
		{"above the largest", "0x1_0000_0000", 32, 0, errRange},
		{"an absurd length", "99999999999999999999999999", 64, 0, errRange},
		{"an underscore at the front", "_1", 32, 0, errSyntax},
		{"an underscore at the end", "1_", 32, 0, errSyntax},
		{"two underscores", "1__0", 32, 0, errSyntax},
		{"an underscore behind the prefix", "0x_1", 32, 0, errSyntax},
		{"no digits", "0x", 32, 0, errSyntax},
		{"two signs", "+-1", 32, 0, errSyntax},
		{"hexadecimal digits without their prefix", "1f", 32, 0, errSyntax},
		{"a fraction", "1.0", 32, 0, errSyntax},
	} {
		got, err := parseInt(c.text, c.bits)
		if err != c.err || err == nil && got != c.want {
			t.Errorf("%s: %s is %#x, %v", c.why, c.text, got, err)
		}
	}
}

func TestFloats(t *testing.T) {
	for _, c := range []struct {
		why  string
		text string
		f    floatFormat
		want uint64
		err  error
	}{
		{"an integer", "1", f32format, 0x3f800000, nil},
		{"a point without a fraction", "1.", f32format, 0x3f800000, nil},
		{"a fraction and an exponent", "1_5.0_5e-1", f64format, math.Float64bits(1.505), nil},
		{"hexadecimal without an exponent", "0x1.8", f32format, 0x3fc00000, nil},
		{"hexadecimal with one", "-0x1.8p+1", f32format, 0xc0400000, nil},
		{"minus zero", "-0", f64format, 1 << 63, nil},
		{"infinity", "-inf", f32format, 0xff800000, nil},
		{"the canonical NaN", "nan", f64format, 0x7ff8000000000000, nil},
		{"a NaN with a payload", "-nan:0x20_0000", f32format, 0xffa00000, nil},
		{"half-way rounds to even, down", "0x1.000001p0", f32format, 0x3f800000, nil},
		{"half-way rounds to even, up", "0x1.000003p0", f32format, 0x3f800002, nil},
		{"just above half-way rounds up, however far the digit", "0x1.00000100000000000000000001p0", f32format, 0x3f800001, nil},
		{"decimal numbers are not rounded twice", "1.00000017881393432617187499", f32format, 0x3f800001, nil},
		{"the smallest subnormal number", "0x1p-149", f32format, 1, nil},
		{"half of it rounds to zero", "0x1p-150", f32format, 0, nil},
		{"the largest number", "0x1.fffffeffffffp127", f32format, 0x7f7fffff, nil},
		{"what rounds to infinity", "0x1.ffffffp127", f32format, 0, errRange},
		{"an absurd exponent", "1e99999999999999999999", f64format, 0, errRange},
		{"an absurd negative exponent", "0x1p-99999999999999999999", f64format, 0, nil},
		{"a NaN without a payload", "nan:0x0", f32format, 0, errRange},
		{"a payload that is too large", "nan:0x80_0000", f32format, 0, errRange},
		{"a decimal payload", "nan:1", f32format, 0, errSyntax},
		{"names that Go knows", "infinity", f32format, 0, errSyntax},
		{"no digits before the point", ".5", f64format, 0, errSyntax},
		{"no digits before the hexadecimal point", "0x.8", f64format, 0, errSyntax},
		{"no digits in the exponent", "1e", f64format, 0, errSyntax},
		{"a decimal exponent of a hexadecimal number", "0x1p0x1", f64format, 0, errSyntax},
		{"an underscore beside the point", "1_.5", f64format, 0, errSyntax},
		{"nothing", "", f64format, 0, errSyntax},
	} {
		got, err := c.f.parse(c.text)
		if err != c.err || err == nil && got != c.want {
			t.Errorf("%s: %s is %#x, want %#x; %v", c.why, c.text, got, c.want, err)
		}
	}
}
