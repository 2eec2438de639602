#!/usr/bin/env python3
"""What a training step costs on more machines: a model of its time, from numbers measured on one."""

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from microgpt_tools.arguments import Parser, number, whole_number  # noqa: E402
from microgpt_tools.errors import UserError, run_main  # noqa: E402

EXAMPLES = """\
A step's time on R ranks of N threads each:

  compute   token_seconds x tokens + lane_seconds x lanes, of the rank with most lanes, / N
  fixed     fixed_seconds: Adam, whatever the batch
  messages  small models: one gather of all gradients; large ones: each rank sends its gradient and
            receives the parameters, which is about twice the model, and three rounds of messages

The tokens of a step are dealt to lanes of about 32, or 256 where a gradient takes more than 8 MiB, but then to four
where 32 gives as many: a power of two of them, at most 64, or one for each 512 tokens up to 1,024, and never more
than there are documents in a batch, which --batch-size tells. A worker without a lane has nothing to do.

examples:
  tools/cluster/predict.py --n-embd 64 --tokens 469 --token-seconds 4.2e-6
  tools/cluster/predict.py --n-layer 6 --n-embd 384 --block-size 256 --vocab 65 --tokens 131072 --threads 16 \\
      --token-seconds 4e-4 --ranks 1,8,64,1024
  tools/cluster/predict.py --latency 1.8e-6 --bandwidth 1.2e10     a network as ping_pong.c measured it
"""

SLICE = 2048  # parameters; a shard is whole slices
GATHERED_BYTES = 1 << 18
# Those of src/training/batch_plan.cpp and .hpp.
LANE_TOKENS = 32
LANE_TOKENS_OF_LARGE_MODELS = 256
LARGE_GRADIENT_BYTES = 1 << 23
FIRST_LANES = 4
USUAL_LANES = 64
MAX_LANES = 1024
LONG_LANE_TOKENS = 512
POSITIVE = number(1e-18, 1e18)
NOT_NEGATIVE = number(0, 1e18)


@dataclass(frozen=True)
class Network:
    name: str
    latency: float  # seconds for a short message from rank to rank
    bandwidth: float  # bytes a second and rank


# What such networks are known for between two programs that use MPI; not measured here.
NETWORKS = [
    Network("10 GbE, TCP", 30e-6, 1.1e9),
    Network("25 GbE, TCP", 20e-6, 2.8e9),
    Network("100 GbE, RoCE", 3e-6, 1.1e10),
    Network("InfiniBand HDR", 1.5e-6, 2.3e10),
]


def power(number):
    """The largest power of two up to a number; 0 for 0."""
    return 1 << number.bit_length() - 1 if number else 0


def next_power(number):
    """The least power of two from a number on."""
    return 1 << (number - 1).bit_length()


