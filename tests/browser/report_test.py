"""The HTML report as a reader meets it, in headless Chromium: usage report_test.py BROWSER_PAGES_PROGRAM [test...]"""
import json
import os
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page_test_case import EAB, EP, PageTest  # noqa: E402


class Report(PageTest):
    # --- the page ---------------------------------------------------------------------------------------

    def test_asks_nobody_for_anything(self):
        self.assertEqual([url for url in self.browser.requests() if not url.startswith("data:")],
                         ["file://" + os.path.join(self.folder.name, "page.html")])
        self.assertEqual(self.browser.run("return performance.getEntriesByType('resource').map(e => e.name)"), [])

    def test_its_policy_stops_scripts_and_requests(self):
        self.browser.run("""
          window.stopped = [];
          addEventListener('securitypolicyviolation', e => stopped.push(e.effectiveDirective));
          const script = document.createElement('script');
          script.textContent = 'window.taken = true';
          document.body.append(script);
          const image = document.createElement('img');
          image.src = 'http://127.0.0.1:9/';
          document.body.append(image);
          fetch('http://127.0.0.1:9/').catch(() => 0);""")
        self.assertEqual(sorted(self.browser.wait("return stopped.length === 3 && stopped")),
                         ["connect-src", "img-src", "script-src-elem"])
        self.assertIsNone(self.browser.run("return window.taken || null"))
        for entry in self.browser.log("browser"):  # it says so in the console, and nothing else
            self.assertRegex(entry["message"], "Content Security Policy|Fetch API cannot load")

    def test_texts_of_the_file_stay_texts(self):
        self.assertIn("<script>document.title = 'taken'</script>: peakbench report",
                      self.browser.run("return document.title"))
        self.assertEqual(self.browser.run("return document.querySelectorAll('img').length"), 0)
        self.assertEqual(self.browser.run("return document.querySelectorAll('script').length"), 3)
        self.assertIn("<script>document.title = 'taken'</script>", self.column(EAB, "prompt_id"))

    def test_tables_show_the_cells_of_the_other_formats(self):
        tables = json.loads(self.read("tables.json"))
        self.assertGreater(len(tables), 8)
        for number, table in enumerate(tables, 1):
            rows = [[cell.replace("\n", " ") for cell in row] for row in table["rows"]]
            self.assertEqual(self.cells(f"#table{number}"), rows, table["title"])
        verdict = self.browser.run("return document.querySelector('#verdict').textContent")
        self.assertTrue(verdict.startswith("INVALID "), verdict)

    def test_sorts_tables_by_numbers_both_ways(self):
        tables = json.loads(self.read("tables.json"))
        number = next(i for i, table in enumerate(tables, 1) if table["title"] == "EP: every case")
        rows = tables[number - 1]["rows"]
        heading = f"#table{number} thead th:nth-child(3)"
        depths = [row[2] for row in rows]
        self.assertNotEqual(sorted(depths), sorted(depths, key=int))  # else the test could not tell
        for way, expected in (("ascending", sorted(depths, key=int)),
                              ("descending", sorted(depths, key=int, reverse=True)), ("none", depths)):
            self.click(heading + " button")
            self.assertEqual([row[2] for row in self.cells(f"#table{number}")], expected)
            self.assertEqual(self.browser.run(
                "return document.querySelector(arguments[0]).getAttribute('aria-sort')", heading), way)
        # Decimals and exponents, which no order of texts gets right; what was not measured comes last, up or down.
        column = next(at for at in range(len(rows[0])) if any("e+" in row[at] for row in rows))
        for backwards in (False, True):
            self.click(f"#table{number} thead th:nth-child({column + 1}) button")
            cells = [row[column] for row in self.cells(f"#table{number}")]
            self.assertEqual(cells[-1], "-")
            figures = [cell for cell in cells if cell not in ("-", "inf")]
            self.assertEqual(figures, sorted(figures, key=float, reverse=backwards))

    def test_aligns_points(self):
        right = self.browser.run("""
          const cell = [...document.querySelectorAll('td.number')].find(c => /short|whole/.test(c.className));
          return parseFloat(getComputedStyle(cell).paddingRight);""")
        plain = self.browser.run("""
          return parseFloat(getComputedStyle(document.querySelector('td.number:not([class*=short]):not([class*=whole])'))
            .paddingRight);""")
        self.assertGreater(right, plain)

    def test_has_a_reader_of_any_kind_in_mind(self):
        self.assertEqual(self.browser.run("return [...document.querySelectorAll('thead tr:first-child th')]"
                                          ".filter(h => h.scope !== 'col').length"), 0)
        unnamed = self.browser.run("""
          return [...document.querySelectorAll('button, input, a, summary, [role=region], svg')].filter(e =>
            !(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label'))).map(e => e.outerHTML);""")
        self.assertEqual(unnamed, [])
        self.assertEqual(self.browser.run("return document.querySelectorAll('h1').length"), 1)
        ids = self.browser.run("return [...document.querySelectorAll('[id]')].map(e => e.id)")
        self.assertEqual(len(ids), len(set(ids)))
        broken = self.browser.run("""
          return [...document.querySelectorAll('a[href^="#"], use')].map(e => e.getAttribute('href').slice(1))
            .filter(id => !document.getElementById(id));""")
        self.assertEqual(broken, [])
        # The keyboard stops at boxes that can be scrolled, and at no others.
        self.browser.size(700, 900)
        self.browser.wait("""
          const boxes = [...document.querySelectorAll('.scroll')].filter(b => !b.closest('details:not([open])'));
          return new Set(boxes.map(b => b.tabIndex)).size === 2 &&
            boxes.every(b => (b.tabIndex === 0) === (b.scrollWidth > b.clientWidth));""")

    # --- the tables of all cases ------------------------------------------------------------------------

    def test_downloads_what_the_csv_of_all_rows_says(self):
        self.browser.run("""
          window.saved = [];
          const make = URL.createObjectURL;
          URL.createObjectURL = (blob) => { blob.text().then(text => saved.push(text)); return make.call(URL, blob); };
          window.names = [];
          HTMLAnchorElement.prototype.click = function() { names.push(this.download); };""")
        for kind in ("eab", "ep"):
            self.click_button(f"#cases-{kind}", "All")
            self.click_button(f"#cases-{kind}", "Download these rows as CSV")
        texts = self.browser.wait("return saved.length === 2 && saved")
        self.assertEqual(self.browser.run("return names"), ["eab.csv", "ep.csv"])
        self.maxDiff = 2000
        self.assertEqual(texts[0], self.read("eab.csv"))
        self.assertEqual(texts[1], self.read("ep.csv"))
        # Only the rows and columns on the screen.
        self.click_button(EP, "As at first")
        self.condition(EP, "depth", ">=200")
        self.condition(EP, "arm", "=ep_fused")
        self.click_button(EP, "Download these rows as CSV")
        lines = self.browser.wait("return saved.length === 3 && saved[2]").splitlines()
        self.assertEqual(lines[0].split(",")[:2], ["arm", "depth"])
        self.assertEqual([line.split(",")[:2] for line in lines[1:]], [["ep_fused", "200"], ["ep_fused", "500"]])

    def test_filters_cases(self):
        depths = [int(depth) for depth in self.column(EP, "depth")]
        for text, keeps in ((">=100", lambda d: d >= 100), ("<50", lambda d: d < 50), ("50", lambda d: d == 50),
                            ("!=50", lambda d: d != 50), ("50..200", lambda d: 50 <= d <= 200),
                            ("10 | > 300", lambda d: d == 10 or d > 300), ("-", lambda d: False)):
            self.condition(EP, "depth", text)
            expected = [d for d in depths if keeps(d)]
            self.assertEqual([int(depth) for depth in self.column(EP, "depth")], expected, text)
            self.assertIn(f"of {len(expected)} (of 20)" if expected else "No row fits", self.status(EP))
        self.condition(EP, "depth", ">=many")
        self.assertEqual(len(self.column(EP, "depth")), len(depths))
        self.assertIn("not understood", self.status(EP))
        self.condition(EP, "depth", "")
        self.condition(EP, "arm", "!=backprop")
        self.assertNotIn("backprop", self.column(EP, "arm"))
        self.assertIn("truncated_backprop", self.column(EP, "arm"))
        self.condition(EP, "arm", "FUSED | autograd")
        self.assertEqual(set(self.column(EP, "arm")), {"ep_fused", "ep_autograd"})
        self.condition(EP, "step_seconds", "-")
        self.assertEqual(len(self.column(EP, "arm")), 0)
        self.condition(EP, "arm", "")
        self.assertEqual(self.column(EP, "step_seconds"), ["-"])

    def test_finds_words(self):
        self.type_into(f"{EAB} input[type=search]", "COW per_path")
        self.assertEqual(set(self.column(EAB, "arm")), {"cow"})
        self.assertEqual(set(self.column(EAB, "decode")), {"per_path"})
        self.type_into(f"{EAB} input[type=search]", "no such word")
        self.assertEqual(self.status(EAB), "No row fits (of 15)")

    def test_sorts_cases_by_exact_numbers(self):
        button = f"{EP} th[data-name=step_seconds] button"
        exact = """return [...document.querySelectorAll('#cases-ep tbody tr')].map(r => r.cells[
          [...document.querySelectorAll('#cases-ep thead tr:first-child th')]
            .findIndex(h => h.dataset.name === 'step_seconds')].title);"""
        self.click(button)
        up = self.browser.run(exact)
        self.assertEqual(up[-1], "")  # absent
        self.assertEqual(up[:-1], sorted(up[:-1], key=float))
        self.assertNotEqual(up[:-1], sorted(up[:-1]))
        self.click(button)
        down = self.browser.run(exact)
        self.assertEqual(down, sorted(up[:-1], key=float, reverse=True) + [""])

    def test_chooses_columns(self):
        names = "return [...document.querySelectorAll('#cases-ep thead tr:first-child th')].map(h => h.dataset.name)"
        first = self.browser.run(names)
        self.assertIn("status", first)
        self.assertNotIn("kink_rows", first)
        self.click(f"{EP} input[data-name=reach]")
        self.assertEqual(self.browser.run(names), [name for name in first if name != "reach"])
        self.click(f"{EP} input[data-name=reach]")
        self.assertEqual(self.browser.run(names), first)
        self.click_button(EP, "Those with values")
        self.assertNotIn("kink_rows", self.browser.run(names))
        self.assertGreater(len(self.browser.run(names)), len(first))
        self.click_button(EP, "All")
        self.assertEqual(",".join(self.browser.run(names)), self.read("ep.csv").split("\n")[0])
        # A condition of a column that goes, goes with it.
        self.condition(EP, "depth", "50")
        self.click(f"{EP} input[data-name=depth]")
        self.assertEqual(self.status(EP), "Rows 1\u201320 of 20")

    # --- much -------------------------------------------------------------------------------------------

    def test_opens_a_hundred_thousand_cases(self):
        start = time.monotonic()
        self.open("many.html")
        opened = time.monotonic()
        self.assertEqual(self.status(EP), "Rows 1\u2013100 of 100,000")
        self.assertEqual(len(self.cells(EP)), 100)
        self.click(f"{EP} th[data-name=step_seconds] button")
        self.click(f"{EP} th[data-name=step_seconds] button")
        ordered = time.monotonic()
        seconds = sorted((0.001 * (n * 7919 % 100003) for n in range(100000)), reverse=True)
        self.assertEqual([float(text) for text in self.column(EP, "step_seconds")],
                         [float(f"{value:.2f}" if value < 100 else f"{value:.1f}") for value in seconds[:100]])
        self.click_button(EP, "Next")
        self.assertEqual(self.status(EP), "Rows 101\u2013200 of 100,000")
        self.type_into(f"{EP} input[type=search]", "case-9999")
        self.assertEqual(self.status(EP), "Rows 1\u201311 of 11 (of 100,000)")
        size = os.path.getsize(os.path.join(self.folder.name, "many.html")) / 1e6
        print(f"100,000 cases, {size:.1f} MB: opened in {opened - start:.2f} s, sorted twice in {ordered - opened:.2f} s",
              file=sys.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
