"""A browser to test pages with: headless Chromium behind chromedriver, spoken to in the WebDriver protocol."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request

LIMIT_SECONDS = 60


def missing():
    """What this machine lacks, or nothing."""
    absent = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return " and ".join(absent)


class Browser:
    """One browser with one tab, killed with all its processes at the end."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="peakbench-browser-")
        # A group of its own, so that the browser's many processes can be ended with it.
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, start_new_session=True, env={**os.environ, "HOME": self._folder})
        try:
            self._address = f"http://127.0.0.1:{self._port()}"
            options = {
                "binary": shutil.which("chromium"),
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                         "--no-first-run", "--disable-background-networking", "--disable-component-update",
                         "--hide-scrollbars", f"--user-data-dir={self._folder}/profile"],
            }
            answer = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
            self._session = f"/session/{answer['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _port(self):
        for line in self._driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                return int(found.group(1))
        raise RuntimeError("chromedriver did not start")

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        # Nobody's proxy stands between this machine and itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=LIMIT_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def _post(self, path, body):
        return self._ask("POST", self._session + path, body)

    def open(self, path):
        self._post("/url", {"url": "file://" + os.path.abspath(path)})

    def run(self, script, *arguments):
        """The value that a script returns; it may use `arguments`."""
        return self._post("/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, *arguments, seconds=60):
        """Until the script returns something true, which is returned."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.run(script, *arguments)
            if value:
                return value
            time.sleep(0.03)
        raise RuntimeError("waited in vain for: " + script)

    def size(self, width, height, phone=False):
        """Of the page, in its own pixels."""
        self._devtools("Emulation.setDeviceMetricsOverride",
                       {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone})

    def touch(self, on):
        """Fingers in place of a mouse."""
        self._devtools("Emulation.setTouchEmulationEnabled", {"enabled": on})

    def colour_scheme(self, name):
        self._devtools("Emulation.setEmulatedMedia",
                       {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def medium(self, name):
        self._devtools("Emulation.setEmulatedMedia", {"media": name})

    def _devtools(self, command, parameters):
        return self._post("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def log(self, kind):
        """What has come since the last call: "browser" (the console) or "performance" (requests)."""
        return self._post("/se/log", {"type": kind})

    def requests(self):
        """Addresses that the page asked for since the last call."""
        messages = (json.loads(entry["message"])["message"] for entry in self.log("performance"))
        return [message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"]

    def picture(self, path):
        import base64
        with open(path, "wb") as file:
            file.write(base64.b64decode(self._ask("GET", self._session + "/screenshot")))

    def close(self):
        try:
            if hasattr(self, "_session"):
                self._ask("DELETE", self._session)
        except (OSError, RuntimeError):
            pass
        finally:
            try:
                os.killpg(self._driver.pid, 9)
            except ProcessLookupError:
                pass
            self._driver.wait()
            self._driver.stdout.close()
            shutil.rmtree(self._folder, ignore_errors=True)