def even_count(tokens, lane_tokens):
    return next_power((3 * math.ceil(tokens / lane_tokens) + 3) // 4)


@dataclass(frozen=True)
class Job:
    """A step of training, and how fast one worker is."""

    parameters: int
    scalar_bytes: int
    tokens: float  # in a step
    threads: int  # of each rank
    token_seconds: float  # of one worker, forward and backward
    lane_seconds: float  # to add the gradient of a lane
    fixed_seconds: float
    batch_size: int = MAX_LANES  # which is no limit

    @property
    def model_bytes(self):
        return self.parameters * self.scalar_bytes

    def lanes(self):
        """As src/training/batch_plan.cpp has them."""
        is_large = self.model_bytes > LARGE_GRADIENT_BYTES
        lanes = even_count(self.tokens, LANE_TOKENS_OF_LARGE_MODELS if is_large else LANE_TOKENS)
        lanes = max(lanes, min(even_count(self.tokens, LANE_TOKENS), FIRST_LANES))
        most = min(max(USUAL_LANES, power(int(self.tokens) // LONG_LANE_TOKENS)), MAX_LANES)
        return min(self.batch_size, lanes, most)

    def compute_seconds(self, ranks):
        """Of the rank with most lanes: its workers take them one by one."""
        lanes = self.lanes()
        share = math.ceil(lanes / ranks)
        turns = math.ceil(share / self.threads)
        return turns * (self.tokens / lanes * self.token_seconds + self.lane_seconds)

    def message_seconds(self, ranks, network):
        if ranks == 1:
            return 0.0
        nodes = min(ranks, self.lanes())
        if nodes * self.model_bytes <= GATHERED_BYTES:
            return math.ceil(math.log2(ranks)) * network.latency + nodes * self.model_bytes / network.bandwidth
        # Reduce-scatter to the ranks that own a shard, one short gather of sums, a ring for the parameters.
        owners = min(ranks, math.ceil(self.parameters / SLICE))
        rounds = (owners - 1) + math.ceil(math.log2(ranks)) + (ranks - 1)
        return rounds * network.latency + 2 * self.model_bytes / network.bandwidth

    def step_seconds(self, ranks, network):
        return self.compute_seconds(ranks) + self.fixed_seconds + self.message_seconds(ranks, network)


def parameters_of(vocab, n_layer, n_embd, block_size):
    return (2 * vocab + block_size) * n_embd + 12 * n_layer * n_embd**2


def rank_counts(text):
    return [whole_number(1)(word) for word in text.split(",")]


def parse_arguments():
    parser = Parser(
        description="Predicts the time of a training step on more machines.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--n-layer", type=whole_number(1), default=1)
    parser.add_argument("--n-embd", type=whole_number(1), default=64)
    parser.add_argument("--block-size", type=whole_number(1), default=16)
    parser.add_argument("--vocab", type=whole_number(1), default=27)
    parser.add_argument("--precision", choices=["float32", "float64"], default="float32")
    parser.add_argument("--tokens", type=POSITIVE, default=469, help="of a step: batch_size times the mean length")
    parser.add_argument(
        "--batch-size", type=whole_number(1), default=MAX_LANES,
        help="documents of a step, each in one lane (default: enough for all lanes)",
    )  # fmt: skip
    parser.add_argument("--threads", type=whole_number(1), default=1, help="of each rank (default: 1)")
    parser.add_argument("--token-seconds", type=POSITIVE, default=4.2e-6, help="one worker's time for a token")
    parser.add_argument("--lane-seconds", type=NOT_NEGATIVE, default=2.5e-6, help="to add a lane's gradient")
    parser.add_argument("--fixed-seconds", type=NOT_NEGATIVE, default=2e-5, help="of a step, whatever its tokens")
    parser.add_argument("--ranks", type=rank_counts, default="1,2,4,8,16,64,256,1024", help="comma-separated")
    parser.add_argument("--latency", type=NOT_NEGATIVE, help="seconds; with --bandwidth, instead of the usual networks")
    parser.add_argument("--bandwidth", type=POSITIVE, help="bytes a second")
    arguments = parser.parse_args()
    if (arguments.latency is None) != (arguments.bandwidth is None):
        raise UserError("--latency and --bandwidth: give both, or none")
    return arguments


def job_of(arguments):
    return Job(
        parameters=parameters_of(arguments.vocab, arguments.n_layer, arguments.n_embd, arguments.block_size),
        scalar_bytes=4 if arguments.precision == "float32" else 8,
        tokens=arguments.tokens,
        threads=arguments.threads,
        token_seconds=arguments.token_seconds,
        lane_seconds=arguments.lane_seconds,
        fixed_seconds=arguments.fixed_seconds,
        batch_size=arguments.batch_size,
    )


def print_table(job, networks, counts):
    print(f"{job.parameters} parameters, {job.tokens:.0f} tokens a step in {job.lanes()} lanes, ", end="")
    print(f"{job.threads} thread{'s' if job.threads > 1 else ''} a rank")
    print("milliseconds a step, and how many times faster than one rank")
    print(f"{'ranks':<16}" + "".join(f"{ranks:>17}" for ranks in counts))
    for network in networks:
        alone = job.step_seconds(1, network)
        cells = []
        for ranks in counts:
            seconds = job.step_seconds(ranks, network)
            cells.append(f"{seconds * 1e3:.3g} ({alone / seconds:.3g}x)")
        print(f"{network.name:<16}" + "".join(f"{cell:>17}" for cell in cells))


def main():
    arguments = parse_arguments()
    networks = NETWORKS
    if arguments.latency is not None:
        networks = [Network("as given", arguments.latency, arguments.bandwidth)]
    print_table(job_of(arguments), networks, arguments.ranks)


if __name__ == "__main__":
    run_main(main)
