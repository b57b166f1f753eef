"""nbgrader's settings for the six problem sets. Every nbgrader command that is run in
this folder reads them; GUIDE.md says which commands there are.

What students hand in and what they earn never lies among the course's own files:
everything that is made from source/ goes to the folder release/ at the top of the
course, which git ignores, or to the folder that the variable MINI_RELEASE names.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = Path(os.environ.get("MINI_RELEASE") or HERE.parents[1] / "release").resolve()
PRIVATE = OUT / "grading"  # answers, grades and names: for nobody but the instructors

SECONDS = 120  # for one cell; the slowest of ours takes a few
GIGABYTES = 4  # for one kernel; the sets need less than one

c = get_config()  # noqa: F821 (nbgrader puts it there)

# The course's name in nbgrader's exchange and in JupyterHub's formgrader.
c.CourseDirectory.course_id = "generative-models"

# ---- where things are ----------------------------------------------------------------

c.CourseDirectory.root = str(HERE)
c.CourseDirectory.source_directory = "source"
c.CourseDirectory.release_directory = str(OUT)
c.CourseDirectory.submitted_directory = str(PRIVATE / "submitted")
c.CourseDirectory.autograded_directory = str(PRIVATE / "autograded")
c.CourseDirectory.feedback_directory = str(PRIVATE / "feedback")
c.CourseDirectory.solution_directory = str(PRIVATE / "solution")
c.CourseDirectory.db_url = f"sqlite:///{PRIVATE / 'gradebook.db'}"

# Every set opens with the cells that ask for a name and for collaborators.
c.IncludeHeaderFooter.header = "source/header.ipynb"

# ---- running what students wrote -----------------------------------------------------

# A cell that takes too long is interrupted and counts as failed; the rest still runs.
c.Execute.timeout = SECONDS
c.Execute.interrupt_on_timeout = True
c.Execute.startup_timeout = 120

# Linux holds a kernel to its memory: what asks for more gets a MemoryError, and the
# next cell runs. (macOS and Windows have no such limit: grade in a container there.)
# RLIMIT_DATA counts what a program may write to, not the libraries that it loads.
if sys.platform.startswith("linux"):
    amount = GIGABYTES * 2**30
    c.Execute.extra_arguments = [
        "--IPKernelApp.exec_lines=(lambda r: r.setrlimit(r.RLIMIT_DATA, "
        f"({amount}, {amount})))(__import__('resource'))"
    ]

# Ten thousand printed lines would swell the feedback.
c.LimitOutput.max_lines = 500

# ---- handed in without an exchange ---------------------------------------------------

# `nbgrader zip_collect SET` looks in release/grading/downloaded/SET/archive for
# notebooks named STUDENT_SET.ipynb, or zips named STUDENT_SET.zip with SET.ipynb in
# them. What a learning platform puts between the two names is passed over.
c.ZipCollectApp.collect_directory_structure = str(
    PRIVATE / "downloaded" / "{assignment_id}" / "{collect_step}"
)
c.FileNameCollectorPlugin.named_regexp = (
    r".+[/\\](?P<student_id>[^/\\_]+)_(?:[^/\\]*_)?(?P<file_id>ps\d_[a-z]+)"
)
