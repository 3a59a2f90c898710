"""The service's own settings, in a folder of this test run; conftest.py fills in the database."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

if "pytest" not in sys.modules:
    # mypy reads the settings too, and ends without tidying up after itself.
    _cache = Path(__file__).resolve().parent.parent / ".cache" / "settings"
    os.environ["GENTIE_TEST_DIR"] = str(_cache)
elif "GENTIE_TEST_DIR" not in os.environ:  # set for xdist's workers by the process that began
    _folder = Path(tempfile.mkdtemp(prefix="gentie-test-"))
    # The database server's own account must be able to pass (see gentie.project.places).
    _folder.chmod(0o711)
    os.environ["GENTIE_TEST_DIR"] = str(_folder)
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)

os.environ["GENTIE_DATA_DIR"] = os.environ["GENTIE_TEST_DIR"]
# Read by the settings alone, and once: no test reaches a server that it did not start.
_before = {
    name: os.environ.pop(name, None)
    for name in ("DATABASE_URL", "GENTIE_DATABASE_ROLE", "GENTIE_HOSTS", "GENTIE_HTTPS")
}
os.environ["DATABASE_URL"] = "postgresql:///gentie?host=none-started-yet"
os.environ["GENTIE_DATABASE_ROLE"] = "owner"

from gentie.project.settings import *  # noqa: E402, F403

del os.environ["DATABASE_URL"], os.environ["GENTIE_DATABASE_ROLE"]

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
# A slow hash is for people; tests sign in a hundred times.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
