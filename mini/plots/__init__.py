"""One look for every figure: grids of images, curves, graphs, receptive fields.

Each function draws into `ax`, or into a new figure of fitting size, and returns the
axes. Nothing is shown before you call `plt.show()`.
"""

from .charts import bars, curves, density, histogram, scatter
from .pictures import images, receptive_field, signed, taps
from .style import COLOURS, GREY, panels, use_style
from .tape import graph

__all__ = [
    "COLOURS",
    "GREY",
    "bars",
    "curves",
    "density",
    "graph",
    "histogram",
    "images",
    "panels",
    "receptive_field",
    "scatter",
    "signed",
    "taps",
    "use_style",
]
