"""Exercise of chapter 2: the walk backwards through a graph, without recursion."""

import heapq
import itertools

import numpy as np

from .frame import Unexpected, exercise

CHAPTER = "chapter02"

# ---- 2.4 -----------------------------------------------------------------------------

_clock = itertools.count()


class _Node:
    """The chapter's Scalar."""

    def __init__(self, value, *edges):
        self.value, self.edges, self.index = value, edges, next(_clock)

    def __add__(self, other):
        return _Node(self.value + other.value, (self, _same), (other, _same))

    def __mul__(self, other):
        a, b = self.value, other.value
        return _Node(a * b, (self, lambda g: g * b), (other, lambda g: g * a))


def _same(g):
    return g


def _a_times_b(a, b):
    return a * b


def _a_times_a(a, b):
    return a * a + b


def _a_shortcut(a, b):
    c = a * b
    return c * (c + b)


def _a_shortcut_turned(a, b):
    c = a * b
    return (c + b) * c


def _a_ladder(a, b):
    for _ in range(12):
        a, b = a + b, a * b
    return a * b


def _a_long_chain(a, b):
    c = a
    for _ in range(6_000):
        c = c + b
    return c * a


def _programs(rng):
    for program in (
        _a_times_b,
        _a_times_a,
        _a_shortcut,
        _a_shortcut_turned,
        _a_ladder,
        _a_long_chain,
    ):
        yield program, *(0.5 * rng.uniform(1, 2, size=2)).round(3).tolist()


def _slopes_of_leaves(attempt, program, a, b):
    a, b = _Node(a), _Node(b)
    bar = attempt(program(a, b))
    if not isinstance(bar, dict):
        raise Unexpected("a dict {node: slope}", bar)
    return np.array([bar.get(a, np.nan), bar.get(b, np.nan)], float)


@exercise(
    "gradients_without_recursion",
    chapter=CHAPTER,
    inputs=_programs,
    run=_slopes_of_leaves,
)
def _gradients_without_recursion(y):
    bar = {y: 1.0}
    for node in sorted(_made_from(y), key=lambda node: -node.index):
        _pass_on(node, bar)
    return bar


def _made_from(y):
    nodes, seen = [y], {y}
    for node in nodes:  # the list grows while we walk along it
        for parent, _ in node.edges:
            if parent not in seen:
                seen.add(parent)
                nodes.append(parent)
    return nodes


def _pass_on(node, bar):
    for parent, rule in node.edges:
        bar[parent] = bar.get(parent, 0.0) + rule(bar[node])


@_gradients_without_recursion.variant
def _by_counting_uses(y):
    missing = {}
    for node in _made_from(y):
        for parent, _ in node.edges:
            missing[parent] = missing.get(parent, 0) + 1
    bar, ready = {y: 1.0}, [y]
    while ready:
        node = ready.pop()
        _pass_on(node, bar)
        for parent, _ in node.edges:
            missing[parent] -= 1
            if not missing[parent]:
                ready.append(parent)
    return bar


@_gradients_without_recursion.variant
def _with_a_heap(y):
    bar, waiting = {y: 1.0}, [(-y.index, y)]
    while waiting:
        _, node = heapq.heappop(waiting)  # the youngest
        for parent, rule in node.edges:
            if parent not in bar:
                bar[parent] = 0.0
                heapq.heappush(waiting, (-parent.index, parent))
            bar[parent] += rule(bar[node])
    return bar


@_gradients_without_recursion.variant
def _in_the_order_of_leaving(y):
    left, seen, path = [], {y}, [(y, iter(y.edges))]
    while path:
        node, edges = path[-1]
        parent = next((p for p, _ in edges if p not in seen), None)
        if parent is None:  # all its ancestors have been left before it
            left.append(node)
            path.pop()
        else:
            seen.add(parent)
            path.append((parent, iter(parent.edges)))
    bar = {y: 1.0}
    for node in reversed(left):
        _pass_on(node, bar)
    return bar


@_gradients_without_recursion.mistake(
    "a second share overwrites the first",
    hint="What should happen to a node that was used twice?",
)
def _(y):
    bar = {y: 1.0}
    for node in sorted(_made_from(y), key=lambda node: -node.index):
        for parent, rule in node.edges:
            bar[parent] = rule(bar[node])
    return bar


@_gradients_without_recursion.mistake(
    "a node passes on its share before all of its children have delivered",
    hint="You go through the nodes in the order in which you found them. Which order"
    " puts every child before its parents, and which number in each node tells you?",
)
def _(y):
    bar = {y: 1.0}
    for node in _made_from(y):
        _pass_on(node, bar)
    return bar


@_gradients_without_recursion.mistake(
    "a node passes on its share before all of its children have delivered",
    hint="A stack goes deep before it goes wide. Which order puts every child before"
    " its parents, and which number in each node tells you?",
)
def _(y):
    bar, stack, seen = {y: 1.0}, [y], {y}
    while stack:
        node = stack.pop()
        for parent, rule in node.edges:
            bar[parent] = bar.get(parent, 0.0) + rule(bar[node])
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return bar


@_gradients_without_recursion.mistake(
    "the slope of y in itself is 0",
    hint="Everything is a multiple of the number that you begin with. If y moves by ε,"
    " by how much does y move?",
)
def _(y):
    bar = {y: 0.0}
    for node in sorted(_made_from(y), key=lambda node: -node.index):
        _pass_on(node, bar)
    return bar
