"""The project keeps its word: dependencies, layers, notebooks, table of chapters."""

import ast
import importlib.metadata
import re
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import get_sanitize_patterns
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.measure_chapters import BEGIN, END, question

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))
NOTEBOOKS = sorted(
    path
    for folder in ("chapters", "tests")
    for path in (ROOT / folder).rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)


def relative(path):
    return path.relative_to(ROOT).as_posix()


# ---- dependencies --------------------------------------------------------------------

CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}


def requirements(lines):
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): r for r in found}


def from_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return requirements(project["dependencies"])


def from_constraints():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return requirements(line for line in lines if not line.startswith("#"))


def from_environment():
    text = (ROOT / "environment.yml").read_text("utf-8")
    lines = re.findall(r"^  - (.+)$", text.split("dependencies:")[1], re.MULTILINE)
    lines = [line for line in lines if line not in ("python=3.11", "pip")]
    found = requirements(lines)
    return {CONDA_NAMES.get(name, name): r for name, r in found.items()}


def test_environment_has_the_packages_and_bounds_of_pyproject():
    ours = {name: r.specifier for name, r in from_pyproject().items()}
    conda = {name: r.specifier for name, r in from_environment().items()}
    assert conda == ours


def test_environment_is_what_binder_expects():
    text = (ROOT / "environment.yml").read_text("utf-8")
    assert re.findall(r"channels:\n((?:  - .+\n)+)", text) == ["  - conda-forge\n"]
    assert "\n  - python=3.11\n" in text
    assert not (ROOT / "binder").exists(), "binder/ would hide the root environment.yml"
    assert not (ROOT / ".binder").exists()


def test_constraints_are_exact_and_within_the_bounds():
    pins = from_constraints()
    for name, pin in pins.items():
        assert re.fullmatch(r"==[0-9.]+", str(pin.specifier)), f"{name} is not pinned"
    for name, requirement in from_pyproject().items():
        version = str(pins[name].specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"{name} {version} is too old"


def test_constraints_name_everything_that_is_needed():
    """Follow the requirements of the installed packages, their extras included."""
    waiting, seen = list(from_pyproject().values()), set()
    while waiting:
        package = waiting.pop()
        name, extras = canonicalize_name(package.name), frozenset(package.extras)
        if name.startswith(("nvidia-", "cuda-", "triton")):
            continue  # torch pins the parts of its CUDA builds itself
        if (name, extras) not in seen:
            seen.add((name, extras))
            for needed in map(Requirement, importlib.metadata.requires(name) or []):
                if needed.marker is None or any(
                    needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)
                ):
                    waiting.append(needed)
    assert {name for name, _ in seen} <= set(from_constraints())


# ---- layers --------------------------------------------------------------------------

# A file imports only from lines above its own. The files of one package may work
# together, except that no model knows of another.
LAYERS = """
progress
kernels
download
tensor
operations
convolution
normalisation
functional
gradcheck
distributions
adversarial
init
module
spectral
nn
optim
images
streams
sampling
autoregressive
latent
models
faces
data
metrics
plots
zoo
checks
twins
""".split()
RANK = {room: rank for rank, room in enumerate(LAYERS)}
ONLY_IN = {"torch": {"twins"}, "numba": {"kernels", "__main__"}}
EXPORTS_ALL_BUT = {"checks", "twins", "zoo"}  # what mini/__init__.py leaves alone

MODULES = sorted((ROOT / "mini").rglob("*.py"))


def imported(path):
    """Dotted names of all that the file imports, here or inside functions."""
    package = relative(path.parent).split("/")
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def room_of(name):
    """`functional` for `mini.functional.conv2d`, '' for what no file is named after."""
    room = name.split(".")[1] if "." in name else ""
    return room if room in RANK else ""


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_file_imports_only_from_layers_above_it(path):
    parts = path.relative_to(ROOT / "mini").with_suffix("").parts
    own = parts[0]
    assert own in RANK or own in ("__init__", "__main__"), f"{own} is in no layer"
    for name in imported(path):
        top, room = name.split(".")[0], room_of(name)
        if top != "mini":
            assert own in ONLY_IN.get(top, {own}), f"{own} must not import {top}"
        elif own == "__main__":
            assert room == "kernels"
        elif own == "__init__":
            assert room and room not in EXPORTS_ALL_BUT, f"mini must not import {name}"
        else:
            assert room, f"{own} imports {name}: name the file, not the package"
            inside = own == room and (own != "models" or parts[-1] == "__init__")
            assert inside or RANK[room] < RANK[own], f"{own} must not import {room}"


