"""A legend above all panels of a figure, as wide as the figure allows."""

from matplotlib.backends.backend_agg import FigureCanvasAgg


def add_legend(figure, entries, top, columns=None):
    """A legend of (handle, label) at the top of the figure, in as many columns as fit its width.

    `top` is the distance from the figure's top edge in inches; returns the legend's height in inches.
    """
    width, height = figure.get_size_inches()
    for count in range(min(len(entries), columns or 6), 0, -1):
        legend = figure.legend(
            [handle for handle, _ in entries],
            [str(index) for index in range(len(entries))],
            loc="upper left",
            bbox_to_anchor=(0.3 / width, 1 - top / height),
            borderaxespad=0,
            borderpad=0,
            ncol=count,
            columnspacing=2,
            handlelength=2.4,
        )
        # Only afterwards: a legend leaves out labels that begin with an underscore.
        for text, (_, label) in zip(legend.get_texts(), entries):
            text.set_text(label)
        box = legend.get_window_extent(FigureCanvasAgg(figure).get_renderer())
        if count == 1 or box.width <= (width - 0.6) * figure.dpi:
            return box.height / figure.dpi
        legend.remove()
    return 0
