"""One `latchkey up` for a test module. The command is $LATCHKEY_COMMAND, or built here."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

PASSWORD = "Correct-Horse-9"
TEMPORARY = "Temporary-1"


def command(home):
    if os.environ.get("LATCHKEY_COMMAND"):
        return os.environ["LATCHKEY_COMMAND"]
    root = pathlib.Path(__file__).resolve().parents[2]
    target = os.path.join(home, "latchkey")
    subprocess.run(["go", "build", "-o", target, "./cmd/latchkey"], cwd=root, check=True,
                   env={**os.environ, "CGO_ENABLED": "0"})
    return target


class Service:
    """One `latchkey up` for the whole module."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="latchkey-e2e-")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LATCHKEY_", "XDG_"))}
        kept["LATCHKEY_HOME"] = os.path.join(self.home, "home")
        kept["XDG_CONFIG_HOME"] = os.path.join(self.home, "config")
        self.log = open(os.path.join(self.home, "stderr"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [command(self.home), "up", "--json", "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0",
             "--data", os.path.join(self.home, "data")],
            env=kept, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise RuntimeError("latchkey up: " + self.log.read())
        self.ready = json.loads(line)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=60)  # it hangs, if it needs a tenth of that
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        rest = self.process.stdout.read()
        self.process.stdout.close()
        self.log.close()
        shutil.rmtree(self.home)
        if code != 0 or rest:
            raise RuntimeError(f"latchkey up ended with {code} and wrote {rest!r} after its line")
