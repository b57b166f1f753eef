"""The problem sets, from the source to the marks in the gradebook.

Every set in chapters/assignments/source is handed out; perfect, blank and wrong work
(tests/assignments/<set>.py) is handed in, marked by nbgrader and given feedback.
"""

import multiprocessing
import os
import re
import shutil
import sys
import warnings
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
import pytest
from assignments import pipeline
from assignments.pipeline import COURSE, NAMES, ROOT, answers_in, checks_in, written_in

build = pipeline.quickly(pipeline.load(COURSE / "build.py"))
every_set = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="session")
def workers():
    """Two processes in which nbgrader runs; its warnings are its own affair."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        yield pool
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def started(request, workers, tmp_path_factory):
    """The marking of every set that a test asks for, begun at once."""
    asked = [i for i in request.session.items if hasattr(i, "fixturenames")]
    asked = [item for item in asked if "outcome" in item.fixturenames]
    names = dict.fromkeys(item.callspec.params["name"] for item in asked)
    folder = tmp_path_factory.mktemp("release")
    return {n: workers.submit(pipeline.mark, n, folder / n) for n in names}


@pytest.fixture
def outcome(name, started):
    return started[name].result()


@pytest.fixture
def marks(outcome):
    return outcome["marks"]


def full_marks(name):
    cells = checks_in(pipeline.source(name))
    return {i: cell.metadata.nbgrader["points"] for i, cell in cells.items()}


def test_there_are_sets():
    assert NAMES


# ---- what is in a set ----------------------------------------------------------------


@every_set
def test_set_is_sound(name):
    [path] = (COURSE / "source" / name).glob("*.ipynb")
    assert path.stem == name
    assert build.faults(path) == []
    source = pipeline.source(name)
    assert written_in(source), "nothing is left to be read by a person"
    assert 60 <= sum(full_marks(name).values()) <= 90


@every_set
def test_hidden_tests_ask_for_the_students_own_work(name):
    for grade_id, cell in checks_in(pipeline.source(name)).items():
        shown, *hidden = re.split("### BEGIN HIDDEN TESTS", cell.source)
        assert "assert" in shown, f"{grade_id} shows no test"
        assert hidden, f"{grade_id} hides no test"
        assert re.search(r"\balone\(", hidden[0]), f"{grade_id} lets mini help"


# ---- what students get ---------------------------------------------------------------


def secrets(notebook):
    """Lines of solutions, hidden tests and model answers that stand nowhere else."""
    secret, open_lines = set(), set()
    written = {id(cell) for cell in written_in(notebook).values()}
    for cell in notebook.cells:
        hiding = id(cell) in written
        for line in map(str.strip, cell.source.splitlines()):
            if re.match("### (BEGIN|END)", line):
                hiding = "BEGIN" in line
            elif line:
                (secret if hiding else open_lines).add(line)
    return secret - open_lines


@every_set
def test_students_get_no_solutions(name, outcome):
    released = outcome["released"]
    shown = {line.strip() for c in released.cells for line in c.source.splitlines()}
    text = "\n".join(shown)
    assert not shown & secrets(pipeline.source(name))
    assert not re.search("(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)", text)
    assert not any(cell.get("outputs") for cell in released.cells)
    assert "COLLABORATORS" in released.cells[1].source
    stubs = [c.source for c in answers_in(released).values()]
    assert stubs and all("raise NotImplementedError()" in stub for stub in stubs)


# ---- what they earn ------------------------------------------------------------------


@every_set
def test_perfect_work_gets_all_marks_and_blank_work_none(name, marks):
    full = full_marks(name)
    perfect, blank = marks["perfect"], marks["blank"]
    failed = {i: error for i, error in perfect["errors"].items() if i in full}
    assert failed == {}
    assert perfect["errors"] == {}, "all cells are to run"
    assert {i: perfect["scores"][i] for i in full} == full
    assert {i: blank["scores"][i] for i in full} == dict.fromkeys(full, 0)
    for grade_id in written_in(pipeline.source(name)):
        assert perfect["scores"][grade_id] is None, "a person has to read this"
        assert blank["scores"][grade_id] == 0


@every_set
def test_wrong_work_loses_what_it_should(name, marks):
    full, answers = full_marks(name), answers_in(pipeline.source(name))
    wrong = pipeline.wrong_work(name)
    assert len(wrong) >= 4 and "imports_mini" in wrong
    surprises = []
    for student, (replaced, remaining) in wrong.items():
        assert replaced and replaced.keys() <= answers.keys(), student
        assert remaining and remaining.keys() <= full.keys(), student
        expected, got = full | remaining, marks[student]["scores"]
        for i in full:
            if expected[i] != got[i]:
                error = marks[student]["errors"].get(i, "")
                surprises.append(
                    f"{student}: {i} got {got[i]:g}, not {expected[i]:g}. {error}"
                )
        if student != "imports_mini":
            assert 0 < sum(expected.values()) < sum(full.values()), student
    assert surprises == []


@every_set
def test_work_of_others_earns_nothing(name, marks):
    full, (_, remaining) = full_marks(name), pipeline.wrong_work(name)["imports_mini"]
    got = marks["imports_mini"]["scores"]
    assert {i: got[i] for i in remaining} == dict.fromkeys(remaining, 0)
    assert sum(got[i] for i in full) < sum(full.values()) / 2
    said = [marks["imports_mini"]["errors"][i] for i in remaining]
    assert sum("your own work" in error for error in said) >= len(said) / 2


@every_set
def test_all_work_is_marked_without_noise_and_gets_feedback(name, outcome):
    for log in outcome["logs"]:
        assert log["success"], log["error"]
    wanted = {"perfect", "blank", *pipeline.wrong_work(name)}
    assert outcome["marks"].keys() == wanted
    for student, found in outcome["marks"].items():
        assert found["stderr"] == [], student
        tests = full_marks(name).keys() & set(found["results"])
        assert not tests, f"{tests} end in a value, which nbgrader takes for the points"
        assert name in found["feedback"] and "Score" in found["feedback"]


# ---- work that does not behave -------------------------------------------------------


def cell(source, grade_id="", *, grade=False, solution=False, points=None):
    new = nbformat.v4.new_markdown_cell if points == 40 else nbformat.v4.new_code_cell
    made = new(source)
    if grade_id:
        about = {"grade": grade, "solution": solution, "locked": not solution}
        about |= {"schema_version": 3, "grade_id": grade_id, "task": False}
        made.metadata["nbgrader"] = about | ({"points": points} if grade else {})
    return made


def answer(name, code):
    source = f"def {name}(x):\n    ### BEGIN SOLUTION\n    {code}\n    ### END SOLUTION"
    return cell(source, name, solution=True)


def checked(name, code, points):
    hidden = f"### BEGIN HIDDEN TESTS\n{code}\n### END HIDDEN TESTS"
    return cell(
        f"assert {name}(0) == 0\n{hidden}", f"test_{name}", grade=True, points=points
    )


@pytest.fixture
def tiny(tmp_path):
    """A course with one set of two answers and a question."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        cells=[
            answer("double", "return 2 * x"),
            checked("double", "assert double(3) == 6", 35),
            answer("square", "return x * x"),
            checked("square", "assert square(3) == 9", 25),
            cell("A model answer.", "why", grade=True, solution=True, points=40),
        ],
    )
    course = tmp_path / "course"
    path = course / "source" / "tiny" / "tiny.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    shutil.copy(COURSE / "nbgrader_config.py", course)
    shutil.copy(COURSE / "source" / "header.ipynb", course / "source")
    return path


