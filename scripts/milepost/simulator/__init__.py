"""A GitHub-compatible server, for trials and tests. It shares no code with the rest of Milepost."""

from milepost.simulator.faults import Fault
from milepost.simulator.journal import Exchange, Journal
from milepost.simulator.server import Simulator

__all__ = ["Exchange", "Fault", "Journal", "Simulator"]
