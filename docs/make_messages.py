"""Write the catalogue of everything that can be translated: `make messages`.

GNU gettext is not needed: templates are read by Django's own `templatize`, modules by `ast`. A test
writes the catalogue again and compares, so that it cannot grow old. A language begins as a copy of
it, `src/gentie/portal/locale/LANGUAGE/LC_MESSAGES/django.po`.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "gentie"
CATALOGUE = SOURCE / "portal" / "locale" / "django.pot"
# Names of the functions → what their first words are.
SINGLE = {"gettext", "gettext_lazy", "gettext_noop", "_"}
PLURAL = {"ngettext", "ngettext_lazy"}
CONTEXT = {"pgettext", "pgettext_lazy"}
BOTH = {"npgettext", "npgettext_lazy"}
CALL = re.compile(rf"(?<!\w)({'|'.join(sorted(SINGLE | PLURAL | CONTEXT | BOTH))})\(")
HEAD = """\
# Everything that can be translated. Written by docs/make_messages.py: run `make messages`.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """Something that can be translated, as a translator's file names it."""

    text: str
    plural: str = ""
    context: str = ""
    has_context: bool = False


def of_call(name: str, words: list[str | None]) -> Message | None:
    """The message of a call, where its words are all written there."""
    needed = 1 + (name in PLURAL | BOTH) + (name in CONTEXT | BOTH)
    given = words[:needed]
    if len(given) < needed or any(word is None for word in given):
        return None
    texts = [word for word in given if word is not None]
    context = texts.pop(0) if name in CONTEXT | BOTH else ""
    plural = texts[1] if len(texts) > 1 else ""
    return Message(texts[0], plural, context, has_context=name in CONTEXT | BOTH)


def of_module(content: str) -> Iterator[Message]:
    """Messages of a Python module."""
    for node in ast.walk(ast.parse(content)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name not in SINGLE | PLURAL | CONTEXT | BOTH:
            continue
        message = of_call(
            name,
            [
                one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else None
                for one in node.args
            ],
        )
        if message is not None:
            yield message


def of_template(content: str) -> Iterator[Message]:
    """Messages of a template."""
    calls = templatize(content)
    for found in CALL.finditer(calls):
        message = of_call(found[1], list(_strings(calls[found.end() :])))
        if message is not None:
            yield message


def _strings(text: str) -> Iterator[str]:
    """The strings with which the words of a call begin, up to its end."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    for token in tokens:
        if token.type == tokenize.STRING:
            yield ast.literal_eval(token.string)
        elif token.string != ",":
            return


def messages() -> dict[Message, list[str]]:
    """Every message with the files that say it."""
    said: dict[Message, set[str]] = defaultdict(set)
    for path in sorted(SOURCE.rglob("*")):
        if path.name.startswith("test_") or path.name == "conftest.py":
            continue
        read = {".py": of_module, ".html": of_template, ".txt": of_template}.get(path.suffix)
        if read is None or (path.suffix != ".py" and "templates" not in path.parts):
            continue
        for message in read(path.read_text()):
            said[message].add(path.relative_to(ROOT / "src").as_posix())
    return {message: sorted(where) for message, where in sorted(said.items())}


def catalogue() -> str:
    """The catalogue; files are named without lines, so that it changes with the words alone."""
    lines = [HEAD]
    for message, where in messages().items():
        lines += [f"#: {path}" for path in where]
        if "%(" in message.text:
            lines.append("#, python-format")
        if message.has_context:
            lines.append(f"msgctxt {quoted(message.context)}")
        lines.append(f"msgid {quoted(message.text)}")
        if message.plural:
            lines += [f"msgid_plural {quoted(message.plural)}", 'msgstr[0] ""', 'msgstr[1] ""', ""]
        else:
            lines += ['msgstr ""', ""]
    return "\n".join(lines)


def quoted(text: str) -> str:
    """A text as the catalogue writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for letter, written in (("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        escaped = escaped.replace(letter, written)
    return f'"{escaped}"'


def main() -> None:
    """Write it."""
    CATALOGUE.parent.mkdir(exist_ok=True)
    CATALOGUE.write_text(catalogue())
    print(f"{CATALOGUE.relative_to(ROOT).as_posix()}: {len(messages())} messages")


if __name__ == "__main__":
    main()
