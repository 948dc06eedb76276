"""Every fact that follows from four pillars: arrays of sexagenary indices in, arrays of small codes out.

    facts(pillars, **schools)            [N, 4] -> `Facts`, every fact of N charts
    describe(facts, i)                   one of them by name, as `hypercube.core.facts.ChartFacts`
    against(pillars, extra, **schools)   what luck, year, month or day pillars are to the charts
    pair_relations(a, b)                 the bonds and conflicts of any two pillars
    relations(labels, pillars)           the same as a list with names

All rules are tables: `ten_gods`, `hidden_stems`, `life_stages`, `nayin`, `void`, `relations`,
`twelve_sinsal`, `sinsal_rules`, `climate`, `structure`, `strength` hold them with their sources, `schools`
what there is to choose and the versions.
"""

from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.saju.facts.arrays import Facts
from hypercube.saju.facts.compute import facts
from hypercube.saju.facts.describe import describe
from hypercube.saju.facts.extra import ExtraFacts, against, pair_relations
from hypercube.saju.facts.relation_list import relations
from hypercube.saju.facts.schools import Schools

__all__ = [
    "BladeSchool",
    "ExtraFacts",
    "Facts",
    "GoegangSchool",
    "HiddenStemSet",
    "LifeStageSchool",
    "Schools",
    "against",
    "describe",
    "facts",
    "pair_relations",
    "relations",
]
