from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gentie.project.postgres import CONNECTION_FILE, Cluster
from gentie.project.serving import NotServing, prepare

SERVICE = """
import sys
from pathlib import Path
from gentie.project import serving

def say(sentence):
    print(sentence, file=sys.stderr, flush=True)

what, data, *port = sys.argv[1:]
if what == "serve":
    serving.serve(data=Path(data), say=say, port=int(port[0]))
else:
    serving.prepare(data=Path(data), say=say)
"""
RUN = [sys.executable, "-W", "error", "-c", SERVICE]


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gentie-"))
    folder.chmod(0o711)
    yield folder
    if (folder / CONNECTION_FILE).exists():
        Cluster(folder, durable=False).stop()
    shutil.rmtree(folder)


def environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GENTIE_", "DJANGO_", "DATABASE_"))
    }


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_the_service_answers_on_the_next_free_port_and_stops_in_order(data, taken, sent):
    service = subprocess.Popen(
        [*RUN, "serve", str(data), str(taken)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert service.stderr is not None
    try:
        said = ""
        for line in service.stderr:
            said += line
            if address := re.search(r"Serving at (http://127\.0\.0\.1:(\d+)/)", line):
                break
        assert address, said
        assert int(address[2]) > taken
        assert f"Port {taken} is taken." in said
        with urllib.request.urlopen(address[1]) as answer:
            page = answer.read().decode()
            headers = answer.headers
        assert "<h1>Connect to the grid</h1>" in page
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        for style in re.findall(r'href="(/static/[^"]+\.css)"', page):
            with urllib.request.urlopen(address[1].rstrip("/") + style) as answer:
                assert "immutable" in answer.headers["Cache-Control"]
        assert Cluster(data).is_running()
        service.send_signal(sent)
        rest = service.communicate(timeout=60)[1]
    finally:
        if service.poll() is None:
            service.kill()
            service.wait()
    assert rest.strip().endswith("Stopped.")
    assert service.returncode == 0
    assert not Cluster(data).is_running()


def test_preparing_makes_the_database_and_leaves_nothing_running(data):
    for _ in range(2):
        done = subprocess.run(
            [*RUN, "prepare", str(data)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines()[-1] == "Bringing the database up to date"
    assert not Cluster(data).is_running()


def test_an_operators_server_that_does_not_answer_is_said_in_one_sentence(data, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@127.0.0.1:1/gone?connect_timeout=2")
    with pytest.raises(NotServing, match=r"^migrate failed: .*refused") as failed:
        prepare(data=data, say=lambda sentence: None)
    assert len(str(failed.value).splitlines()) == 1


FILL = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from gentie.project.serving import prepare

def fill():
    from django.db import connection, transaction
    from gentie.contexts.audit.actions import record
    from gentie.contexts.audit.reads import first_break
    with transaction.atomic():
        number = record(by="program:test", action="service.filled", subject="service:1",
                        at=datetime(2026, 11, 22, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        print(number, first_break(), cursor.fetchone()[0], connection.pool is not None)

prepare(data=Path(sys.argv[1]), say=lambda sentence: None, fill=fill)
"""


def test_filling_happens_with_the_rights_of_the_service(data):
    # The first entry is the guide's, which the second start finds in place.
    for number in (2, 3):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", FILL, str(data)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == f"{number} None gentie_application True", done.stderr
        assert done.stderr == ""
    assert not Cluster(data).is_running()


def test_one_role_for_everything_is_pointed_out(data, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@127.0.0.1:1/gone?connect_timeout=2")
    said: list[str] = []
    with pytest.raises(NotServing):
        prepare(data=data, say=said.append)
    assert any("GENTIE_OWNER_DATABASE_URL" in sentence for sentence in said)
