"""`make assignments`: make what students get from the problem sets in source/.

Each set becomes a folder and a zip in release/ (or in the folder that the variable
MINI_RELEASE names) without solutions, hidden tests and mark schemes, and its points
are entered in release/grading/gradebook.db. All sets are looked over first; where one
has a fault, it is named and nothing is written. What somebody changed in release/, and
sets that somebody has handed in, are left as they are.
"""

import ast
import copy
import hashlib
import io
import os
import shutil
import sys
import zipfile
from collections import Counter
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import capture_log, is_grade, is_solution
from traitlets.config.loader import PyFileConfigLoader

HERE = Path(__file__).resolve().parent
MARKS = ["SOLUTION", "HIDDEN TESTS", "MARK SCHEME"]
POINTS = 100


class Refused(Exception):
    """Something that would have been lost, and what to do about it."""


def settings(path=HERE / "nbgrader_config.py"):
    """nbgrader's configuration, and the means to begin a gradebook."""
    tools = str(Path(sys.executable).parent)  # where nbgrader will look for alembic
    os.environ["PATH"] = os.pathsep.join([tools, os.environ.get("PATH", "")])
    return PyFileConfigLoader(path.name, path=str(path.parent)).load_config()


# ---- is a set sound? -----------------------------------------------------------------


def faults(path):
    """What is wrong with a set's notebook, as a list of sentences."""
    cells = nbformat.read(path, as_version=4).cells
    names = [name for name in map(_name, cells) if name]
    total = sum(cell.metadata.nbgrader["points"] for cell in cells if is_grade(cell))
    found = []
    if total != POINTS:
        found.append(f"has {total:g} points, not {POINTS}")
    for name, times in Counter(names).items():
        if times > 1:
            found.append(f"has {times} cells called {name}")
    for number, cell in enumerate(cells, 1):
        place = f"cell {number} ({_name(cell) or cell.cell_type})"
        for mark in MARKS:
            if cell.source.count(f"BEGIN {mark}") != cell.source.count(f"END {mark}"):
                found.append(f"{place}: BEGIN and END {mark} do not pair up")
        if cell.cell_type == "code" and is_solution(cell):
            tests = [later for later in cells[number:] if is_test(later)]
            found += [f"{place}: {fault}" for fault in _faults_of_answer(cell, tests)]
    return [f"{path.stem}: {fault}" for fault in found]


def _faults_of_answer(cell, tests):
    if "### BEGIN SOLUTION" not in cell.source:
        yield "has no ### BEGIN SOLUTION"
    try:
        made, used = _names_made(cell), set().union(*map(_names_used, tests))
    except SyntaxError as error:
        yield f"{error.msg}, here or in a later cell with points"
        return
    if not made & used:
        what = " or ".join(sorted(made)) or "an answer"
        yield f"no later cell with points uses {what}"


def is_test(cell):
    """Whether a cell gives points without anybody reading it."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def _name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _names_made(cell):
    """What the code of an answer defines: functions, classes, variables."""
    tree = ast.parse(cell.source)
    made = {node.name for node in tree.body if hasattr(node, "name")}
    return made | {
        name.id
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }


def _names_used(cell):
    tree = ast.walk(ast.parse(cell.source))
    return {node.id for node in tree if isinstance(node, ast.Name)}


# ---- what students get ---------------------------------------------------------------


def student_version(name, config, folder, db_url):
    """Let nbgrader make one set's release → {path in the set's folder: bytes}."""
    config = copy.deepcopy(config)
    config.CourseDirectory.update(release_directory=str(folder), db_url=db_url)
    config.CourseDirectory.assignment_id = name
    course = CourseDirectory(config=config)
    converter = GenerateAssignment(coursedir=course, config=config, force=True)
    result = capture_log(converter)
    if not result["success"]:
        raise Refused(f"{name}: nbgrader says:\n{result.get('log', result['error'])}")
    files = [path for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder / name): path.read_bytes() for path in files}


def zipped(name, files):
    """The bytes of a zip with the folder `name`; the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{name}/{path.as_posix()}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def entered(db_url, name):
    """What the gradebook knows of a set: its cells, and how many were handed in."""
    with Gradebook(db_url) as book:
        try:
            [notebook] = book.find_assignment(name).notebooks
        except (MissingEntry, ValueError):
            return {}, 0
        cells = {
            cell.name: [cell.source, cell.cell_type] for cell in notebook.source_cells
        }
        for cell in notebook.grade_cells:
            cells[cell.name].append(cell.max_score)
        return cells, len(notebook.submissions)


