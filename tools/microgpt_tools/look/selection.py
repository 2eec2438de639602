"""How much fits: which characters and which layers and heads are shown of a large model."""

from microgpt_tools.errors import UserError

MOST_CHARACTERS = 28  # the English alphabet, BOS, and a spare one
MOST_PREFIXES = 12
MOST_MAPS = 48
MOST_POSITIONS = 64


def check_prefixes(prefixes):
    if len(prefixes) > MOST_PREFIXES:
        raise UserError(f"--prefix: {len(prefixes)} of them; at most {MOST_PREFIXES} are shown at once")


def select_layers(wanted, config):
    """The layers to show, and a note for the reader if these are not all there are."""
    n_layer, n_head = config["n_layer"], config["n_head"]
    for layer in wanted or ():
        if not 0 <= layer < n_layer:
            raise UserError(f"--layer {layer}: the model's layers are 0 to {n_layer - 1}")
    layers = sorted(set(wanted)) if wanted else list(range(n_layer))
    room = max(1, MOST_MAPS // n_head)
    if len(layers) <= room:
        return layers, None
    if wanted:
        raise UserError(f"--layer: {len(layers)} layers of {n_head} heads; at most {room} are shown at once")
    shown = f"layers 0 to {room - 1}" if room > 1 else "layer 0"
    return layers[:room], f"attention of {shown} of {n_layer}; --layer N shows another"


def select_heads(config):
    """The heads to show of each layer, and a note if these are not all there are."""
    if config["n_head"] <= MOST_MAPS:
        return range(config["n_head"]), None
    return range(MOST_MAPS), f"attention of the first {MOST_MAPS} of {config['n_head']} heads"


def select_positions(attention):
    """The last positions of a name, as many as can be told apart, and a note if these are not all."""
    n = len(attention.tokens)
    if n <= len(attention.name):
        note = f"the model looks at the last {n} characters of a name, its block_size"
        return slice(max(0, n - MOST_POSITIONS), n), note
    if n <= MOST_POSITIONS:
        return slice(0, n), None
    return slice(n - MOST_POSITIONS, n), f"attention of the last {MOST_POSITIONS} of {n} positions"
