/* Labelling: what each way of judging asks, shows and answers to keys.

   A mode has `question`, `part` (its part of the answer), `missing()` (what is still to be said, "" when complete), `said()` (the choice in
   words), `press(key)` (true when the key was its own), and, where it needs them, `blank(count)`, `start()`, `onCard(index)`, `tag(index)`, `board()`.
   `keys` are its lines in the list of keys. To add a mode, add an entry; `digit` gives the number of a digit key. */
const LETTERS = "ABCDEFGHI";
const STRENGTHS = ["much better", "better", "slightly better"];
const digit = (key) => (/^[1-9]$/.test(key) ? Number(key) : 0);
const letter = (index) => LETTERS[index];

function strengthWords(strength) {
  if (strength === 0) return "Both are the same";
  return `${strength < 0 ? "A" : "B"} is ${STRENGTHS[3 - Math.abs(strength)]}`;
}

function setStrength(strength, final = true) {
  draft.strength = strength;
  chose(final);
}

/* A scale of choices: `[value, label, words, key, short]` each. */
function scaleOf(name, steps) {
  const scale = make("div", "label-scale");
  scale.setAttribute("role", "radiogroup");
  scale.setAttribute("aria-label", name);
  for (const [value, label, words, key, short] of steps) {
    const step = choice("", words, key, () => draft.strength === value, () => setStrength(value));
    step.append(make("span", "wide", label), make("span", "narrow", short), hint(key));
    step.dataset.strength = value;
    scale.append(step);
  }
  return scale;
}

const pair = {
  question: "Which answer is better?",
  part: "strength",
  missing: () => (draft.strength === null ? "Say which is better; 1 to 7, or ← and →" : ""),
  said: () => strengthWords(draft.strength),
  tag: (index) => (draft.strength !== null && draft.strength !== 0 && (draft.strength < 0) === (index === 0) ? STRENGTHS[3 - Math.abs(draft.strength)] : ""),
  board: () => scaleOf("Which answer is better, and by how much", [-3, -2, -1, 0, 1, 2, 3].map((value) => {
    const label = value === 0 ? "the same" : `${value < 0 ? "A" : "B"} ${STRENGTHS[3 - Math.abs(value)]}`;
    const short = value === 0 ? "=" : `${value < 0 ? "A" : "B"}${"+".repeat(Math.abs(value))}`;
    return [value, label, strengthWords(value), String(value + 4), short];
  })),
  press(key) {
    if (digit(key) && digit(key) <= 7) setStrength(digit(key) - 4);
    else if (key === "t") setStrength(0);
    else if (key === "ArrowLeft") setStrength(Math.max(-3, (draft.strength ?? 0) - 1), false);
    else if (key === "ArrowRight") setStrength(Math.min(3, (draft.strength ?? 0) + 1), false);
    else if (key === "Backspace") setStrength(null, false);
    else return false;
    return true;
  },
  keys: [["1 … 7", "from A is much better to B is much better; 4 is the same"], ["← →", "towards A, towards B"], ["T", "tie: both are the same"]],
};

const forced = {
  ...pair,
  missing: () => (draft.strength === null ? "Say which is better; 1 or 2, or ← and →" : ""),
  said: () => `${draft.strength < 0 ? "A" : "B"} is better`,
  tag: (index) => (draft.strength !== null && (draft.strength < 0) === (index === 0) ? "better" : ""),
  board: () => scaleOf("Which answer is better", [[-1, "A is better", "A is better", "1", "A is better"], [1, "B is better", "B is better", "2", "B is better"]]),
  press(key) {
    if (key === "1" || key === "2") setStrength(key === "1" ? -1 : 1);
    else if (key === "ArrowLeft" || key === "ArrowRight") setStrength(key === "ArrowLeft" ? -1 : 1, false);
    else if (key === "Backspace") setStrength(null, false);
    else return false;
    return true;
  },
  keys: [["1, 2", "A is better, B is better"], ["← →", "A, B"]],
};

function chooseBest(index) {
  at.card = index;
  draft.best = index;
  chose();
}

const best = {
  question: "Which answer is the best?",
  part: "best",
  missing: () => (draft.best === null ? `Choose the best; 1 to ${item.cards.length}` : ""),
  said: () => `${letter(draft.best)} is the best`,
  tag: (index) => (draft.best === index ? "the best" : ""),
  onCard(index) {
    const pick = choice("Best", `${letter(index)} is the best`, String(index + 1), () => draft.best === index, () => chooseBest(index));
    pick.append(hint(String(index + 1)));
    return { head: [pick] };
  },
  press(key) {
    if (digit(key) && digit(key) <= item.cards.length) chooseBest(digit(key) - 1);
    else if (key === " ") chooseBest(at.card);
    else if (key === "Backspace") { draft.best = null; chose(false); }
    else return moveCard(key);
    return true;
  },
  keys: [["1 … 9", "choose the answer"], ["← →", "previous and next answer; Space chooses it"]],
};

function setRank(index, rank, advance = false) {
  at.card = index;
  draft.ranks[index] = rank;
  if (rank !== null) at.rank = rank;
  if (advance) {
    const order = item.cards.map((_, step) => (index + 1 + step) % item.cards.length);
    at.card = order.find((other) => draft.ranks[other] === null) ?? index;
  }
  chose(false);
}

