"""Steps of the kernels on sixteen commodities at once, written as vector instructions.

In:     arrays and flat places in them; every step reads or writes 16 numbers that lie side by side
Out:    numba intrinsics
Not:    loops and what the steps mean together (sweeps.py, repair.py)
Words:  pack = a fraction as 16 bits: 5 of exponent and 11 of mantissa, no sign, 2^-31 … 2, relative
        error 2.5e-4; below 2^-31 it is 0
Source: polynomials fitted on Chebyshev points, relative error of exp 2e-7, absolute error of log 2e-7.
        A loop over 16 would do the same, but the compiler must then prove for each that the arrays do
        not overlap: four times slower (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WIDTH = 16
_FLOAT, _DOUBLE, _INT, _SHORT = ir.FloatType(), ir.DoubleType(), ir.IntType(32), ir.IntType(16)
_OFFSET = 96 << 23  # exponent of 2^-31
# exp2 on (-1, 0] and log(1 + x) / x on [0, 1), lowest power first
_EXP2 = (0.99999999, 0.69314701, 0.240223939, 0.0554893091, 0.00957680234, 0.00127287235, 0.000108453046)
_LOG = (
    0.99999997,
    -0.49999436,
    0.33317934,
    -0.24833945,
    0.1907131,
    -0.135906,
    0.07738074,
    -0.02899196,
    0.00510583,
)


class _Vector:
    """Sixteen lanes; every method emits instructions."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.b = context, builder

    def at(self, signature: Any, args: Any, array: int, place: int, element: Any) -> Any:
        """Pointer to 16 elements of argument ``array`` from the flat place in argument ``place``."""
        struct = self.context.make_array(signature.args[array])(self.context, self.b, args[array])
        pointer = self.b.gep(struct.data, [args[place]])
        return self.b.bitcast(pointer, ir.VectorType(element, WIDTH).as_pointer())

    def load(self, pointer: Any, element: Any) -> Any:
        size = {_FLOAT: 4, _DOUBLE: 8, _SHORT: 2}[element]
        found = self.b.load(pointer)
        found.align = size
        return found

    def store(self, value: Any, pointer: Any, size: int) -> None:
        self.b.store(value, pointer).align = size

    def const(self, value: float, element: Any = _FLOAT) -> Any:
        return ir.Constant(ir.VectorType(element, WIDTH), [value] * WIDTH)

    def spread(self, scalar: Any) -> Any:
        kind = ir.VectorType(scalar.type, WIDTH)
        one = self.b.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(_INT, 0))
        mask = ir.Constant(ir.VectorType(_INT, WIDTH), [0] * WIDTH)
        return self.b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), mask)

    def mul(self, x: Any, y: Any) -> Any:
        return self.b.fmul(x, y, flags=["contract", "reassoc"])

    def add(self, x: Any, y: Any) -> Any:
        return self.b.fadd(x, y, flags=["contract", "reassoc"])

    def sub(self, x: Any, y: Any) -> Any:
        return self.b.fsub(x, y, flags=["contract"])

    def least(self, x: Any, y: Any) -> Any:
        return self.b.select(self.b.fcmp_ordered("<", x, y), x, y)

    def most(self, x: Any, y: Any) -> Any:
        return self.b.select(self.b.fcmp_ordered(">", x, y), x, y)

    def sum(self, x: Any) -> Any:
        element = x.type.element
        name = "llvm.vector.reduce.fadd.v16f32" if element == _FLOAT else "llvm.vector.reduce.fadd.v16f64"
        fn = self.b.module.declare_intrinsic(name, fnty=ir.FunctionType(element, [element, x.type]))
        return self.b.call(fn, [ir.Constant(element, 0.0), x], fastmath=["reassoc"])

    def unpack(self, code: Any) -> Any:
        kind = ir.VectorType(_INT, WIDTH)
        code = self.b.zext(code, kind)
        bits = self.b.add(self.b.shl(code, self.const(12, _INT)), self.const(_OFFSET, _INT))
        value = self.b.bitcast(bits, ir.VectorType(_FLOAT, WIDTH))
        zero = self.b.icmp_unsigned("==", code, self.const(0, _INT))
        return self.b.select(zero, self.const(0.0), value)

    def pack(self, x: Any) -> Any:
        kind = ir.VectorType(_INT, WIDTH)
        code = self.b.sub(self.b.bitcast(x, kind), self.const(_OFFSET - (1 << 11), _INT))
        code = self.b.ashr(code, self.const(12, _INT))
        code = self.b.select(self.b.icmp_signed("<", code, self.const(0, _INT)), self.const(0, _INT), code)
        return self.b.trunc(code, ir.VectorType(_SHORT, WIDTH))

    def _horner(self, x: Any, coefficients: tuple[float, ...]) -> Any:
        total = self.const(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            total = self.add(self.mul(total, x), self.const(c))
        return total

    def exp(self, x: Any) -> Any:
        """For x ≤ 0; never below 2^-90, so that no product of it is denormal, which would be slow."""
        whole = ir.VectorType(_INT, WIDTH)
        z = self.most(self.mul(x, self.const(1.4426950408889634)), self.const(-90.0))
        k = self.b.fptosi(z, whole)
        power = self._horner(self.sub(z, self.b.sitofp(k, ir.VectorType(_FLOAT, WIDTH))), _EXP2)
        scale = self.b.shl(self.b.add(k, self.const(127, _INT)), self.const(23, _INT))
        return self.mul(power, self.b.bitcast(scale, ir.VectorType(_FLOAT, WIDTH)))

    def log(self, x: Any) -> Any:
        """For normal positive numbers."""
        floats = ir.VectorType(_FLOAT, WIDTH)
        bits = self.b.bitcast(x, ir.VectorType(_INT, WIDTH))
        exponent = self.b.sub(self.b.ashr(bits, self.const(23, _INT)), self.const(127, _INT))
        mantissa = self.b.or_(self.b.and_(bits, self.const(0x7FFFFF, _INT)), self.const(0x3F800000, _INT))
        x = self.sub(self.b.bitcast(mantissa, floats), self.const(1.0))
        part = self.mul(x, self._horner(x, _LOG))
        return self.add(part, self.mul(self.b.sitofp(exponent, floats), self.const(0.6931471805599453)))

    def double(self, x: Any) -> Any:
        return self.b.fpext(x, ir.VectorType(_DOUBLE, WIDTH))


def _step(kinds: str, returns: Any, body: Callable[..., Any]) -> Any:
    """An intrinsic from a body. ``kinds``: per argument f, d, h (an array of float, double, 16 bits with
    the place that follows it) or s, r (one float, one double)."""
    names = []
    for i, kind in enumerate(kinds):
        names += [f"a{i}", f"p{i}"] if kind in "fdh" else [f"s{i}"]

    def outer(typing: Any, *given: Any) -> Any:
        arguments: list[Any] = []
        position = 0
        for kind in kinds:
            if kind in "fdh":
                arguments += [given[position], types.intp]
                position += 2
            else:
                arguments.append(types.float32 if kind == "s" else types.float64)
                position += 1

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            v = _Vector(context, builder)
            handed: list[Any] = []
            position = 0
            for kind in kinds:
                if kind in "fdh":
                    element = {"f": _FLOAT, "d": _DOUBLE, "h": _SHORT}[kind]
                    handed.append(v.at(signature, args, position, position + 1, element))
                    position += 2
                else:
                    handed.append(args[position])
                    position += 1
            found = body(v, *handed)
            return context.get_dummy_value() if returns is types.void else found

        return returns(*arguments), emit

    source = f"def step(typing, {', '.join(names)}):\n    return outer(typing, {', '.join(names)})\n"
    space: dict[str, Any] = {"outer": outer}
    exec(source, space)  # an intrinsic needs a plain signature, which differs from step to step
    return intrinsic(space["step"])


def _f(v: _Vector, pointer: Any) -> Any:
    return v.load(pointer, _FLOAT)


def _d(v: _Vector, pointer: Any) -> Any:
    return v.load(pointer, _DOUBLE)


def _h(v: _Vector, pointer: Any) -> Any:
    return v.unpack(v.load(pointer, _SHORT))


def _fill(v: _Vector, to: Any, value: Any) -> None:
    v.store(v.spread(value), to, 4)


def _begin(v: _Vector, ahead: Any, stay: Any, work: Any, low: Any) -> None:
    m = v.add(_f(v, ahead), v.spread(stay))
    v.store(m, work, 4)
    v.store(m, low, 4)


def _offer(v: _Vector, ahead: Any, base: Any, work: Any, low: Any) -> None:
    m = v.add(_f(v, ahead), v.spread(base))
    v.store(m, work, 4)
    v.store(v.least(m, _f(v, low)), low, 4)


def _offer_barred(v: _Vector, ahead: Any, base: Any, bar: Any, work: Any, low: Any) -> None:
    m = v.add(v.add(_f(v, ahead), v.spread(base)), _f(v, bar))
    v.store(m, work, 4)
    v.store(v.least(m, _f(v, low)), low, 4)


def _weigh(v: _Vector, reference: Any, work: Any, low: Any, inverse: Any, mix: Any, total: Any) -> None:
    m = v.mul(v.sub(_f(v, low), _f(v, work)), _f(v, inverse))
    x = v.mul(v.add(_h(v, reference), v.spread(mix)), v.exp(m))
    v.store(x, work, 4)
    v.store(v.add(x, _f(v, total)), total, 4)


def _settle(v: _Vector, low: Any, total: Any, mu: Any, value: Any) -> None:
    z = _f(v, total)
    v.store(v.sub(_f(v, low), v.mul(_f(v, mu), v.log(z))), value, 4)
    v.store(v.b.fdiv(v.const(1.0), z), total, 4)


def _write(v: _Vector, work: Any, total: Any, to: Any) -> None:
    v.store(v.pack(v.mul(_f(v, work), _f(v, total))), to, 2)


def _two(
    v: _Vector, go: Any, bar: Any, go_base: Any, stay: Any, stay_base: Any, reference: Any,
    inverse: Any, mu: Any, mix: Any, value: Any, to: Any,
) -> None:  # fmt: skip
    a = v.add(v.add(_f(v, go), _f(v, bar)), v.spread(go_base))
    b = v.add(_f(v, stay), v.spread(stay_base))
    m = v.least(a, b)
    r, mix_, inverse_ = _h(v, reference), v.spread(mix), _f(v, inverse)
    x = v.mul(v.add(r, mix_), v.exp(v.mul(v.sub(m, a), inverse_)))
    rest = v.most(v.sub(v.const(1.0), r), v.const(0.0))
    y = v.mul(v.add(rest, mix_), v.exp(v.mul(v.sub(m, b), inverse_)))
    z = v.add(x, y)
    v.store(v.sub(m, v.mul(_f(v, mu), v.log(z))), value, 4)
    v.store(v.pack(v.b.fdiv(x, z)), to, 2)


def _accept(v: _Vector, off: Any, supply: Any, part: Any, fraction: Any, taken: Any) -> Any:
    o = v.add(_f(v, off), v.mul(_f(v, supply), v.spread(part)))
    a = v.mul(o, _h(v, fraction))
    v.store(v.sub(o, a), off, 4)
    v.store(a, taken, 4)
    return v.sum(a)


def _enter(v: _Vector, supply: Any, part: Any, taken: Any) -> None:
    v.store(v.mul(_f(v, supply), v.spread(part)), taken, 4)


def _sort(v: _Vector, taken: Any, inbox: Any, stock: Any, fraction: Any, ready: Any) -> Any:
    y = v.add(v.add(_f(v, taken), _f(v, inbox)), _f(v, stock))
    s = v.mul(y, _h(v, fraction))
    v.store(v.sub(y, s), stock, 4)
    v.store(v.add(_f(v, ready), s), ready, 4)
    return v.sum(s)


def _first(v: _Vector, code: Any, total: Any) -> None:
    v.store(_h(v, code), total, 4)


def _more(v: _Vector, code: Any, total: Any) -> None:
    v.store(v.add(_f(v, total), _h(v, code)), total, 4)


def _divide(v: _Vector, amount: Any, total: Any) -> None:
    v.store(v.b.fdiv(_f(v, amount), v.most(_f(v, total), v.const(1e-20))), total, 4)


def _send(v: _Vector, code: Any, rate: Any, inbox: Any) -> Any:
    x = v.mul(_f(v, rate), _h(v, code))
    v.store(v.add(_f(v, inbox), x), inbox, 4)
    return v.sum(x)


def _keep(v: _Vector, code: Any, rate: Any, to: Any) -> None:
    v.store(v.mul(_f(v, rate), _h(v, code)), to, 4)


def _sum(v: _Vector, x: Any) -> Any:
    return v.sum(_f(v, x))


def _sum_d(v: _Vector, x: Any) -> Any:
    return v.sum(_d(v, x))


def _code_d(v: _Vector, code: Any, drop: Any) -> Any:
    w = v.double(_h(v, code))
    return v.b.select(v.b.fcmp_ordered(">", w, v.spread(drop)), w, v.const(0.0, _DOUBLE))


def _open_d(v: _Vector, code: Any, to: Any) -> None:
    v.store(v.double(_h(v, code)), to, 8)


def _more_d(v: _Vector, code: Any, drop: Any, factor: Any, total: Any) -> None:
    v.store(v.add(_d(v, total), v.mul(_code_d(v, code, drop), v.spread(factor))), total, 8)


def _rate_d(v: _Vector, amount: Any, total: Any) -> None:
    v.store(v.b.fdiv(_d(v, amount), v.add(_d(v, total), v.const(1e-200, _DOUBLE))), total, 8)


def _load_d(v: _Vector, code: Any, drop: Any, rate: Any) -> Any:
    return v.sum(v.mul(_code_d(v, code, drop), _d(v, rate)))


def _send_d(v: _Vector, code: Any, drop: Any, rate: Any, factor: Any, rest: Any, inbox: Any, to: Any) -> Any:
    left = _d(v, rest)
    x = v.least(v.mul(v.mul(_code_d(v, code, drop), _d(v, rate)), v.spread(factor)), left)
    v.store(v.sub(left, x), rest, 8)
    v.store(v.add(_d(v, inbox), x), inbox, 8)
    v.store(x, to, 8)
    return v.sum(x)


def _tilted_d(v: _Vector, amount: Any, fraction: Any, tilt: Any) -> Any:
    f = _d(v, fraction)
    up = v.mul(f, v.spread(tilt))
    rest = v.most(v.sub(v.const(1.0, _DOUBLE), f), v.const(0.0, _DOUBLE))
    under = v.add(v.add(up, rest), v.const(1e-200, _DOUBLE))
    return v.b.fdiv(v.mul(_d(v, amount), up), under)


def _tilt_load_d(v: _Vector, amount: Any, fraction: Any, tilt: Any) -> Any:
    return v.sum(_tilted_d(v, amount, fraction, tilt))


def _tilt_move_d(v: _Vector, of: Any, fraction: Any, tilt: Any, part: Any, to: Any, moved: Any) -> Any:
    have = _d(v, of)
    x = v.least(v.mul(_tilted_d(v, of, fraction, tilt), v.spread(part)), have)
    v.store(v.sub(have, x), of, 8)
    v.store(v.add(_d(v, to), x), to, 8)
    v.store(x, moved, 8)
    return v.sum(x)


def _join_d(v: _Vector, of: Any, to: Any) -> None:
    v.store(v.add(_d(v, of), _d(v, to)), to, 8)
    v.store(v.const(0.0, _DOUBLE), of, 8)


def _best(v: _Vector, ahead: Any, base: Any, low: Any) -> None:
    v.store(v.least(_d(v, low), v.add(_d(v, ahead), v.spread(base))), low, 8)


def _best_barred(v: _Vector, ahead: Any, base: Any, bar: Any, low: Any) -> None:
    m = v.add(v.add(_d(v, ahead), v.spread(base)), _d(v, bar))
    v.store(v.least(_d(v, low), m), low, 8)


def _as_good(v: _Vector, ahead: Any, base: Any, low: Any) -> Any:
    hit = v.b.fcmp_ordered("<=", v.add(_d(v, ahead), v.spread(base)), v.add(_d(v, low), v.const(1e-9, _DOUBLE)))
    return v.sum(v.b.select(hit, v.const(1.0, _DOUBLE), v.const(0.0, _DOUBLE)))


def _set_d(v: _Vector, ahead: Any, base: Any, to: Any) -> None:
    v.store(v.add(_d(v, ahead), v.spread(base)), to, 8)


def _value(v: _Vector, supply: Any, part: Any, value: Any) -> Any:
    return v.sum(v.mul(v.mul(v.double(_f(v, supply)), v.spread(part)), _d(v, value)))


fill = _step("fs", types.void, _fill)
begin = _step("fsff", types.void, _begin)
offer = _step("fsff", types.void, _offer)
offer_barred = _step("fsfff", types.void, _offer_barred)
weigh = _step("hfffsf", types.void, _weigh)
settle = _step("ffff", types.void, _settle)
write = _step("ffh", types.void, _write)
two = _step("ffsfshffsfh", types.void, _two)
accept = _step("ffshf", types.float32, _accept)
enter = _step("fsf", types.void, _enter)
sort = _step("fffhf", types.float32, _sort)
first_code = _step("hf", types.void, _first)
more = _step("hf", types.void, _more)
divide = _step("ff", types.void, _divide)
send = _step("hff", types.float32, _send)
keep = _step("hff", types.void, _keep)
total = _step("f", types.float32, _sum)
total_d = _step("d", types.float64, _sum_d)
open_d = _step("hd", types.void, _open_d)
more_d = _step("hrrd", types.void, _more_d)
rate_d = _step("dd", types.void, _rate_d)
load_d = _step("hrd", types.float64, _load_d)
send_d = _step("hrdrddd", types.float64, _send_d)
tilt_load_d = _step("ddr", types.float64, _tilt_load_d)
tilt_move_d = _step("ddrrdd", types.float64, _tilt_move_d)
join_d = _step("dd", types.void, _join_d)
best = _step("drd", types.void, _best)
best_barred = _step("drdd", types.void, _best_barred)
as_good = _step("drd", types.float64, _as_good)
set_d = _step("drd", types.void, _set_d)
value_of = _step("frd", types.float64, _value)


def _unpack(typing: Any, code: Any) -> Any:
    """One fraction out of its 16 bits."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = builder.zext(args[0], _INT)
        bits = builder.add(builder.shl(code, ir.Constant(_INT, 12)), ir.Constant(_INT, _OFFSET))
        value = builder.bitcast(bits, _FLOAT)
        return builder.select(builder.icmp_unsigned("==", code, ir.Constant(_INT, 0)), ir.Constant(_FLOAT, 0.0), value)

    return types.float32(types.uint16), emit


def _pack(typing: Any, x: Any) -> Any:
    """One fraction in [0, 2) as 16 bits."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.sub(builder.bitcast(args[0], _INT), ir.Constant(_INT, _OFFSET - (1 << 11)))
        code = builder.ashr(bits, ir.Constant(_INT, 12))
        negative = builder.icmp_signed("<", code, ir.Constant(_INT, 0))
        return builder.trunc(builder.select(negative, ir.Constant(_INT, 0), code), _SHORT)

    return types.uint16(types.float32), emit


unpack: Any = intrinsic(_unpack)
pack: Any = intrinsic(_pack)
