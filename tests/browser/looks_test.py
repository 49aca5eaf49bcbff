"""How the HTML report looks, in headless Chromium: usage looks_test.py BROWSER_PAGES_PROGRAM [test...]"""
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page_test_case import EP, PageTest  # noqa: E402


class Looks(PageTest):
    def lightness(self, expression):
        rgb = self.browser.run("return (" + expression + ").match(/[0-9.]+/g).slice(0, 3).map(Number)")
        return sum(rgb) / 765

    def test_is_light_or_dark_as_the_reader_has_it(self):
        paper, ink = "getComputedStyle(document.body).backgroundColor", "getComputedStyle(document.body).color"
        drawn = "getComputedStyle(document.querySelector('svg text')).fill"
        drawings = self.browser.run("return document.querySelectorAll('svg').length")
        self.assertGreater(self.lightness(paper), 0.9)
        self.assertLess(self.lightness(ink), 0.3)
        self.browser.colour_scheme("dark")
        self.assertLess(self.lightness(paper), 0.2)
        self.assertGreater(self.lightness(ink), 0.7)
        if drawings:
            self.assertGreater(self.lightness(drawn), 0.6)
        # The button goes from auto to light, dark, and back to auto.
        for light in (True, False, False):
            self.click(".theme")
            self.assertEqual(self.lightness(paper) > 0.5, light)
        self.browser.colour_scheme("light")
        self.assertGreater(self.lightness(paper), 0.9)

    def test_fits_a_phone(self):
        self.browser.size(360, 740, phone=True)
        self.open("page.html")
        width = "return document.scrollingElement.scrollWidth"  # a phone's innerWidth grows with the page
        self.assertEqual(self.browser.run("return screen.width"), 360)
        self.assertLessEqual(self.browser.run(width), 360)
        self.click_button(EP, "All")
        self.browser.run("for (const details of document.querySelectorAll('details')) details.open = true")
        self.assertLessEqual(self.browser.run(width), 360)
        # The measure can fail.
        self.browser.run("document.querySelector('main').append(Object.assign(document.createElement('p'), "
                         "{id: 'wide', textContent: 'w'})); document.getElementById('wide').style.width = '900px'")
        self.assertGreater(self.browser.run(width), 360)

    def test_pictures_can_be_read_at_any_width(self):
        smallest = """
          return Math.min(...[...document.querySelectorAll('.picture svg')].map(svg => {
            const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
            return scale * Math.min(...[...svg.querySelectorAll('text')].map(t => parseFloat(getComputedStyle(t).fontSize)));
          }));"""
        if not self.browser.run("return document.querySelectorAll('.picture svg').length"):
            self.skipTest("needs gnuplot")
        for width in (360, 768, 1280, 1440, 1920):
            self.browser.size(width, 900, phone=width < 640)
            self.open("page.html")
            self.assertGreater(self.browser.run(smallest), 7.4, width)  # of bars' figures; axes have 11 / 9 of it
        # Nor do they grow with the screen without end.
        self.assertLess(self.browser.run("""
          return Math.max(...[...document.querySelectorAll('.picture svg')].map(
            svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width));"""), 1.4)

    def test_fingers_hit_what_they_mean(self):
        small = """
          return [...document.querySelectorAll('button, summary, input:not([type=checkbox]), .contents a')]
            .filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 38)
            .map(e => e.outerHTML.slice(0, 60));"""
        self.assertNotEqual(self.browser.run(small), [])  # with a mouse
        self.browser.size(390, 800, phone=True)
        self.browser.touch(True)
        try:
            self.open("page.html")
            self.browser.run("for (const details of document.querySelectorAll('details')) details.open = true")
            self.assertEqual(self.browser.run(small), [])
            # What is cut shows itself whole where a pointer rests: fingers cannot.
            self.assertEqual(self.browser.run("return [...document.querySelectorAll('.cases td')]"
                                              ".filter(c => c.scrollWidth > c.clientWidth + 1).length"), 0)
            # Boxes with smaller letters make a phone zoom in.
            self.assertEqual(self.browser.run("return [...document.querySelectorAll('input:not([type=checkbox])')]"
                                              ".filter(i => parseFloat(getComputedStyle(i).fontSize) < 16).length"), 0)
        finally:
            self.browser.touch(False)

    def test_names_of_rows_are_never_cut(self):
        cut = """
          return [...document.querySelectorAll('tbody tr > :first-child')].filter(c => c.scrollWidth > c.clientWidth + 1)
            .map(c => c.textContent);"""
        for width in (360, 700, 1280):
            self.browser.size(width, 900, phone=width < 640)
            self.open("page.html")
            self.assertEqual(self.browser.run(cut), [], width)
        self.browser.run("""
          const cell = document.querySelector('#cases-ep tbody td');
          cell.textContent = 'name'.repeat(100);
          cell.style.cssText = 'white-space: nowrap; max-width: 1rem';""")
        self.assertEqual(len(self.browser.run(cut)), 1)

    def test_headlines_stay_in_their_boxes(self):
        outside = """
          return [...document.querySelectorAll('.tile')].filter(tile => {
            const box = tile.getBoundingClientRect();
            return [...tile.querySelectorAll('dt, dd, b')].some(part => {
              const own = part.getBoundingClientRect();
              return own.left < box.left || own.right > box.right + 0.5 || own.bottom > box.bottom + 0.5;
            });
          }).map(tile => tile.textContent.trim());"""
        self.assertGreater(self.browser.run("return document.querySelectorAll('.tile').length"), 3)
        for width in (360, 430, 500, 600, 640, 700, 900, 1200, 1280, 1920):
            self.browser.size(width, 900, phone=width < 640)
            self.open("page.html")
            self.assertEqual(self.browser.run(outside), [], width)
            # Two settings, and long numbers.
            self.browser.run("document.querySelector('.tile b').textContent = '123456.7 \u2026 987654.3'")
            self.assertEqual(self.browser.run(outside), [], width)
        # The measure can fail.
        self.browser.run("document.querySelector('.tile').style.cssText = 'width: 1rem; padding: 0'")
        self.assertEqual(len(self.browser.run(outside)), 1)

    def test_is_printed_without_its_controls(self):
        shown = "return getComputedStyle(document.querySelector('.theme')).display !== 'none'"
        self.assertTrue(self.browser.run(shown))
        self.browser.medium("print")
        self.assertFalse(self.browser.run(shown))
        self.browser.medium("")


if __name__ == "__main__":
    unittest.main(verbosity=2)
