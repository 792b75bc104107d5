"""Who works in the demo."""

from callcenter.demo.floor import FloorAgent

QUEUES = ("sales", "support", "complaints")
SEAT = FloorAgent("you", "You", "1000", QUEUES)
"""The seat that is kept for whoever started the demo."""
NAMES = (
    ("li.na", "Li Na 李娜"),
    ("wang.wei", "Wang Wei 王伟"),
    ("zhang.min", "Zhang Min 张敏"),
    ("chen.jie", "Chen Jie 陈杰"),
    ("emma", "Emma Clarke"),
    ("liu.yang", "Liu Yang 刘洋"),
    ("noah", "Noah Brandt"),
    ("zhao.lei", "Zhao Lei 赵磊"),
    ("sofia", "Sofia Marino"),
    ("huang.ting", "Huang Ting 黄婷"),
)
MEMBERSHIPS = (("sales", "support"), ("support", "complaints"), QUEUES)


def agents(count: int) -> list[FloorAgent]:
    """So many simulated agents, on phones 1001 and up, each in two or three queues."""
    found = []
    for index in range(count):
        username, name = NAMES[index % len(NAMES)]
        again = index // len(NAMES)
        suffix = f".{again + 1}" if again else ""
        found.append(
            FloorAgent(
                f"{username}{suffix}", f"{name}{suffix}", str(1001 + index), MEMBERSHIPS[index % len(MEMBERSHIPS)]
            )
        )
    return found
