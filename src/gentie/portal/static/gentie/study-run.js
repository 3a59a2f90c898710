// A run under way: its progress is read again and again, and the page when something has changed.
// Without this script the page says the same whenever it is opened again.

const EVERY_MS = 1000;
const main = document.getElementById("main");
let misses = 0; // answers that did not come: the service may be starting again

async function look() {
  const run = document.getElementById("run");
  const address = run?.dataset.progress;
  if (!address) return;
  try {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const told = await answer.json();
    misses = 0;
    if (told.mark === run.dataset.mark) say(told);
    else await renew();
  } catch {
    misses += 1;
  }
  setTimeout(look, EVERY_MS * Math.min(2 ** misses, 30));
}

function say(told) {
  const words = document.getElementById("run-words");
  const bar = document.getElementById("run-bar");
  if (words && words.textContent !== told.words) words.textContent = told.words;
  if (!bar) return;
  if (told.whole) {
    bar.max = told.whole;
    bar.value = told.done;
  } else {
    bar.removeAttribute("value");
  }
}

async function renew() {
  const answer = await fetch(window.location.pathname);
  if (!answer.ok) throw new Error(`${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // While the run goes on only its own part changes, so that nobody loses their place.
  const now = page.getElementById("run");
  const before = document.getElementById("run");
  if (!now || !before) return;
  const isOver = !now.dataset.progress;
  const isHeld = before.contains(document.activeElement);
  if (isOver) main.replaceChildren(...page.getElementById("main").childNodes);
  else before.replaceWith(now);
  if (isHeld) {
    const heading = document.getElementById("run-heading");
    heading.tabIndex = -1;
    heading.focus();
  }
}

look();
