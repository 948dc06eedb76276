"""Charts of any number of births in columns: arrays in, arrays of small codes out.

    charts_table    NumPy columns -> `ChartColumns`
    charts          an Arrow table of `BirthInput` columns -> an Arrow table (needs pyarrow)
    error           why a row has no chart, in the words of the single path

A row equals the single chart of the same birth. What is wrong with one gives it a status (`status`) and leaves
its neighbours alone.
"""

from hypercube.saju.bulk.arrow import charts
from hypercube.saju.bulk.births import Births, births_of
from hypercube.saju.bulk.luck import LuckCodes
from hypercube.saju.bulk.table import INCLUDE, ChartColumns, charts_table, error

__all__ = ["INCLUDE", "Births", "ChartColumns", "LuckCodes", "births_of", "charts", "charts_table", "error"]
