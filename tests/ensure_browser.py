"""Sees to a Chromium for the browser test: Debian's package under apt and root, Playwright's own elsewhere."""

import os
import shutil
import subprocess
import sys


def main() -> None:
    if shutil.which("chromium"):
        return
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        commands = [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]]
    else:
        commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    for command in commands:
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
            print(f"no browser: “{' '.join(command)}” failed; the browser test will say so", file=sys.stderr)
            return


if __name__ == "__main__":
    main()
