"""Chapter 4's exercises: their references agree with `mini` and with torch."""

import numpy as np
import pytest
import torch

from mini import Tensor
from mini import functional as F
from mini.checks import chapter04 as museum
from mini.checks import chapter04_kernels as kernels


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def arguments(case):
    return str(case.args)


@pytest.mark.parametrize("case", museum.output_size.cases(), ids=arguments)
def test_output_size_is_conv2ds(case):
    size, kernel, stride, padding, dilation = case.args
    x = torch.zeros(1, 1, size, size)
    y = torch.nn.Conv2d(1, 1, kernel, stride, padding, dilation)(x)
    assert y.shape[2:] == (museum.output_size.reference(*case.args),) * 2


@pytest.mark.parametrize(
    "case", museum.receptive_field.cases(), ids=lambda c: str(c.args)
)
def test_receptive_field_is_what_the_gradient_reaches(case):
    (layers,) = case.args
    expected = museum.receptive_field.reference(layers)
    x = torch.zeros(1, 1, 2 * expected, requires_grad=True)
    y = x
    for kernel, stride, dilation in layers:
        weight = torch.ones(1, 1, kernel)
        y = torch.nn.functional.conv1d(y, weight, stride=stride, dilation=dilation)
    y[0, 0, 0].backward()
    (reached,) = np.nonzero(x.grad[0, 0].numpy())
    assert reached.max() - reached.min() + 1 == expected


@pytest.mark.parametrize("kind", "AB")
@pytest.mark.parametrize("size", [1, 3, 5])
def test_causal_taps_never_see_the_future(size, kind):
    taps = museum.causal_taps.reference(size, kind)
    x = Tensor(np.zeros((1, 1, 7, 7), np.float32), requires_grad=True)
    if not taps:
        return
    w = Tensor(np.ones((1, 1, len(taps)), np.float32))
    y = F.conv_taps(x, w, np.array(taps), 1, (7, 7))
    y[0, 0, 3, 3].backward()
    seen = x.grad.data[0, 0].reshape(-1)
    here = 3 * 7 + 3
    assert not seen[here + 1 :].any()
    assert seen[here] == (kind == "B")
    assert size == 1 or seen[here - 1] == 1


def test_convolve_stamp_and_weight_gradient_are_minis():
    for case in kernels.convolve.cases():
        x, w, taps, stride, size = case.args
        y = F.conv_taps(Tensor(x), Tensor(w), np.array(taps), stride, size)
        assert np.allclose(y.data, kernels.convolve.reference(*case.args))
    for case in kernels.stamp.cases():
        y, w, stride, padding = case.args
        x = F.conv_transpose2d(Tensor(y), Tensor(w), stride=stride, padding=padding)
        assert np.allclose(x.data, kernels.stamp.reference(*case.args))
    for case in kernels.weight_gradient.cases():
        x, g, taps, stride = case.args
        w = F.conv_taps_weight(Tensor(x), Tensor(g), np.array(taps), stride)
        assert np.allclose(w.data, kernels.weight_gradient.reference(*case.args))


def test_taps_may_come_in_any_order_but_only_once():
    right = museum.causal_taps.reference(3, "B")
    assert museum.same_taps(right[::-1], right)
    assert museum.same_taps(np.array(right), right)
    assert not museum.same_taps([*right, right[0]], right)
    assert not museum.same_taps([(a + 0.5, b) for a, b in right], right)
