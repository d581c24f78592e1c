// One function for each chart of the page.
const keyOf = cases => [...methodKey(cases), ...flawKey(cases)];
const labelled = c => [c.label, ...c.flaws, `density ${show(c.metrics.density)}`];

function pareto() {
  const parts = [...data.comparisons].sort((a, b) => b.summary - a.summary);
  const point = p => ({x: p.speedup, y: p.error, low: p.low, high: p.high, colour: colour(p.method),
    named: p.name, flaws: p.flaws, front: p.front, p});
  drawParts('pareto', parts, ({points, summary}) => ({
    type: 'scatter', plugins: [whiskers, flaws, names],
    data: {datasets: methodsOf(points).map(m => ({...style(m), radius: 5, hoverRadius: 7,
      data: points.filter(p => p.method === m).map(point)}))
      .concat([dashed(points.filter(p => p.front).map(p => ({x: p.speedup, y: p.error}))
        .sort((a, b) => a.x - b.x))])},
    options: {
      scales: {x: logarithmic('speedup over full attention', points.flatMap(p => [p.speedup, p.low, p.high])),
        y: axis('relative L2 error, smaller is up', {reverse: true, min: 0, grace: '8%'})},
      plugins: tip(({p}) => p ? [p.label, ...p.flaws, `speedup ${show(p.speedup)}`, !known(p.low) ? 'no interval' :
        `${summary ? 'over the workloads' : '95% interval'} ${show(p.low)} to ${show(p.high)}`,
      `relative L2 ${show(p.error)}`, ...known(p.density) ? [`density ${show(p.density)}`] : []] : ''),
    },
  }), keyOf(parts.flatMap(c => c.points)));
}

function ratios() {
  drawParts('ratios', data.panels, (panel, i) => {
    const rows = inPanel(equal, i).filter(c => c.ratio).sort((a, b) => a.ratio.ratio - b.ratio.ratio);
    return rows.length === 0 ? null : {
      type: 'scatter', plugins: [whiskers], rows: rows.length,
      data: {datasets: rows.map((c, y) => ({...style(c.method), radius: 5,
        data: [{x: c.ratio.ratio, y, low: c.ratio.low, high: c.ratio.high, colour: colour(c.method), c}]}))
        .concat([dashed([{x: 1, y: -0.7}, {x: 1, y: rows.length}])])},
      options: {
        scales: {x: logarithmic('time over full attention’s',
          rows.flatMap(c => [1, c.ratio.ratio, c.ratio.low, c.ratio.high])), y: rowAxis(rows)},
        plugins: tip(p => p.c ? [...labelled(p.c), `ratio ${show(p.x, 4)}`, known(p.low) ?
          `95% interval ${show(p.low, 4)} to ${show(p.high, 4)}` : 'no interval',
        p.c.ratio.blocks ? `${p.c.ratio.blocks} blocks` : p.c.note] : ''),
      },
    };
  });
}

// A figure over the density; the points that a line joins lie on the same tensors.
function overDensity(id, tag, title, limits) {
  const has = c => c.method !== 'full' && known(c.metrics.density) && known(c.metrics[tag]);
  drawParts(id, data.panels, (panel, i) => {
    const cases = inPanel(timed, i).filter(has);
    return cases.length === 0 ? null : {
      type: 'scatter', plugins: [flaws, names],
      data: {datasets: seriesOf(cases).map(({method, name, members}) => ({...style(method), showLine: true, radius: 5,
        borderDash: data.marks[method].ceiling ? [6, 4] : [],
        data: members.map(c => ({x: c.metrics.density, y: c.metrics[tag], flaws: c.flaws, c}))
          .sort((a, b) => a.x - b.x).map((p, i) => ({...p, named: i + 1 === members.length ? name : ''}))}))},
      options: {scales: {x: axis('executed density', {min: 0}), y: axis(title, limits)},
        plugins: tip(p => [...labelled(p.c), `${title} ${show(p.y)}`])},
    };
  }, keyOf(timed.filter(has)));
}

// Planning's stages one after the other, then running. The stages have their colours by their order,
// for every method has its own; the tooltip has the names.
const stageColours = ['#db7e03', '#f2b45c', '#9a5a00', '#fad9a8'];
const restColour = '#b3bac2', runColour = '#5a83bd';
function times() {
  const part = (c, set) => {
    const stages = c.times.slice(0, -2);
    if (set === 'running') return c.times.at(-1).seconds;
    if (set === 'rest of planning') return c.times.at(-2).seconds;
    return (set < 3 ? stages.slice(set, set + 1) : stages.slice(3)).reduce((sum, s) => sum + s.seconds, 0);
  };
  const sets = [[0, stageColours[0]], [1, stageColours[1]], [2, stageColours[2]], [3, stageColours[3]],
    ['rest of planning', restColour], ['running', runColour]];
  drawParts('times', data.panels, (panel, i) => {
    const rows = inPanel(equal, i).filter(c => c.times.length);
    return rows.length === 0 ? null : {
      type: 'bar', rows: rows.length,
      data: {labels: rows.map(rowLabel), datasets: sets.map(([set, colour]) => ({backgroundColor: colour,
        data: rows.map(c => 1e3 * part(c, set))}))},
      options: {indexAxis: 'y', interaction: {mode: 'y'},
        scales: {x: axis('planning and running (ms)', {stacked: true}),
          y: axis('', {stacked: true, grid: {display: false}, ticks: {color: variable('--text'), autoSkip: false}})},
        plugins: {tooltip: {filter: item => item.datasetIndex === 0, callbacks: {
          title: items => items.length ? rows[items[0].dataIndex].label : '',
          label: item => rows[item.dataIndex].times.map(t => `${t.name} ${show(1e3 * t.seconds)} ms`)}}}},
    };
  }, squares([['1st stage', stageColours[0]], ['2nd', stageColours[1]], ['3rd', stageColours[2]],
    ['later', stageColours[3]], ['rest of planning', restColour], ['running', runColour]]));
}

