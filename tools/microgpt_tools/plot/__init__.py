"""What plot.py is made of.

commands                      what to draw, from the arguments
curves, labels, differences   what the folders of runs say, as arrays, names and tables
sweep_storage, sweep_study    what a sweep's study says
run_figure, sweep_figure      pictures with matplotlib; palette and pictures hold their style
run_charts, sweep_charts      the same for the page, with plotly; charts is what they share
page, run_page, sweep_page    the page, with summary and samples; page.html, .css and .js are its frame
printable, output             text from outside, made fit; files that are whole or absent
"""
