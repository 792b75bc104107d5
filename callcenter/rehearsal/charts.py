"""Charts as SVG: pictures only, without the script and the remarks that pygal puts in."""

import sys
from xml.etree import ElementTree as ET

import pygal
from pygal.style import Style

__all__ = ["Style", "pygal", "svg"]
# Everybody takes pygal from here: no import may come between it and the next lines.
# pygal puts a finder for its plugins, which we have none of, before every later import; on Python 3.11 each module that
# is not found then warns that the finder is of an old kind.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

ET.register_namespace("", "http://www.w3.org/2000/svg")
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def svg(chart: pygal.graph.graph.Graph) -> bytes:
    """The picture as a file of its own, UTF-8. It runs nothing and loads nothing."""
    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag is ET.Comment or str(child.tag).rpartition("}")[2] == "script":
                parent.remove(child)
    picture: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return picture
