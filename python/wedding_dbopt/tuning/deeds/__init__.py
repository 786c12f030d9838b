"""The types of actions, one module each; this is their only list in Python."""

from __future__ import annotations

from wedding_dbopt.tuning.deeds.cache_optimization import CacheOptimization
from wedding_dbopt.tuning.deeds.connection_scaling import ConnectionScaling
from wedding_dbopt.tuning.deeds.deed import Deed
from wedding_dbopt.tuning.deeds.index_creation import IndexCreation
from wedding_dbopt.tuning.deeds.index_drop import IndexDrop
from wedding_dbopt.tuning.deeds.index_renewal import IndexRenewal
from wedding_dbopt.tuning.deeds.parameter_adjustment import ParameterAdjustment
from wedding_dbopt.tuning.deeds.query_rewrite import QueryRewrite
from wedding_dbopt.tuning.deeds.reindex import Reindex
from wedding_dbopt.tuning.deeds.statistics import Statistics
from wedding_dbopt.tuning.deeds.table_setting import TableSetting
from wedding_dbopt.tuning.deeds.upkeep import Vacuum

DEEDS: dict[str, Deed] = {
    deed.type: deed
    for deed in (
        IndexCreation(),
        IndexDrop(),
        IndexRenewal(),
        Reindex(),
        Statistics(),
        Vacuum(),
        TableSetting(),
        ParameterAdjustment(),
        CacheOptimization(),
        QueryRewrite(),
        ConnectionScaling(),
    )
}
