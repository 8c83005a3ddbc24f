"""Sixteen numbers that lie side by side, as one value in compiled code.

In:     arrays and flat places in them
Out:    two numba types, of 16 floats and 16 doubles, with + - * /, load, save and some functions
Not:    loops and what the steps mean together (sweeps.py, repair.py)
Words:  fraction as 16 bits: 5 of exponent and 11 of mantissa, no sign, 2^-31 … 2, relative error
        2.5e-4; below 2^-31 it is 0. Arrays of uint16 hold these; load and save translate
Source: polynomials fitted on Chebyshev points, relative error of exp2 2e-7, absolute error of log 2e-7.
        A loop over 16 would do the same, but the compiler must then prove for each that the arrays do
        not overlap: four times slower (docs/benchmarks.md).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

WIDTH = 16
_FLOAT, _DOUBLE, _INT, _SHORT = ir.FloatType(), ir.DoubleType(), ir.IntType(32), ir.IntType(16)
_FLOATS, _DOUBLES, _INTS, _SHORTS = (ir.VectorType(x, WIDTH) for x in (_FLOAT, _DOUBLE, _INT, _SHORT))
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
_CONTRACT = ["contract", "reassoc"]


class _Sixteen(types.Type):
    """Sixteen numbers of one precision."""

    def __init__(self, scalar: types.Float) -> None:
        self.scalar = scalar
        super().__init__(name=f"Sixteen({scalar})")


floats, doubles = _Sixteen(types.float32), _Sixteen(types.float64)


@register_model(_Sixteen)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: _Sixteen) -> None:
        super().__init__(manager, kind, _FLOATS if kind.scalar == types.float32 else _DOUBLES)  # type: ignore[no-untyped-call]


def _many(value: float, kind: Any) -> Any:
    return ir.Constant(kind, [value] * WIDTH)


def _spread(b: Any, scalar: Any) -> Any:
    kind = ir.VectorType(scalar.type, WIDTH)
    one = b.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(_INT, 0))
    return b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), _many(0, _INTS))


def _sixteen(context: Any, b: Any, value: Any, given: Any, wanted: _Sixteen) -> Any:
    """A value as sixteen: spread where it is one number, widened where it is less precise."""
    if isinstance(given, _Sixteen):
        return value if given == wanted else b.fpext(value, _DOUBLES)
    return _spread(b, context.cast(b, value, given, wanted.scalar))


def _operator(symbol: Any, emit: Callable[[Any, Any, Any], Any]) -> None:
    """Let ``symbol`` work on sixteen with sixteen or with one number."""

    class _Template(AbstractTemplate):
        def generic(self, given: Any, named: Any) -> Any:
            if len(given) != 2 or not any(isinstance(x, _Sixteen) for x in given):
                return None
            exact = doubles in given or (floats not in given)
            kind = doubles if exact else floats
            return signature(kind, *given)  # type: ignore[no-untyped-call]

    infer_global(symbol)(_Template)  # type: ignore[no-untyped-call]

    def lower(context: Any, b: Any, sig: Any, args: Any) -> Any:
        x, y = (_sixteen(context, b, v, t, sig.return_type) for v, t in zip(args, sig.args, strict=True))
        return emit(b, x, y)

    for pair in ((_Sixteen, _Sixteen), (_Sixteen, types.Number), (types.Number, _Sixteen)):
        lower_builtin(symbol, *pair)(lower)  # type: ignore[no-untyped-call]


_operator(operator.add, lambda b, x, y: b.fadd(x, y, flags=_CONTRACT))
_operator(operator.sub, lambda b, x, y: b.fsub(x, y, flags=["contract"]))
_operator(operator.mul, lambda b, x, y: b.fmul(x, y, flags=_CONTRACT))
_operator(operator.truediv, lambda b, x, y: b.fdiv(x, y))


def _pointer(context: Any, b: Any, array_type: Any, array: Any, place: Any, element: Any) -> Any:
    data = context.make_array(array_type)(context, b, array).data
    return b.bitcast(b.gep(data, [place]), ir.VectorType(element, WIDTH).as_pointer())


def _unpacked(b: Any, code: Any) -> Any:
    code = b.zext(code, _INTS)
    value = b.bitcast(b.add(b.shl(code, _many(12, _INTS)), _many(_OFFSET, _INTS)), _FLOATS)
    return b.select(b.icmp_unsigned("==", code, _many(0, _INTS)), _many(0.0, _FLOATS), value)


def _packed(b: Any, x: Any) -> Any:
    code = b.ashr(b.sub(b.bitcast(x, _INTS), _many(_OFFSET - (1 << 11), _INTS)), _many(12, _INTS))
    code = b.select(b.icmp_signed("<", code, _many(0, _INTS)), _many(0, _INTS), code)
    return b.trunc(code, _SHORTS)


_ELEMENTS = {types.float32: (_FLOAT, 4), types.float64: (_DOUBLE, 8), types.uint16: (_SHORT, 2)}


def _load(typing: Any, array: Any, place: Any) -> Any:
    """Sixteen numbers from a flat place of an array."""
    element, size = _ELEMENTS[array.dtype]
    kind = doubles if array.dtype == types.float64 else floats

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        found = b.load(_pointer(context, b, sig.args[0], args[0], args[1], element))
        found.align = size
        return _unpacked(b, found) if element == _SHORT else found

    return kind(array, types.intp), emit


def _load_least(typing: Any, array: Any, place: Any) -> Any:
    """Sixteen fractions from their 16 bits, 2^-31 for those that are 0: what is added to does not need better."""

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        found = b.load(_pointer(context, b, sig.args[0], args[0], args[1], _SHORT))
        found.align = 2
        code = b.zext(found, _INTS)
        return b.bitcast(b.add(b.shl(code, _many(12, _INTS)), _many(_OFFSET, _INTS)), _FLOATS)

    return floats(array, types.intp), emit


def _save(typing: Any, array: Any, place: Any, value: Any) -> Any:
    """Put sixteen numbers to a flat place of an array."""
    element, size = _ELEMENTS[array.dtype]

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        value = _packed(b, args[2]) if element == _SHORT else args[2]
        b.store(value, _pointer(context, b, sig.args[0], args[0], args[1], element)).align = size
        return context.get_dummy_value()

    return types.void(array, types.intp, value), emit


def _all_of(typing: Any, scalar: Any) -> Any:
    """One number sixteen times."""
    kind = doubles if scalar == types.float64 else floats

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        return _spread(b, args[0])

    return kind(kind.scalar), emit


def _pairwise(sign: str) -> Any:
    def outer(typing: Any, x: Any, y: Any) -> Any:
        def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
            other = _sixteen(context, b, args[1], sig.args[1], sig.args[0])
            return b.select(b.fcmp_ordered(sign, args[0], other), args[0], other)

        return x(x, y), emit

    return outer


def _exp2(typing: Any, x: Any) -> Any:
    """2^x for x ≤ 0; never below 2^-90, so that no product of it is denormal, which would be slow."""

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        floor = _many(-90.0, _FLOATS)
        z = b.select(b.fcmp_ordered(">", args[0], floor), args[0], floor)
        k = b.fptosi(z, _INTS)
        power = _horner(b, b.fsub(z, b.sitofp(k, _FLOATS)), _EXP2)
        scale = b.shl(b.add(k, _many(127, _INTS)), _many(23, _INTS))
        return b.fmul(power, b.bitcast(scale, _FLOATS))

    return floats(floats), emit


def _log(typing: Any, x: Any) -> Any:
    """For normal positive numbers."""

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        bits = b.bitcast(args[0], _INTS)
        exponent = b.sub(b.ashr(bits, _many(23, _INTS)), _many(127, _INTS))
        mantissa = b.or_(b.and_(bits, _many(0x7FFFFF, _INTS)), _many(0x3F800000, _INTS))
        x = b.fsub(b.bitcast(mantissa, _FLOATS), _many(1.0, _FLOATS))
        part = b.fmul(x, _horner(b, x, _LOG), flags=_CONTRACT)
        whole = b.fmul(b.sitofp(exponent, _FLOATS), _many(0.6931471805599453, _FLOATS), flags=_CONTRACT)
        return b.fadd(part, whole, flags=_CONTRACT)

    return floats(floats), emit


def _horner(b: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    total = _many(coefficients[-1], _FLOATS)
    for c in reversed(coefficients[:-1]):
        total = b.fadd(b.fmul(total, x, flags=_CONTRACT), _many(c, _FLOATS), flags=_CONTRACT)
    return total


def _added(b: Any, x: Any) -> Any:
    element = x.type.element
    name = "llvm.vector.reduce.fadd.v16f32" if element == _FLOAT else "llvm.vector.reduce.fadd.v16f64"
    reduce = b.module.declare_intrinsic(name, fnty=ir.FunctionType(element, [element, x.type]))
    return b.call(reduce, [ir.Constant(element, 0.0), x], fastmath=["reassoc"])


def _total(typing: Any, x: Any) -> Any:
    """The sum of the sixteen."""

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        return _added(b, args[0])

    return x.scalar(x), emit


def _widen(typing: Any, x: Any) -> Any:
    """Sixteen floats as doubles."""

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        return b.fpext(args[0], _DOUBLES)

    return doubles(floats), emit


def _above(typing: Any, x: Any, least: Any) -> Any:
    """Those of the sixteen that are above ``least``, 0 for the others."""

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        low = _sixteen(context, b, args[1], sig.args[1], sig.args[0])
        return b.select(b.fcmp_ordered(">", args[0], low), args[0], ir.Constant(args[0].type, [0.0] * WIDTH))

    return x(x, least), emit


def _count_up_to(typing: Any, x: Any, limit: Any) -> Any:
    """How many of the sixteen are not above their limit."""

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        hit = b.fcmp_ordered("<=", args[0], args[1])
        return _added(b, b.select(hit, _many(1.0, args[0].type), _many(0.0, args[0].type)))

    return x.scalar(x, limit), emit


def _unpack(typing: Any, code: Any) -> Any:
    """One fraction out of its 16 bits."""

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        code = b.zext(args[0], _INT)
        value = b.bitcast(b.add(b.shl(code, ir.Constant(_INT, 12)), ir.Constant(_INT, _OFFSET)), _FLOAT)
        return b.select(b.icmp_unsigned("==", code, ir.Constant(_INT, 0)), ir.Constant(_FLOAT, 0.0), value)

    return types.float32(types.uint16), emit


def _pack(typing: Any, x: Any) -> Any:
    """One fraction in [0, 2) as 16 bits."""

    def emit(context: Any, b: Any, sig: Any, args: Any) -> Any:
        code = b.ashr(b.sub(b.bitcast(args[0], _INT), ir.Constant(_INT, _OFFSET - (1 << 11))), ir.Constant(_INT, 12))
        return b.trunc(b.select(b.icmp_signed("<", code, ir.Constant(_INT, 0)), ir.Constant(_INT, 0), code), _SHORT)

    return types.uint16(types.float32), emit


load: Any = intrinsic(_load)
load_least: Any = intrinsic(_load_least)
save: Any = intrinsic(_save)
all_of: Any = intrinsic(_all_of)
exp2: Any = intrinsic(_exp2)
log: Any = intrinsic(_log)
total: Any = intrinsic(_total)
widen: Any = intrinsic(_widen)
above: Any = intrinsic(_above)
count_up_to: Any = intrinsic(_count_up_to)
unpack: Any = intrinsic(_unpack)
pack: Any = intrinsic(_pack)


def _least(typing: Any, x: Any, y: Any) -> Any:
    """The smaller of each pair."""
    return _pairwise("<")(typing, x, y)


def _most(typing: Any, x: Any, y: Any) -> Any:
    """The larger of each pair."""
    return _pairwise(">")(typing, x, y)


least: Any = intrinsic(_least)
most: Any = intrinsic(_most)
