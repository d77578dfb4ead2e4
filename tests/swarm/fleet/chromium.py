"""A headless Chromium, driven over a pipe by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol)."""

import base64
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium():
    """Where it is installed, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One page; a context manager."""

    def __init__(self, url, folder, size=(1280, 720), dark=False):
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        options = (
            f"--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --remote-debugging-pipe "
            f"--user-data-dir={folder} --window-size={size[0]},{size[1]} about:blank"
        )
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec {find_chromium()} {options} 3<&{commands} 4>&{answers} >/dev/null 2>&1"],
            pass_fds=(commands, answers), start_new_session=True,
        )  # fmt: skip
        os.close(commands), os.close(answers)
        self._last, self._read, self._session, self.events = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Runtime.enable"), self.call("Log.enable"), self.call("Page.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=url)

    def call(self, method, **parameters):
        """One command, and its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + 60.0
        while True:
            text, found, rest = self._read.partition(b"\0")
            if not found:
                assert select.select([self._from], [], [], end - time.monotonic())[0], f"no answer to {method}"
                part = os.read(self._from, 1 << 16)
                assert part, "the browser has ended"
                self._read += part
                continue
            self._read, told = rest, json.loads(text)
            if told.get("id") == self._last:
                assert "error" not in told, told
                return told["result"]
            self.events.append(told)

    def run(self, expression):
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression, seconds=20.0):
        """Wait until an expression holds; its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(expression)):
            assert time.monotonic() < end, f"{expression} did not become true"
            time.sleep(0.05)
        return value

    def click(self, x, y):
        """Press and release the mouse."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path):
        """Write a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def complaints(self):
        """Errors that the page has logged or thrown."""
        self.run("0")
        return [
            told for told in self.events
            if told.get("method") == "Runtime.exceptionThrown"
            or (told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error")
        ]  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._to), os.close(self._from)
        self._process.terminate()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