function orderWords() {
  const groups = new Map();
  draft.ranks.forEach((rank, index) => { if (rank !== null) groups.set(rank, [...(groups.get(rank) || []), letter(index)]); });
  return [...groups.keys()].sort((a, b) => a - b).map((rank) => groups.get(rank).join(" = ")).join(" > ");
}

const rank = {
  question: "Rank the answers, 1 is the best",
  part: "ranks",
  blank: (count) => new Array(count).fill(null),
  start: () => { at.card = Math.max(0, draft.ranks.indexOf(null)); },
  missing() {
    const left = draft.ranks.filter((one) => one === null).length;
    return left ? `${draft.ranks.length - left} of ${draft.ranks.length} ranked; 1 to ${draft.ranks.length} for ${letter(at.card)}` : "";
  },
  said: () => orderWords(),
  tag: (index) => (draft.ranks[index] === null ? "" : `rank ${draft.ranks[index]}`),
  onCard(index) {
    const row = make("div", "label-ranks");
    row.setAttribute("role", "radiogroup");
    row.setAttribute("aria-label", `Rank of ${letter(index)}`);
    item.cards.forEach((_, place) => {
      const value = place + 1;
      row.append(choice(String(value), `${letter(index)}: rank ${value}`, "", () => draft.ranks[index] === value, () => setRank(index, draft.ranks[index] === value ? null : value)));
    });
    return { foot: [make("span", "label-caption", "Rank"), row] };
  },
  board: rankBoard,
  press(key) {
    const count = item.cards.length;
    const here = draft.ranks[at.card];
    if (digit(key) && digit(key) <= count) setRank(at.card, digit(key), true);
    else if (key === "t" && at.rank) setRank(at.card, at.rank, true);
    else if (key === "Backspace" || key === "0") setRank(at.card, null);
    else if (key === "Alt+ArrowUp") setRank(at.card, Math.max(1, (here ?? count + 1) - 1));
    else if (key === "Alt+ArrowDown") setRank(at.card, Math.min(count, (here ?? 0) + 1));
    else return moveCard(key);
    return true;
  },
  keys: [["1 … 9", "rank the marked answer and go to the next; equal ranks are ties"], ["T", "tie: the rank that was given last"], ["← →", "mark the previous or next answer"], ["Alt+↑ ↓", "rank it higher or lower"], ["Backspace", "take its rank back"]],
};

/* Mark the next rating that is still to be given, from this one on; this one when there is none. */
function markUnrated(index, row) {
  const cells = item.cards.flatMap((_, card) => item.criteria.map((_, line) => ({ card, row: line })));
  const here = cells.findIndex((cell) => cell.card === index && cell.row === row);
  const order = [...cells.slice(here), ...cells.slice(0, here)];
  Object.assign(at, order.find((cell) => !draft.ratings[cell.card][item.criteria[cell.row]]) ?? cells[here]);
}

function setRating(index, row, value) {
  draft.ratings[index][item.criteria[row]] = value;
  markUnrated(index, row);
  chose(false);
}

const rating = {
  question: `Rate ${LOWEST} to ${HIGHEST}, ${HIGHEST} is the best`,
  part: "ratings",
  blank: (count) => Array.from({ length: count }, () => ({})),
  start: () => markUnrated(0, 0),
  missing() {
    const wanted = item.cards.length * item.criteria.length;
    const given = draft.ratings.reduce((sum, one) => sum + Object.keys(one).length, 0);
    const next = item.cards.length > 1 ? `${letter(at.card)}, ${item.criteria[at.row]}` : item.criteria[at.row];
    return given < wanted ? `${given} of ${wanted} rated; ${LOWEST} to ${HIGHEST} for ${next}` : "";
  },
  said: () => "All rated",
  onCard(index) {
    return { foot: [make("div", "label-criteria", null, ...item.criteria.map((criterion, row) => criterionRow(index, criterion, row)))] };
  },
  press(key) {
    if (digit(key) && digit(key) <= HIGHEST) setRating(at.card, at.row, digit(key));
    else if (key === "ArrowUp" || key === "ArrowDown") {
      at.row = Math.min(item.criteria.length - 1, Math.max(0, at.row + (key === "ArrowUp" ? -1 : 1)));
      refresh();
    } else if (key === "Backspace") { delete draft.ratings[at.card][item.criteria[at.row]]; chose(false); }
    else return moveCard(key);
    return true;
  },
  keys: [["1 … 7", "rate the marked criterion and go to the next"], ["↑ ↓", "previous and next criterion"], ["← →", "previous and next answer"], ["Backspace", "take the rating back"]],
};

function criterionRow(index, criterion, row) {
  const scale = make("div", "label-ranks");
  scale.setAttribute("role", "radiogroup");
  scale.setAttribute("aria-label", `${letter(index)}: ${criterion}`);
  for (let value = LOWEST; value <= HIGHEST; value += 1) {
    scale.append(choice(String(value), `${letter(index)}, ${criterion}: ${value}`, "", () => draft.ratings[index][criterion] === value, () => setRating(index, row, value)));
  }
  const line = make("div", "label-criterion", null, make("span", "label-caption", criterion), scale);
  painters.push(() => line.classList.toggle("here", at.card === index && at.row === row));
  return line;
}

/* Left and right go from card to card; Up and Down scroll. */
function moveCard(key) {
  if (key !== "ArrowLeft" && key !== "ArrowRight") return false;
  at.card = Math.min(item.cards.length - 1, Math.max(0, at.card + (key === "ArrowLeft" ? -1 : 1)));
  refresh();
  return true;
}

const MODES = { pair, forced, best, rank, rating };
