"""Made-up people for the sample: names, companies, numbers. Any likeness is chance.

Numbers are of ranges set aside for fiction where a country has one (+1 555-01xx, +44 7700 900xxx).
"""

import random
from dataclasses import dataclass

from callcenter.customers.customer import Tier

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = (
    "伟",
    "芳",
    "娜",
    "秀英",
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "军",
    "洋",
    "勇",
    "艳",
    "杰",
    "娟",
    "涛",
    "明",
    "超",
)
GIVEN_MORE = ("建国", "志强", "晓燕", "小明", "雅琴", "文博", "欣怡", "子涵", "浩然", "雨桐")
FIRST = (
    "Alice", "Ben", "Chloe", "Daniel", "Emma", "Frank", "Grace", "Henry", "Isla", "Jack", "Karen", "Liam",
    "Maya", "Noah", "Olivia", "Peter", "Rachel", "Sam", "Tina", "Victor",
)  # fmt: skip
LAST = (
    "Archer", "Baker", "Carter", "Dawson", "Ellis", "Foster", "Green", "Hughes", "Irving", "Johnson", "Keller",
    "Lawson", "Miller", "Norris", "O'Brien", "Parker", "Reed", "Smith-Jones", "Turner", "Walsh",
)  # fmt: skip
COMPANIES_ZH = (
    "华东物流有限公司",
    "蓝海电子",
    "金桥建材",
    "东方纺织",
    "新城医疗器械",
    "绿源食品",
    "恒通汽配",
    "",
)
COMPANIES_EN = (
    "Harbour Freight Ltd",
    "Northwind Tools",
    "Bright & Sons",
    "Lakeside Clinics",
    "Summit Foods",
    "",
)
TIERS = (Tier.VIP, Tier.KEY, Tier.REGULAR, Tier.SMALL)
TIER_WEIGHTS = (5, 15, 50, 30)
AREAS = (201, 206, 212, 305, 312, 404, 415, 503, 617, 702, 713, 808)


@dataclass(frozen=True, slots=True)
class Person:
    """Who a made-up customer is."""

    name: str
    company: str
    language: str
    tier: Tier
    currency: str


def person(chance: random.Random) -> Person:
    """One customer; two of three are Chinese."""
    tier = chance.choices(TIERS, TIER_WEIGHTS)[0]
    if chance.random() < 0.66:
        given = chance.choice(GIVEN + GIVEN_MORE)
        return Person(chance.choice(SURNAMES) + given, chance.choice(COMPANIES_ZH), "zh", tier, "CNY")
    name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
    return Person(name, chance.choice(COMPANIES_EN), "en", tier, chance.choice(("USD", "GBP")))


def number(chance: random.Random, currency: str) -> str:
    """A number in E.164 of the country that goes with the currency."""
    match currency:
        case "CNY" if chance.random() < 0.8:
            return f"+861{chance.choice('3578')}{chance.randrange(10**9):09d}"
        case "CNY":
            return f"+86{chance.choice(('10', '21'))}{chance.randrange(6 * 10**7, 9 * 10**7)}"
        case "GBP":
            return f"+447700900{chance.randrange(1000):03d}"
        case _:
            return f"+1{chance.choice(AREAS)}55501{chance.randrange(100):02d}"