# ---- putting it in place -------------------------------------------------------------


class Release:
    """The folder that students' versions go to, and which of its files we made.

    The file .built lists the SHA-256 of all that was ever put here: a file that is not
    in it was changed by somebody, and is not replaced.
    """

    def __init__(self, folder):
        self.folder, self.list = folder, folder / ".built"
        self.scratch = folder / ".unfinished"  # from here, whole files are moved
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()

    def differing(self, files):
        """Those of {path: bytes} that are not there yet. Refuses to replace others'."""
        known = self.list.read_text().split() if self.list.exists() else []
        new = {}
        for path, content in files.items():
            target = self.folder / path
            if not target.exists():
                new[path] = content
            elif (old := target.read_bytes()) != content:
                if hashlib.sha256(old).hexdigest() not in known:
                    raise Refused(
                        f"{target} was changed by somebody; it is left as it is. Move "
                        "it elsewhere to get the new version."
                    )
                new[path] = content
        return new

    def put(self, files):
        """Put {path: bytes} in place, each file at once or not at all."""
        for path, content in files.items():
            with self.list.open("a") as known:
                print(hashlib.sha256(content).hexdigest(), file=known)
            whole = self.scratch / "whole"
            whole.write_bytes(content)
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(whole, self.folder / path)


def build(name, config, release):
    """Make one set's release and enter its points → what to say about it."""
    course, grading = config.CourseDirectory, release.folder / "grading"
    trial_url = f"sqlite:///{release.scratch / 'trial.db'}"
    files = student_version(name, config, release.scratch, trial_url)
    release_files = {Path(name) / path: content for path, content in files.items()}
    release_files[Path(f"{name}.zip")] = zipped(name, files)
    new = release.differing(release_files)
    grading.mkdir(exist_ok=True)
    cells, _ = entered(trial_url, name)
    old_cells, graded = entered(course.db_url, name)
    if not new and cells == old_cells:
        return "unchanged"
    collected = Path(course.submitted_directory).glob(f"*/{name}")
    if handed_in := max(graded, len(list(collected))):
        raise Refused(
            f"{name}: its notebook in source/ changed, but {handed_in} handed it in "
            f"already (see {grading}); nothing was replaced. GUIDE.md says how to "
            "correct a set that is out; for another year, begin another folder: "
            "MINI_RELEASE=… make assignments."
        )
    student_version(name, config, release.scratch, course.db_url)
    release.put(new)
    return "written"


def main(config=None):
    """Make all releases. → 0 if every set is in place."""
    config = config or settings()
    course = config.CourseDirectory
    paths = sorted(Path(course.root, course.source_directory).glob("*/*.ipynb"))
    found = [fault for path in paths for fault in faults(path)]
    found += [
        f"{path.stem}: lies in a folder of another name, {path.parent.name}"
        for path in paths
        if path.stem != path.parent.name
    ]
    if found or not paths:
        print(*(found or ["there are no sets in source/"]), sep="\n", file=sys.stderr)
        return 1
    release, refused = Release(Path(course.release_directory)), 0
    for path in paths:
        try:
            print(f"{path.stem:20} {build(path.stem, config, release)}", flush=True)
        except Refused as refusal:
            print(refusal, file=sys.stderr)
            refused += 1
    shutil.rmtree(release.scratch)
    print(f"For students: the zips in {release.folder}. Not for them: its grading/.")
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
