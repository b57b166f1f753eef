"""Chapter 0's exercises: their references do what the chapter says."""

import numpy as np
import pytest

from mini.checks import chapter00 as museum


def test_to_unit_spans_zero_to_one():
    out = museum.to_unit.reference(np.array([0, 255], np.uint8))
    assert out.dtype == np.float32 and out.tolist() == [0, 1]


def test_contact_sheet_reads_like_a_page():
    images = np.arange(6)[:, None, None] * np.ones((1, 2, 3))
    sheet = museum.contact_sheet.reference(images, 3)
    assert sheet.shape == (4, 9)
    assert sheet[0, ::3].tolist() == [0, 1, 2] and sheet[2, ::3].tolist() == [3, 4, 5]


def test_draw_near_has_the_relatives_covariance():
    rng = np.random.default_rng(0)
    relatives = rng.standard_normal((50, 4)) * [3, 2, 1, 0.5]
    draws = [
        museum.draw_near.reference(relatives, rng.standard_normal(4))
        for _ in range(4000)
    ]
    wanted, got = np.cov(relatives.T, bias=True), np.cov(np.array(draws).T)
    assert np.abs(wanted - got).max() < 0.1 * np.abs(wanted).max()


def eigenvectors(relatives, z, signs=1, mean=1):
    """Another right answer, whose directions point wherever eigh lets them."""
    variances, v = np.linalg.eigh(np.cov(relatives.T, bias=True))
    spreads = np.sqrt(np.maximum(variances[::-1][: len(z)], 0))
    return mean * relatives.mean(0) + v[:, ::-1][:, : len(z)] @ (signs * z * spreads)


@pytest.mark.parametrize("signs", [1, -1])
def test_draw_near_lets_directions_point_either_way(signs):
    judge = museum.draw_near.judge
    assert judge(lambda r, z: eigenvectors(r, z, signs))
    assert not judge(lambda r, z: eigenvectors(r, abs(z), signs))
    assert not judge(lambda r, z: eigenvectors(r, z[::-1], signs))
    verdict = judge(lambda r, z: eigenvectors(r, z, signs, mean=0))
    assert verdict.mistake.title == "forgetting to add the mean"


def test_draw_near_notices_changed_relatives():
    def in_place(relatives, z):
        right = eigenvectors(relatives, z)
        relatives -= relatives.mean(axis=0)
        return right

    assert museum.draw_near.judge(in_place).kind == "changed"


def test_the_number_of_images_has_237_digits():
    assert len(str(2**784)) == 237 and len(str(256**784)) == 1889
