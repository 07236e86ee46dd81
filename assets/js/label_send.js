/* Labelling: sending acts so that none is lost or done twice, what is kept in the browser until the server has it, and the clock.

   An act is kept in the browser from the moment it is made until the server has answered, under a key of its own, and sent again with that
   key for as long as it takes, also after the page was closed. Drafts of unfinished items are kept in the same way. */
const { make } = luthier;
const root = element.querySelector(".label-screen");
const BASE = location.pathname.replace(/label\/?$/, "").replace(/[^/]*$/, "");
const PATIENCE = 20000;
const LONGEST_WAIT = 10000;
const IDLE = 60000;
const MOST_DRAFTS = 20;
const KEEPALIVE_LIMIT = 30000;

/* The server could not be reached, or somebody has to log in first: worth another try. */
class Unreached extends Error {
  constructor(message, login = false) { super(message); this.login = login; }
}

/* The server has read it and says no. */
class Refused extends Error {
  constructor(message, remedy = "") { super(message); this.remedy = remedy; }
}

/* A name for an act that no other act has. `crypto.randomUUID` is missing where the connection is not encrypted. */
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* One attempt; gives what the server says, or throws one of the two errors above. */
async function post(name, values) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE);
  const body = JSON.stringify(values);
  try {
    const answer = await fetch(`${BASE}api/label/${name}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body, signal: stop.signal, keepalive: "key" in values && body.length < KEEPALIVE_LIMIT,
    });
    const said = await answer.json().catch(() => null);
    if (answer.status === 401 || answer.redirected) throw new Unreached("You are logged out.", true);
    if (answer.status >= 500 || [408, 425, 429].includes(answer.status)) throw new Unreached("The server has a problem.");
    if (!answer.ok) throw new Refused((said && said.error) || `The server refused it (${answer.status}).`, (said && said.remedy) || "Reload the page.");
    if (!said) throw new Unreached("The server's answer cannot be read.");
    return said;
  } catch (error) {
    if (error instanceof Unreached || error instanceof Refused) throw error;
    throw new Unreached(stop.signal.aborted ? "The server takes too long." : "The server does not answer.");
  } finally {
    clearTimeout(timer);
  }
}

/* Attempts until the server has answered. `failing(error, seconds)` is told of each failure and how long the next attempt waits. */
async function deliver(name, values, failing) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await post(name, values);
    } catch (error) {
      if (!(error instanceof Unreached) || !element.isConnected) throw error;
      const wait = Math.min(LONGEST_WAIT, 500 * 2 ** attempt);
      failing(error, wait / 1000);
      await pause(wait);
    }
  }
}

let endPause = () => {};
function pause(milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    endPause = () => { clearTimeout(timer); resolve(); };
  });
}

/* What the browser keeps; where it keeps nothing (private windows) the page works all the same. */
const shelf = {
  prefix: "luthier.label.",
  read(name) {
    try { return JSON.parse(localStorage.getItem(this.prefix + name)); } catch { return null; }
  },
  write(name, value) {
    try { localStorage.setItem(this.prefix + name, JSON.stringify(value)); } catch { this.thin(0); }
  },
  drop(name) {
    try { localStorage.removeItem(this.prefix + name); } catch { /* there is nothing to drop then */ }
  },
  /* The names that begin so, what was kept last comes first. */
  names(start) {
    const saved = (name) => (this.read(name) || {}).saved || 0;
    try {
      const found = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix + start)).map((key) => key.slice(this.prefix.length));
      return found.sort((a, b) => saved(b) - saved(a));
    } catch { return []; }
  },
  thin(keep) {
    for (const name of this.names("draft.").slice(keep)) this.drop(name);
  },
};

/* Whether the screen can be seen. Asking the page at each key would make it lay itself out each time. */
let inSight = false;

/* The seconds that somebody worked: with the page in sight, and until a minute after the last sign of life. */
const clock = {
  active: 0,
  last: performance.now(),
  counting: !document.hidden,
  start(active) { this.active = active; this.last = performance.now(); },
  touch() {
    const now = performance.now();
    if (this.counting && inSight) this.active += Math.min(now - this.last, IDLE) / 1000;
    this.last = now;
  },
  seen(there) {
    this.touch();
    this.counting = there;
  },
  get idle() { return performance.now() - this.last > IDLE; },
};
