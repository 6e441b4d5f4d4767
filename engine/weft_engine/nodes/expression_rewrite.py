"""From a syntax tree to one that is safe to run: a whitelist, node by node.

Nothing of Python is reachable from the result: attributes become look-ups of fields, names are the
record, the environment or a variable of a comprehension, and calls go to the function table.
"""

import ast
from collections.abc import Callable, Sequence
from typing import Final

from weft_engine.nodes.expression_cost import SEARCHES, is_varied
from weft_engine.nodes.expression_parse import Source, nearest, too_deep
from weft_engine.nodes.functions import ALIASES, FUNCTIONS, MAX_INT, Function

DEEPEST: Final = 100
_MOST_LOOPS: Final = 8
_DEEPEST_LOOP: Final = 2
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "none": None}
_METHODS: Final = {
    "strip": "trim", "startswith": "starts_with", "endswith": "ends_with", "format": "text",
    "append": "merge", "sub": "replace_pattern", "search": "matches", "match": "matches",
}  # fmt: skip
_NOT_ALLOWED: Final[dict[type[ast.AST], tuple[str, str]]] = {
    ast.Lambda: ("functions cannot be defined", "Go through a list with [… for x in list]."),
    ast.NamedExpr: ("values cannot be given names", ""),
    ast.JoinedStr: ("f-strings are not used", "Join text with + and text(…), or use a template."),
    ast.Set: ("sets are not used", "Write a list: [1, 2]."),
    ast.SetComp: ("sets are not used", "Write a list: unique([… for x in list])."),
    ast.DictComp: ("records are not built in a loop", "Write a list: [… for x in list]."),
    ast.Starred: ("lists are not unpacked", "Add lists with +."),
    ast.Await: ("nothing is waited for", ""),
    ast.Yield: ("nothing is yielded", ""),
    ast.YieldFrom: ("nothing is yielded", ""),
    ast.GeneratorExp: ("go through a list in square brackets", "Write [… for x in list]."),
    ast.Slice: ("a slice stands in square brackets", ""),
}


