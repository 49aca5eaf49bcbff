"""What tests of the HTML report begin with; the program that writes the pages is their first argument."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import webdriver  # noqa: E402

if webdriver.missing():
    print(f"skipped: needs {webdriver.missing()} (tools/bootstrap.sh --with-tests)")
    sys.exit(77)
PROGRAM = os.path.abspath(sys.argv.pop(1))

# Texts of the body's cells of a table, row by row.
CELLS = "[...document.querySelectorAll(arguments[0] + ' tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
EAB, EP = "#cases-eab", "#cases-ep"


class PageTest(unittest.TestCase):
    """Each class of tests has a browser and pages of its own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="peakbench-pages-")
        subprocess.run([PROGRAM, cls.folder.name], check=True, timeout=120)
        cls.browser = webdriver.Browser()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.browser.colour_scheme("light")
        self.browser.size(1280, 900)
        self.open("page.html")

    def tearDown(self):
        complaints = [entry["message"] for entry in self.browser.log("browser") if entry["level"] != "INFO"]
        self.assertEqual(complaints, [])

    def open(self, name):
        self.browser.log("performance")
        self.browser.open(os.path.join(self.folder.name, name))

    def read(self, name):
        with open(os.path.join(self.folder.name, name), encoding="utf-8", newline="") as file:
            return file.read()

    def cells(self, selector):
        return self.browser.run("return " + CELLS, selector)

    def column(self, selector, name):
        """Of a table of cases, what the screen shows of a column."""
        return self.browser.run("""
          const at = [...document.querySelectorAll(arguments[0] + ' thead tr:first-child th')]
            .findIndex(h => h.dataset.name === arguments[1]);
          return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map(r => r.cells[at].textContent);""",
                                selector, name)

    def status(self, selector):
        return self.browser.run("return document.querySelector(arguments[0] + ' [role=status]').textContent", selector)

    def type_into(self, selector, text):
        """As the keyboard does, and until the rows have been chosen anew."""
        self.browser.run("""
          const input = document.querySelector(arguments[0]);
          input.focus();
          input.value = arguments[1];
          input.dispatchEvent(new Event('input', {bubbles: true}));
          // The page chooses them when its own timer is over; one that is set after it, for longer, comes after it.
          return new Promise(done => setTimeout(done, 200));""", selector, text)

    def condition(self, kind, column, text):
        self.type_into(f"{kind} input[aria-label='condition for {column}']", text)

    def click(self, selector):
        self.browser.run("document.querySelector(arguments[0]).click()", selector)

    def click_button(self, selector, text):
        self.browser.run("[...document.querySelectorAll(arguments[0] + ' button')]"
                         ".find(b => b.textContent === arguments[1]).click()", selector, text)
