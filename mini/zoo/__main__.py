"""`python -m mini.zoo` lists, trains and evaluates the checkpoints."""

import argparse
import json
import sys

from . import card, evaluate, names, train


def main(arguments=None):
    """Run one command; returns the exit status."""
    options = vars(_parser().parse_args(arguments))
    command = options.pop("command")
    try:
        print(command(**options))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="python -m mini.zoo")
    commands = parser.add_subparsers(required=True)

    def add(word, command, help, *arguments):
        new = commands.add_parser(word, help=help)
        new.set_defaults(command=command)
        for argument in arguments:
            new.add_argument(argument)
        new.add_argument("--folder", help="where the checkpoints are (default: data/)")
        return new

    add("list", _list, "say what there is and what it scores")
    add("evaluate", _evaluate, "compute a checkpoint's metrics again", "name")
    new = add("train", _train, "make a checkpoint, or go on making it", "name")
    new.add_argument("--minutes", type=float, help="stop after so many, to go on later")
    new.add_argument("--force", action="store_true", help="replace the checkpoint")
    new.add_argument("--restart", action="store_true", help="do not go on: begin anew")
    return parser


def _list(folder):
    return "\n".join(f"{name}: {_scores(name, folder)}" for name in names())


def _scores(name, folder):
    try:
        metrics = card(name, folder=folder)["metrics"]
    except FileNotFoundError:
        return "not trained yet"
    return ", ".join(
        f"{metric} {m['value']:g} {m['unit']} ({m['variant']})"
        for metric, m in metrics.items()
    )


def _evaluate(name, folder):
    return json.dumps(evaluate(name, folder=folder))


def _train(name, **options):
    done = train(name, **options)
    if done is None:
        return "The time is up. The same command goes on from here."
    return json.dumps(done, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
