const $ = id => document.getElementById(id);
const pairs = study.kind === 'pairs';
const choices = pairs ? [[-1, 'Left'], [0, 'No difference'], [1, 'Right']] :
  Array.from({length: study.most - study.least + 1}, (_, i) => [study.least + i, `${study.least + i}`]);

/* The task on the screen: which, since when, the answers so far, and the videos not yet seen. */
let shown = null;

function show(section) {
  for (const id of ['start', 'task', 'end']) $(id).hidden = id !== section;
  scrollTo(0, 0);
}

function say(text) {
  $('note').textContent = text;
  $('note').hidden = !text;
}

function element(name, text, properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  if (text) made.textContent = text;
  return made;
}

function showNext() {
  const tasks = plan();
  const number = tasks.findIndex(task => !(task in session.state.rated));
  if (number < 0) return showEnd();
  const task = study.tasks[tasks[number]];
  shown = {task: tasks[number], since: performance.now(), answers: study.questions.map(() => null),
           unseen: new Set(), active: 0};
  $('bar').value = number / tasks.length;
  $('count').textContent = `${number + 1} of ${tasks.length}`;
  $('prompt').textContent = study.prompts[task.prompt];
  $('instruction').textContent = task.instruction || '';
  $('instruction').hidden = !task.instruction;
  $('broken').hidden = true;
  $('videos').replaceChildren(...task.videos.map(showVideo));
  $('questions').replaceChildren(...study.questions.map(showQuestion));
  show('task');
  update();
}

function showVideo(name, side) {
  const mine = shown;
  const video = element('video', '', {src: videos.url(name), controls: true, muted: true,
                                      playsInline: true, autoplay: side === 0, preload: 'auto'});
  video.disableRemotePlayback = true;
  mine.unseen.add(side);
  video.addEventListener('ended', () => {
    mine.unseen.delete(side);
    const following = $('videos').querySelectorAll('video')[side + 1];
    if (mine === shown && following && mine.unseen.has(side + 1)) following.play().catch(() => {});
    update();
  });
  video.addEventListener('error', () => { $('broken').hidden = false; });
  const figure = element('figure');
  figure.append(video);
  if (pairs) figure.append(element('figcaption', side ? 'Right' : 'Left'));
  return figure;
}

function showQuestion(question, index) {
  const field = element('fieldset'), legend = element('legend'), row = element('div');
  legend.append(element('b', question.name), question.text);
  row.className = pairs ? 'answers wide' : 'answers';
  row.setAttribute('role', 'radiogroup');
  row.setAttribute('aria-label', question.name);
  for (const [value, label] of choices) {
    const button = element('button', label, {type: 'button', value: `${value}`});
    button.setAttribute('role', 'radio');
    button.addEventListener('click', () => answer(index, value));
    row.append(button);
  }
  field.append(legend, row);
  if (!pairs) {
    const ends = element('div');
    ends.className = 'ends';
    ends.append(element('span', 'worst'), element('span', 'best'));
    field.append(ends);
  }
  return field;
}

function answer(question, value) {
  shown.answers[question] = value;
  const open = shown.answers.indexOf(null);
  shown.active = open < 0 ? question : open;
  update();
}

function update() {
  if (!shown) return;
  [...$('questions').children].forEach((field, index) => {
    field.classList.toggle('active', index === shown.active);
    for (const button of field.querySelectorAll('button'))
      button.setAttribute('aria-checked', `${Number(button.value) === shown.answers[index]}`);
  });
  const answered = !shown.answers.includes(null), seen = shown.unseen.size === 0;
  $('next').disabled = !(answered && seen);
  $('hint').textContent = seen ? '' :
    pairs ? 'Please watch both videos to their end.' : 'Please watch the video to its end.';
}

function hand(answers) {
  const seconds = Math.round((performance.now() - shown.since) / 100) / 10;
  session.add({rater: session.state.rater, task: shown.task, answers, seconds});
  say(session.durable ? '' : 'This browser keeps nothing: do not close the page before the end.');
  shown = null;
  sender.flush();
  showNext();
}

function showEnd() {
  const {unsent, refused} = session.state;
  show('end');
  $('fate').textContent = !study.served ?
    'Please save your ratings as a file and send it to whoever runs the study.' :
    unsent.length ? `${unsent.length} ratings wait for the server. They are sent when it is back: ` +
      'leave this page open, or open it again later.' : 'All your ratings have been received.';
  if (refused.length) say(`${refused.length} ratings were not taken: they had been rated already.`);
}

function save() {
  const link = element('a', '', {download: `ratings-${session.state.rater}.json`,
    href: URL.createObjectURL(new Blob([session.file()], {type: 'application/json'}))});
  link.click();
  $('copy').value = session.file();  // for browsers that save no files
  $('copy').hidden = false;
}

async function begin() {
  $('begin').disabled = true;
  const known = await signIn();
  $('begin').disabled = false;
  if (!known) return say('The server cannot be reached. Please try again.');
  say(session.durable ? '' : 'This browser keeps nothing: do not close the page before the end.');
  const names = plan().filter(task => !(task in session.state.rated))
    .flatMap(task => study.tasks[task].videos);
  videos.fetchAll([...new Set(names)]);
  sender.flush();
  showNext();
}

function press(event) {
  if (!shown || event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key;
  const value = pairs ? {ArrowLeft: -1, ArrowDown: 0, ArrowRight: 1}[key] :
    /^[0-9]$/.test(key) ? Number(key) || 10 : undefined;
  if (value !== undefined) answer(shown.active, value);
  else if (key === 'Enter' && !$('next').disabled) hand(shown.answers);
  else if (key === 'Backspace') { shown.active = Math.max(0, shown.active - 1); update(); }
  else if (key === 'r') for (const video of $('videos').querySelectorAll('video')) replay(video);
  else return;
  event.preventDefault();
}

function replay(video) {
  video.currentTime = 0;
  video.play().catch(() => {});
}

$('title').textContent = study.title;
$('explanation').textContent = pairs ?
  'You will see pairs of videos that were made from one text. Watch both, then say for each question ' +
  'which is better.' :
  'You will see videos that were made from a text. Watch each to its end, then rate it from 1 (worst) to ' +
  '10 (best).';
$('keys').textContent = pairs ? '← left, ↓ no difference, → right, Enter next, Backspace the question before, R again' :
  '1 to 9, 0 for 10, Enter next, Backspace the question before, R again';
if (session.state.rater) $('begin').textContent = 'Go on';
$('begin').addEventListener('click', begin);
$('next').addEventListener('click', () => hand(shown.answers));
$('broken').addEventListener('click', () => hand([]));
$('save').addEventListener('click', save);
$('questions').addEventListener('submit', event => event.preventDefault());
addEventListener('keydown', press);
addEventListener('sent', () => { if (!$('end').hidden) showEnd(); });
addEventListener('loaded', ({detail}) => {
  $('loaded').textContent = detail.count < detail.of ? `· ${detail.count} of ${detail.of} videos loaded` : '';
});
show('start');
