'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const timed = data.cases.filter(c => c.metrics.total_time !== undefined);
// A case that missed the density asked for is no part of a comparison at equal density: it stands in
// the table, and in charts that have the density on an axis or show the kernel alone.
const equal = timed.filter(c => !c.missed);
const colours = ['#2f7ed8', '#e07b00', '#1f9e6e', '#c44f9c', '#8a63d2', '#c0392b', '#6b8e00', '#0097a7',
  '#8d6e63', '#708090'];
const shapes = ['circle', 'rect', 'triangle', 'rectRot', 'star'];
const methods = [...new Set(data.cases.map(c => c.method))];
const colour = c => colours[methods.indexOf(c.method) % colours.length];
const shape = c => shapes[Math.floor(methods.indexOf(c.method) / colours.length) % shapes.length];
const label = c => c.label;
const cut = (text, n = 26) => text.length > n ? text.slice(0, n - 1) + '…' : text;
const show = (v, digits = 3) => v === undefined || v === null ? '-' : Number(v.toPrecision(digits)).toString();
const variable = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const element = (tag, text, cls) => {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (cls) e.className = cls;
  return e;
};

// Whiskers from low to high of every point that has them.
const whiskers = {
  id: 'whiskers',
  beforeDatasetsDraw(chart) {
    const {ctx, scales: {x, y}} = chart;
    ctx.save();
    ctx.lineWidth = 2;
    for (const set of chart.data.datasets) for (const p of set.data) {
      if (p.low === undefined || p.low === null) continue;
      ctx.strokeStyle = p.colour;
      ctx.beginPath();
      const [a, b, at] = [x.getPixelForValue(p.low), x.getPixelForValue(p.high), y.getPixelForValue(p.y)];
      ctx.moveTo(a, at); ctx.lineTo(b, at);
      for (const end of [a, b]) { ctx.moveTo(end, at - 4); ctx.lineTo(end, at + 4); }
      ctx.stroke();
    }
    ctx.restore();
  },
};

// Names beside the points of the front, where they do not cover another name.
const names = {
  id: 'names',
  afterDatasetsDraw(chart) {
    const {ctx, chartArea: area, scales: {x, y}} = chart;
    ctx.save();
    ctx.font = '12px system-ui, sans-serif';
    ctx.fillStyle = variable('--text');
    const taken = [];
    for (const set of chart.data.datasets) for (const p of set.data) {
      if (!p.named) continue;
      const width = ctx.measureText(p.named).width, top = y.getPixelForValue(p.y) - 9;
      const left = Math.max(area.left + 2, Math.min(x.getPixelForValue(p.x) + 9, area.right - width));
      if (taken.some(t => left < t.right && t.left < left + width && Math.abs(t.top - top) < 14)) continue;
      taken.push({left, right: left + width, top});
      ctx.fillText(p.named, left, top);
    }
    ctx.restore();
  },
};

let charts = [];
const axis = (title, more = {}) => ({
  title: {display: true, text: title, color: variable('--soft')},
  grid: {color: variable('--line')}, ticks: {color: variable('--soft')}, ...more,
});
const draw = (id, config) => {
  config.options = {animation: false, maintainAspectRatio: false, responsive: true, ...config.options};
  config.options.plugins = {legend: {display: false}, ...config.options.plugins};
  charts.push(new Chart(document.getElementById(id), config));
};
// What the colours and shapes mean, as text below the chart: it wraps where the canvas would cut it.
const glyphs = {circle: '●', rect: '■', triangle: '▲', rectRot: '◆', star: '✳'};
const legend = (id, entries) => {
  const chart = document.getElementById(id).parentElement, after = chart.closest('.pair') || chart;
  if (after.nextElementSibling?.className === 'legend') after.nextElementSibling.remove();
  const box = element('div', undefined, 'legend');
  for (const {text, colour, shape = 'circle'} of entries) {
    const entry = element('span'), mark = element('b', glyphs[shape]);
    mark.style.color = colour;
    entry.append(mark, ' ' + text);
    box.append(entry);
  }
  after.after(box);
};
const methodKey = groups => groups.map(g => ({text: g[0].method, colour: colour(g[0]), shape: shape(g[0])}));
const tip = lines => ({tooltip: {callbacks: {title: () => '', label: item => lines(item.raw)}}});