def misbehaving(name, released):
    """What the tiny course's students hand in."""
    right = {"double": "double = lambda x: 2 * x", "square": "square = lambda x: x * x"}

    def with_double(code):
        return pipeline.filled_in(
            released, right | {"double": f"def double(x):\n {code}"}
        )

    stubborn = "import time\n while True:\n  try: time.sleep(1)\n  except: pass"
    cheat = with_double("return 0")
    checks_in(cheat)["test_double"].source = "pass"
    checks_in(cheat)["test_double"].metadata.nbgrader["points"] = 90
    missing = pipeline.filled_in(released, right)
    missing.cells.remove(checks_in(missing)["test_square"])
    return {
        "a_loop": with_double("while True: pass"),
        "b_hungry": with_double("return bytearray(10 * 2**30)[0]"),
        "c_crash": with_double("import os; os.kill(os.getpid(), 9)"),
        "d_cheat": cheat,
        "e_missing": missing,
        "f_stubborn": with_double(stubborn),  # an interrupt does not end it
        "g_good": pipeline.filled_in(released, right),
    }


def test_one_submission_does_not_spoil_the_others(workers, tiny, tmp_path):
    where = {"course": tiny.parents[2], "timeout": 5}
    marking = workers.submit(pipeline.mark, "tiny", tmp_path, misbehaving, **where)
    found, [log, _] = marking.result()["marks"], marking.result()["logs"]
    scores = {
        student: [marks["scores"].get(i) for i in ("test_double", "test_square")]
        for student, marks in found.items()
    }
    assert scores == {
        "a_loop": [0, 25],
        "b_hungry": [0 if sys.platform.startswith("linux") else 35, 25],
        "c_crash": [None, None],
        "d_cheat": [0, 25],
        "e_missing": [35, None],  # what was deleted is shown to a person
        "f_stubborn": [None, None],
        "g_good": [35, 25],
    }
    assert "before timeout" in found["a_loop"]["traceback"]
    assert "MemoryError" in found["b_hungry"]["errors"]["test_double"]
    assert "AssertionError" in found["d_cheat"]["errors"]["test_double"]
    for student in ("c_crash", "f_stubborn"):
        assert f"'tiny' for student '{student}'" in log["log"]
    assert log["log"].count("for student '") == 2


# ---- building ------------------------------------------------------------------------


