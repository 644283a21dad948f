package bindgen_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/godwit-runtime/godwit/tools/bindgen/internal/values"
)

// host is the other end of every generated shim of world everything: it keeps
// what it was given, as dynamic values, and returns what it was told to.
type host struct {
	ft     *types.Func
	result abi.Value // to return
	wraps  bool      // an error is returned inside of another

	args []abi.Value // given
}

// answer is the call of a function whose result is a Go value.
func answer[R any](x *host, args ...any) (r R, err error) {
	x.given(args)
	toGo(x.ft.Result, x.result, reflect.ValueOf(&r).Elem())
	return r, nil
}

// split is the call of a function whose result is a Go value and an error,
// which wrap makes of the error's payload.
func split[R, E any](x *host, wrap func(E) error, args ...any) (r R, err error) {
	x.given(args)
	v := x.result.(abi.Variant)
	if v.Case == 0 {
		toGo(x.ft.Result.OK, v.Payload, reflect.ValueOf(&r).Elem())
		return r, nil
	}
	var e E
	toGo(x.ft.Result.Err, v.Payload, reflect.ValueOf(&e).Elem())
	if err = wrap(e); x.wraps {
		err = fmt.Errorf("the host says: %w", err)
	}
	return r, err
}

// fails is the call of a function whose result is an error or nothing.
func fails[E any](x *host, wrap func(E) error, args ...any) error {
	_, err := split[abi.Unit](x, wrap, args...)
	return err
}

func done(x *host, args ...any) error {
	x.given(args)
	return nil
}

func own[E error](e E) error { return e }
func boxed[E any](e E) error { return abi.ResultError[E]{Value: e} }

func (x *host) given(args []any) {
	x.args = make([]abi.Value, len(args))
	for i, a := range args {
		x.args[i] = fromGo(x.ft.Params[i].Type, reflect.ValueOf(a))
	}
}

// splitValue makes the value of a function's result of what a generated caller
// returned. It is nil when err is no error of the WIT.
func splitValue(t *types.Type, ok reflect.Value, err error) abi.Value {
	if err == nil {
		return abi.Variant{Payload: fromGo(t.OK, ok)}
	}
	e := reflect.ValueOf(err)
	if e.Kind() == reflect.Pointer { // a trap, or an error of the engine
		return nil
	}
	if strings.HasPrefix(e.Type().Name(), "ResultError[") {
		e = e.Field(0)
	}
	return abi.Variant{Case: 1, Payload: fromGo(t.Err, e)}
}

// node is a resource of the host.
type node struct {
	host *host
	name string
}

func (n *node) Drop(context.Context) {}

