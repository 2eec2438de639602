"""The picture of what the model expects next: for each prefix a row of bars, before and after training."""

from matplotlib.figure import Figure

from microgpt_tools.look.alphabet import Labels
from microgpt_tools.look.figure import BLUE, GREY, can_draw
from microgpt_tools.look.findings import entropy
from microgpt_tools.look.selection import MOST_CHARACTERS

LONGEST_TITLE = 24
BAR_WIDTH = 0.4


def probabilities_figure(found, checkpoint):
    labels = Labels(checkpoint.characters, can_draw)
    figure = Figure(figsize=(9, 0.5 + 2.6 * len(found)))
    for axes, next_character in zip(figure.subplots(len(found), squeeze=False)[:, 0], found):
        _draw(axes, next_character, labels, checkpoint.step)
    return figure


def _draw(axes, found, labels, step):
    tokens = found.most_probable(MOST_CHARACTERS)
    names = [labels.token(token, bos="end") for token in tokens]
    places = range(len(tokens))
    before = f"before training: entropy {entropy(found.before):.2f} nats"
    after = f"after {step:,} step{'' if step == 1 else 's'}: entropy {entropy(found.after):.2f} nats"
    axes.bar([x - BAR_WIDTH / 2 for x in places], found.before[tokens], BAR_WIDTH, color=GREY, label=before)
    axes.bar([x + BAR_WIDTH / 2 for x in places], found.after[tokens], BAR_WIDTH, color=BLUE, label=after)

    prefix = labels.text(found.prefix, LONGEST_TITLE)
    axes.set_title(f"What comes after “{prefix}”" if found.prefix else "What comes first")
    # "end" is as wide as two pairs of bars; escapes are wider still.
    is_wide = any(len(name) > 3 for name in names)
    axes.set_xticks(places, names, rotation=90 if is_wide else 0)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.8, len(tokens) - 0.2)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3%}".rstrip("%").rstrip("0").rstrip(".") + "%")
    axes.set_ylabel("probability")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2)
    if len(tokens) < len(found.after):
        rest = 1 - found.after[tokens].sum()
        note = f"the other {len(found.after) - len(tokens):,} characters share {rest:.1%}"
        axes.set_xlabel(note, loc="right")
