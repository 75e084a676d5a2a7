"""Programs that look at a machine and try what it can compute.

They run with Python 3.8 or newer and the standard library; only the worker imports torch, the one under inspection.
Nothing here imports the rest of the suite, so this folder works alone in a container.
"""
