"""Do all output formats of peakbench-aggregate say the same? Parsed by Python's own readers.

usage: formats.py FOLDER   with out.txt, out.csv, out.json, out.md and, where it was made, out.html
Prints how much was compared, or what differs first, and exits with 1.
"""
import csv
import html.parser
import json
import pathlib
import re
import sys

NOTHING = "-"


def fail(message):
    print("differs: " + message)
    sys.exit(1)


def heading(column):
    return column["title"] + (f" [{column['unit']}]" if column["unit"] else "")


def from_json(path):
    return json.loads(path.read_text())["tables"]


def from_csv(path):
    blocks, block = [], []
    for row in csv.reader(path.open(newline="")):
        if row:
            block.append(row)
        else:
            blocks.append(block)
            block = []
    blocks.append(block)
    return [
        {"title": b[0][0], "validity": (b[0] + [""])[1], "headings": b[1], "rows": b[2:]}
        for b in blocks
    ]


def markdown_cells(line):
    cells = re.split(r"(?<!\\)\|", line.strip())[1:-1]
    return [re.sub(r"\\(.)", r"\1", cell.strip()) for cell in cells]


def from_markdown(path):
    tables = []
    for line in path.read_text().splitlines():
        if line.startswith("### "):
            tables.append({"title": line[4:], "validity": "", "lines": []})
        elif line.startswith("|"):
            tables[-1]["lines"].append(markdown_cells(line))
        elif line.startswith("**"):
            tables[-1]["validity"] = re.sub(r"\\(.)", r"\1", line[2:-2])
    for table in tables:
        table["headings"], _, *table["rows"] = table["lines"]
    return tables


class Page(html.parser.HTMLParser):
    """The page's tables, cell by cell: <article id="tableN"> with a heading, a line of validity and rows."""

    def __init__(self):
        super().__init__()
        self.tables, self.table, self.text = [], None, None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        name = attributes.get("id") or ""
        if tag == "article":
            number = re.fullmatch("table([0-9]+)", name)
            self.table = None
            if number:
                self.table = {"number": int(number[1]), "validity": "", "rows": []}
                self.tables.append(self.table)
        elif self.table is None:
            return
        elif tag == "tr":
            self.table["rows"].append([])
        elif tag in ("td", "th", "h3") or (tag == "p" and "validity" in attributes.get("class", "")):
            self.text = ""
        elif tag == "span" and attributes.get("class") == "unit":
            self.text += "["

    def handle_data(self, data):
        if self.text is not None:
            self.text += data

    def handle_endtag(self, tag):
        if self.text is None:
            return
        text = " ".join(self.text.split())
        if tag == "span" and "[" in self.text:
            self.text += "]"
            return
        if tag in ("td", "th"):
            self.table["rows"][-1].append(text)
        elif tag == "h3":
            self.table["title"] = text
        elif tag == "p":
            self.table["validity"] = text
        else:
            return
        self.text = None


def from_html(path):
    page = Page()
    page.feed(path.read_text())
    for table in page.tables:
        table["headings"], *table["rows"] = table["rows"]
    return sorted(page.tables, key=lambda table: table["number"])


def same_cell(text, value):
    """A cell as text against JSON's null, number or text."""
    if value is None:
        return text == NOTHING
    if isinstance(value, str):
        return " ".join(text.split()) == " ".join(value.split())
    try:
        return float(text) == float(value)
    except ValueError:
        return False


def compare(name, found, tables):
    if [t["title"] for t in found] != [t["title"] for t in tables]:
        fail(f"{name}: other tables: {[t['title'] for t in found]}")
    cells = 0
    for one, table in zip(found, tables):
        where = f"{name}, {table['title']}"
        if one["validity"].split() != table["validity"].split():
            fail(f"{where}: validity {one['validity']!r} against {table['validity']!r}")
        if [h.split() for h in one["headings"]] != [heading(c).split() for c in table["columns"]]:
            fail(f"{where}: headings {one['headings']}")
        if len(one["rows"]) != len(table["rows"]):
            fail(f"{where}: {len(one['rows'])} rows against {len(table['rows'])}")
        for row, (texts, values) in enumerate(zip(one["rows"], table["rows"])):
            if len(texts) != len(values):
                fail(f"{where}, row {row}: {len(texts)} cells against {len(values)}")
            for text, value, column in zip(texts, values, table["columns"]):
                if not same_cell(text, value):
                    fail(f"{where}, row {row}, {heading(column)}: {text!r} against {value!r}")
                cells += 1
    return cells


def compare_text(path, tables):
    """Cells may be wrapped and settings stand above: the numbers of a row must be in its line, in order."""
    lines = path.read_text().splitlines()
    at = numbers = 0
    for table in tables:
        try:
            at = lines.index(table["title"], at) + 1
        except ValueError:
            fail(f"text: no table {table['title']}")
        for row, values in enumerate(table["rows"]):
            wanted = [v for v in values if isinstance(v, (int, float))]
            while True:
                if at == len(lines):
                    fail(f"text, {table['title']}, row {row}: no line with {wanted}")
                words = iter(lines[at].split())
                at += 1
                if all(any(is_number(word, value) for word in words) for value in wanted):
                    break
            numbers += len(wanted)
    return numbers


def is_number(word, value):
    try:
        return float(word) == float(value)
    except ValueError:
        return False


def main():
    folder = pathlib.Path(sys.argv[1])
    tables = from_json(folder / "out.json")
    counts = {
        "CSV": compare("CSV", from_csv(folder / "out.csv"), tables),
        "Markdown": compare("Markdown", from_markdown(folder / "out.md"), tables),
        "text": compare_text(folder / "out.txt", tables),
    }
    if (folder / "out.html").exists():
        counts["HTML"] = compare("HTML", from_html(folder / "out.html"), tables)
    print(f"the same in {len(tables)} tables:", ", ".join(f"{n} {k}" for k, n in counts.items()))


main()
