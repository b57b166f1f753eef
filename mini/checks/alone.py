"""Whether a function does its work alone, or has it done by what it should rebuild."""

import sys

HERE = __name__


def alone(function, *arguments, closed=("mini", "torch"), allowed=(), **named):
    """function(*arguments, **named), while nothing from the closed packages may help.

    closed and allowed are tuples of modules' names; a name stands for all that is
    below it, too, and the longest name that fits decides: with the defaults and
    allowed=("mini.tensor",) a function may use Tensor, not mini.functional. Raises
    AssertionError with the name of what helped. What an allowed function calls in its
    turn is allowed.
    """
    watch = _Watch(closed, allowed)
    watch.note(function, getattr(function, "__name__", "the function"))
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        result = function(*arguments, **named)
    finally:
        sys.setprofile(before)
    assert not watch.helped, (
        f"this is to be your own work, but {watch.helped[0]} did some of it"
    )
    return result


class _Watch:
    """A profiler that notes what the closed modules do for those outside of them."""

    def __init__(self, closed, allowed):
        self.rules = {**dict.fromkeys(closed, True), **dict.fromkeys(allowed, False)}
        self.helped = []

    def is_closed(self, module):
        parts = str(module or "").split(".")
        names = (".".join(parts[:i]) for i in range(len(parts), 0, -1))
        return next((self.rules[n] for n in names if n in self.rules), False)

    def note(self, value, name):
        """Note a value, if what it is (a module) or comes from is closed."""
        module = getattr(value, "__module__", None)
        if isinstance(value, type(sys)):
            module = value.__name__
            if not all(
                self.is_closed(m) for m in (module, *_below(self.rules, module))
            ):
                return  # something in it is allowed: what is called will be seen
        if self.is_closed(module):
            self.helped.append(f"{name} (of {module})")

    def __call__(self, frame, event, argument):
        if event == "call":
            self.called(frame)
        elif event == "c_call":
            owner = getattr(argument, "__self__", None)
            if not self.inside(frame):
                self.note(argument, argument.__name__)
                self.note(type(owner), argument.__name__)

    def called(self, frame):
        """A Python function begins: is it closed, does it refer to what is?"""
        code, module = frame.f_code, frame.f_globals.get("__name__")
        if not self.inside(frame):
            for name in code.co_names:  # compiled functions show up nowhere else
                if name in frame.f_globals:
                    self.note(frame.f_globals[name], name)
        elif not self.inside(frame.f_back) and self.is_closed(module):
            self.helped.append(f"{code.co_qualname} (of {module})")

    def inside(self, frame):
        """Whether a frame is in one of the packages, closed or not, but not here."""
        module = frame.f_globals.get("__name__", "")
        roots = {rule.split(".")[0] for rule in self.rules}
        return module != HERE and module.split(".")[0] in roots


def _below(names, module):
    return [n for n in names if n.startswith(f"{module}.")]