func (x *host) EchoBool(_ context.Context, v bool) (bool, error)       { return answer[bool](x, v) }
func (x *host) EchoU8(_ context.Context, v uint8) (uint8, error)       { return answer[uint8](x, v) }
func (x *host) EchoS8(_ context.Context, v int8) (int8, error)         { return answer[int8](x, v) }
func (x *host) EchoU16(_ context.Context, v uint16) (uint16, error)    { return answer[uint16](x, v) }
func (x *host) EchoS16(_ context.Context, v int16) (int16, error)      { return answer[int16](x, v) }
func (x *host) EchoU32(_ context.Context, v uint32) (uint32, error)    { return answer[uint32](x, v) }
func (x *host) EchoS32(_ context.Context, v int32) (int32, error)      { return answer[int32](x, v) }
func (x *host) EchoU64(_ context.Context, v uint64) (uint64, error)    { return answer[uint64](x, v) }
func (x *host) EchoS64(_ context.Context, v int64) (int64, error)      { return answer[int64](x, v) }
func (x *host) EchoF32(_ context.Context, v float32) (float32, error)  { return answer[float32](x, v) }
func (x *host) EchoF64(_ context.Context, v float64) (float64, error)  { return answer[float64](x, v) }
func (x *host) EchoChar(_ context.Context, v rune) (rune, error)       { return answer[rune](x, v) }
func (x *host) EchoString(_ context.Context, v string) (string, error) { return answer[string](x, v) }
func (x *host) EchoBytes(_ context.Context, v []byte) ([]byte, error)  { return answer[[]byte](x, v) }
func (x *host) EchoBits1(_ context.Context, v values.Bits1) (values.Bits1, error) {
	return answer[values.Bits1](x, v)
}
func (x *host) EchoBits3(_ context.Context, v values.Bits3) (values.Bits3, error) {
	return answer[values.Bits3](x, v)
}
func (x *host) EchoBits8(_ context.Context, v values.Bits8) (values.Bits8, error) {
	return answer[values.Bits8](x, v)
}
func (x *host) EchoBits9(_ context.Context, v values.Bits9) (values.Bits9, error) {
	return answer[values.Bits9](x, v)
}
func (x *host) EchoBits16(_ context.Context, v values.Bits16) (values.Bits16, error) {
	return answer[values.Bits16](x, v)
}
func (x *host) EchoBits17(_ context.Context, v values.Bits17) (values.Bits17, error) {
	return answer[values.Bits17](x, v)
}
func (x *host) EchoBits32(_ context.Context, v values.Bits32) (values.Bits32, error) {
	return answer[values.Bits32](x, v)
}
func (x *host) EchoOne(_ context.Context, v values.One) (values.One, error) {
	return answer[values.One](x, v)
}
func (x *host) EchoFew(_ context.Context, v values.Few) (values.Few, error) {
	return answer[values.Few](x, v)
}
func (x *host) EchoMany(_ context.Context, v values.Many) (values.Many, error) {
	return answer[values.Many](x, v)
}
func (x *host) EchoPoint(_ context.Context, v values.Point) (values.Point, error) {
	return answer[values.Point](x, v)
}
func (x *host) EchoSingle(_ context.Context, v values.Single) (values.Single, error) {
	return answer[values.Single](x, v)
}
func (x *host) EchoPadded(_ context.Context, v values.Padded) (values.Padded, error) {
	return answer[values.Padded](x, v)
}
func (x *host) EchoWide(_ context.Context, v values.Wide) (values.Wide, error) {
	return answer[values.Wide](x, v)
}
func (x *host) EchoJoined(_ context.Context, v values.Joined) (values.Joined, error) {
	return answer[values.Joined](x, v)
}
func (x *host) EchoOuter(_ context.Context, v values.Outer) (values.Outer, error) {
	return answer[values.Outer](x, v)
}
func (x *host) EchoPlain(_ context.Context, v values.Plain) (values.Plain, error) {
	return answer[values.Plain](x, v)
}
func (x *host) EchoAlias(_ context.Context, v values.Alias) (values.Alias, error) {
	return answer[values.Alias](x, v)
}
func (x *host) EchoListS8(_ context.Context, v []int8) ([]int8, error) { return answer[[]int8](x, v) }
func (x *host) EchoListU16(_ context.Context, v []uint16) ([]uint16, error) {
	return answer[[]uint16](x, v)
}
func (x *host) EchoListS16(_ context.Context, v []int16) ([]int16, error) {
	return answer[[]int16](x, v)
}
func (x *host) EchoListU32(_ context.Context, v []uint32) ([]uint32, error) {
	return answer[[]uint32](x, v)
}
func (x *host) EchoListS32(_ context.Context, v []int32) ([]int32, error) {
	return answer[[]int32](x, v)
}
func (x *host) EchoListU64(_ context.Context, v []uint64) ([]uint64, error) {
	return answer[[]uint64](x, v)
}
func (x *host) EchoListS64(_ context.Context, v []int64) ([]int64, error) {
	return answer[[]int64](x, v)
}
func (x *host) EchoListF32(_ context.Context, v []float32) ([]float32, error) {
	return answer[[]float32](x, v)
}
func (x *host) EchoListF64(_ context.Context, v []float64) ([]float64, error) {
	return answer[[]float64](x, v)
}
func (x *host) EchoListBool(_ context.Context, v []bool) ([]bool, error) { return answer[[]bool](x, v) }
func (x *host) EchoListChar(_ context.Context, v []rune) ([]rune, error) { return answer[[]rune](x, v) }
func (x *host) EchoListString(_ context.Context, v []string) ([]string, error) {
	return answer[[]string](x, v)
}
func (x *host) EchoListList(_ context.Context, v [][][]byte) ([][][]byte, error) {
	return answer[[][][]byte](x, v)
}
func (x *host) EchoListFlags(_ context.Context, v []abi.Tuple4[values.Bits3, values.Bits17, values.Few, values.Many]) ([]abi.Tuple4[values.Bits3, values.Bits17, values.Few, values.Many], error) {
	return answer[[]abi.Tuple4[values.Bits3, values.Bits17, values.Few, values.Many]](x, v)
}
func (x *host) EchoListPadded(_ context.Context, v []values.Padded) ([]values.Padded, error) {
	return answer[[]values.Padded](x, v)
}
func (x *host) EchoListPoint(_ context.Context, v []values.Point) ([]values.Point, error) {
	return answer[[]values.Point](x, v)
}
func (x *host) EchoFixed(_ context.Context, v [3]uint16) ([3]uint16, error) {
	return answer[[3]uint16](x, v)
}
func (x *host) EchoFixedBytes(_ context.Context, v [20]uint8) ([20]uint8, error) {
	return answer[[20]uint8](x, v)
}
func (x *host) EchoFixedPadded(_ context.Context, v [2]abi.Tuple2[values.Padded, [2]string]) ([2]abi.Tuple2[values.Padded, [2]string], error) {
	return answer[[2]abi.Tuple2[values.Padded, [2]string]](x, v)
}
func (x *host) EchoMap(_ context.Context, v []abi.Tuple2[string, uint32]) ([]abi.Tuple2[string, uint32], error) {
	return answer[[]abi.Tuple2[string, uint32]](x, v)
}
func (x *host) EchoMapOuter(_ context.Context, v []abi.Tuple2[uint8, values.Outer]) ([]abi.Tuple2[uint8, values.Outer], error) {
	return answer[[]abi.Tuple2[uint8, values.Outer]](x, v)
}
func (x *host) EchoOptionOption(_ context.Context, v abi.Option[abi.Option[uint8]]) (abi.Option[abi.Option[uint8]], error) {
	return answer[abi.Option[abi.Option[uint8]]](x, v)
}
func (x *host) EchoOptionString(_ context.Context, v abi.Option[string]) (abi.Option[string], error) {
	return answer[abi.Option[string]](x, v)
}
func (x *host) EchoResult(_ context.Context, v abi.Result[uint64, string]) (uint64, error) {
	return split[uint64, string](x, boxed[string], v)
}
func (x *host) EchoResultNested(_ context.Context, v abi.Tuple4[abi.Result[abi.Option[int16], values.Few], abi.Result[abi.Unit, values.Joined], abi.Result[values.Point, abi.Unit], abi.Result[abi.Unit, abi.Unit]]) (abi.Tuple4[abi.Result[abi.Option[int16], values.Few], abi.Result[abi.Unit, values.Joined], abi.Result[values.Point, abi.Unit], abi.Result[abi.Unit, abi.Unit]], error) {
	return answer[abi.Tuple4[abi.Result[abi.Option[int16], values.Few], abi.Result[abi.Unit, values.Joined], abi.Result[values.Point, abi.Unit], abi.Result[abi.Unit, abi.Unit]]](x, v)
}
func (x *host) EchoTuple(_ context.Context, v abi.Tuple5[uint8, uint64, int16, string, float32]) (abi.Tuple5[uint8, uint64, int16, string, float32], error) {
	return answer[abi.Tuple5[uint8, uint64, int16, string, float32]](x, v)
}
func (x *host) EchoOptionOuter(_ context.Context, v abi.Option[values.Outer]) (abi.Option[values.Outer], error) {
	return answer[abi.Option[values.Outer]](x, v)
}
func (x *host) ManyParams(_ context.Context, a uint8, b int64, c string, d float32, e []byte, f abi.Option[uint16], g values.Point, h values.Few, i values.Joined, length rune, failed bool) (abi.Tuple11[uint8, int64, string, float32, []byte, abi.Option[uint16], values.Point, values.Few, values.Joined, rune, bool], error) {
	return answer[abi.Tuple11[uint8, int64, string, float32, []byte, abi.Option[uint16], values.Point, values.Few, values.Joined, rune, bool]](x, a, b, c, d, e, f, g, h, i, length, failed)
}
func (x *host) FlatLimit(_ context.Context, a uint64, b float32, c uint8, d int8, e float64, f string, g values.Joined, h []byte, i values.Bits32, j values.Many, k bool, last values.One) (float64, error) {
	return answer[float64](x, a, b, c, d, e, f, g, h, i, j, k, last)
}
func (x *host) FlatParams(_ context.Context, a uint8, b int64, c string, d float32, e abi.Option[values.OuterSmall]) (abi.Tuple5[uint8, int64, string, float32, abi.Option[values.OuterSmall]], error) {
	return answer[abi.Tuple5[uint8, int64, string, float32, abi.Option[values.OuterSmall]]](x, a, b, c, d, e)
}
func (x *host) Nothing(_ context.Context) error { return done(x) }
func (x *host) TryString(_ context.Context, v uint32) (string, error) {
	return split[string, string](x, boxed[string], v)
}
func (x *host) TryPlain(_ context.Context, v values.Plain) (uint64, error) {
	return split[uint64, values.Plain](x, own[values.Plain], v)
}
func (x *host) TryFailure(_ context.Context, v values.Failure) ([]values.Point, error) {
	return split[[]values.Point, values.Failure](x, own[values.Failure], v)
}
func (x *host) TryJoined(_ context.Context, v values.Joined) error {
	return fails[values.Joined](x, own[values.Joined], v)
}
func (x *host) TryNone(_ context.Context, v bool) (values.Point, error) {
	return split[values.Point, abi.Unit](x, boxed[abi.Unit], v)
}
func (x *host) TryUnit(_ context.Context, v bool) error {
	return fails[abi.Unit](x, boxed[abi.Unit], v)
}
func (x *host) TryOption(_ context.Context, v abi.Option[uint8]) error {
	return fails[abi.Option[uint8]](x, boxed[abi.Option[uint8]], v)
}
func (x *host) TryFlags(_ context.Context, v values.Bits9) (bool, error) {
	return split[bool, values.Bits9](x, own[values.Bits9], v)
}
func (x *host) Swap(_ context.Context, a values.Labelled, b abi.Option[values.Labelled]) (abi.Tuple2[abi.Option[values.Labelled], values.Labelled], error) {
	return answer[abi.Tuple2[abi.Option[values.Labelled], values.Labelled]](x, a, b)
}
func (x *host) Depth(_ context.Context, p values.Peek) (uint8, error) { return answer[uint8](x, p) }
func (x *host) Spread(_ context.Context, n values.Node) ([]values.Labelled, error) {
	return split[[]values.Labelled, string](x, boxed[string], n)
}
func (x *host) NewNode(_ context.Context, name string) (values.Node, error) {
	return answer[values.Node](x, name)
}
func (x *host) NodeFind(_ context.Context, roots []values.Node, name string) (abi.Option[values.Node], error) {
	return answer[abi.Option[values.Node]](x, roots, name)
}
func (n *node) Name(_ context.Context) (string, error) { return answer[string](n.host, n) }
func (n *node) Children(_ context.Context) ([]values.Node, error) {
	return answer[[]values.Node](n.host, n)
}
func (n *node) Adopt(_ context.Context, children []values.Node) (uint32, error) {
	return answer[uint32](n.host, n, children)
}
func (n *node) Connect(_ context.Context, others []values.Node, at values.Point) (values.Node, error) {
	return split[values.Node, values.NodeError](n.host, own[values.NodeError], n, others, at)
}
func (n *node) DropMethod(_ context.Context) error { return done(n.host, n) }
