"""Void branches (공망): the two of twelve that a pillar's decade (旬) does not reach.

Ten stems go over ten of the twelve branches; the two left over are void: 戌亥 for 甲子…癸酉, 申酉 for the next
ten, and so on backward. Read from the day pillar, and by some also from the year pillar; both are given.
Source: 三命通會 論空亡. No school differs on the table.
"""


def void_branches(pillar: int) -> tuple[int, int]:
    """The two branches 0..11, yang first, that are void for a sexagenary index 0..59."""
    first = (10 - 2 * (pillar // 10)) % 12
    return first, first + 1
