
// The table of all cases: what is on the screen is made, the rest is data.
const kPage = 100;

// A number as every other format writes it: the shortest digits that give it back.
const exactText = (number) => {
  const [digits, exponent] = number.toExponential().split('e');
  const power = Number(exponent);
  if (number === 0) return Object.is(number, -0) ? '-0' : '0';
  if (power >= -4 && power < 16) return String(number);
  return digits + 'e' + (power < 0 ? '-' : '+') + String(Math.abs(power)).padStart(2, '0');
};
// As in the tables above: about four digits.
const shortText = (number) => {
  const size = Math.abs(number);
  if (size === 0) return '0';
  if (size < 1e-4 || size >= 1e9)
    return number.toExponential(2).replace(/e([+-])(\d)$/, 'e$10$2');
  const decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : size >= 0.01 ? 4 : size >= 1e-3 ? 5 : 6;
  return number.toFixed(decimals);
};

// A column of the data: raw(row) is a number, a text or null; a text among numbers is one that a
// browser's numbers cannot hold.
const columnOf = (data) => {
  const column = {...data, first: data.shown};
  const isText = data.type === 'text';
  if ('same' in data) column.raw = () => data.same;
  else if (isText) column.raw = (row) => data.texts[data.codes[row]];
  else column.raw = (row) => data.values[row];
  column.key = (row) => {
    const value = column.raw(row);
    if (isText || typeof value !== 'string') return value;
    return value.endsWith('inf') ? (value[0] === '-' ? -Infinity : Infinity) : Number(value);
  };
  column.exact = (row) => {
    const value = column.raw(row);
    return value === null ? '' : typeof value === 'number' ? exactText(value) : value;
  };
  column.shown = (row, digits) => {
    const value = column.raw(row);
    if (value === null) return '-';
    if (typeof value !== 'number' || data.type === 'integer' || digits) return column.exact(row);
    return shortText(value);
  };
  return column;
};

// One condition of a column's box: ">=100", "10..50", "=cow", "!=cow", "-" (absent), "co" (a part of
// a text). Returns a test of a key, or null if it makes no sense.
const conditionOf = (text, isText) => {
  const [, sign, rest] = /^\s*(>=|<=|!=|>|<|=)?\s*(.*?)\s*$/s.exec(text);
  if (rest === '-' && (!sign || sign === '=' || sign === '!='))
    return (key) => (key === null) === (sign !== '!=');
  if (rest === '') return null;
  if (isText) {
    const wanted = rest.toLowerCase();
    if (sign === '=') return (key) => key !== null && key.toLowerCase() === wanted;
    if (sign === '!=') return (key) => key === null || key.toLowerCase() !== wanted;
    return sign ? null : (key) => key !== null && key.toLowerCase().includes(wanted);
  }
  const ends = sign ? [] : rest.split('..');
  const [low, high] = ends.map((end) => (end.trim() === '' ? NaN : Number(end)));
  if (ends.length === 2)
    return Number.isNaN(low + high) ? null : (key) => key !== null && key >= low && key <= high;
  const number = Number(rest);
  if (Number.isNaN(number)) return null;
  const tests = {'>=': (a) => a >= number, '<=': (a) => a <= number, '>': (a) => a > number,
                 '<': (a) => a < number, '!=': (a) => a !== number};
  const test = tests[sign] || ((a) => a === number);
  return (key) => key !== null && test(key);
};
// Alternatives: "cow | naive".
const testOf = (text, isText) => {
  const tests = text.split('|').map((part) => conditionOf(part, isText));
  return tests.includes(null) ? null : (key) => tests.some((test) => test(key));
};

// A name that may be broken behind its underscores, and nowhere else.
const breakable = (name) => name.split(/(?<=_)/).flatMap((part, at) => (at ? [make('wbr'), part] : [part]));

