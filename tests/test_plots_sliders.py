"""The panel of sliders: what it draws, when, and what it refuses."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mini.plots.sliders import Sliders


def drawn(panel):
    """The panel's picture as an array (H, W, 3)."""
    return plt.imread(io.BytesIO(panel.picture.value), format="png")[:, :, :3]


def flag(values):
    """Red, green and blue as the sliders say, with one black pixel in a corner."""
    image = np.ones((3, 4, 5)) * np.reshape(values, (3, 1, 1))
    image[:, 0, 4] = 0
    return image


def flags(**options):
    ranges = {"red": (0, 1, 0.2), "green": (0, 1, 0.4), "blue": (-1, 2, 0.6)}
    return Sliders(flag, ranges, **options)


def test_the_picture_is_what_draw_returns_enlarged():
    picture = drawn(flags(size=40))
    assert picture.shape == (40, 50, 3)
    assert np.allclose(picture[20, 20], [0.2, 0.4, 0.6], atol=1 / 255)
    assert not picture[:10, 40:].any() and picture[10, 40:].all()


def test_moving_a_slider_draws_again():
    panel = flags()
    panel["green"] = 1.0
    assert np.allclose(drawn(panel)[100, 100], [0.2, 1, 0.6], atol=1 / 255)
    panel["blue"] = 1.7  # brighter than white is white
    assert np.allclose(drawn(panel)[100, 100], [0.2, 1, 1], atol=1 / 255)


def test_a_slider_stays_within_its_range():
    panel = flags()
    panel["red"] = 7.0
    assert panel.sliders["red"].value == 1.0


def test_one_channel_is_grey():
    panel = Sliders(lambda v: np.full((1, 2, 2), v[0]), {"light": (0, 1, 0.5)})
    picture = drawn(panel)
    assert np.allclose(picture, 0.5, atol=1 / 255)


def test_a_page_without_a_kernel_shows_one_line():
    bundle = flags()._repr_mimebundle_()
    assert bundle["text/plain"] == "(run this cell: 3 sliders beside their picture)"


@pytest.mark.parametrize("limits", [(0, 1, 2), (0, 1, -1), (1, 1, 1)])
def test_refuses_a_start_out_of_range(limits):
    with pytest.raises(ValueError, match="Sliders: 'red'"):
        Sliders(flag, {"red": limits})


def test_refuses_what_is_no_image():
    with pytest.raises(ValueError, match=r"must return \(C, H, W\), got shape \(2,\)"):
        Sliders(lambda v: np.zeros(2), {"red": (0, 1, 0)})
    with pytest.raises(ValueError, match="NaN"):
        Sliders(lambda v: np.full((1, 2, 2), np.nan), {"red": (0, 1, 0)})