function pareto() {
  const points = equal.filter(c => c.metrics.speedup !== undefined && c.metrics.relative_l2 !== undefined);
  const point = c => ({x: c.metrics.speedup, y: c.metrics.relative_l2, c,
    named: c.front ? cut(label(c)) : ''});
  const front = points.filter(c => c.front).map(point).map(p => ({...p, named: ''}))
    .sort((a, b) => a.x - b.x);
  const groups = methods.map(m => points.filter(c => c.method === m)).filter(g => g.length);
  legend('pareto', methodKey(groups));
  draw('pareto', {
    type: 'scatter', plugins: [names],
    data: {datasets: groups.map(g => ({
      label: g[0].method, data: g.map(point), backgroundColor: colour(g[0]), borderColor: colour(g[0]),
      pointStyle: shape(g[0]), radius: 5, hoverRadius: 7,
    })).concat([{label: 'front', data: front, showLine: true, radius: 0, hitRadius: 0,
      borderColor: variable('--soft'), borderWidth: 1.5, borderDash: [5, 4]}])},
    options: {
      scales: {x: axis('speedup over full attention', {type: 'logarithmic'}),
        y: axis('relative L2 error, smaller is up', {reverse: true, grace: '8%'})},
      plugins: tip(p => [label(p.c), `speedup ${show(p.x)}`,
        `relative L2 ${show(p.y)}`, `density ${show(p.c.metrics.density)}`]),
    },
  });
}

// A row's name: one line, or on a phone several short ones, broken before punctuation.
const narrow = innerWidth < 600;
const rowHeight = narrow ? 3 : 1.8;  // rem
const rowLabel = c => {
  const most = narrow ? 17 : 44, lines = [''];
  for (const part of label(c).split(/(?=[:,\s])/)) {
    if (lines.at(-1) && (lines.at(-1) + part).length > most) lines.push('');
    lines[lines.length - 1] += part;
  }
  return lines.map(line => cut(line.trim(), most));
};
const rowAxis = rows => axis('', {min: -0.7, max: rows.length - 0.3, reverse: true, grid: {display: false},
  afterBuildTicks: scale => { scale.ticks = rows.map((_, value) => ({value})); },
  ticks: {color: variable('--text'), autoSkip: false,
    callback: value => rowLabel(rows[value])}});

function forest() {
  const rows = equal.filter(c => c.ratio).sort((a, b) => a.ratio.ratio - b.ratio.ratio);
  document.getElementById('forest-box').style.height = `${6 + rowHeight * rows.length}rem`;
  draw('forest', {
    type: 'scatter', plugins: [whiskers],
    data: {datasets: [
      {data: rows.map((c, y) => ({x: c.ratio.ratio, y, low: c.ratio.low, high: c.ratio.high,
        colour: colour(c), c})), backgroundColor: rows.map(colour), borderColor: rows.map(colour), radius: 5},
      {data: [{x: 1, y: -0.7}, {x: 1, y: rows.length}], showLine: true, radius: 0, hitRadius: 0,
        borderColor: variable('--soft'), borderWidth: 1, borderDash: [4, 4]}]},
    options: {
      scales: {x: axis('time over full attention’s', {type: 'logarithmic'}), y: rowAxis(rows)},
      plugins: tip(p => p.c ? [label(p.c), `ratio ${show(p.x, 4)}`, p.low === null ? 'no interval' :
        `95% interval ${show(p.low, 4)} to ${show(p.high, 4)}`, `${p.c.ratio.blocks} blocks`] : ''),
    },
  });
}

function density() {
  const groups = methods.map(m => timed.filter(c => c.method === m && m !== 'full'))
    .filter(g => new Set(g.map(c => c.metrics.density)).size > 1);
  document.getElementById('density-section').hidden = groups.length === 0;
  if (!groups.length) return;
  legend('density-error', methodKey(groups));
  for (const [id, tag, title] of [['density-error', 'relative_l2', 'relative L2 error'],
    ['density-speed', 'speedup', 'speedup']])
    draw(id, {
      type: 'scatter',
      data: {datasets: groups.map(g => ({label: g[0].method, showLine: true, borderColor: colour(g[0]),
        backgroundColor: colour(g[0]), pointStyle: shape(g[0]), borderWidth: 2,
        data: g.map(c => ({x: c.metrics.density, y: c.metrics[tag], c})).filter(p => p.y !== undefined)
          .sort((a, b) => a.x - b.x)}))},
      options: {scales: {x: axis('executed density'), y: axis(title)},
        plugins: tip(p => [label(p.c), `density ${show(p.x)}`, `${title} ${show(p.y)}`])},
    });
}

// Corners of the roof over [left, right]: the smaller of bandwidth times intensity and the peak.
const roof = (left, right, peak, bandwidth) => bandwidth ?
  [left, peak / bandwidth, right].sort((a, b) => a - b).filter(x => x >= left && x <= right)
    .map(x => ({x, y: Math.min(peak, x * bandwidth) / 1e9})) :
  [left, right].map(x => ({x, y: peak / 1e9}));

