"""What sweep.py, plot.py and look.py are made of.

arguments, errors and packages serve every script, program and the files of a run (run_folder, metrics)
whoever needs them, yaml_file whoever reads YAML, pictures and whole_file whoever writes files; sweep, plot
and look hold what each script does.
"""
