"""Make a tag and a GitHub Release, which can be reproduced, of a closed milestone."""

from __future__ import annotations
