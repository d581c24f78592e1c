'use strict';
// What all charts share: the data, a method's mark, axes, whiskers, names beside points, legends.
const data = JSON.parse(document.getElementById('data').textContent);
const timed = data.cases.filter(c => c.metrics.total_time !== undefined);
// A case that missed the density asked for is no part of a comparison at equal density: it stands in
// the table, and in charts that have the density on an axis or show the kernel alone.
const equal = timed.filter(c => !c.missed);
const inPanel = (cases, panel) => cases.filter(c => c.panel === panel);
const known = v => v !== undefined && v !== null;
const show = (v, digits = 3) => known(v) ? Number(v.toPrecision(digits)).toString() : '-';
const cut = (text, n) => text.length > n ? text.slice(0, n - 1) + '…' : text;
const variable = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const narrow = innerWidth < 600;
const element = (tag, text, cls) => {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (cls) e.className = cls;
  return e;
};

// A method's mark is the same in every chart, file and run.
const shapes = ['circle', 'rect', 'triangle', 'rectRot'];
const glyphs = ['●■▲◆', '○□△◇'];
const colour = method => data.marks[method].colour;
const style = method => ({
  pointStyle: shapes[data.marks[method].shape], borderColor: colour(method), borderWidth: 2, clip: 8,
  backgroundColor: data.marks[method].filled ? colour(method) : 'transparent',
});
const methodsOf = cases => [...new Set(cases.map(c => c.method))];
const methodKey = cases => methodsOf(cases).map(m => ({
  text: m + (data.marks[m].ceiling ? ' (ceiling)' : ''), colour: colour(m),
  glyph: [...glyphs[data.marks[m].filled ? 0 : 1]][data.marks[m].shape],
}));
// A line joins the cases that differ in their density alone. A method has several where other settings
// differ, too; only then they need names.
const seriesOf = cases => methodsOf(cases).flatMap(method => {
  const own = cases.filter(c => c.method === method), names = [...new Set(own.map(c => c.series))];
  return names.map(name => ({method, name: names.length > 1 ? name : '', members: own.filter(c => c.series === name)}));
});
const squares = entries => entries.map(([text, colour]) => ({text, colour, glyph: '■'}));

