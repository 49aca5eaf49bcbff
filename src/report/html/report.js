
// The HTML report: sorting, theme, print.
'use strict';
// Nothing here makes HTML of text: elements are made one by one, and texts are text nodes.
const make = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const collator = new Intl.Collator('en', {numeric: true, sensitivity: 'base'});
// Absent values (null) come last whichever the direction; numbers before texts.
const compare = (a, b, direction) => {
  if (a === null || b === null) return (a === null) - (b === null);
  const numbers = (typeof b === 'number') - (typeof a === 'number');
  if (numbers !== 0) return direction * numbers;
  return direction * (typeof a === 'number' ? a - b : collator.compare(a, b));
};

// A heading becomes a button: up, down, as it was.
const sortButton = (heading, sort) => {
  const meaning = heading.title ? heading.title + '\n' : '';
  const button = make('button', {type: 'button', title: meaning + 'Sort: up, down, as in the file'});
  button.append(...heading.childNodes);
  heading.append(button);
  heading.setAttribute('aria-sort', 'none');
  button.addEventListener('click', () => {
    const next = {none: 'ascending', ascending: 'descending', descending: 'none'};
    const order = next[heading.getAttribute('aria-sort')];
    for (const other of heading.parentElement.children)
      if (other.hasAttribute('aria-sort')) other.setAttribute('aria-sort', 'none');
    heading.setAttribute('aria-sort', order);
    sort(order);
  });
};

const sortableTable = (table) => {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const value = (row, column, isNumber) => {
    const text = row.cells[column].textContent;
    if (text === '-' || text === '') return null;
    const number = isNumber ? Number(text) : NaN;
    return Number.isNaN(number) ? text : number;
  };
  if (rows.length < 2) return;
  [...table.tHead.rows[0].cells].forEach((heading, column) => sortButton(heading, (order) => {
    const isNumber = heading.classList.contains('number');
    const direction = order === 'descending' ? -1 : 1;
    const sorted = order === 'none' ? rows : [...rows].sort((a, b) =>
      compare(value(a, column, isNumber), value(b, column, isNumber), direction));
    body.append(...sorted);
  }));
};

const themeButton = () => {
  const root = document.documentElement;
  const button = make('button', {type: 'button', class: 'theme'});
  const themes = ['auto', 'light', 'dark'];
  // A page from a file may have no storage.
  const stored = (theme) => {
    try {
      if (theme) localStorage.setItem('peakbench-theme', theme);
      return localStorage.getItem('peakbench-theme');
    } catch { return null; }
  };
  let theme = themes.includes(stored()) ? stored() : 'auto';
  const show = () => {
    if (theme === 'auto') delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.textContent = 'Theme: ' + theme;
  };
  button.addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    stored(theme);
    show();
  });
  show();
  document.querySelector('header').append(button);
};

// What is folded is printed too.
const openForPrint = () => {
  let folded = [];
  addEventListener('beforeprint', () => {
    folded = [...document.querySelectorAll('details:not([open])')];
    for (const details of folded) details.open = true;
  });
  addEventListener('afterprint', () => {
    for (const details of folded) details.open = false;
  });
};

themeButton();
openForPrint();
if (matchMedia('(max-width: 89.99rem)').matches)
  document.querySelector('.contents details').open = false;
for (const table of document.querySelectorAll('table.data')) sortableTable(table);
