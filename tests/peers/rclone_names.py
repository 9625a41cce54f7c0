"""Prints the verbs and flags of rclone, by name: `python rclone_names.py > ../../node-tool/src/rclone/rclone-1.75.txt`.

A line is `verb NAME`, `flag NAME` for a flag of all verbs, or `flag NAME of VERB`. With `--services`, it prints the flags of single
services, of its remote control and of its metrics, for `../../node-tool/src/rclone/flags/services-1.75.txt`: `NAME` for a switch, `NAME=`
for what needs a value.
"""

import re
import subprocess
import sys

# Flags of these groups that have rows of their own.
OWN_ROWS = ("dropbox-", "local-", "copy-links", "metrics-addr", "one-file-system", "rc-enable-metrics", "skip-links", "skip-specials")
FLAG = re.compile(r"^ +(?:-\S, )?--([a-z0-9-]+)", re.MULTILINE)


def output(*words: str) -> str:
    """Returns what rclone prints."""
    return subprocess.run([*RCLONE, *words], capture_output=True, text=True, check=False).stdout


def flags(text: str, heading: str) -> list[str]:
    """Returns the flags below a heading, up to an empty line."""
    _, _, rest = text.partition(f"\n{heading}:\n")
    return FLAG.findall(rest.split("\n\n")[0])


def verbs(text: str) -> list[str]:
    """Returns the commands that a help text lists."""
    _, _, rest = text.partition("\nAvailable commands:\n")
    return re.findall(r"^  ([a-z0-9]\S*)", rest.split("\n\n")[0], re.MULTILINE)


def of_verb(path: list[str]) -> set[str]:
    """Returns the flags of a verb and of the verbs below it."""
    text = output(*path, "--help")
    found = set(flags(text, "Flags"))
    for below in verbs(text):
        found |= of_verb([*path, below])
    return found - {"help"}


def services() -> None:
    """Prints the flags of single services, each with whether it needs a value."""
    groups = re.split(r"\(flag group (\w+)\)", output("help", "flags"))
    names = set()
    for group, text in zip(groups[1::2], groups[2::2]):
        if group in {"RC", "Metrics", "Backend"}:
            # A type follows after one blank, the description after more.
            found = re.findall(r"^ +(?:-\S, )?--([a-z0-9-]+)( \S)?", text, re.MULTILINE)
            names |= {name + "=" * bool(kind.strip()) for name, kind in found if "-" in name}
    print("\n".join(sorted(name for name in names if not name.startswith(OWN_ROWS))))


def main() -> None:
    """Prints all names."""
    names = verbs(output("--help"))
    for name in names:
        print("verb", name)
    for name in sorted(set(FLAG.findall(output("help", "flags").partition("(flag group Copy)")[2]))):
        print("flag", name)
    for verb in names:
        for name in sorted(of_verb([verb])):
            print("flag", name, "of", verb)


if __name__ == "__main__":
    words = sys.argv[1:]
    RCLONE = [word for word in words if word != "--services"] or ["rclone"]
    services() if "--services" in words else main()
