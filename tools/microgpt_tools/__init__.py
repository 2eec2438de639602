"""What sweep.py, plot.py and look.py are made of.

packages, program and run_folder serve all three; sweep, plot and look hold what each script does.
"""