def test_imports_go_round_in_no_circle():
    def dotted(path):
        return ".".join(path.relative_to(ROOT).with_suffix("").parts)

    names = {dotted(path).removesuffix(".__init__"): path for path in MODULES}

    def module_of(name):
        while name and name not in names:
            name = name.rpartition(".")[0]
        return name

    graph = {name: set(map(module_of, imported(p))) for name, p in names.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError


# ---- notebooks -----------------------------------------------------------------------

SANITIZER = ROOT / "tests" / "nbval_sanitize.cfg"
[(FIGURE, REPLACEMENT)] = get_sanitize_patterns(SANITIZER.read_text("utf-8"))
ASSERT = re.compile(r"^\s*assert\b", re.MULTILINE)
UNWANTED = {
    "an absolute path": r"/(home|root|tmp|Users)/|site-packages|ipykernel_\d+",
    "a memory address": r"\b0x[0-9a-f]{6,}",
    "a warning": r"Warning:",
    "a figure that no sanitizer sees": r"≈[-+\d.]",
}


def texts(cell):
    """All that a code cell shows in words."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.text
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield data


def faults(notebook):
    """What is wrong with a notebook that is to be committed, as a list of sentences."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells, 1):
        where = f"code cell {number}"
        if cell.execution_count != number:
            yield f"{where} was run as number {cell.execution_count}"
        asked = cell.source + str(cell.metadata.get("tags", ""))
        if re.search(r"(?i)nbval.(skip|ignore|raises)|raises-exception", asked):
            yield f"{where} asks nbval to look away"
        for output in cell.outputs:
            if output.output_type == "error" or output.get("name") == "stderr":
                yield f"{where} wrote an error or to stderr"
        said = "\n".join(texts(cell))
        for what, pattern in UNWANTED.items():
            if match := re.search(pattern, said):
                yield f"{where} shows {what}: {match[0]}"
        nearby = "\n".join(c.source for c in cells[number - 1 : number + 1])
        if re.search(FIGURE, said) and not ASSERT.search(nearby):
            yield f"{where} prints {re.search(FIGURE, said)[0]} that no assert holds"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=relative)
def test_notebook_is_fit_to_be_committed(path):
    raw = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(raw)
    assert (raw.nbformat, raw.nbformat_minor) == (4, 5)
    assert raw.metadata.kernelspec.name == "python3"
    assert path.stat().st_size <= 1.5e6
    assert list(faults(raw)) == []


@pytest.mark.parametrize(
    ("text", "sanitized"),
    [
        ("≈ 97.2 nats", "FIGUREnats"),
        ("≈   1,024.5 nats", "FIGUREnats"),
        ("≈ -1.2e-05", "FIGURE"),
        ("|≈ 99.1%   |", "|FIGURE|"),
        ("seconds   ≈ 46", "secondsFIGURE"),
        ("97.2 nats", "97.2 nats"),
        ("≈ nan nats", "≈ nan nats"),
        ("≈ inf", "≈ inf"),
    ],
)
def test_sanitizer_replaces_approximate_figures_only(text, sanitized):
    assert re.sub(FIGURE, REPLACEMENT, text) == sanitized


PARTS = ["What goes wrong", "The same in PyTorch", "Results", "Exercises", "Summary"]


@pytest.mark.parametrize("path", CHAPTERS, ids=relative)
def test_no_part_of_a_chapter_is_lost(path):
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    numbers = [int(number) for number in re.findall(r"\\tag\{(\d+)\}", text)]
    assert numbers == list(range(1, len(numbers) + 1))
    cited = re.findall(r"[Ee]quations? \((\d+)\)(?! of)", text)
    assert {int(number) for number in cited} <= set(numbers)
    if path.name >= "04":  # the first chapters have an order of their own
        found = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert [part for part in found if part in PARTS] == PARTS


# ---- table of chapters ---------------------------------------------------------------


def test_readme_lists_every_chapter():
    readme = (ROOT / "README.md").read_text("utf-8")
    _, table, _ = re.split(f"{BEGIN}|{END}", readme)
    listed = re.findall(r"\]\((chapters/\S+\.ipynb)\)", table)
    assert CHAPTERS
    assert listed == [relative(path) for path in CHAPTERS]
    for path in CHAPTERS:
        assert question(nbformat.read(path, as_version=4)) in table
