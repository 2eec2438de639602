"""A training's metrics.jsonl while it grows: each line is read once, however long the training."""

import array
import json
import os


class GrowingMetrics:
    """The step it has come to, its losses and its val_losses, as of the last read()."""

    def __init__(self, path):
        self._path = path
        self._begin(None)

    def read(self):
        """Takes in the lines that were completed since the last time."""
        try:
            with open(self._path, "rb") as file:
                status = os.fstat(file.fileno())
                # A training that goes on from a checkpoint writes the file anew, without what came after it.
                if status.st_ino != self._inode or status.st_size < self._position:
                    self._begin(status.st_ino)
                file.seek(self._position)
                complete, newline, _ = file.read().rpartition(b"\n")
        except OSError:
            return
        try:
            for line in complete.splitlines():
                self._add(json.loads(line))
        except ValueError:
            self._begin(None)  # cut and grown again between two looks
        else:
            self._position += len(complete) + len(newline)

    def _begin(self, inode):
        self._inode = inode
        self._position = 0
        self.step = None
        self.losses = array.array("d")
        self.val_losses = []

    def _add(self, line):
        self.step = line["step"]
        if line.get("loss") is not None:
            self.losses.append(line["loss"])
        if line.get("val_loss") is not None:
            self.val_losses.append(line["val_loss"])