const csvCell = (text) => (/[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);

const caseTable = (place) => {
  const kind = place.dataset.kind;
  const data = JSON.parse(document.getElementById('cases-' + kind + '-data').textContent);
  const columns = data.columns.map(columnOf);
  const all = Array.from({length: data.rows}, (_, row) => row);
  const texts = columns.filter((column) => column.type === 'text');
  const conditions = new Map(); // column -> what its box says
  let shown = columns.filter((column) => column.first), order = all, page = 0;
  let sorted = {column: null, direction: 1}, digits = false, words = [];

  const thead = make('thead'), tbody = make('tbody');
  const status = make('span', {role: 'status', 'aria-live': 'polite'});
  const previous = make('button', {type: 'button', onclick: () => turn(-1)}, 'Previous');
  const next = make('button', {type: 'button', onclick: () => turn(1)}, 'Next');

  const filtered = () => {
    const tests = [...conditions].filter(([, one]) => one.test).map(([column, one]) =>
      (row) => one.test(column.key(row)));
    for (const word of words) {
      // Each text of a column is looked at once.
      const hits = texts.map((column) => {
        const has = (text) => text !== null && text.toLowerCase().includes(word);
        if ('same' in column) return has(column.same) ? () => true : null;
        const known = column.texts.map(has);
        return known.includes(true) ? (row) => known[column.codes[row]] : null;
      }).filter(Boolean);
      tests.push((row) => hits.some((hit) => hit(row)));
    }
    return tests.length ? all.filter((row) => tests.every((test) => test(row))) : all;
  };

  const update = () => {
    order = filtered();
    const {column, direction} = sorted;
    if (column)
      order = [...order].sort((a, b) => compare(column.key(a), column.key(b), direction) || a - b);
    page = 0;
    showRows();
  };

  const decimals = (text) => (/^-?\d+\.\d+$/.test(text) ? text.length - text.indexOf('.') - 1 : 0);
  const showRows = () => {
    const first = page * kPage, rows = order.slice(first, first + kPage);
    const cells = shown.map((column) => rows.map((row) => column.shown(row, digits)));
    const most = cells.map((list) => Math.min(9, Math.max(0, ...list.map(decimals))));
    tbody.replaceChildren(...rows.map((row, line) => make('tr', {}, ...shown.map((column, index) => {
      const text = cells[index][line], own = decimals(text);
      let name = column.type === 'text' ? 'text' : 'number';
      if (text === '-') name += ' nothing';
      if (column.type !== 'text' && own < most[index] && /^-?\d+(\.\d+)?$/.test(text))
        name += (own ? ' short' : ' whole') + (most[index] - own);
      if (text === 'ok' || text === 'VALID') name += ' good';
      if (text.startsWith('INVALID') || (column.name === 'status' && text !== 'ok')) name += ' bad';
      return make('td', {class: name, title: column.exact(row)}, text);
    }))));
    const bad = [...conditions.values()].some((one) => one.text && !one.test);
    status.textContent = (order.length ? `Rows ${first + 1}\u2013${first + rows.length} of ` +
      `${order.length.toLocaleString('en')}` : 'No row fits') +
      (order.length < all.length ? ` (of ${all.length.toLocaleString('en')})` : '') +
      (bad ? '; a condition is not understood and left out' : '');
    previous.disabled = page === 0;
    next.disabled = first + kPage >= order.length;
  };
  const turn = (step) => { page += step; showRows(); };

  let timer = 0;
  const later = () => { clearTimeout(timer); timer = setTimeout(update, 120); };
  const box = (column) => {
    const input = make('input', {type: 'text', 'aria-label': 'condition for ' + column.name,
      spellcheck: 'false', autocomplete: 'off',
      placeholder: column.type === 'text' ? 'text' : '>=', oninput: () => {
        const text = input.value.trim(), test = text && testOf(text, column.type === 'text');
        conditions.set(column, {text, test});
        input.setAttribute('aria-invalid', String(Boolean(text && !test)));
        later();
      }});
    input.value = conditions.has(column) ? conditions.get(column).text : '';
    return input;
  };
  const showHead = () => {
    const headings = shown.map((column) => {
      const heading = make('th', {scope: 'col', title: column.description,
        class: column.type === 'text' ? 'text' : 'number', 'data-name': column.name},
        make('span', {class: 'title'}, ...breakable(column.name)), ' ');
      if (column.unit && column.unit !== '1')
        heading.append(make('span', {class: 'unit'}, column.unit));
      sortButton(heading, (way) => {
        sorted = {column: way === 'none' ? null : column, direction: way === 'descending' ? -1 : 1};
        update();
      });
      if (sorted.column === column)
        heading.setAttribute('aria-sort', sorted.direction > 0 ? 'ascending' : 'descending');
      return heading;
    });
    thead.replaceChildren(make('tr', {}, ...headings), make('tr', {class: 'conditions'},
      ...shown.map((column) => make('th', {}, box(column)))));
  };

  const marks = columns.map((column) => make('input', {type: 'checkbox', 'data-name': column.name,
    onchange: () => choose(columns.filter((_, index) => marks[index].checked))}));
  const choose = (chosen) => {
    shown = chosen;
    for (const column of conditions.keys()) // what is not shown filters nothing
      if (!shown.includes(column)) conditions.delete(column);
    if (!shown.includes(sorted.column)) sorted = {column: null, direction: 1};
    columns.forEach((column, index) => { marks[index].checked = shown.includes(column); });
    showHead();
    update();
  };

  const download = () => {
    const lines = [shown.map((column) => csvCell(column.name)).join(',') + '\n'];
    for (const row of order)
      lines.push(shown.map((column) => csvCell(column.exact(row))).join(',') + '\n');
    const url = URL.createObjectURL(new Blob(lines, {type: 'text/csv;charset=utf-8'}));
    const link = make('a', {href: url, download: kind + '.csv'});
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };

  const search = make('input', {type: 'search', 'aria-label': 'rows with these words',
    placeholder: 'Rows with these words\u2026', oninput: () => {
      words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      later();
    }});
  const button = (text, action) => make('button', {type: 'button', onclick: action}, text);
  const exact = make('input', {type: 'checkbox', onchange: () => { digits = exact.checked; showRows(); }});
  place.replaceChildren(
    make('div', {class: 'controls'}, search, make('label', {}, exact, 'all digits'),
      button('Download these rows as CSV', download)),
    make('p', {class: 'note'}, 'Boxes under the headings take conditions: ',
      make('code', {}, '>=100'), ', ', make('code', {}, '10..50'), ', ', make('code', {}, '10 | 50'),
      ', ', make('code', {}, '!=cow'), ', ', make('code', {}, '=cow'), ', a part of a text, or ',
      make('code', {}, '-'), ' for what was not measured. Numbers are in the unit of the heading.'),
    make('details', {}, make('summary', {}, 'Columns'),
      make('div', {class: 'controls'},
        button('As at first', () => choose(columns.filter((column) => column.first))),
        button('All', () => choose(columns)),
        button('Those with values', () => choose(columns.filter((column) => column.same !== null)))),
      make('div', {class: 'chooser', role: 'group', 'aria-label': 'columns to show'},
        ...columns.map((column, index) =>
          make('label', {title: column.description}, marks[index],
            make('span', {}, ...breakable(column.name)))))),
    make('div', {class: 'scroll', role: 'region', tabindex: '0', 'aria-label': 'cases'},
      make('table', {class: 'data'}, thead, tbody)),
    make('div', {class: 'controls'}, status, previous, next));
  choose(shown);
};

for (const place of document.querySelectorAll('.cases')) caseTable(place);

// The keyboard stops only at what can be scrolled.
const scrolled = new ResizeObserver((entries) => {
  for (const {target} of entries) {
    const box = target.closest('.scroll');
    box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;
  }
});
for (const box of document.querySelectorAll('.scroll')) {
  scrolled.observe(box);
  scrolled.observe(box.firstElementChild);
}
