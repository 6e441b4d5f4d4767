"""From a safe syntax tree to a Python function, made once and called for every record."""

import ast
import itertools
from collections.abc import Callable, Mapping
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

from weft_engine.errors import ExpressionError
from weft_engine.nodes import expression_runtime as runtime
from weft_engine.nodes.expression_cost import is_metered
from weft_engine.nodes.expression_failures import Failed, describe
from weft_engine.nodes.expression_parse import Source, parse, too_deep
from weft_engine.nodes.expression_rewrite import Rewriter
from weft_engine.nodes.functions import FUNCTIONS

Evaluate = Callable[[Any, Mapping[str, Any]], Any]

_HELPERS: Final[dict[str, Any]] = {
    "_add": runtime.add,
    "_multiply": runtime.multiply,
    "_modulo": runtime.modulo,
    "_power": runtime.power,
    "_look_up": runtime.look_up,
    "_new_meter": runtime.Meter,
}
_PLAIN: Final = """
def expression(item, env):
    try:
        return 0
    except _errors as error:
        raise _explain(error, item, env) from None
"""
_METERED: Final = _PLAIN.replace("    try:", "    _meter = _new_meter()\n    try:")
_NUMBERS: Final = itertools.count(1)


class Compiled:
    """An expression as code."""

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        tree, self.source = parse(text)
        metered = is_metered(tree)
        rewriter = Rewriter(self.source, names, metered=metered)
        safe = rewriter.rewrite(tree)
        self.tree = tree
        self.safe = safe
        self.metered = metered
        self.fields = frozenset(rewriter.fields)
        self.used = frozenset(rewriter.used)
        self._made = rewriter.made
        number = next(_NUMBERS)
        self.filename = f"<expression {number}>"
        self.namespace: dict[str, Any] = {
            "__builtins__": {},
            "_explain": self.explain,
            "_errors": Exception,
            **_HELPERS,
            **{f"_f_{name}": FUNCTIONS[name].call for name in rewriter.functions},
        }
        self.function: Evaluate = self._function(safe, metered=metered)
        if metered:  # its counter needs a function of its own, so code that inlines it calls that
            self.python = f"_expression_{number}(item, env)"
            self.namespace[f"_expression_{number}"] = self.function
        else:
            self.python = ast.unparse(ast.fix_missing_locations(safe))

    def _function(self, safe: ast.expr, *, metered: bool) -> Evaluate:
        module = ast.parse(_METERED if metered else _PLAIN)
        returned = next(node for node in ast.walk(module) if isinstance(node, ast.Return))
        returned.value = safe
        namespace = dict(self.namespace)
        try:
            code = compile(ast.fix_missing_locations(module), self.filename, "exec")
        except (RecursionError, MemoryError):
            raise too_deep() from None
        exec(code, namespace)  # noqa: S102 - a tree built from the whitelist, without builtins
        function: Evaluate = namespace["expression"]
        return function

    def explain(
        self, error: Exception, item: Any, env: Mapping[str, Any] | None = None
    ) -> ExpressionError:
        """Turn what Python says into what the author should know."""
        frame, span = self._place(error.__traceback__)
        if frame is None:  # the code was inlined elsewhere: fail again, here
            try:
                self.function(item, env or {})
            except ExpressionError as again:
                return again
        scope = dict(frame.f_locals) if frame is not None else {}
        scope.setdefault("item", item)
        scope.setdefault("env", env or {})
        scope["_meter"] = runtime.Meter()
        failed = Failed(self.source, self.tree, span, lambda node: self._evaluate(node, scope))
        try:
            return describe(error, failed)
        except Exception as second:  # noqa: BLE001 - the first error matters, however it looks
            return ExpressionError(
                f"the expression failed: {error}",
                code="expression.failed",
                params={"text": self.source.text[:200], "while": str(second)},
            )

    def _place(
        self, traceback: TracebackType | None
    ) -> tuple[FrameType | None, tuple[int, int] | None]:
        """The innermost frame of the expression, and which part of its text it was at."""
        frame: FrameType | None = None
        span: tuple[int, int] | None = None
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == self.filename:
                frame = traceback.tb_frame
                span = _span(frame.f_code, traceback.tb_lasti)
            traceback = traceback.tb_next
        return frame, span

    def _evaluate(self, node: ast.AST, scope: dict[str, Any]) -> Any:
        """The value of a part, where the expression failed."""
        made = ast.fix_missing_locations(ast.Expression(self._made[node]))
        code = compile(made, self.filename, "eval")
        return eval(code, {**self.namespace, **scope})  # noqa: S307 - the same whitelisted tree


def _span(code: CodeType, at: int) -> tuple[int, int] | None:
    position = next(itertools.islice(code.co_positions(), at // 2, None), None)
    if position is None or position[2] is None or position[3] is None:
        return None
    return position[2], position[3]


__all__ = ["Compiled", "Evaluate", "Source"]
