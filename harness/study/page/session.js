'use strict';
const study = JSON.parse(document.getElementById('data').textContent);

/* What must outlive the page: {rater, rated: {task: rating}, unsent: [task], refused: [task]}. Kept in
   localStorage after every change; where that is forbidden, in this page alone. */
const session = (() => {
  const key = `vidattn-study-${study.study}`;
  let state = {rater: '', rated: {}, unsent: [], refused: []}, durable = true;
  try {
    const kept = JSON.parse(localStorage.getItem(key));
    if (kept && kept.rater) state = kept;
    localStorage.setItem(`${key}-probe`, '');
    localStorage.removeItem(`${key}-probe`);
  } catch { durable = false; }
  const keep = () => {
    try { localStorage.setItem(key, JSON.stringify(state)); } catch { durable = false; }
  };
  return {
    get durable() { return durable; },
    get state() { return state; },
    start(rater, done = []) {
      if (state.rater !== rater) state = {rater, rated: {}, unsent: [], refused: []};
      for (const task of done) state.rated[task] = state.rated[task] || null;  // rated elsewhere
      keep();
    },
    add(rating) {
      state.rated[rating.task] = rating;
      if (study.served) state.unsent.push(rating.task);
      keep();
    },
    sent(task, refused) {
      state.unsent = state.unsent.filter(other => other !== task);
      if (refused) state.refused.push(task);
      keep();
    },
    file() {
      const ratings = Object.values(state.rated).filter(Boolean);
      return JSON.stringify({study: study.study, rater: state.rater, ratings}, null, 1);
    },
  };
})();

const plan = () => study.plans[parseInt(session.state.rater, 10) % study.plans.length];

function randomDigits(count) {
  const bytes = crypto.getRandomValues(new Uint8Array(count / 2));
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

/* The server's answer, or null when it cannot be reached or has trouble of its own. */
async function ask(path, body) {
  try {
    const request = body === undefined ? {} :
      {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)};
    const reply = await fetch(path, request);
    if (reply.status >= 500) return null;
    return {status: reply.status, ...await reply.json()};
  } catch { return null; }
}

/* Who rates: a number in the address (index.html#7) chooses the plan of a page without a server, a
   rater in it (#7-0123456789ab) goes on what was begun elsewhere. False = ask again later. */
async function signIn() {
  const wanted = location.hash.slice(1);
  const rater = /^\d{1,6}-[0-9a-f]{12}$/.test(wanted) ? wanted : session.state.rater;
  if (rater) {
    const known = study.served ? await ask(`api/done?rater=${rater}`) : null;
    if (known && known.status === 404) return joinAnew(wanted);
    if (!known && study.served && rater !== session.state.rater) return false;
    session.start(rater, known ? known.done : []);
    return true;
  }
  return joinAnew(wanted);
}

async function joinAnew(wanted) {
  if (study.served) {
    const joined = await ask('api/join', {});
    if (joined && joined.rater) session.start(joined.rater);
    return Boolean(joined && joined.rater);
  }
  const number = /^\d{1,6}$/.test(wanted) ? wanted : Math.floor(Math.random() * study.plans.length);
  session.start(`${number}-${randomDigits(12)}`);
  return true;
}

/* Sends what waits, one after the other, and tries again while the server is away. */
const sender = (() => {
  let busy = false;
  async function flush() {
    if (busy || !study.served) return;
    busy = true;
    while (session.state.unsent.length) {
      const task = session.state.unsent[0];
      const reply = await ask('api/ratings', session.state.rated[task]);
      if (!reply) break;
      session.sent(task, reply.status !== 200);
    }
    busy = false;
    dispatchEvent(new Event('sent'));
    if (session.state.unsent.length) setTimeout(flush, 3000);
  }
  addEventListener('online', flush);
  return {flush};
})();

/* Videos are fetched ahead, so that the study goes on when the server does not. Pages from disk may
   not fetch, and need not. */
const videos = (() => {
  const loaded = new Map();
  async function fetchAll(names) {
    if (!study.served) return;
    for (const name of names) {
      while (!loaded.has(name)) {
        try {
          const reply = await fetch(`videos/${name}`);
          if (reply.ok) loaded.set(name, URL.createObjectURL(await reply.blob()));
          else break;
        } catch { await new Promise(wake => setTimeout(wake, 3000)); }
      }
      dispatchEvent(new CustomEvent('loaded', {detail: {count: loaded.size, of: names.length}}));
    }
  }
  return {fetchAll, url: name => loaded.get(name) || `videos/${name}`};
})();
