"""Mutants of a reference: its source, or that of a function beside it that it uses,
with one thing changed. A sign is flipped, an axis swapped, a term dropped, an index or
another number shifted, an operator, comparison or function exchanged for its neighbour.
"""

import ast
import inspect
import sys

# What may stand in a thing's place: operators, comparisons and the names of functions.
PAIRS = [(ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)]
PAIRS += [(ast.Eq, ast.NotEq), (ast.And, ast.Or), ("sum", "mean"), ("min", "max")]
PAIRS += [("argmin", "argmax"), ("minimum", "maximum"), ("zeros", "ones")]
OTHER = dict(PAIRS) | {b: a for a, b in PAIRS} | {ast.FloorDiv: ast.Mult}


def changes(node):
    """The nodes that may stand in the place of this one."""
    one = ast.Constant(1)
    match node:
        case ast.BinOp(left, op, right):
            if type(op) in OTHER:
                yield ast.BinOp(left, OTHER[type(op)](), right)
            if not isinstance(op, ast.MatMult):
                yield left
            if isinstance(op, ast.Add | ast.Sub | ast.Mult):
                yield right
        case ast.UnaryOp(_, operand) | ast.Attribute(operand, "T"):
            yield operand
        case ast.Compare(left, [op], [right]) if type(op) in OTHER:
            yield ast.Compare(left, [OTHER[type(op)]()], [right])
            if not isinstance(op, ast.Eq | ast.NotEq):
                yield ast.Compare(right, [op], [left])
        case ast.BoolOp(op, values):
            yield ast.BoolOp(OTHER[type(op)](), values)
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.keyword("axis", ast.Constant(int(axis))):
            yield ast.keyword("axis", ast.Constant(1 - axis))
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Slice(lower, upper, step):
            if upper:
                yield ast.Slice(lower, ast.BinOp(upper, ast.Add(), one), step)
            later = ast.BinOp(lower, ast.Add(), one) if lower else one
            yield ast.Slice(later, upper, step)
        case ast.Subscript(value, ast.Name() as index, ctx):
            yield ast.Subscript(value, ast.BinOp(index, ast.Sub(), one), ctx)
        case ast.Attribute(value, name, ctx) if name in OTHER:
            yield ast.Attribute(value, OTHER[name], ctx)
        case ast.Call(ast.Attribute(value, "detach" | "copy" | "clip" | "cumsum")):
            yield value
        case ast.Return(ast.Tuple(parts, ctx)):
            for i, part in enumerate(parts):
                new = [*parts[:i], ast.UnaryOp(ast.USub(), part), *parts[i + 1 :]]
                yield ast.Return(ast.Tuple(new, ctx))
        case ast.Return(value):
            yield ast.Return(ast.UnaryOp(ast.USub(), value))
        case ast.AugAssign():
            yield ast.Pass()


def replaced(tree, old, new):
    """A copy of the tree with a node in place of another."""
    if tree is old:
        return new
    if isinstance(tree, list):
        return [replaced(part, old, new) for part in tree]
    if not isinstance(tree, ast.AST):
        return tree
    return type(tree)(**{k: replaced(v, old, new) for k, v in ast.iter_fields(tree)})


def parts_of(reference):
    """The definitions of a reference and of the functions beside it that it uses."""
    found = {}
    for node in ast.parse(inspect.getsource(sys.modules[reference.__module__])).body:
        if isinstance(node, ast.FunctionDef):
            if node.name == reference.__name__:
                node.decorator_list = []
            if not node.decorator_list:
                found[node.name] = node
    used = [found[reference.__name__]]
    for part in used:  # the list grows while we walk along it
        nodes = list(ast.walk(part))
        names = [n for n in nodes if isinstance(n, ast.Name)]
        own = {n.arg for n in nodes if isinstance(n, ast.arg)}
        own |= {n.id for n in names if isinstance(n.ctx, ast.Store)}
        beside = [found[n.id] for n in names if n.id in found and n.id not in own]
        used += [p for p in dict.fromkeys(beside) if p not in used]
    return sorted(used, key=lambda part: part.lineno)


def mutants(reference):
    """Pairs of a mutant, as definitions, and the line that is different in it."""
    parts = parts_of(reference)
    for part in parts:
        for node in (n for line in part.body for n in ast.walk(line)):
            for new in changes(node):
                mutant = ast.fix_missing_locations(replaced(part, node, new))
                pairs = zip(*(ast.unparse(p).split("\n") for p in (part, mutant)))
                line = next((b.strip() for a, b in pairs if a != b), "nothing")
                others = [mutant if p is part else p for p in parts]
                yield others, f"{part.name}: {line}"


def built(definitions, reference):
    """The reference, made of these definitions."""
    names = dict(vars(sys.modules[reference.__module__]))
    exec(compile(ast.Module(definitions, []), "<mutant>", "exec"), names)
    return names[reference.__name__]
