"""What sweep.py does, in the order in which a sweep goes through it.

options          flags and a YAML file become one definition (keys, sweep_file)
parameters       --param NAME=FORM: what the search may choose from
definition       what a sweep is, and the settings of one trial
check            the program itself judges the settings before the first trial
folder           the sweep's folder: who may work in it, and sweep.yml
study            Optuna's study, in SQLite or a shared database (storage_url)
sampling         who proposes the next trial, and who gives up on a hopeless one
outcomes         what came of a trial, in a word
search           which trials are wanted, running, finished, or to be tried again
running_trial    one trial: a process for each seed, its val_losses reported as they come
process          one process of the program, which never outlives the sweep
growing_metrics  what a training's metrics.jsonl says so far
objective        from a run's metrics to the number that the search lowers
loop             starts, watches and ends trials until there are enough
view             the live table, or plain lines
results          best.cfg and trials.csv
"""
