"""Errors say which function, which argument, its value and what was expected."""

import numpy as np
import pytest

from mini import Tensor
from mini import functional as F

image, weights = Tensor(np.ones((2, 3, 8, 8))), Tensor(np.ones((4, 3, 3, 3)))
rows, vector, other = (Tensor(np.ones(shape)) for shape in [(2, 3), 4, (2, 4)])

# ---- operations: here numpy's own words are good enough ------------------------------

OPERATIONS = {
    "add": (lambda: rows + vector, ValueError, r"\(2,\s?3\).*\(4,\)"),
    "matmul": (lambda: rows @ other, ValueError, r"matmul.*(2.*3|3.*2)"),
    "reshape": (lambda: rows.reshape(4), ValueError, r"reshape.*6.*\(4,\)"),
    "broadcast_to": (lambda: F.broadcast_to(rows, (2, 4)), ValueError, r"broadcast"),
    "transpose": (lambda: rows.transpose(0, 0), ValueError, r"transpose|axis|axes"),
    "sum": (lambda: rows.sum(2), ValueError, r"axis 2.*2"),
    "index": (lambda: rows[5], IndexError, r"index 5.*size 2"),
    "concatenate": (lambda: F.concatenate([rows, vector]), ValueError, r"dimension"),
    "stack": (lambda: F.stack([rows, rows], axis=4), ValueError, r"axis.*4"),
    "stack shapes": (lambda: F.stack([rows, vector]), ValueError, r"dimension|shape"),
    "pad": (lambda: F.pad(rows, (1, 1)), ValueError, r"pad: widths.*\(1, 1\)"),
    "pad pairs": (lambda: F.pad(rows, [(1, 1)]), ValueError, r"pad: widths.*\(1, 1\)"),
    "where": (
        lambda: F.where(np.array([0.5, 0, 1]), rows, 0), TypeError,
        r"where.*bool.*float"),
    "gather": (
        lambda: F.gather(rows, 1, np.array([[0.0]])), IndexError, r"integer"),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation(name):
    call, error, message = OPERATIONS[name]
    with pytest.raises(error, match=message):
        call()


# ---- functions -----------------------------------------------------------------------

FUNCTIONS = {
    "gate: odd": (lambda: F.gate(image), ValueError, r"even.*3"),
    "gate: flat": (lambda: F.gate(Tensor([1.0, 2.0])), ValueError, r"\(2,\)"),
    "linear: features": (lambda: F.linear(rows, np.ones((4, 2))), ValueError, r"3.*2"),
    "linear: vector": (lambda: F.linear(rows, np.ones(3)), ValueError, r"w.*\(3,\)"),
    "linear: dtypes": (
        lambda: F.linear(rows, np.ones((4, 3), "f")), TypeError, r"float64.*float32"),
    "linear: bias": (
        lambda: F.linear(rows, np.ones((4, 3)), np.ones(3)), ValueError, r"b.*4.*3"),
    "dropout: p": (lambda: F.dropout(image, 1.0, rng=None), ValueError, r"p .*1\.0"),
    "dropout: rng": (lambda: F.dropout(image, 0.5, rng=None), TypeError, r"rng.*None"),
    "max_pool2d: rank": (lambda: F.max_pool2d(rows, 2), ValueError, r"x .*\(2, 3\)"),
    "max_pool2d: size": (lambda: F.max_pool2d(image, 9), ValueError, r"9 .*8, 8"),
    "max_pool2d: zero": (lambda: F.max_pool2d(image, 0), ValueError, r"kernel_size.*0"),
    "max_pool2d: stride": (lambda: F.max_pool2d(image, 2, 0), ValueError, r"stride.*0"),
    "max_pool2d: padding": (
        lambda: F.max_pool2d(image, 2, 2, 2), ValueError, r"padding.*2"),
    "max_pool2d: half": (lambda: F.max_pool2d(image, 2, 2, 0.5), ValueError, r"0\.5"),
    "avg_pool2d: rank": (lambda: F.avg_pool2d(rows, 2), ValueError, r"x .*\(2, 3\)"),
    "avg_pool2d: whole": (
        lambda: F.avg_pool2d(np.ones((1, 1, 2, 2), int), 2), TypeError, r"x .*int64"),
    "upsample_nearest: rank": (
        lambda: F.upsample_nearest(rows), ValueError, r"\(2, 3\)"),
    "upsample_nearest: scale": (
        lambda: F.upsample_nearest(image, 1.5), ValueError, r"scale_factor.*1\.5"),
    "pixel_shuffle: channels": (lambda: F.pixel_shuffle(image, 2), ValueError, "3 .*2"),
    "cross_entropy: rank": (
        lambda: F.cross_entropy(Tensor([1.0, 2.0]), [0, 1]), ValueError, r"\(2,\)"),
    "cross_entropy: float": (
        lambda: F.cross_entropy(rows, np.ones(2)), ValueError, r"target.*float64"),
    "cross_entropy: shape": (
        lambda: F.cross_entropy(rows, np.ones(3, int)), ValueError, r"\(2,\).*\(3,\)"),
    "cross_entropy: large": (
        lambda: F.cross_entropy(rows, np.array([0, 3])), ValueError, r"0 … 2.*3"),
    "cross_entropy: negative": (
        lambda: F.cross_entropy(rows, np.array([0, -1])), ValueError, r"0 … 2.*-1"),
    "cross_entropy: reduction": (
        lambda: F.cross_entropy(rows, np.array([1, 0]), "avg"),
        ValueError, r"reduction.*'avg'"),
    "binary_cross_entropy_with_logits: shape": (
        lambda: F.binary_cross_entropy_with_logits(rows, np.ones(2)),
        ValueError, r"\(2, 3\).*\(2,\)"),
    "mse_loss: shape": (
        lambda: F.mse_loss(rows, np.ones((3, 2))), ValueError, r"\(2, 3\).*\(3, 2\)"),
    "mse_loss: reduction": (
        lambda: F.mse_loss(rows, rows, None), ValueError, r"reduction.*None"),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    call, error, message = FUNCTIONS[name]
    with pytest.raises(error, match=f"{name.split(':')[0]}: .*{message}"):
        call()


# ---- convolutions --------------------------------------------------------------------

CONV2D = {  # what differs from a good call
    "channels": ({"w": np.ones((4, 2, 3, 3))}, ValueError, r"3 channels.* 2"),
    "rank of x": ({"x": np.ones((3, 8, 8))}, ValueError, r"x .*N, C, H, W.*3, 8, 8"),
    "rank of w": ({"w": np.ones((3, 3))}, ValueError, r"w .*four axes.*\(3, 3\)"),
    "no taps": ({"w": np.ones((4, 3, 0, 3))}, ValueError, r"w .*4, 3, 0, 3"),
    "whole x": ({"x": np.ones((2, 3, 8, 8), int)}, TypeError, r"x .*float.*int64"),
    "two dtypes": ({"w": np.ones((4, 3, 3, 3), "f")}, TypeError, r"x .*64.*w.*32"),
    "shape of b": ({"b": np.ones(3)}, ValueError, r"b .*\(4,\).*\(3,\)"),
    "dtype of b": ({"b": np.ones(4, "f")}, TypeError, r"b.*float32"),
    "stride 0": ({"stride": 0}, ValueError, r"stride.*0"),
    "stride 1.5": ({"stride": 1.5}, ValueError, r"stride.*1\.5"),
    "stride pair": ({"stride": (1, 2)}, ValueError, r"stride.*\(1, 2\)"),
    "dilation": ({"dilation": -1}, ValueError, r"dilation.*-1"),
    "padding": ({"padding": -1}, ValueError, r"padding.*-1"),
    "padding words": ({"padding": "same"}, ValueError, r"padding.*'same'"),
    "padding three": ({"padding": (1, 1, 1)}, ValueError, r"padding.*1, 1, 1"),
    "too large": ({"x": np.ones((2, 3, 2, 8))}, ValueError, r"3×3 kernel.*2×8"),
    "too far": ({"dilation": 4}, ValueError, r"3×3 .*dilation 4.*8×8"),
    "mask shape": ({"mask": np.ones((2, 2), bool)}, ValueError, r"mask.*2, 2"),
    "mask dtype": ({"mask": np.ones((3, 3))}, ValueError, r"mask.*float64"),
}


@pytest.mark.parametrize("name", CONV2D)
def test_conv2d(name):
    wrong, error, message = CONV2D[name]
    with pytest.raises(error, match="conv2d: .*" + message):
        F.conv2d(**{"x": image, "w": weights} | wrong)


CONV_TRANSPOSE2D = {
    "channels": ({"w": np.ones((4, 3, 3, 3))}, ValueError, r"3 channels.* 4"),
    "rank": ({"x": np.ones((3, 8))}, ValueError, r"x .*N, C, H, W.*\(3, 8\)"),
    "shape of b": ({"b": np.ones(3)}, ValueError, r"b .*\(4,\).*\(3,\)"),
    "two dtypes": ({"w": np.ones((3, 4, 3, 3), "f")}, TypeError, r"x .*64.*w.*32"),
    "stride": ({"stride": 0}, ValueError, r"stride.*0"),
    "padding": ({"padding": 7}, ValueError, r"padding 7"),
    "extra": ({"output_padding": 1}, ValueError, r"output_padding.*1"),
    "half": ({"stride": 2, "output_padding": 0.5}, ValueError, r"output_.*0\.5"),
    "three": (
        {"stride": 2, "output_padding": (1, 0, 1)},
        ValueError,
        r"output_.*, 1\)",
    ),
    "in a pair": ({"stride": 2, "output_padding": (0, 2)}, ValueError, r"output_.*2\)"),
}


@pytest.mark.parametrize("name", CONV_TRANSPOSE2D)
def test_conv_transpose2d(name):
    wrong, error, message = CONV_TRANSPOSE2D[name]
    turned = np.ones((3, 4, 3, 3))
    with pytest.raises(error, match="conv_transpose2d: .*" + message):
        F.conv_transpose2d(**{"x": image, "w": turned} | wrong)
