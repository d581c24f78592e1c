// The table, the pictures, the runs, and the page's theme.
const columns = [
  ['case', c => c.label], ['outcome', c => c.outcome],
  ...data.columns.map(({tag, header, scale, digits, meaning, marks_missed, marks_disturbed, has_interval}) => [header, c =>
    c.metrics[tag] === undefined ? undefined : c.metrics[tag] * scale, digits, meaning, marks_missed, has_interval,
    marks_disturbed]),
];

function table() {
  const body = element('tbody'), row = element('tr'), head = element('thead');
  const fill = rows => body.replaceChildren(...rows.map(c => {
    const tr = element('tr');
    for (const [, value, digits, , marks, spread, impossible] of columns) {
      const v = impossible && c.disturbed ? 'disturbed' : value(c);
      const ends = spread && c.ratio && known(c.ratio.low) ?
        ` [${show(1 / c.ratio.high, digits)}, ${show(1 / c.ratio.low, digits)}]` : '';
      tr.append(element('td', (typeof v === 'string' ? v : show(v, digits)) + ends +
        (marks && c.missed ? ' missed' : '')));
    }
    tr.title = c.reason || c.note;
    return tr;
  }));
  columns.forEach(([name, value, , meaning]) => {
    const th = element('th'), button = element('button', name);
    if (meaning) button.title = meaning;
    button.type = 'button';
    button.onclick = () => {
      const down = th.getAttribute('aria-sort') === 'ascending';
      for (const other of row.children) other.removeAttribute('aria-sort');
      th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const known = data.cases.filter(c => value(c) !== undefined);
      known.sort((a, b) => (value(a) > value(b)) - (value(a) < value(b)));
      if (down) known.reverse();
      fill(known.concat(data.cases.filter(c => value(c) === undefined)));
    };
    th.append(button);
    row.append(th);
  });
  head.append(row);
  fill(data.cases);
  document.getElementById('cases').append(head, body);
}

const rankColumns = [
  ['planning ms', 'planning'], ['exchange ms', 'exchange'], ['attention ms', 'attention'], ['waiting ms', 'waiting'],
  ['total ms', 'total'], ['sent MB', 'sent'], ['GB/s', 'bandwidth'], ['hidden %', 'hidden'], ['memory MB', 'memory'],
];

function ranks() {
  const box = document.getElementById('ranks'), all = data.ranks || [];
  document.getElementById('ranks-section').hidden = all.length === 0;
  for (const {case: name, facts, rows} of all) {
    const shown = rankColumns.filter(([, key]) => rows.some(row => known(row[key]) && (key !== 'bandwidth' || row.sent > 0)));
    const scroll = element('div', undefined, 'scroll'), table = element('table'), head = element('thead'),
      body = element('tbody'), line = element('tr');
    line.append(...['rank', ...shown.map(([title]) => title)].map(title => element('th', title)));
    rows.forEach((row, rank) => {
      const tr = element('tr');
      tr.append(element('td', `${rank}`), ...shown.map(([, key]) => element('td', show(row[key], 3))));
      body.append(tr);
    });
    head.append(line);
    table.append(head, body);
    scroll.append(table);
    box.append(element('h3', name), element('p', facts), scroll);
  }
}

function pictures() {
  const shown = data.cases.filter(c => c.page_pictures || c.picture_note);
  document.getElementById('pictures-section').hidden = shown.length === 0;
  const box = document.getElementById('pictures');
  box.className = 'methods';
  for (const c of shown) {
    const part = element('div'), views = element('div', undefined, 'views');
    part.append(element('h3', c.label), views);
    if (c.picture_note) part.append(element('p', c.picture_note));
    else if (c.picture_of) part.append(element('p', `Of the call of ${c.picture_of}.`));
    for (const [kind, uri] of Object.entries(c.page_pictures || {})) {
      const figure = element('figure', undefined, kind), img = element('img');
      img.src = uri;
      img.alt = `${kind} of ${c.label}`;
      figure.append(img, element('figcaption', kind === 'mask' ? kind : `${kind}, latent frames ${c.picture_frames.join(', ')}`));
      views.append(figure);
    }
    box.append(part);
  }
}

function runs() {
  const banner = document.getElementById('validity'), box = document.getElementById('runs');
  data.runs.forEach((run, i) => {
    for (const {level, text} of run.validity) {
      const line = element('div', undefined, 'banner ' + level);
      line.append(element('b', level), (data.runs.length > 1 ? `run ${i + 1}: ` : '') + text);
      banner.append(line);
    }
    box.append(element('h3', `${i + 1}: ${run.name}`), element('pre', run.command));
    const details = element('details');
    details.append(element('summary', 'environment'));
    for (const [name, fields] of Object.entries(run.environment))
      details.append(element('h3', name), fieldList(fields));
    box.append(details);
  });
  for (const workload of data.workloads) {
    const details = element('details');
    details.append(element('summary', `workload ${data.workloads.indexOf(workload) + 1}: ${workload.title}, ${workload.length} tokens`),
      fieldList({...workload, title: undefined}));
    box.append(details);
    if (workload.picture_note) box.append(element('p', workload.picture_note));
  }
}

function fieldList(fields) {
  const list = element('dl');
  for (const [key, value] of Object.entries(fields || {}))
    if (value !== undefined) list.append(element('dt', key), element('dd', typeof value === 'string' ? value :
      JSON.stringify(value)));
  return list;
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  if (window.Chart) drawAll();
}

document.getElementById('title').textContent = data.title;
document.title = `vidattn report: ${data.title}`;
runs();
table();
heads();
heatMaps();
pictures();
ranks();
if (!window.Chart) document.querySelectorAll('.figures:empty').forEach(box =>
  box.replaceChildren(element('p', 'Built without Chart.js: figures are left out.')));
const dark = matchMedia('(prefers-color-scheme: dark)');
setTheme(location.hash === '#dark' || (dark.matches && location.hash !== '#light') ? 'dark' : 'light');
dark.onchange = event => setTheme(event.matches ? 'dark' : 'light');
document.getElementById('theme').onclick = () =>
  setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
// Paper is light; the charts are drawn anew for its width.
let theme;
addEventListener('beforeprint', () => {
  theme = document.documentElement.dataset.theme;
  setTheme('light');
});
addEventListener('afterprint', () => setTheme(theme));
