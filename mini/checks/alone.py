"""Whether a function does its work alone, or has it done by what it should rebuild."""

import dis
import functools
import sys

HERE = __name__
MODULE = type(sys)
ANNOUNCER = "mini.kernels.compiler"  # speaks up whenever numba compiles, for anybody


def alone(function, *arguments, closed=("mini", "torch"), allowed=(), **named):
    """function(*arguments, **named), while nothing from the closed packages may help.

    closed and allowed are tuples of modules' names; a name stands for all that is
    below it, too, and the longest name that fits decides: with the defaults and
    allowed=("mini.tensor",) a function may use Tensor, not mini.functional. Raises
    AssertionError with the name of what helped. What an allowed function calls in its
    turn is allowed. What is computed after the function has returned (by a generator,
    by a method of the result) is not seen, nor are other threads and processes.
    """
    watch = _Watch(closed, allowed, home=sys._getframe(1).f_globals)
    watch.note(function, getattr(function, "__name__", "the function"))
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        result = function(*arguments, **named)
        watched = sys.getprofile() is watch
    finally:
        sys.setprofile(before)
    assert watched, "this is to be your own work, but you switched off the profiler"
    assert not watch.helped, (
        f"this is to be your own work, but {watch.helped[0]} did some of it"
    )
    return result


class _Watch:
    """A profiler that notes what the closed modules do for those outside of them."""

    def __init__(self, closed, allowed, home):
        self.rules = {**dict.fromkeys(closed, True), **dict.fromkeys(allowed, False)}
        self.roots = {rule.split(".")[0] for rule in self.rules}
        self.home, self.seen, self.helped = home, set(), []
        self.is_closed = functools.cache(self._is_closed)

    def _is_closed(self, module):
        parts = str(module or "").split(".")
        names = (".".join(parts[:i]) for i in range(len(parts), 0, -1))
        return next((self.rules[n] for n in names if n in self.rules), False)

    def closed_origin(self, value):
        """The closed module that a value is or comes from, or None."""
        if isinstance(value, MODULE):
            below = [n for n in self.rules if n.startswith(f"{value.__name__}.")]
            if not all(map(self.is_closed, below)):
                return None  # something in it is allowed: what is called will be seen
            origins = [value.__name__]
        else:
            kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
            origins = [getattr(value, "__module__", None)]
            origins += [kind.__module__ for kind in kinds]
        return next(
            (m for m in origins if isinstance(m, str) and self.is_closed(m)), None
        )

    def note(self, value, name):
        if origin := self.closed_origin(value):
            self.helped.append(f"{name} (of {origin})")
        if _is_compiled(value):
            self.look(value.py_func.__code__, value.py_func.__globals__)

    def look(self, code, names):
        """Note all that code refers to: compiled functions show up nowhere else."""
        if code in self.seen:
            return
        self.seen.add(code)
        value = package = None
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                value = names.get(step.argval)
            elif step.opname == "IMPORT_NAME":
                value = package = sys.modules.get(step.argval)
            elif step.opname == "IMPORT_FROM":
                value = getattr(package, step.argval, None)
            elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                is_module = isinstance(value, MODULE)
                value = getattr(value, step.argval, None) if is_module else None
            elif step.opname != "EXTENDED_ARG":
                value = None
            self.note(value, step.argval)

    def __call__(self, frame, event, argument):
        if event == "call":
            self.called(frame)
        elif event == "c_call":
            for value in (argument, type(getattr(argument, "__self__", None))):
                if self.closed_origin(value) and not self.inside(frame):
                    self.note(value, argument.__name__)

    def called(self, frame):
        """A Python function begins: is it closed, does it refer to what is?"""
        code, module = frame.f_code, frame.f_globals.get("__name__", "")
        if module.split(".")[0] in self.roots and frame.f_globals is not self.home:
            closed = self.is_closed(module) and module != ANNOUNCER
            if closed and not self.inside(frame.f_back):
                self.helped.append(f"{code.co_qualname} (of {module})")
        elif code not in self.seen and not self.inside(frame):
            self.look(code, frame.f_globals)
            for name, value in frame.f_locals.items():
                if name in code.co_freevars or _is_compiled(value):
                    self.note(value, name)
        self.seen.add(code)

    def inside(self, frame):
        """Whether a frame works for one of the packages, closed or not.

        What belongs to neither side, as numpy, works for whoever called it.
        """
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            if frame.f_globals is self.home or module == HERE:
                return False
            if module.split(".")[0] in self.roots:
                return True
            frame = frame.f_back
        return False


def _is_compiled(value):
    numba_made_it = type(value).__module__.startswith("numba.")
    return numba_made_it and "py_func" in getattr(value, "__dict__", ())
