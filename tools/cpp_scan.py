"""A light reading of C++: enough for the house rules, without a compiler.

mask() blanks comments and literals, keeping every line where it was; functions() finds function
definitions and declarations by their brackets; await_statements() finds whole statements around
each co_await.
"""
import re
from typing import NamedTuple

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|(?:u8|[LuU])?R"([^()\\\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
OPEN, CLOSE = "([{", ")]}"
BEFORE_BODY = ("else", "do", "try", "const", "noexcept", "override", "final", "mutable")
LAMBDA_HEAD = re.compile(
    r"\]\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*(?:mutable\s*)?(?:noexcept\s*)?"
    r"(?:->\s*[\w:<>,&*\s]+)?\s*$")


class Function(NamedTuple):
    name: str
    line: int
    lines: int  # 0 for a declaration
    parameters: int


class Scope(NamedTuple):
    kind: str  # "outer" (namespace, type), "function" or "inner"
    head_start: int
    parens: int


def _blank(match):
    text = match.group(0)
    quote = text[-1] if text[-1] in "\"'" else None
    blanked = re.sub(r"[^\n]", " ", text)
    return quote + blanked[1:-1] + quote if quote and len(text) > 1 else blanked


def mask(text):
    """The text with the inside of comments, literals and preprocessor lines blanked."""
    return PREPROCESSOR.sub(_blank, TOKEN.sub(_blank, text))


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def match_forward(code, position):
    """The position of the bracket that closes the one at `position`; the end if there is none."""
    depth = 0
    for at in range(position, len(code)):
        if code[at] in OPEN:
            depth += 1
        elif code[at] in CLOSE:
            depth -= 1
            if depth == 0:
                return at
    return len(code)


def match_backward(code, position):
    depth = 0
    for at in range(position, -1, -1):
        if code[at] in CLOSE:
            depth += 1
        elif code[at] in OPEN:
            depth -= 1
            if depth == 0:
                return at
    return 0


def _drop_templates(head):
    """The head without `template <…>`, attributes, alignas and requires clauses in parentheses."""
    head = re.sub(r"\[\[.*?\]\]|alignas\s*\([^()]*\)|\b(?:public|private|protected)\s*:", " ", head)
    while True:
        match = re.match(r"\s*template\s*<", head)
        if not match:
            return head
        depth, at = 1, match.end()
        while at < len(head) and depth:
            depth += {"<": 1, ">": -1}.get(head[at], 0) if head[at - 1] != "-" else 0
            at += 1
        head = re.sub(r"^\s*requires\s*\([^()]*\)", "", head[at:])


def _parameter_span(head):
    """(name, inside of the parentheses, rest) of a function's head, or None."""
    pattern = r"(operator\s*(?:\(\s*\)|[^\w\s(]+|[\w:\s&*<>]+?)|~?[A-Za-z_]\w*)\s*\("
    for match in re.finditer(pattern, head):
        if match.group(1) in ("decltype", "noexcept", "requires", "explicit", "alignas", "if"):
            continue
        if "=" in head[:match.start()]:
            return None
        close = match_forward(head, match.end() - 1)
        return match.group(1).strip(), head[match.end():close], head[close + 1:]
    return None


def count_parameters(inside):
    if inside.strip() in ("", "void"):
        return 0
    depth, count, previous = 0, 1, ""
    for character in inside:
        if character in "([{<":
            depth += 1
        elif character in ")]}" or (character == ">" and previous != "-"):
            depth -= 1
        elif character == "," and depth == 0:
            count += 1
        previous = character
    return count


def _kind_of_block(code, position, head):
    """What the `{` at `position` opens, in a namespace or type whose statement so far is head."""
    bare = _drop_templates(head)
    if re.search(r"\bnamespace\b|\bextern\s*\"", bare):
        return "outer"
    if re.search(r"\benum\b", bare):
        return "inner"
    if re.match(r"\s*(?:(?:inline|static|friend|typedef)\s+)*(?:class|struct|union)\b", bare) \
            and "(" not in bare:
        return "outer"
    span = _parameter_span(bare)
    if span is None:
        return "inner"
    if re.match(r"[^:]*:[^:]", span[2]):  # a constructor's list of members, perhaps with braces
        after = code[match_forward(code, position) + 1:].lstrip()
        if after[:1] in (",", "{"):
            return "inner"
    return "function"


