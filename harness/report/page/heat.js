// Figures of single heads: strips of a case's heads, and maps over the calls of a capture.
// Viridis: its lightness alone tells the order, to colour-blind eyes and in print, too.
const viridis = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
function heat(share) {
  const at = Math.min(Math.max(share, 0), 1) * (viridis.length - 1), i = Math.min(Math.floor(at), viridis.length - 2);
  return `rgb(${viridis[i].map((v, c) => Math.round(v + (at - i) * (viridis[i + 1][c] - v))).join()})`;
}
const heatLegend = what => legend(squares([0, 0.25, 0.5, 0.75, 1].map(v => [`${what} ${v}`, heat(v)])));
function heatCell(value, title) {
  const cell = element('i', undefined, known(value) ? undefined : 'none');
  if (known(value)) cell.style.background = heat(value);
  cell.title = title;
  return cell;
}

const strips = [['density', c => c.heads], ['recall', c => c.recalls]];
function heads() {
  const box = document.getElementById('heads');
  data.panels.forEach((panel, i) => {
    const rows = inPanel(timed, i).filter(c => c.heads.length > 1);
    if (!rows.length) return;
    const part = element('div', undefined, 'panel');
    part.append(element('h3', panel.label));
    for (const c of rows) for (const [what, of] of strips) {
      if (!of(c).length) continue;
      const row = element('div', undefined, 'heads'), name = element('span', `${c.short}: ${what}`);
      name.title = c.label;
      const cells = element('div');
      of(c).forEach((value, head) => cells.append(heatCell(value, `head ${head}: ${what} ${show(value)}`)));
      row.append(name, cells);
      part.append(row);
    }
    box.append(part);
  });
  box.closest('section').hidden = box.children.length === 0;
  if (box.children.length) box.append(heatLegend('density or recall'));
}

// The mean of the recall of every head over the calls that have the same number of an axis (layer or
// step): {number: [mean by head]}.
function recallBy(calls, axis) {
  const sums = new Map();
  for (const call of calls) {
    if (!sums.has(call[axis])) sums.set(call[axis], []);
    const heads = sums.get(call[axis]);
    call.recall.forEach((recall, i) => {
      const head = heads[call.heads[i]] ??= {sum: 0, count: 0};
      if (known(recall)) { head.sum += recall; ++head.count; }
    });
  }
  return new Map([...sums].sort(([a], [b]) => a - b).map(([number, heads]) =>
    [number, Array.from(heads, h => h && h.count ? h.sum / h.count : null)]));
}

function heatMap(rows, axis) {
  const map = element('table', undefined, 'heat'), count = Math.max(...[...rows.values()].map(r => r.length));
  const head = element('tr');
  head.append(element('th', axis));
  for (let h = 0; h < count; ++h) head.append(element('th', h));
  map.append(head);
  for (const [number, recalls] of rows) {
    const row = element('tr');
    row.append(element('th', number));
    for (let h = 0; h < count; ++h) {
      const cell = element('td');
      cell.append(heatCell(recalls[h], `${axis} ${number}, head ${h}: recall ${show(recalls[h])}`));
      row.append(cell);
    }
    map.append(row);
  }
  return map;
}

// One map for each axis along which the calls differ, method beside method.
function heatMaps() {
  const box = document.getElementById('heat-maps');
  const measured = data.calls.length + data.call_groups.reduce((sum, group) => sum + group.missed, 0);
  for (const [axis, title] of [['layer', 'Head × layer'], ['step', 'Head × step']]) {
    const numbers = new Set(data.calls.map(c => c[axis]).filter(known));
    if (measured < 2 || (data.calls.length && numbers.size < 2)) continue;
    const part = element('div', undefined, 'maps');
    for (const {name, missed, calls} of data.call_groups.map((group, i) =>
      ({...group, calls: data.calls.filter(c => c.group === i && known(c[axis]))}))) {
      const figure = element('figure', undefined, 'panel');
      figure.append(element('figcaption', `${name}: recall, mean of ${calls.length} calls` +
        (missed ? `; ${missed} missed the density` : '')));
      if (calls.length) figure.append(heatMap(recallBy(calls, axis), axis));
      part.append(figure);
    }
    box.append(element('h3', title), part);
  }
  box.closest('section').hidden = box.children.length === 0;
  if (box.children.length) box.append(heatLegend('recall'));
}