function roofline() {
  const points = timed.filter(c => c.intensity && c.metrics.flop_rate)
    .map(c => ({x: c.intensity, y: c.metrics.flop_rate / 1e9, c}));
  const peak = Math.max(...points.map(p => p.c.peak || 0));
  const bandwidth = Math.max(...points.map(p => p.c.bandwidth || 0));
  const xs = points.map(p => p.x).concat(bandwidth && peak ? [peak / bandwidth / 8] : []);
  const line = {label: 'roof', showLine: true, radius: 0, hitRadius: 0, borderWidth: 2,
    borderColor: variable('--soft'), data: roof(Math.min(...xs) / 1.5, Math.max(...xs) * 1.5, peak, bandwidth)};
  draw('roofline', {
    type: 'scatter',
    data: {datasets: [{data: points, radius: 5, backgroundColor: points.map(p => colour(p.c)),
      pointStyle: points.map(p => shape(p.c))}].concat(peak ? [line] : [])},
    options: {scales: {x: axis('FLOPs for each byte of q, k, v, o and index', {type: 'logarithmic'}),
      y: axis('GFLOP/s', {type: 'logarithmic'})},
    plugins: tip(p => p.c ? [label(p.c), `${show(p.y)} GFLOP/s`, `${show(p.x)} FLOPs a byte`,
      `${show(100 * p.y * 1e9 / p.c.peak)}% of the peak`] : '')},
  });
}

function memory() {
  const mebi = v => v === undefined ? null : v / 1048576;
  document.getElementById('memory-box').style.height = `${5 + rowHeight * equal.length}rem`;
  const set = (name, tag, c) => ({label: name, backgroundColor: c,
    data: equal.map(t => mebi(t.metrics[tag]))});
  legend('memory', [{text: 'index', colour: colours[0], shape: 'rect'},
    {text: 'extra', colour: colours[1], shape: 'rect'}]);
  draw('memory', {
    type: 'bar',
    data: {labels: equal.map(rowLabel),
      datasets: [set('index', 'index_memory', colours[0]), set('extra', 'peak_extra_memory', colours[1])]},
    options: {indexAxis: 'y', scales: {x: axis('MiB'), y: axis('', {ticks: {color: variable('--text')}})}},
  });
}

function history() {
  document.getElementById('history-section').hidden = data.history.length === 0;
  if (!data.history.length) return;
  legend('history', data.history.map((s, i) => ({text: s.name, colour: colours[i % colours.length]})));
  draw('history', {
    type: 'scatter',
    data: {datasets: data.history.map((s, i) => ({label: s.name, showLine: true,
      borderColor: colours[i % colours.length], backgroundColor: colours[i % colours.length],
      data: s.points.map(p => ({x: p.run, y: p.ratio, p, s}))}))},
    options: {scales: {x: axis('run of the store', {ticks: {precision: 0, color: variable('--soft')}}),
      y: axis('time over full attention’s')},
    plugins: tip(p => [p.s.name, `run ${p.x}, ${p.p.started}`, p.p.revision, `ratio ${show(p.y, 4)}`])},
  });
}

const columns = [
  ['case', label], ['outcome', c => c.outcome],
  ...data.columns.map(({tag, header, scale, digits, meaning, marks_missed}) => [header, c =>
    c.metrics[tag] === undefined ? undefined : c.metrics[tag] * scale, digits, meaning, marks_missed]),
];

function table() {
  const body = element('tbody'), row = element('tr'), head = element('thead');
  const fill = rows => body.replaceChildren(...rows.map(c => {
    const tr = element('tr');
    for (const [, value, digits, , marks] of columns) {
      const v = value(c);
      tr.append(element('td', (typeof v === 'string' ? v : show(v, digits)) +
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

function pictures() {
  const shown = data.cases.filter(c => c.pictures);
  document.getElementById('pictures-section').hidden = shown.length === 0;
  const box = document.getElementById('pictures');
  box.className = 'methods';
  for (const c of shown) {
    const part = element('div'), views = element('div', undefined, 'views');
    part.append(element('h3', label(c)), views);
    for (const [kind, uri] of Object.entries(c.pictures)) {
      const figure = element('figure', undefined, kind), img = element('img');
      img.src = uri;
      img.alt = `${kind} of ${label(c)}`;
      figure.append(img, element('figcaption', kind));
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
    details.append(element('summary', `workload ${data.workloads.indexOf(workload) + 1}: ${workload.name}, ${workload.length} tokens`),
      fieldList(workload));
    box.append(details);
    if (workload.picture_note) box.append(element('p', workload.picture_note));
  }
}

function fieldList(fields) {
  const list = element('dl');
  for (const [key, value] of Object.entries(fields || {}))
    list.append(element('dt', key), element('dd', typeof value === 'string' ? value :
      JSON.stringify(value)));
  return list;
}

function drawAll() {
  charts.forEach(chart => chart.destroy());
  charts = [];
  [pareto, forest, density, roofline, memory, history].forEach(f => f());
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  if (window.Chart) drawAll();
}

runs();
table();
pictures();
if (!window.Chart) document.querySelectorAll('.chart').forEach(box =>
  box.replaceChildren(element('p', 'Built without Chart.js: figures are left out.')));
const dark = matchMedia('(prefers-color-scheme: dark)');
setTheme(location.hash === '#dark' || (dark.matches && location.hash !== '#light') ? 'dark' : 'light');
dark.onchange = event => setTheme(event.matches ? 'dark' : 'light');
document.getElementById('theme').onclick = () =>
  setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
