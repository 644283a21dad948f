#!/usr/bin/env python3
"""Writes oracle.json: what the executable reference of the Component Model does.

Run by hand when the reference changes:

    python3 oracle.py PATH/design/mvp/canonical-abi > oracle.json

Each line of the output is one case. Memory starts out filled with 0xaa, so that
bytes which must not be written show. realloc bumps from 16, never frees and
copies what was there; the Go test has the same one.
"""

import json
import math
import random
import struct
import sys

sys.path.insert(0, sys.argv[1])
import definitions as d  # noqa: E402

d.DETERMINISTIC_PROFILE = True
rnd = random.Random(20261123)
MEMORY = 4096
ENCODINGS = ["utf8", "utf16", "latin1+utf16"]


class Context(d.LiftLowerContext):
    """A context whose realloc is a bump allocator that keeps a log."""

    def __init__(self, encoding, memory=None):
        mem = d.MemInst(memory if memory is not None else bytearray(b"\xaa" * MEMORY), "i32")
        super().__init__(d.CanonicalOptions(string_encoding=encoding, memory=mem), None)
        self.next = 16
        self.log = []

    def reallocate(self, old, old_size, alignment, new_size):
        ptr = -(-self.next // alignment) * alignment
        self.next = ptr + new_size
        n = min(old_size, new_size)
        mem = self.opts.memory.bytes
        if self.next <= len(mem):
            mem[ptr : ptr + n] = mem[old : old + n]
        self.log.append([old, old_size, alignment, new_size])
        return ptr

    def dump(self):
        return bytes(self.opts.memory.bytes[: min(self.next, MEMORY)]).hex()


# Types: a JSON form for the Go test, made into the reference's by py().

PRIMS = {
    "bool": d.BoolType, "s8": d.S8Type, "u8": d.U8Type, "s16": d.S16Type, "u16": d.U16Type,
    "s32": d.S32Type, "u32": d.U32Type, "s64": d.S64Type, "u64": d.U64Type, "f32": d.F32Type,
    "f64": d.F64Type, "char": d.CharType, "string": d.StringType,
}


def labels(n):
    return ["l%d" % i for i in range(n)]


def py(t):
    if t is None:
        return None
    if isinstance(t, str):
        return PRIMS[t]()
    [(k, v)] = t.items()
    match k:
        case "list": return d.ListType(py(v))
        case "fixed": return d.ListType(py(v[0]), v[1])
        case "record": return d.RecordType([d.FieldType(l, py(u)) for l, u in zip(labels(len(v)), v)])
        case "tuple": return d.TupleType([py(u) for u in v])
        case "variant": return d.VariantType([d.CaseType(l, py(u)) for l, u in zip(labels(len(v)), v)])
        case "enum": return d.EnumType(labels(v))
        case "flags": return d.FlagsType(labels(v))
        case "option": return d.OptionType(py(v))
        case "result": return d.ResultType(py(v[0]), py(v[1]))
        case "map": return d.MapType(py(v[0]), py(v[1]))


def random_type(depth):
    if depth == 0 or rnd.random() < 0.25:
        return rnd.choice(list(PRIMS))
    some = lambda lo, hi: [random_type(depth - 1) for _ in range(rnd.randint(lo, hi))]
    maybe = lambda: rnd.choice([None, random_type(depth - 1)])
    match rnd.randrange(10):
        case 0: return {"list": random_type(depth - 1)}
        case 1: return {"fixed": [random_type(depth - 1), rnd.randint(1, 4)]}
        case 2: return {"record": some(1, 5)}
        case 3: return {"tuple": some(1, 4)}
        case 4: return {"variant": [maybe() for _ in range(rnd.randint(1, 5))]}
        case 5: return {"enum": rnd.choice([1, 2, 3, 255, 256, 257])}
        case 6: return {"flags": rnd.choice([1, 2, 7, 8, 9, 16, 17, 31, 32])}
        case 7: return {"option": random_type(depth - 1)}
        case 8: return {"result": [maybe(), maybe()]}
        case 9: return {"map": [rnd.choice(["u8", "string", "u64", "char"]), random_type(depth - 1)]}


TEXTS = ["", "a", "abc", "h\u00f6", "\u00ff\u00fe", "\u2603", "ok\u2603\U0001f370", "a\u00e9\u4e2d", "\U0001f600x", "plain ascii text"]


def code_units(s, encoding):
    """The string s as the reference has it when it comes from an encoding."""
    match encoding:
        case "utf8": return (s, "utf8", len(s.encode()))
        case "utf16": return (s, "utf16", len(s.encode("utf-16-le")) // 2)
        case "latin1": return (s, "latin1+utf16", len(s))
        case "tagged": return (s, "latin1+utf16", len(s.encode("utf-16-le")) // 2 | 1 << 31)


def random_value(t):
    if isinstance(t, str):
        match t:
            case "bool": return rnd.choice([False, True])
            case "f32": return rnd.choice([0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, -0.125])
            case "f64": return rnd.choice([0.0, -0.0, 1.1, math.inf, -math.inf, math.nan, -1e300])
            case "char": return rnd.choice("a'\"\\\n\u00e9\ud7ff\ue000\U0010ffff\x00")
            case "string": return code_units(rnd.choice(TEXTS), "utf8")
        bits = int(t[1:])
        lo, hi = (0, (1 << bits) - 1) if t[0] == "u" else (-(1 << bits - 1), (1 << bits - 1) - 1)
        return rnd.choice([lo, hi, 0, 1, rnd.randint(lo, hi)])
    [(k, v)] = t.items()
    pick = lambda cases: (lambda i: {cases[i][0]: None if cases[i][1] is None else random_value(cases[i][1])})(rnd.randrange(len(cases)))
    match k:
        case "list": return [random_value(v) for _ in range(rnd.randint(0, 3))]
        case "fixed": return [random_value(v[0]) for _ in range(v[1])]
        case "record": return {l: random_value(u) for l, u in zip(labels(len(v)), v)}
        case "tuple": return {str(i): random_value(u) for i, u in enumerate(v)}
        case "variant": return pick(list(zip(labels(len(v)), v)))
        case "enum": return {rnd.choice(labels(v)): None}
        case "flags": return {l: rnd.random() < 0.5 for l in labels(v)}
        case "option": return pick([("none", None), ("some", v)])
        case "result": return pick([("ok", v[0]), ("error", v[1])])
        case "map": return [{"0": random_value(v[0]), "1": random_value(v[1])} for _ in range(rnd.randint(0, 3))]


def quote(s, q):
    out = ""
    for c in s:
        if c in (q, "\\"):
            out += "\\" + c
        elif ord(c) < 32 or 0xD7FF <= ord(c) <= 0xF8FF or ord(c) > 0xFFFFF:
            out += "\\u{%x}" % ord(c)
        else:
            out += c
    return q + out + q


def wave(t, v):
    if isinstance(t, str):
        match t:
            case "bool": return "true" if v else "false"
            case "char": return quote(v, "'")
            case "string": return quote(v[0], '"')
            case "f32" | "f64": return "nan" if math.isnan(v) else repr(float(v))
        return str(v)
    [(k, p)] = t.items()
    match k:
        case "list": return "[" + ", ".join(wave(p, x) for x in v) + "]"
        case "fixed": return "[" + ", ".join(wave(p[0], x) for x in v) + "]"
        case "record": return "{" + ", ".join(l + ": " + wave(u, v[l]) for l, u in zip(labels(len(p)), p)) + "}"
        case "tuple": return "(" + ", ".join(wave(u, v[str(i)]) for i, u in enumerate(p)) + ")"
        case "flags": return "{" + ", ".join(l for l in labels(p) if v[l]) + "}"
        case "map": return "{" + (", ".join(wave(p[0], e["0"]) + ": " + wave(p[1], e["1"]) for e in v) or ":") + "}"
    [(label, payload)] = v.items()
    match k:
        case "variant": u = p[int(label[1:])]
        case "enum": u = None
        case "option": u = p if label == "some" else None
        case "result":
            u = p[0] if label == "ok" else p[1]
            label = "err" if label == "error" else label
    return label if u is None else label + "(" + wave(u, payload) + ")"


def bits(types, values):
    """Flat values as unsigned integers."""
    out = []
    for t, v in zip(types, values):
        match t:
            case "f32": v = struct.unpack("<I", struct.pack("<f", v))[0]
            case "f64": v = struct.unpack("<Q", struct.pack("<d", v))[0]
        out.append(str(v))
    return out


def from_bits(types, values):
    out = []
    for t, v in zip(types, values):
        v = int(v)
        match t:
            case "f32": v = struct.unpack("<f", struct.pack("<I", v))[0]
            case "f64": v = struct.unpack("<d", struct.pack("<Q", v))[0]
        out.append(v)
    return out


def emit(case):
    print(json.dumps(case, separators=(",", ":")))


def func_case(encoding, params, result):
    """Layout, flat types, lowering of parameters and of a result."""
    ts, r = [py(t) for t in params], py(result)
    opts = Context(encoding).opts
    ft = d.FuncType([d.ParamType("p%d" % i, t) if hasattr(d, "ParamType") else ("p%d" % i, t) for i, t in enumerate(ts)], [] if r is None else [r])
    flat = {dir: d.flatten_functype(opts, ft, dir) for dir in ("lift", "lower")}
    case = {
        "kind": "func", "encoding": encoding, "params": params, "result": result,
        "sizes": [[d.elem_size(t, "i32"), d.alignment(t, "i32")] for t in ts],
        "lift": [flat["lift"].params, flat["lift"].results],
        "lower": [flat["lower"].params, flat["lower"].results],
    }
    opts.async_ = True
    lower = d.flatten_functype(opts, ft, "lower")
    case |= {"async": [d.flatten_functype(opts, ft, "lift").params, lower.params]}
    try:
        args = [random_value(t) for t in params]
        cx = Context(encoding)
        out = d.lower_flat_values(cx, d.MAX_FLAT_PARAMS, args, ts)
        case |= {"args": [wave(t, v) for t, v in zip(params, args)], "stack": bits(flat["lift"].params, out),
                 "memory": cx.dump(), "reallocs": cx.log}
        if encoding == "utf8":
            cx = Context(encoding)
            out = d.lower_flat_values(cx, d.MAX_FLAT_ASYNC_PARAMS, args, ts)
            case |= {"asyncStack": bits(lower.params, out), "asyncMemory": cx.dump()}
        if r is not None:
            v = random_value(result)
            cx = Context(encoding)
            cx.next = -(-16 // d.alignment(r, "i32")) * d.alignment(r, "i32")
            at = cx.next
            cx.next += d.elem_size(r, "i32")
            stack = d.lower_flat_values(cx, d.MAX_FLAT_RESULTS, [v], [r], d.CoreValueIter([at]))
            case |= {"value": wave(result, v), "resultStack": bits(flat["lower"].results, stack),
                     "resultMemory": cx.dump(), "resultReallocs": cx.log}
    except d.Trap:
        return  # out of the small memory; not of interest here
    if len(json.dumps(case)) < 4000:
        emit(case)


def lift_case(encoding, t):
    """Lifting what has been damaged gives a value or a trap."""
    ts = [py(t)]
    cx = Context(encoding)
    flat_types = d.flatten_types(ts, cx.opts)
    if len(flat_types) > d.MAX_FLAT_PARAMS:
        flat_types = ["i32"]
    try:
        stack = bits(flat_types, d.lower_flat_values(cx, d.MAX_FLAT_PARAMS, [random_value(t)], ts))
    except d.Trap:
        return
    mem = bytearray(bytes.fromhex(cx.dump()))
    for _ in range(rnd.randint(1, 3)):
        if len(mem) > 16 and rnd.random() < 0.7:
            mem[rnd.randrange(16, len(mem))] = rnd.choice([0, 1, 2, 0x7F, 0x80, 0xC3, 0xD8, 0xFF, rnd.randrange(256)])
        else:
            i = rnd.randrange(len(stack))
            width = 64 if flat_types[i] in ("i64", "f64") else 32
            stack[i] = str((int(stack[i]) ^ 1 << rnd.randrange(width)) if rnd.random() < 0.7 else rnd.getrandbits(width))
    case = {"kind": "lift", "encoding": encoding, "params": [t], "stack": stack, "memory": mem.hex()}
    # A float signalling NaN does not survive Python's own conversions; its lifted value is a NaN anyhow.
    try:
        cx = Context(encoding, bytearray(mem))
        [v] = d.lift_flat_values(cx, d.MAX_FLAT_PARAMS, d.CoreValueIter(from_bits(flat_types, stack)), ts)
        case["args"] = [wave(t, v)]
    except d.Trap:
        case["trap"] = True
    if len(json.dumps(case)) < 3000:
        emit(case)


def string_case(source, encoding, text):
    """The realloc sequence of a string from one encoding to another."""
    s = code_units(text, source)
    cx = Context(encoding)
    stack = d.lower_flat(cx, s, d.StringType())
    emit({"kind": "string", "source": source, "encoding": encoding, "text": text, "units": s[2],
          "stack": [str(x) for x in stack], "memory": cx.dump(), "reallocs": cx.log})


def main():
    for t in PRIMS:
        for encoding in ENCODINGS if t == "string" else ["utf8"]:
            func_case(encoding, [t], t)
    for n in [1, 255, 256, 257, 65536, 65537]:
        func_case("utf8", [{"enum": n}], {"enum": n})
    for _ in range(170):
        func_case(rnd.choice(ENCODINGS), [random_type(rnd.randint(0, 3)) for _ in range(rnd.randint(0, 5))],
                  rnd.choice([None, random_type(3)]))
    for _ in range(330):
        lift_case(rnd.choice(ENCODINGS), random_type(3))
    for _ in range(40):
        lift_case(rnd.choice(ENCODINGS), rnd.choice(["string", {"list": "string"}, {"list": "char"}, {"list": "u32"}]))
    for source in ["utf8", "utf16", "latin1", "tagged"]:
        for encoding in ENCODINGS:
            for text in TEXTS:
                if source != "latin1" or all(ord(c) < 256 for c in text):
                    string_case(source, encoding, text)


main()
