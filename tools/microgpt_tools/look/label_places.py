"""Labels beside points, none on top of another: whatever finds no room stays a bare point."""

import numpy as np

SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


def place_labels(points, sizes, gap, bounds):
    """The centres of the labels of points[i], or None, for each i of `sizes`: i -> (width, height).

    Points, sizes, gap and bounds (left, bottom, right, top) are in one unit. The points choose in the order
    of `sizes`, so that those which tell most should come first.
    """
    taken = np.hstack([points - gap / 2, points + gap / 2])  # left, bottom, right, top
    centres = dict.fromkeys(sizes)
    for i, size in sizes.items():
        for side in SIDES:
            centre = points[i] + np.array(side) * (gap + size / 2)
            box = np.hstack([centre - size / 2, centre + size / 2])
            if _inside(box, bounds) and not _overlap(box, taken).any():
                centres[i] = centre
                taken = np.vstack([taken, box])
                break
    return centres


def _inside(box, bounds):
    return bool((box[:2] >= bounds[:2]).all() and (box[2:] <= bounds[2:]).all())


def _overlap(box, boxes):
    return ((box[:2] < boxes[:, 2:]) & (boxes[:, :2] < box[2:])).all(axis=1)