// Whiskers from low to high of every point that has them.
const whiskers = {
  id: 'whiskers',
  beforeDatasetsDraw(chart) {
    const {ctx, scales: {x, y}} = chart;
    ctx.save();
    ctx.lineWidth = 2;
    for (const set of chart.data.datasets) for (const p of set.data) {
      if (!known(p.low) || !known(p.high)) continue;
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

// A frame around every point that the table says something of beside its numbers.
const frames = {missed: '○', disturbed: '□', 'tokens left out': '◇'};
const flawKey = cases => Object.entries(frames).filter(([flaw]) => cases.some(c => c.flaws.includes(flaw)))
  .map(([text, glyph]) => ({text, glyph, colour: variable('--soft')}));
const flaws = {
  id: 'flaws',
  afterDatasetsDraw(chart) {
    const {ctx, scales: {x, y}} = chart;
    ctx.save();
    ctx.strokeStyle = variable('--soft');
    ctx.lineWidth = 1.5;
    for (const set of chart.data.datasets) for (const p of set.data) for (const flaw of p.flaws || []) {
      const [a, b] = [x.getPixelForValue(p.x), y.getPixelForValue(p.y)];
      ctx.beginPath();
      if (frames[flaw] === '○') ctx.arc(a, b, 9, 0, 2 * Math.PI);
      else if (frames[flaw] === '□') ctx.rect(a - 9, b - 9, 18, 18);
      else for (const [right, down] of [[0, -12], [12, 0], [0, 12], [-12, 0], [0, -12]]) ctx.lineTo(a + right, b + down);
      ctx.stroke();
    }
    ctx.restore();
  },
};

// A place for each name near its point, where it covers no mark and no other name; none where there
// is no such place. The first points choose first.
const directions = [[1, 0], [-1, 0], [1, -1], [1, 1], [-1, -1], [-1, 1], [0, -1], [0, 1]];
const height = 14, mark = 6, beside = 9;
const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
function place(points, area) {
  const taken = points.map(p => ({left: Math.min(p.x - mark, p.low), right: Math.max(p.x + mark, p.high),
    top: p.y - mark, bottom: p.y + mark}));
  return points.map(p => {
    for (const distance of [beside, 20, 36, 56, 80]) for (const [right, down] of directions) {
      const x = p.x + right * (distance + p.width / 2), y = p.y + down * (distance + height / 2);
      const box = {left: x - p.width / 2, right: x + p.width / 2, top: y - height / 2, bottom: y + height / 2};
      const inside = box.left >= area.left && box.right <= area.right && box.top >= area.top &&
        box.bottom <= area.bottom;
      if (!inside || taken.some(t => overlap(t, box))) continue;
      taken.push(box);
      return box;
    }
    return null;
  });
}

// Names beside the points, those of the front first; a line leads to a name that lies further off.
// A phone has no room for them, and a chart of more than 20 would be a thicket: there the legend tells.
const names = {
  id: 'names',
  afterDatasetsDraw(chart) {
    if (narrow) return;
    const {ctx, chartArea, scales: {x, y}} = chart;
    if (chart.data.datasets.flatMap(set => set.data).filter(p => p.named).length > 20) return;
    ctx.save();
    ctx.font = '12px system-ui, sans-serif';
    ctx.textBaseline = 'middle';
    const points = chart.data.datasets.flatMap(set => set.data).filter(p => p.named !== undefined)
      .sort((a, b) => (b.front || false) - (a.front || false)).map(p => {
        const text = cut(p.named, 30);
        return {text, x: x.getPixelForValue(p.x), y: y.getPixelForValue(p.y), width: ctx.measureText(text).width,
          low: x.getPixelForValue(p.low ?? p.x), high: x.getPixelForValue(p.high ?? p.x)};
      });
    place(points, chartArea).forEach((box, i) => {
      if (!box || !points[i].text) return;
      const p = points[i], end = [Math.min(Math.max(p.x, box.left), box.right),
        Math.min(Math.max(p.y, box.top), box.bottom)];
      if (Math.hypot(p.x - end[0], p.y - end[1]) > 2 * beside) {
        ctx.strokeStyle = variable('--soft');
        ctx.lineWidth = 0.8;
        ctx.beginPath();
        ctx.moveTo(p.x, p.y); ctx.lineTo(...end);
        ctx.stroke();
      }
      // A rim of the ground's colour keeps lines off the letters.
      ctx.strokeStyle = variable('--back');
      ctx.lineWidth = 3;
      ctx.strokeText(p.text, box.left, (box.top + box.bottom) / 2);
      ctx.fillStyle = variable('--text');
      ctx.fillText(p.text, box.left, (box.top + box.bottom) / 2);
    });
    ctx.restore();
  },
};

let charts = [];
const axis = (title, more = {}) => ({
  title: {display: title !== '', text: title, color: variable('--soft')},
  grid: {color: variable('--line')}, ticks: {color: variable('--soft'), maxRotation: 0}, ...more,
});
// A logarithmic axis around all values, of which some may be unknown.
const logarithmic = (title, values) => axis(title, {type: 'logarithmic',
  min: Math.min(...values.filter(v => v > 0)) / 1.25, max: Math.max(...values.filter(known)) * 1.25});
const tip = lines => ({tooltip: {callbacks: {title: () => '', label: item => lines(item.raw)}}});
const dashed = points => ({data: points, showLine: true, radius: 0, hitRadius: 0, borderWidth: 1.5,
  borderColor: variable('--soft'), borderDash: [5, 4]});

// Draws one chart for each part that has something, in the box of that name; a section without any
// is hidden. `make(part, index)` gives a Chart.js configuration with a number of `rows`, or null.
function drawParts(id, parts, make, key) {
  const box = document.getElementById(id), panels = element('div', undefined, 'panels');
  const gone = data.left_out.filter(({chart}) => chart === id.replaceAll('-', '_'));
  box.replaceChildren();
  parts.forEach((part, i) => {
    const left = gone.find(({label}) => label === part.label);
    const config = left && left.whole ? null : make(part, i);
    if (!config) return;
    const panel = element('div', undefined, 'panel'), chart = element('div', undefined, 'chart');
    const canvas = element('canvas');
    canvas.id = `${id}-${i}`;
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `${id}: ${part.label}`);
    if (config.rows) chart.style.height = `${5 + (narrow ? 3 : 1.8) * config.rows}rem`;
    chart.append(canvas);
    panel.append(element('h3', part.label), chart);
    if (left) panel.append(element('p', `not shown: ${left.text}`));
    panels.append(panel);
    const {rows, options, ...rest} = config;
    charts.push(new Chart(canvas, {...rest, options: {animation: false, maintainAspectRatio: false,
      responsive: true, devicePixelRatio: Math.max(2, devicePixelRatio), ...options, plugins: {legend: {display: false}, ...options.plugins}}}));
  });
  const undrawn = gone.filter(({whole}) => whole);
  box.closest('section').hidden = !panels.children.length && !undrawn.length;
  box.append(panels, ...undrawn.map(({label, text}) => element('p', `No chart of ${label}: ${text}.`)));
  if (key && panels.children.length) box.append(legend(key));
}

// What the marks mean, as text below the charts: it wraps where a canvas would cut it.
function legend(entries) {
  const box = element('div', undefined, 'legend');
  for (const {text, colour, glyph} of entries) {
    const entry = element('span'), sign = element('b', glyph);
    sign.style.color = colour;
    entry.append(sign, ' ' + text);
    box.append(entry);
  }
  return box;
}

const named = c => c.short + c.flaws.map(flaw => ` (${flaw})`).join('');
// A row's name: one line, or on a phone several short ones, broken before punctuation.
const rowLabel = c => {
  const most = narrow ? 17 : 44, lines = [''];
  for (const part of named(c).split(/(?=[:,\s])/)) {
    if (lines.at(-1) && (lines.at(-1) + part).length > most) lines.push('');
    lines[lines.length - 1] += part;
  }
  return lines.map(line => cut(line.trim(), most));
};
const rowAxis = rows => axis('', {min: -0.7, max: rows.length - 0.3, reverse: true, grid: {display: false},
  afterBuildTicks: scale => { scale.ticks = rows.map((_, value) => ({value})); },
  ticks: {color: variable('--text'), autoSkip: false,
    callback: value => rowLabel(rows[value])}});
