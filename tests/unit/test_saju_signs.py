from hypercube.saju.signs import BRANCHES, PILLARS, STEMS


def test_the_sixty_pillars() -> None:
    assert len(PILLARS) == len({pillar.hanja for pillar in PILLARS}) == 60
    assert [pillar.index for pillar in PILLARS] == list(range(60))
    named = {0: "甲子갑자", 4: "戊辰무진", 17: "辛巳신사", 36: "庚子경자", 43: "丁未정미", 59: "癸亥계해"}
    assert {i: PILLARS[i].hanja + PILLARS[i].hangul for i in named} == named
    assert all(p.stem is STEMS[p.index % 10] and p.branch is BRANCHES[p.index % 12] for p in PILLARS)


def test_elements_and_polarity() -> None:
    def words(signs: object, field: str) -> str:
        return " ".join(getattr(sign, field) for sign in signs)  # type: ignore[attr-defined]

    assert words(STEMS, "element") == "wood wood fire fire earth earth metal metal water water"
    assert words(BRANCHES, "hanja") == "子 丑 寅 卯 辰 巳 午 未 申 酉 戌 亥"
    assert words(BRANCHES, "element") == (
        "water earth wood wood earth fire fire earth metal metal earth water"
    )
    for signs in (STEMS, BRANCHES):
        assert [sign.index for sign in signs] == list(range(len(signs)))
        assert all(sign.polarity == ("yang", "yin")[sign.index % 2] for sign in signs)
    # A stem meets only branches of its own polarity, which is why there are sixty pillars and not 120.
    assert all(pillar.stem.polarity == pillar.branch.polarity for pillar in PILLARS)
