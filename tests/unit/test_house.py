"""The house rules that a machine can keep: who subscribes, what imports alone, sizes, words, import contracts."""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "callcenter"
MODULE_LIMIT, FUNCTION_LIMIT = 400, 50
"""Lines of a module; lines of code of a function."""
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """``callcenter.calls.call`` of its file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tracked() -> list[Path]:
    """The files that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git work tree")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_only_the_journey_subscribes() -> None:
    """Who listens to what is read in one table, and nowhere else; rehearsals and the bench have a bus of their own."""
    found = [
        name_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "subscribe"
        and ast.unparse(node.func) != "journey.subscribe"  # that is calling the table
    ]
    assert set(found) == {"callcenter.journey", "callcenter.rehearsal.floor", "callcenter.bench.decisions"}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All of a module's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From the signature to the last line, without the docstring."""
    documented = ast.get_docstring(node, clean=False) is not None
    first = node.body[0]
    words = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - words


LONGER_FOR_A_REASON = {
    "callcenter.building.core.build": "one constructor after the other: splitting it would hide what is joined to what",
    "callcenter.cli_rehearse.rehearse": "one line for each option of the command line",
    "callcenter.journey.subscribe": "the one table of who is told what",
    "callcenter.storage.customers._record_parts": "one SQL statement",
}


def test_sizes() -> None:
    """Nothing is so long that it can't be read in one go; what is longer has a reason, and still needs it."""
    long = {}
    for path in MODULES:
        text = path.read_text("utf-8")
        if (lines := len(text.splitlines())) > MODULE_LIMIT:
            long[name_of(path)] = lines
        of_each = {f"{name_of(path)}.{node.name}": code_lines(node) for node in functions(ast.parse(text))}
        long.update({name: lines for name, lines in of_each.items() if lines > FUNCTION_LIMIT})
    assert long.keys() == LONGER_FOR_A_REASON.keys(), long


def test_everything_public_is_explained() -> None:
    """Each module, class and function that others may use says what it is."""
    silent = []
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        if not ast.get_docstring(tree):
            silent.append(name_of(path))
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if public and not node.name.startswith("_") and not ast.get_docstring(node):  # type: ignore[attr-defined, arg-type]
                silent.append(f"{name_of(path)}.{node.name}")  # type: ignore[attr-defined]
    assert silent == []


def imports_of(path: Path, known: set[str]) -> set[str]:
    """The modules of ours that must be there before this one: its packages, and what its top level names."""
    parts = name_of(path).split(".")
    needed = {".".join(parts[:end]) for end in range(1, len(parts))}
    for node in top_level(ast.parse(path.read_text("utf-8")).body):
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.Import):
            needed.update(names)
        elif node.module:
            # Of a package one may take a module, or something that its own file defines.
            needed.update(f"{node.module}.{name}" for name in names if f"{node.module}.{name}" in known)
            needed.add(node.module)
    return needed & known - {name_of(path)}


def top_level(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that run when the module is imported, not those in functions or for the type checker alone."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from top_level(node.body + node.orelse)
        elif isinstance(node, ast.Try):
            yield from top_level(node.body)


def test_every_module_imports_alone() -> None:
    """No import circle: so no lucky order is needed, and any module can be the first."""
    known = {name_of(path) for path in MODULES}
    graph = {name_of(path): imports_of(path, known) for path in MODULES}
    try:
        order = list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail(f"modules import one another in a circle: {' -> '.join(error.args[1])}")
    assert set(order) == known


def test_every_module_imports_in_a_fresh_process() -> None:
    """None fails, none warns, none prints."""
    names = [name_of(path) for path in MODULES if path.name != "__main__.py"]
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


# Made of parts, so that this file does not hold what it looks for.
BANNED = [
    re.compile(pattern)
    for pattern in (
        "/" + "work/(?!flow)",
        r"(^|[\s\"'=:(])/" + "root/",
        "/tmp/" + "w/",
        r"\bpy" + r"pi\.org",
        r"files\.python" + "hosted",
        "registry" + r"\.npm",
        r"\bnpm" + "mirror",
        "(aliyun|tuna|ustc|huaweicloud|tencent)" + r"[a-z.]*\.(com|cn|edu)",
        "(clau" + "de|anthro" + "pic|chat" + "gpt|open" + "ai|co" + "pilot)",
    )
]
MADE_BY_TOOLS = {"package-lock.json", "requirements.lock", "requirements-dev.lock"}
"""Lock files name what they lock; they are written by their tools."""


def test_no_words_of_one_machine() -> None:
    """No path of a certain machine, no registry or mirror by name, no tool's name."""
    found = []
    for path in tracked():
        if path.name in MADE_BY_TOOLS:
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            found += [
                f"{path.relative_to(ROOT)}:{number}: {word.group()}"
                for banned in BANNED
                if (word := banned.search(line.lower()))
            ]
    assert found == []


def test_tests_say_what_they_prove() -> None:
    """Each test function has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in tracked()
        if path.name.startswith("test_") and path.suffix == ".py"
        for node in functions(ast.parse(path.read_text("utf-8")))
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_import_contracts() -> None:
    """A stage knows earlier stages, never later ones; stages are plain Python; only the top reads settings."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
