"""The types of actions, one module each; this is their only list in Python."""

from __future__ import annotations

from wedding_dbopt.tuning.deeds.deed import Deed
from wedding_dbopt.tuning.deeds.index_creation import IndexCreation
from wedding_dbopt.tuning.deeds.parameter_adjustment import ParameterAdjustment

DEEDS: dict[str, Deed] = {deed.type: deed for deed in (IndexCreation(), ParameterAdjustment())}
