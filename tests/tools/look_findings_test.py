"""The numbers behind the pictures of look.py: entropy, principal components, neighbours, places of labels."""

import math
import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

from microgpt_tools.look.alphabet import Labels
from microgpt_tools.look.findings import entropy, nearest_neighbours, principal_plane
from microgpt_tools.look.label_places import place_labels


class FindingsTest(unittest.TestCase):
    def test_entropy(self):
        self.assertAlmostEqual(entropy(np.full(27, 1 / 27)), math.log(27))
        self.assertEqual(str(entropy(np.array([0.0, 1.0, 0.0]))), "0.0")
        self.assertAlmostEqual(entropy(np.array([0.5, 0.25, 0.25])), 1.5 * math.log(2))

    def test_points_of_a_plane_in_space(self):
        """They keep their distances, and the plane explains them all, the longer direction first."""
        draw = np.random.default_rng(2)
        flat = draw.normal(size=(30, 2)) * [5, 1] + [7, 9]
        basis, _ = np.linalg.qr(draw.normal(size=(6, 2)))
        plane = principal_plane(flat @ basis.T)
        distances = lambda points: np.linalg.norm(points[:, np.newaxis] - points, axis=2)
        np.testing.assert_allclose(distances(plane.points), distances(flat), atol=1e-9)
        self.assertAlmostEqual(plane.explained.sum(), 1)
        shares = plane.points.var(axis=0) / flat.var(axis=0).sum()
        np.testing.assert_allclose(plane.explained, shares, atol=1e-9)
        self.assertGreater(plane.explained[0], 0.9)

    def test_a_picture_does_not_turn_over(self):
        vectors = np.random.default_rng(3).normal(size=(20, 5))
        plane, shuffled = principal_plane(vectors), principal_plane(vectors[::-1])
        np.testing.assert_allclose(plane.points, shuffled.points[::-1], atol=1e-9)

    def test_too_few_for_a_plane(self):
        for vectors, explained in (
            (np.ones((1, 4)), [0, 0]),
            (np.ones((5, 3)), [0, 0]),
            (np.eye(3)[:, :1], [1, 0]),
        ):
            plane = principal_plane(vectors)
            self.assertEqual(plane.points.shape, (len(vectors), 2))
            self.assertEqual(plane.explained.tolist(), explained)

    def test_neighbours_are_by_direction_not_length(self):
        vectors = np.array([[1.0, 0.0], [9.0, 1.0], [0.0, 2.0], [-1.0, 0.0], [0.0, 0.0]])
        nearest, cosines = nearest_neighbours(vectors, [0, 3], 3)
        self.assertEqual(nearest[0].tolist(), [1, 2, 4])
        self.assertAlmostEqual(cosines[0, 0], 9 / math.sqrt(82))
        self.assertEqual(nearest[1].tolist(), [2, 4, 1])
        self.assertEqual(nearest_neighbours(vectors, [0], 99)[0].shape, (1, 4))


class LabelsTest(unittest.TestCase):
    def test_symbols(self):
        labels = Labels("\t\n a\u0301\u200b中", lambda text: "中" not in text)
        self.assertEqual(
            [labels.token(token) for token in range(8)],
            ["⇥", "⏎", "␣", "a", "◌\u0301", "U+200B", "U+4E2D", "BOS"],
        )
        self.assertEqual(Labels("\n", str.isascii).token(0), "U+000A")
        self.assertEqual(labels.token(7, bos="end"), "end")

    def test_long_texts_end_with_their_end(self):
        labels = Labels("abc", lambda text: True)
        self.assertEqual(labels.text("abcabc", 6), "abcabc")
        self.assertEqual(labels.text("abcabca", 6), "…cabca")
        self.assertEqual(Labels("abc", str.isascii).text("abcabca", 6), "...bca")

    def test_places_do_not_overlap(self):
        points = np.random.default_rng(4).uniform(0, 100, (60, 2))
        sizes = {i: np.array([9.0, 5.0]) for i in range(60)}
        centres = place_labels(points, sizes, 2.0, np.array([0.0, 0.0, 100.0, 100.0]))
        boxes = [
            (*(centre - [4.5, 2.5]), *(centre + [4.5, 2.5]))
            for centre in centres.values()
            if centre is not None
        ]
        self.assertGreater(len(boxes), 30)
        self.assertLess(len(boxes), 60)
        for i, (left, bottom, right, top) in enumerate(boxes):
            self.assertTrue(left >= 0 and bottom >= 0 and right <= 100 and top <= 100)
            for x, y in points:
                self.assertFalse(left < x < right and bottom < y < top)
            for other in boxes[:i]:
                apart = right <= other[0] or other[2] <= left or top <= other[1] or other[3] <= bottom
                self.assertTrue(apart)

    def test_a_lone_point_has_its_label_at_the_right(self):
        centres = place_labels(
            np.array([[5.0, 5.0]]), {0: np.array([4.0, 2.0])}, 1.0, np.array([0.0, 0, 20, 20])
        )
        self.assertEqual(centres[0].tolist(), [8, 5])


if __name__ == "__main__":
    unittest.main()