class Rewriter:
    """Rewrites one expression and remembers what it uses."""

    def __init__(self, source: Source, names: tuple[str, ...], *, metered: bool) -> None:
        self.source = source
        self.names = names
        self.metered = metered
        self.fields: set[str] = set()
        self.used: set[str] = set()
        self.functions: set[str] = set()
        self.made: dict[ast.AST, ast.expr] = {}
        """The rewritten form of each part, to look at operands when one fails."""
        self._loops: list[set[str]] = []
        self._loop_count = 0
        self._depth = 0
        self._rules: dict[type[ast.AST], Callable[..., ast.expr]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.BinOp: self._binary,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self._boolean,
            ast.Compare: self._compare,
            ast.IfExp: self._choice,
            ast.List: self._list,
            ast.Tuple: self._list,
            ast.Dict: self._record,
            ast.Call: self._call,
            ast.ListComp: self._loop,
        }

    def rewrite(self, node: ast.expr) -> ast.expr:
        """The safe form of a part; ExpressionError when it is not allowed."""
        rule = self._rules.get(type(node))
        if rule is None:
            why, hint = _NOT_ALLOWED.get(type(node), ("this is not part of the language", ""))
            raise self.source.error(node, why, code="not_allowed", hint=hint)
        if self._depth >= DEEPEST:
            raise too_deep()
        self._depth += 1
        made = ast.copy_location(rule(node), node)
        self._depth -= 1
        self.made[node] = made
        return made

    def _constant(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if isinstance(value, int) and abs(value) >= MAX_INT:
            raise self.source.error(
                node, "the number has too many digits", code="too_big", hint="Write it as text."
            )
        if value is not None and not isinstance(value, str | int | float):
            raise self.source.error(
                node, f"{self.source.piece(node)} is not a value here", code="not_allowed"
            )
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            raise self.source.error(node, "the number is too large", code="too_big")
        return ast.Constant(value)

    def _name(self, node: ast.Name) -> ast.expr:
        name = node.id
        if any(name in scope for scope in self._loops):
            return ast.Name(f"v_{name}", ast.Load())
        if name == "item" and name in self.names:
            self.used.add(name)
            return ast.Name("item", ast.Load())
        if name in self.names:
            self.used.add(name)
            return _at(ast.Name("env", ast.Load()), name)
        if name in _CONSTANTS:
            return ast.Constant(_CONSTANTS[name])
        raise self._unknown_name(node, name)

    def _unknown_name(self, node: ast.AST, name: str) -> Exception:
        known = [*self.names, *(name for scope in self._loops for name in scope)]
        near = nearest(name, known)
        if name.startswith("__"):
            return self.source.error(
                node, f"{name} is not part of the language", code="not_allowed"
            )
        if name in FUNCTIONS or name in ALIASES:
            hint = f"A function is called: {FUNCTIONS[ALIASES.get(name, name)].signature}."
        elif near and name.isascii():
            hint = f"Did you mean {near}?"
        elif near:
            hint = f"Did you mean {near}? Some letters only look the same."
        else:
            hint = f"A field of the record is item.{name}; text stands in quotes."
        return self.source.error(
            node, f"there is no {name!r}", code="unknown_name", hint=hint, name=name,
            nearest=near, instead=near,
        )  # fmt: skip

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        if node.attr.startswith("__"):
            raise self.source.error(
                node, f"{node.attr} is not part of the language", code="not_allowed",
                hint=f'A field of that name is item["{node.attr}"].',
            )  # fmt: skip
        self._note_field(node.value, node.attr)
        return _at(self.rewrite(node.value), node.attr)

    def _note_field(self, holder: ast.expr, name: str) -> None:
        if isinstance(holder, ast.Name) and holder.id == "item" and not self._shadowed("item"):
            self.fields.add(name)

    def _shadowed(self, name: str) -> bool:
        return any(name in scope for scope in self._loops)

    def _subscript(self, node: ast.Subscript) -> ast.expr:
        holder = self.rewrite(node.value)
        if isinstance(node.slice, ast.Slice):
            return self._spent(ast.Subscript(holder, self._part(node.slice), ast.Load()))
        if isinstance(node.slice, ast.Tuple):
            raise self.source.error(node, "one field or place at a time", code="not_allowed")
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(key, str):
            self._note_field(node.value, key)
        return ast.Subscript(holder, self.rewrite(node.slice), ast.Load())

    def _part(self, node: ast.Slice) -> ast.Slice:
        ends = [self.rewrite(end) if end else None for end in (node.lower, node.upper, node.step)]
        step = ends[2]
        if isinstance(step, ast.Constant) and step.value == 0:
            raise self.source.error(node, "a step cannot be 0", code="not_allowed")
        return ast.copy_location(ast.Slice(*ends), node)

    def _binary(self, node: ast.BinOp) -> ast.expr:
        helper = {ast.Add: "_add", ast.Mult: "_multiply", ast.Mod: "_modulo", ast.Pow: "_power"}
        operator = type(node.op)
        if operator not in (*helper, ast.Sub, ast.Div, ast.FloorDiv):
            raise self.source.error(
                node, "there is no such operator here", code="not_allowed",
                hint="Combine conditions with `and` and `or`."
                if operator in (ast.BitAnd, ast.BitOr) else "",
            )  # fmt: skip
        left, right = self.rewrite(node.left), self.rewrite(node.right)
        if operator not in helper or (operator is not ast.Pow and _native(node)):
            return ast.BinOp(left, node.op, right)
        made = ast.Call(_helper(helper[operator], node), [left, right], [])
        return self._spent(made) if operator is ast.Add else made

    def _unary(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.Invert):
            raise self.source.error(
                node, "there is no such operator here", code="not_allowed", hint="Write `not`."
            )
        return ast.UnaryOp(node.op, self.rewrite(node.operand))

    def _boolean(self, node: ast.BoolOp) -> ast.expr:
        return ast.BoolOp(node.op, [self.rewrite(value) for value in node.values])

    def _compare(self, node: ast.Compare) -> ast.expr:
        for operator, right in zip(node.ops, node.comparators, strict=True):
            fixed = isinstance(right, ast.Constant) and (
                right.value is None or isinstance(right.value, bool)
            )
            named = isinstance(right, ast.Name) and right.id in _CONSTANTS
            if isinstance(operator, ast.Is | ast.IsNot) and not (fixed or named):
                raise self.source.error(
                    node, "`is` asks for null, true or false", code="not_allowed",
                    hint="Compare other values with `==`.",
                )  # fmt: skip
        rights = [self.rewrite(right) for right in node.comparators]
        return ast.Compare(self.rewrite(node.left), node.ops, rights)

    def _choice(self, node: ast.IfExp) -> ast.expr:
        return ast.IfExp(
            self.rewrite(node.test), self.rewrite(node.body), self.rewrite(node.orelse)
        )

    def _list(self, node: ast.List | ast.Tuple) -> ast.expr:
        made = ast.List([self.rewrite(item) for item in node.elts], ast.Load())
        return self._weighed(made, node.elts)

    def _record(self, node: ast.Dict) -> ast.expr:
        keys: list[ast.expr | None] = []
        for key in node.keys:
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                raise self.source.error(
                    key or node, "the name of a field stands in quotes", code="not_allowed",
                    hint='Write {"total": item.amount}, or merge(a, b) to join records.',
                )  # fmt: skip
            keys.append(self.rewrite(key))
        made = ast.Dict(keys, [self.rewrite(value) for value in node.values])
        return self._weighed(made, node.values)

    def _call(self, node: ast.Call) -> ast.expr:
        function = self._function(node)
        if node.keywords:
            raise self.source.error(
                node, "arguments stand in order, without names", code="bad_call",
                hint=f"Write {function.signature}.",
            )  # fmt: skip
        count = len(node.args)
        if count < function.least or (function.most is not None and count > function.most):
            said = "one argument" if count == 1 else f"{count or 'no'} arguments"
            raise self.source.error(
                node, f"{function.name}() does not take {said}", code="bad_call",
                hint=f"Write {function.signature}.", function=function.name,
            )  # fmt: skip
        self.functions.add(function.name)
        arguments = [self._argument(argument, function) for argument in node.args]
        called = _helper(f"_f_{function.name}", node)
        if not self.metered:
            return ast.Call(called, arguments, [])
        way = "search" if function.name in SEARCHES else "call"
        made = ast.Call(_of_meter(way, node), [called, *arguments], [])
        return self._weighed(made, node.args) if function.name == "parse_json" else made

    def _argument(self, node: ast.expr, function: Function) -> ast.expr:
        if isinstance(node, ast.GeneratorExp):
            loop = ast.copy_location(ast.ListComp(node.elt, node.generators), node)
            return self.rewrite(loop)
        if function.lenient and isinstance(node, ast.Attribute | ast.Subscript):
            return self._lenient(node)
        return self.rewrite(node)

    def _lenient(self, node: ast.expr) -> ast.expr:
        """A path in which what is missing counts as null."""
        made = self.rewrite(node)
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(made, ast.Subscript):
            if isinstance(made.slice, ast.Slice):
                return made
            holder = self._lenient(node.value)
            call = ast.Call(_helper("_look_up", node), [holder, made.slice], [])
            return ast.copy_location(call, node)
        return made

    def _function(self, node: ast.Call) -> Function:
        called = node.func
        if isinstance(called, ast.Attribute):
            raise self._method(node, called)
        if not isinstance(called, ast.Name):
            raise self.source.error(node, "only functions are called", code="not_allowed")
        name = ALIASES.get(called.id, called.id)
        found = FUNCTIONS.get(name)
        if found is None or self._shadowed(called.id):
            near = nearest(called.id, [*FUNCTIONS, *ALIASES])
            near = ALIASES.get(near, near) if near else None
            hint = f"Did you mean {FUNCTIONS[near].signature}?" if near else ""
            raise self.source.error(
                called, f"there is no function {called.id!r}", code="unknown_function",
                hint=hint, name=called.id, nearest=near, instead=near,
            )  # fmt: skip
        return found

    def _method(self, node: ast.Call, called: ast.Attribute) -> Exception:
        word = called.attr.lower()
        name = _METHODS.get(word) or ALIASES.get(word, word)
        if called.attr.startswith("__"):
            why = f"{called.attr} is not part of the language"
            return self.source.error(node, why, code="not_allowed")
        why = "values have no methods"
        if name not in FUNCTIONS or node.keywords:
            return self.source.error(node, why, code="not_allowed")
        pieces = [self.source.piece(part) for part in (called.value, *node.args)]
        instead = f"{name}({', '.join(pieces)})"
        return self.source.error(
            node, why, code="not_allowed", hint=f"Write {instead}.", instead=instead
        )

    def _loop(self, node: ast.ListComp) -> ast.expr:
        self._loop_count += len(node.generators)
        inside = len(self._loops) + len(node.generators)
        if inside > _DEEPEST_LOOP or self._loop_count > _MOST_LOOPS:
            raise self.source.error(
                node, "there are too many loops in one expression", code="too_big",
                hint="Split the work over several nodes.",
            )  # fmt: skip
        generators = [self._generator(generator) for generator in node.generators]
        made = ast.ListComp(self.rewrite(node.elt), generators)
        del self._loops[-len(node.generators) :]
        return self._weighed(made, [node.elt])

    def _generator(self, node: ast.comprehension) -> ast.comprehension:
        if node.is_async:
            raise self.source.error(node.iter, "nothing is waited for", code="not_allowed")
        values = ast.Call(_of_meter("each", node.iter), [self.rewrite(node.iter)], [])
        names: set[str] = set()
        target = self._target(node.target, names)
        self._loops.append(names)
        tests = [self.rewrite(test) for test in node.ifs]
        return ast.comprehension(target, ast.copy_location(values, node.iter), tests, 0)

    def _target(self, node: ast.expr, names: set[str]) -> ast.expr:
        if isinstance(node, ast.Name) and not node.id.startswith("__"):
            names.add(node.id)
            return ast.copy_location(ast.Name(f"v_{node.id}", ast.Store()), node)
        if isinstance(node, ast.Tuple):
            parts = [self._target(part, names) for part in node.elts]
            return ast.copy_location(ast.Tuple(parts, ast.Store()), node)
        raise self.source.error(
            node, "a loop has a plain name", code="not_allowed", hint="Write [… for x in list]."
        )

    def _weighed(self, made: ast.expr, parts: Sequence[ast.expr]) -> ast.expr:
        """Count a list or record with all that is in it; one of constants is small."""
        if not self.metered or not is_varied(parts):
            return made
        return ast.Call(_of_meter("made", made), [made], [])

    def _spent(self, made: ast.expr) -> ast.expr:
        """Count what was made, where a loop could make it many times."""
        if not self.metered:
            return made
        return ast.Call(_of_meter("spend", made), [made], [])


def _at(holder: ast.expr, key: str) -> ast.Subscript:
    return ast.Subscript(holder, ast.Constant(key), ast.Load())


def _helper(name: str, like: ast.AST) -> ast.expr:
    return ast.copy_location(ast.Name(name, ast.Load()), like)


def _of_meter(name: str, like: ast.AST) -> ast.expr:
    meter = ast.Name("_meter", ast.Load())
    return ast.copy_location(ast.Attribute(meter, name, ast.Load()), like)


def _native(node: ast.BinOp) -> bool:
    """Whether Python's own operator does: with a float, or a number added, nothing can grow."""
    sides = (node.left, node.right)
    if isinstance(node.op, ast.Add):
        return any(_is_number(side) for side in sides)
    if isinstance(node.op, ast.Mod):
        return _is_number(node.left)
    return any(_is_float(side) for side in sides)


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float)
    if isinstance(node, ast.UnaryOp):
        return not isinstance(node.op, ast.Not)
    if isinstance(node, ast.BinOp):
        return not isinstance(node.op, ast.Add) or _is_number(node.left) or _is_number(node.right)
    return False


def _is_float(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Div) or _is_float(node.left) or _is_float(node.right)
    return False