// Corners of the roof over [left, right]: the smaller of bandwidth times intensity and the peak.
const roof = (left, right, peak, bandwidth) => bandwidth ?
  [left, peak / bandwidth, right].sort((a, b) => a - b).filter(x => x >= left && x <= right)
    .map(x => ({x, y: Math.min(peak, x * bandwidth) / 1e9})) :
  [left, right].map(x => ({x, y: peak / 1e9}));

function roofline() {
  const has = c => c.intensity && c.metrics.flop_rate;
  drawParts('roofline', data.panels, (panel, i) => {
    const cases = inPanel(timed, i).filter(has);
    if (!cases.length) return null;
    const peak = Math.max(...cases.map(c => c.peak || 0));
    const bandwidth = Math.max(...cases.map(c => c.bandwidth || 0));
    const xs = cases.map(c => c.intensity).concat(bandwidth && peak ? [peak / bandwidth / 8, peak / bandwidth] : []);
    const line = {...dashed(roof(Math.min(...xs) / 1.25, Math.max(...xs) * 1.25, peak, bandwidth)),
      borderDash: [], borderWidth: 2};
    return {
      type: 'scatter', plugins: [flaws, names],
      data: {datasets: methodsOf(cases).map(m => ({...style(m), radius: 5,
        data: cases.filter(c => c.method === m).map(c => ({x: c.intensity, y: c.metrics.flop_rate / 1e9,
          named: c.short, flaws: c.flaws, c}))})).concat(peak ? [line] : [])},
      options: {scales: {x: logarithmic('FLOPs for each byte of q, k, v, o and index', xs),
        y: logarithmic('GFLOP/s', cases.map(c => c.metrics.flop_rate / 1e9).concat(peak ? [peak / 1e9] : []))},
      plugins: tip(p => p.c ? [p.c.label, `${show(p.y)} GFLOP/s`, `${show(p.x)} FLOPs a byte`,
        ...p.c.peak ? [`${show(100 * p.y * 1e9 / p.c.peak)}% of the peak`] : []] : '')},
    };
  }, keyOf(timed.filter(has)));
}

function memory() {
  const mebi = v => known(v) ? v / 1048576 : null;
  const bars = [['index', 'index_memory', stageColours[0]], ['extra', 'peak_extra_memory', runColour]];
  drawParts('memory', data.panels, (panel, i) => {
    const rows = inPanel(equal, i).filter(c => bars.some(([, tag]) => known(c.metrics[tag])));
    return rows.length === 0 ? null : {
      type: 'bar', rows: rows.length,
      data: {labels: rows.map(rowLabel), datasets: bars.map(([label, tag, backgroundColor]) =>
        ({label, backgroundColor, data: rows.map(c => mebi(c.metrics[tag]))}))},
      options: {indexAxis: 'y', scales: {x: axis('MiB'), y: axis('', {grid: {display: false},
        ticks: {color: variable('--text'), autoSkip: false}})},
      plugins: {tooltip: {callbacks: {title: items => rows[items[0].dataIndex].label}}}},
    };
  }, squares(bars.map(([name, , colour]) => [name, colour])));
}

function history() {
  drawParts('history', data.history.length ? [{label: 'runs of the store'}] : [], () => ({
    type: 'scatter',
    data: {datasets: data.history.map(s => ({...style(s.method), showLine: true,
      data: s.points.map(p => ({x: p.run, y: p.ratio, p, s}))}))},
    options: {scales: {x: axis('run of the store', {ticks: {precision: 0, color: variable('--soft')}}),
      y: axis('time over full attention’s', {min: 0})},
    plugins: tip(p => [p.s.name, `run ${p.x}, ${p.p.started}`, p.p.revision, `ratio ${show(p.y, 4)}`])},
  }), methodKey(data.history));
}

function drawAll() {
  charts.forEach(chart => chart.destroy());
  charts = [];
  pareto();
  ratios();
  overDensity('density-recall', 'recall_mean', 'attention mass kept (recall)', {min: 0, max: 1});
  overDensity('density-error', 'relative_l2', 'relative L2 error', {min: 0});
  overDensity('density-speedup', 'speedup', 'speedup', {min: 0});
  times();
  roofline();
  memory();
  history();
}
