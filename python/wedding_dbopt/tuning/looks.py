"""When an applied action is looked at, and how much error each look may make.

Every look is a chance to be wrong, and an action is looked at a dozen times before its last word. So the allowed error is
spent over the looks: the k-th of them gets 1 / (k (k + 1)) of it, and all together never more than the whole. Half of it is
for the first look, because a regression must be found at once. Looks come further apart as time goes on, because data that is
hardly more than the last look's tells nothing new.

Source: Lan and DeMets, Discrete sequential boundaries for clinical trials, Biometrika 70 (1983) 659; used here with
Bonferroni's inequality between the looks, which needs no joint distribution.
"""

from __future__ import annotations

import math

#: The first looks come with each pass, later ones when the time since the change has grown by this factor.
EVERY_PASS = 3
GROWTH = 1.25


def due(age_s: float, looks: int, last_age_s: float) -> bool:
    """Whether it is time for another look after `looks` of them, the last at `last_age_s`."""
    return looks < EVERY_PASS or age_s >= GROWTH * last_age_s


def spent(look: int) -> float:
    """The share of the allowed error that the look of this number (from 1) may make."""
    return 1 / (look * (look + 1))


def rest(look: int) -> float:
    """What is left for a last look of this number."""
    return 1 / look


def gain_look(look: int, age_s: float, min_window_s: float) -> int:
    """The number of a look among those that may call a gain, which begin with the shortest window."""
    if min_window_s <= 0 or age_s <= min_window_s:
        return 1 if age_s <= min_window_s and min_window_s > 0 else look
    return min(look, 1 + math.floor(math.log(age_s / min_window_s) / math.log(GROWTH)))
