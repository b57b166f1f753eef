"""Sliders: a picture that follows the numbers which its reader moves."""

import io

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from .style import PIXELS, numbers


class Sliders(widgets.HBox):
    """A column of sliders, and beside it the picture that they make.

    `ranges` is {name: (low, high, start)}. `draw` takes the values in that order, an
    array (K,), and returns an image (C, H, W), C 1 or 3, of floats from 0 to 1; the
    picture is about `size` screen pixels high. `panel[name] = value` moves a slider
    from a program. Without a kernel there is nothing to move: show a figure as well.
    """

    def __init__(self, draw, ranges, *, size=288):
        for name, (low, high, start) in ranges.items():
            if not low <= start <= high or low == high:
                raise ValueError(
                    f"Sliders: {name!r} must have low ≤ start ≤ high and low < high,"
                    f" got {low}, {start} and {high}"
                )
        self.draw, self.size = draw, size
        self.sliders, self.picture = {}, widgets.Image(format="png")
        for name, (low, high, start) in ranges.items():
            look = {"step": (high - low) / 100, "readout_format": ".2f"}
            slider = widgets.FloatSlider(start, min=low, max=high, **look)
            slider.description = str(name)
            slider.observe(self.update, "value")
            self.sliders[name] = slider
        super().__init__([widgets.VBox(list(self.sliders.values())), self.picture])
        self.update()

    def __setitem__(self, name, value):
        self.sliders[name].value = value

    def update(self, change=None):
        """Draw the picture of the values that the sliders show."""
        values = np.array([slider.value for slider in self.sliders.values()])
        self.picture.value = png(self.draw(values), self.size)

    def __repr__(self):  # what a page shows that cannot show the panel
        return f"(run this cell: {len(self.sliders)} sliders beside their picture)"


def png(image, size):
    """An image (C, H, W) of floats from 0 to 1 as a PNG file, its pixels enlarged."""
    x = numbers("Sliders", "draw's image", image)
    if x.ndim != 3 or len(x) not in (1, 3):
        raise ValueError(f"Sliders: draw must return (C, H, W), got shape {x.shape}")
    times, file = max(1, round(size / x.shape[1])), io.BytesIO()
    x = np.clip(x, 0, 1).transpose(1, 2, 0).repeat(times, 0).repeat(times, 1)
    x = x if x.shape[2] == 3 else x[:, :, 0]
    plt.imsave(file, x, cmap=PIXELS, vmin=0, vmax=1, format="png")
    return file.getvalue()
