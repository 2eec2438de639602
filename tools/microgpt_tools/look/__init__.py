"""What look.py is made of: from a checkpoint to what the model learned, as pictures or text.

checkpoint reads the file, initial rebuilds the weights before training, model computes,
findings says what is worth seeing, and text or the figures show it.
"""