def functions(code):
    """Every function of masked code, outside of function bodies."""
    found, stack = [], [Scope("outer", 0, 0)]
    head_start, parens, at = 0, 0, 0

    def add(start, head, end):
        span = _parameter_span(_drop_templates(head))
        if span and not re.match(r"\s*(?:using|typedef|static_assert|return)\b", head):
            first = line_of(code, start + len(head) - len(head.lstrip()))
            lines = line_of(code, end) - first + 1 if end else 0
            found.append(Function(span[0], first, lines, count_parameters(span[1])))

    while at < len(code):
        character = code[at]
        outer = stack[-1].kind == "outer"
        if character in "([":
            parens += 1
        elif character in ")]":
            parens -= 1
        elif character == "{":
            head = code[head_start:at]
            kind = _kind_of_block(code, at, head) if outer and parens == 0 else "inner"
            if kind == "function":
                add(head_start, head, match_forward(code, at))
            stack.append(Scope(kind, head_start, parens))
            if kind != "inner":
                head_start = at + 1
            parens = 0
        elif character == "}" and len(stack) > 1:
            closed = stack.pop()
            parens = closed.parens
            head_start = closed.head_start if closed.kind == "inner" else at + 1
        elif character == ";" and outer and parens == 0:
            add(head_start, code[head_start:at], 0)
            head_start = at + 1
        at += 1
    return found


def opens_body(code, position):
    """Does the `{` at `position` open a block of statements, rather than an initializer?"""
    before = code[max(0, position - 400):position].rstrip()
    if LAMBDA_HEAD.search(before) and re.search(r"\[[^\[\]]*\][^;{}]*$", before):
        return True
    if before[-1:] in (")", ";", "{", "}", ":") or before == "":
        return True
    if re.search(r"\)\s*(?:const\s*|noexcept\s*)*->\s*[\w:<>,&*\s]+$", before):
        return True
    word = re.search(r"(\w+)$", before)
    return bool(word) and word.group(1) in BEFORE_BODY


def _statement_start(code, position):
    at = position
    while at > 0:
        character = code[at - 1]
        if character == ";" or (character == "{" and opens_body(code, at - 1)):
            return at
        if character in ")]":
            at = match_backward(code, at - 1)
        elif character == "}":
            opening = match_backward(code, at - 1)
            if opens_body(code, opening):
                return at
            at = opening
        else:
            at -= 1
    return 0


def _statement_end(code, position):
    at, parens = position, 0
    while at < len(code):
        character = code[at]
        if character == "(":
            parens += 1
        elif character == ")":
            parens = max(0, parens - 1)
        elif character == "{":
            if parens == 0 and opens_body(code, at):
                return at
            at = match_forward(code, at)
        elif character == "}" or (character == ";" and parens == 0):
            return at
        at += 1
    return len(code)


def without_lambda_bodies(statement):
    """The statement with the bodies of its lambdas emptied: they are statements of their own."""
    at = statement.find("{")
    while at >= 0:
        if LAMBDA_HEAD.search(statement[:at]):
            close = match_forward(statement, at)
            statement = statement[:at] + ";" + statement[close + 1:]
        at = statement.find("{", at + 1)
    return statement


def await_statements(code):
    """(line, statement) for every statement with a co_await, bodies of inner lambdas taken out."""
    seen = set()
    for match in re.finditer(r"\bco_await\b", code):
        start = _statement_start(code, match.start())
        if start in seen:
            continue
        seen.add(start)
        statement = code[start:_statement_end(code, match.start())]
        yield line_of(code, match.start()), without_lambda_bodies(statement)
