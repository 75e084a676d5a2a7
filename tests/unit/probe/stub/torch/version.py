__version__ = "2.9.1+cu128"
debug = False
cuda: str = "12.8"
git_version: str = "5811a8d7da873dd699ff6687092c225caffcf1bb"
hip = None
xpu = None
