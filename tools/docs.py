#!/usr/bin/env python3
"""Keeps the documentation true.

    docs.py --check     every link of every .md file leads to something that is there, and
                        docs/operating/settings.md is what the table of settings makes
                        (`$TANDEM_BIN settings --markdown`; not looked at without TANDEM_BIN)
    docs.py --write     the same, after making that page

Only links into the repository are followed; addresses on the network are not asked for.
"""
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import tidy

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "docs/operating/settings.md"
FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
OUTSIDE = re.compile(r"^[a-z][a-z0-9+.\-]*:")


def without_code(text):
    """The text with code blanked, each line kept: what is shown as code is no link."""
    text = FENCE.sub(lambda match: "\n" * match.group(0).count("\n"), text)
    return re.sub(r"`[^`\n]*`", lambda match: " " * len(match.group(0)), text)


def anchors(text):
    """The anchors that a page's headings get, as GitHub makes them."""
    found = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = 0
        while (slug if number == 0 else f"{slug}-{number}") in found:
            number += 1
        found.add(slug if number == 0 else f"{slug}-{number}")
    return found


def broken_links(root, path, text):
    """(line, target, why) of each link of one page that leads nowhere."""
    for match in LINK.finditer(without_code(text)):
        target = match.group(1)
        if OUTSIDE.match(target):
            continue
        line = text.count("\n", 0, match.start()) + 1
        name, _, anchor = target.partition("#")
        to = (root / path).parent / name if name else root / path
        if not to.exists():
            yield line, target, "there is no such file"
        elif not to.resolve().is_relative_to(root.resolve()):
            yield line, target, "it lies outside of the repository"
        elif anchor and to.suffix == ".md" and anchor not in anchors(to.read_text()):
            yield line, target, "there is no such heading"


def check(root):
    pages = [(path, text) for path, text in tidy.tree(root) if path.endswith(".md")]
    count = 0
    for path, text in pages:
        for line, target, why in broken_links(root, path, text):
            print(f"{path}:{line}: link: {target}: {why}")
            count += 1
    print(f"docs: {len(pages)} pages, {count} broken links")
    return count == 0


def settings_page(binary):
    """The page as the binary makes it; None where it makes none."""
    done = subprocess.run([binary, "settings", "--markdown"], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0 or not done.stdout.strip():
        print(f"docs: {binary} answers no `settings --markdown`")
        return None
    return ("# Settings\n\nMade by `./dev docs` from the table in `src/config/`; not to be "
            "edited. Each is an environment\nvariable or a flag of `tandem serve`; a flag wins. "
            "Everything that is wrong is told at once, with exit code 78.\n\n"
            + done.stdout.rstrip() + "\n")


def write_settings(page, path=SETTINGS):
    if page is None:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page)
    print(f"docs: made {path.name}")
    return True


def check_settings(page, path=SETTINGS):
    if page is None or not path.exists() or path.read_text() != page:
        print(f"docs: {path.name} is not what the table of settings makes; run ./dev docs")
        return False
    return True


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", action="store_true")
    choice.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    binary = os.environ.get("TANDEM_BIN", "")
    if options.write and not binary:
        print("docs: name the binary with TANDEM_BIN")
        return 1
    page = settings_page(binary) if binary else None
    fine = not binary or (write_settings if options.write else check_settings)(page)
    return 0 if check(ROOT) and fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
