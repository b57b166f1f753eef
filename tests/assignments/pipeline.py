"""Hand a problem set out, hand work in, have nbgrader mark it, read the marks.

Worker processes run `mark`, so that two sets are marked at once; nbgrader's imports are
paid once for each of them. Where nothing is looked at, nothing is drawn: the wrong
submissions go without the cells that show figures.
"""

import functools
import importlib.util
import os
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
COURSE = ROOT / "chapters" / "assignments"
NAMES = sorted(path.stem for path in (COURSE / "source").glob("*/*.ipynb"))
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def load(path):
    """A file of Python that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def source(name):
    return nbformat.read(COURSE / "source" / name / f"{name}.ipynb", as_version=4)


def wrong_work(name):
    """WRONG of tests/assignments/<name>.py: {student: (answers, marks that remain)}."""
    return load(ROOT / "tests" / "assignments" / f"{name}.py").WRONG


def marked(notebook, *, grade, solution, cell_type="code"):
    """{grade_id: cell} of one kind of cells; grade or solution may be None (any)."""
    found = {}
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        fits = (about.get("grade"), about.get("solution"))
        if cell.cell_type == cell_type and all(
            wanted is None or wanted == is_so
            for wanted, is_so in zip((grade, solution), fits)
        ):
            if "grade_id" in about:
                found[about["grade_id"]] = cell
    return found


def checks_in(notebook):
    return marked(notebook, grade=True, solution=False)


def answers_in(notebook):
    return marked(notebook, grade=None, solution=True)


def written_in(notebook):
    return marked(notebook, grade=True, solution=True, cell_type="markdown")


# ---- what is handed in ---------------------------------------------------------------


def filled_in(released, answers):
    """The students' notebook with {grade_id: code} in place, and prose to be read."""
    notebook = nbformat.from_dict(released)
    for grade_id, cell in answers_in(notebook).items():
        cell.source = answers.get(grade_id, cell.source)
    for cell in written_in(notebook).values():
        cell.source = "Because it is so."
    return notebook


def without_figures(notebook):
    notebook.cells = [
        cell
        for cell in notebook.cells
        if "nbgrader" in cell.metadata or "plt.show()" not in cell.source
    ]
    return notebook


def submissions(name, released):
    """{student: notebook}: perfect, blank and the typical mistakes."""
    solved = {i: cell.source for i, cell in answers_in(source(name)).items()}
    work = {"blank": released, "perfect": filled_in(released, solved)}
    for student, (answers, _) in wrong_work(name).items():
        work[student] = without_figures(filled_in(released, solved | answers))
    return work


# ---- handing out, marking ------------------------------------------------------------


def quickly(build):
    """Every new gradebook would ask another process for nbgrader's version of it."""
    import nbgrader.api

    nbgrader.api.get_alembic_version = functools.cache(nbgrader.api.get_alembic_version)
    return build


def mark(name, folder, work=submissions, course=COURSE, **execute):
    """All of it for one set → {student: marks}, and what was handed out.

    work(name, released) is what students hand in; execute are options of nbgrader's
    Execute, as its time-out.
    """
    from nbgrader.converters import Autograde, GenerateFeedback
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.utils import capture_log

    os.environ.update(dict.fromkeys(THREADS, "1"), MINI_RELEASE=str(folder))
    build = quickly(load(COURSE / "build.py"))
    config = build.settings(course / "nbgrader_config.py")
    config.Execute.update(execute)
    config.CourseDirectory.assignment_id = name
    release = build.Release(folder)
    assert build.build(name, config, release) == "written"

    released = nbformat.read(folder / name / f"{name}.ipynb", as_version=4)
    places = config.CourseDirectory
    for student, notebook in work(name, released).items():
        target = Path(places.submitted_directory, student, name, f"{name}.ipynb")
        target.parent.mkdir(parents=True)
        nbformat.write(notebook, target)
    logs = []
    for step in (Autograde, GenerateFeedback):
        converter = step(coursedir=CourseDirectory(config=config), config=config)
        logs.append(capture_log(converter))
    marks = {s: _marks(s, name, places) for s in os.listdir(places.submitted_directory)}
    return {"marks": marks, "released": released, "logs": logs}


def _marks(student, name, places):
    from nbgrader.api import Gradebook

    with Gradebook(places.db_url) as book:
        grades = book.find_submission_notebook(name, name, student).grades
        scores = {grade.name: grade.auto_score for grade in grades}
    path = Path(places.autograded_directory, student, name, f"{name}.ipynb")
    if not path.exists():
        return {"scores": {}}
    notebook = nbformat.read(path, as_version=4)
    outputs = [
        (cell.metadata.get("nbgrader", {}).get("grade_id"), output)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    return {
        "scores": scores,
        "stderr": [o.text for _, o in outputs if o.get("name") == "stderr"],
        "results": [i for i, o in outputs if o.output_type == "execute_result"],
        "errors": {
            i: f"{o.ename}: {o.evalue}" for i, o in outputs if o.output_type == "error"
        },
        "traceback": "".join(
            line for _, o in outputs for line in o.get("traceback", ())
        ),
        "feedback": Path(
            places.feedback_directory, student, name, f"{name}.html"
        ).read_text("utf-8"),
    }
