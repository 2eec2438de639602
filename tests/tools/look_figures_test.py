"""What the pictures of look.py show is what was found: heights of bars, shades of maps, places of points."""

import unittest

import numpy as np

from look_support import LookTest

from microgpt_tools import pictures
from microgpt_tools.look import findings
from microgpt_tools.look.attention_figure import attention_figure
from microgpt_tools.look.checkpoint import read_checkpoint
from microgpt_tools.look.embeddings_figure import embeddings_figure
from microgpt_tools.look.figure import BLUE, GREY, ORANGE, STYLE
from microgpt_tools.look.initial import initial_parameters
from microgpt_tools.look.probabilities_figure import probabilities_figure
from microgpt_tools.pictures import DARK_GREY


class FiguresTest(LookTest):
    def setUp(self):
        super().setUp()
        self.checkpoint = read_checkpoint(self.train_names(n_layer=2, n_head=2, num_steps=60).checkpoint())
        style = pictures.style(**STYLE)
        style.__enter__()
        self.addCleanup(style.__exit__, None, None, None)

    def test_bars(self):
        initial = initial_parameters(self.checkpoint)
        found = [findings.next_character(prefix, self.checkpoint, initial) for prefix in ("e", "")]
        figure = probabilities_figure(found, self.checkpoint)
        for axes, next_character in zip(figure.axes, found):
            labels = [label.get_text() for label in axes.get_xticklabels()]
            self.assertEqual(sorted(labels), [*"abcd", "e", "end", *"fghijklmnopqrstuvwxyz"])
            tokens = [26 if label == "end" else ord(label) - ord("a") for label in labels]
            for bars, colour, values in zip(
                axes.containers, (GREY, BLUE), (next_character.before, next_character.after)
            ):
                self.assertEqual([bar.get_height() for bar in bars], values[tokens].tolist())
                self.assertEqual({colour_name(bar.get_facecolor()) for bar in bars}, {colour})
                for place, bar in enumerate(bars):
                    self.assertAlmostEqual(bar.get_x() + bar.get_width() / 2, place, delta=0.3)
        self.assertEqual(
            [axes.get_title("left") for axes in figure.axes], ["What comes after “e”", "What comes first"]
        )

    def test_maps(self):
        found = findings.attention("anna", self.checkpoint)
        figure = attention_figure(found, [0, 1], range(2), slice(0, 5), self.checkpoint)
        maps = {axes.get_title("left"): axes for axes in figure.axes if axes.images}
        self.assertEqual(list(maps), [f"layer {layer}, head {head}" for layer in (0, 1) for head in (0, 1)])
        for layer in (0, 1):
            for head in (0, 1):
                axes = maps[f"layer {layer}, head {head}"]
                shown = axes.images[0].get_array()
                np.testing.assert_array_equal(shown.filled(0), found.weights[layer, head])
                np.testing.assert_array_equal(shown.mask, np.triu(np.ones((5, 5)), k=1))
                labels = [label.get_text() for label in axes.get_xticklabels()]
                self.assertEqual(labels, ["BOS", "a", "n", "n", "a"])

    def test_points(self):
        characters, positions = embeddings_figure(self.checkpoint).axes
        for axes, name in ((characters, "wte"), (positions, "wpe")):
            plane = findings.principal_plane(self.checkpoint.parameters[name])
            points = [scatter.get_offsets() for scatter in axes.collections if len(scatter.get_offsets())]
            np.testing.assert_array_equal(points, [plane.points])
            self.assertIn(f"first direction: {plane.explained[0]:.0%} of the variance", axes.get_xlabel())
            self.assertIn(f"second direction: {plane.explained[1]:.0%} of the variance", axes.get_ylabel())
            # One unit is as long on both axes.
            x, y = axes.transData.transform((1, 1)) - axes.transData.transform((0, 0))
            self.assertAlmostEqual(x, y)
            bare = len(plane.points) - len(axes.texts)
            self.assertEqual(f"no room for the labels of {bare} of" in axes.get_xlabel(), bare > 0)
        colours = {text.get_text(): text.get_color() for text in characters.texts}
        self.assertGreater(len(colours), 20)
        for label, colour in colours.items():
            expected = DARK_GREY if label == "BOS" else ORANGE if label in "aeiou" else BLUE
            self.assertEqual(colour, expected, label)

    def test_points_without_a_label_are_counted(self):
        crowded = self.train_names("long", block_size=200, n_embd=4, n_head=1)
        _, positions = embeddings_figure(read_checkpoint(crowded.checkpoint())).axes
        self.assertLess(len(positions.texts), 200)
        note = f"no room for the labels of {200 - len(positions.texts)} of 200 points"
        self.assertEqual(positions.get_xlabel().split("\n")[1:], [note])

    def test_labels_stand_beside_their_points(self):
        for axes, name in zip(embeddings_figure(self.checkpoint).axes, ("wte", "wpe")):
            points = axes.transData.transform(
                findings.principal_plane(self.checkpoint.parameters[name]).points
            )
            for text in axes.texts:
                label = text.get_text()
                index = 26 if label == "BOS" else int(label) if name == "wpe" else ord(label) - ord("a")
                distance = np.linalg.norm(axes.transData.transform(text.get_position()) - points[index])
                self.assertLess(distance, 40, label)


def colour_name(rgba):
    return "#" + "".join(f"{round(255 * part):02X}" for part in rgba[:3])


if __name__ == "__main__":
    unittest.main()