@pytest.fixture
def make(tiny, tmp_path, monkeypatch, capsys):
    """`make assignments` for the tiny course → (code, what it says)."""
    monkeypatch.setenv("MINI_RELEASE", str(tmp_path / "release"))
    monkeypatch.setenv("PATH", os.environ["PATH"])  # settings() adds to it
    config = build.settings(tiny.parents[2] / "nbgrader_config.py")

    def call():
        code, said = build.main(config), capsys.readouterr()
        return code, said.out + said.err

    call.release, call.config = tmp_path / "release", config.CourseDirectory
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(nbgrader|nbconvert|sqlalchemy)\.")
        yield call


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def alter(path, change):
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def test_building_again_changes_nothing_and_a_new_source_is_taken_over(make, tiny):
    assert make()[0] == 0
    before = contents(make.release)
    names = {path.relative_to(make.release).as_posix() for path in before}
    assert names == {
        ".built",
        "grading/gradebook.db",
        "tiny.zip",
        "tiny/tiny.ipynb",
    }
    with zipfile.ZipFile(make.release / "tiny.zip") as archive:
        assert archive.namelist() == ["tiny/tiny.ipynb"]
        in_zip = archive.read("tiny/tiny.ipynb")
    assert in_zip == (make.release / "tiny" / "tiny.ipynb").read_bytes()
    points = {"test_double": 35, "test_square": 25, "why": 40}
    cells, _ = build.entered(make.config.db_url, "tiny")
    assert {i: c[2] for i, c in cells.items() if len(c) == 3} == points
    assert make() == (0, make()[1]) and "unchanged" in make()[1]
    assert contents(make.release) == before

    alter(tiny, lambda nb: nb.cells.append(cell("# A last word", "")))
    assert "written" in make()[1]
    assert b"A last word" in (make.release / "tiny" / "tiny.ipynb").read_bytes()


def test_what_somebody_changed_is_not_overwritten(make, tiny):
    make()
    mine = make.release / "tiny" / "tiny.ipynb"
    mine.write_text(mine.read_text("utf-8") + "\n", "utf-8")
    before = contents(make.release)
    code, said = make()
    assert code == 1 and f"{mine} was changed by somebody" in said
    assert contents(make.release) == before
    mine.rename(mine.with_name("mine.ipynb"))
    assert make()[0] == 0
    assert {"tiny.ipynb", "mine.ipynb"} == {p.name for p in mine.parent.iterdir()}


@pytest.mark.parametrize("graded", [True, False])
def test_a_set_that_was_handed_in_is_not_replaced(make, tiny, graded):
    make()
    if graded:
        with build.Gradebook(make.config.db_url) as book:
            book.add_student("ada")
            submission = book.add_submission("tiny", "ada")
            [grade] = [g for g in submission.notebooks[0].grades if g.name == "why"]
            grade.manual_score = 33
            book.db.commit()
    else:
        Path(make.config.submitted_directory, "ada", "tiny").mkdir(parents=True)
    before = contents(make.release)
    assert make()[0] == 0  # nothing changed, nothing is lost

    def easier(notebook):
        notebook.cells[3].source = notebook.cells[3].source.replace(
            "9", "3 * square(3)"
        )

    alter(tiny, easier)
    code, said = make()
    assert code == 1 and "1 handed it in already" in said
    assert contents(make.release) == before


def test_a_run_that_is_cut_short_leaves_whole_files(make, tiny, monkeypatch):
    make()
    before = contents(make.release)
    alter(tiny, lambda nb: nb.cells.append(cell("# A last word", "")))

    def killed(*paths):
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(build.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            make()
    after = contents(make.release)
    for path in (make.release / "tiny.zip", make.release / "tiny" / "tiny.ipynb"):
        assert after[path] == before[path]
    assert make()[0] == 0
    assert not (make.release / ".unfinished").exists()
    with zipfile.ZipFile(make.release / "tiny.zip") as archive:
        assert b"A last word" in archive.read("tiny/tiny.ipynb")


FAULTS = {
    "has 90 points, not 100": lambda nb: nb.cells[1].metadata.nbgrader.update(
        points=25
    ),
    "has 2 cells called double": lambda nb: nb.cells.append(
        answer("double", "return x + x")
    ),
    "cell 4 (square): no later cell with points uses square": lambda nb: (
        nb.cells.insert(3, nb.cells.pop(2))
    ),
    "cell 1 (double): has no ### BEGIN SOLUTION": lambda nb: nb.cells[0].update(
        source="def double(x): return 2 * x"
    ),
    "cell 2 (test_double): BEGIN and END HIDDEN TESTS do not pair up": lambda nb: (
        nb.cells[1].update(source="### BEGIN HIDDEN TESTS\ndouble")
    ),
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_fault_is_named_and_nothing_is_written(make, tiny, said):
    alter(tiny, FAULTS[said])
    code, message = make()
    assert code == 1 and f"tiny: {said}\n" in message
    assert not make.release.exists()


def test_a_set_of_its_own_folder_name_is_asked_for(make, tiny):
    tiny.rename(tiny.with_name("other.ipynb"))
    code, said = make()
    assert code == 1 and "other" in said and "tiny" in said


def test_git_ignores_the_release():
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    assert "/release/" in ignored
