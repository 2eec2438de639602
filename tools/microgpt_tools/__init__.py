"""What sweep.py, plot.py and look.py are made of.

arguments, errors, packages, program and run_folder serve all three, pictures and whole_file whoever writes files; sweep,
plot and look hold what each script does.
"""
