"""The exercises of chapter 2 are sound, and say what a reader needs to hear."""

import numpy as np
import pytest

from mini import Tensor, checks, grad
from mini.checks import chapter02, chapter02_backward


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def test_six_exercises():
    from mini.checks import frame

    assert len(frame.all_exercises("chapter02")) == 6


def test_recursion_is_named():
    def recursive(y):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent, _ in node.edges:
                    visit(parent)
                order.append(node)

        visit(y)
        bar = {y: 1.0}
        for node in reversed(order):
            chapter02_backward._pass_on(node, bar)
        return bar

    verdict = checks.gradients_without_recursion.judge(recursive)
    assert verdict.kind == "error" and "RecursionError" in verdict.text
    assert "right on 5 of the 6" in verdict.text


def test_a_changed_array_is_noticed():
    def careless(f, x, h=1e-5):
        slopes = chapter02._numerical_gradient.reference(f, x, h)
        x += 1
        return slopes

    verdict = checks.numerical_gradient.judge(careless)
    assert verdict.kind == "changed" and "argument x" in verdict.text


def test_a_graph_that_was_not_kept():
    def first_order(f, x, v):
        (g,) = grad(f(x), [x])
        return grad((g * v).sum(), [x])[0].data

    verdict = checks.hessian_vector_product.judge(first_order)
    assert verdict.kind == "error" and "requires a gradient" in verdict.text


@pytest.mark.parametrize("name", ["hessian_vector_product", "jacobian_vector_product"])
def test_a_tensor_is_as_good_as_an_array(name):
    one = getattr(checks, name)
    assert one.judge(lambda f, x, v: Tensor(np.asarray(one.reference(f, x, v))))


def test_the_second_order_mistake_is_seen():
    """Its first gradients are right, so that only order 2 can tell."""
    broken = chapter02._softplus.mistakes[0].function
    x = Tensor(np.array([0.3, -2.0]), requires_grad=True)
    slopes = [
        grad(f(x).sum(), [x])[0].data for f in (broken, chapter02._softplus.reference)
    ]
    assert np.allclose(*slopes, rtol=1e-12)
    assert checks.softplus.judge(broken).kind == "mistake"
