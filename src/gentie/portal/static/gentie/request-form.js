/* Saves a request as it is typed. Nothing typed is lost: it waits in this browser until the server
   has it, and where somebody else wrote in the meantime, both are kept and shown. */

const form = document.querySelector("form[data-request]");
const { dataset } = form;
const said = document.querySelector(".g-request__said");
const summary = document.querySelector("[data-summary]");
const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
const kept = `gentie-request-${dataset.request}`;
const PAUSE_MS = 700;
const AGAIN_MS = 4000;

/** What the server has not confirmed yet: text by field. */
const waiting = new Map();
let timer = 0;
let isSending = false;

const inputOf = (field) => document.getElementById(`in-${field}`);
const textOf = (input) => (input.type === "checkbox" ? (input.checked ? "yes" : "") : input.value);

function say(words, tone = "") {
  said.textContent = words;
  said.dataset.tone = tone;
}

function remember() {
  try {
    if (waiting.size) localStorage.setItem(kept, JSON.stringify([...waiting]));
    else localStorage.removeItem(kept);
  } catch {
    // Without storage the page still saves as it is typed.
  }
}

function noted(input) {
  const field = input.name;
  if (!inputOf(field) || inputOf(field) !== input) return;
  waiting.set(field, textOf(input));
  remember();
  say(dataset.saving);
  clearTimeout(timer);
  timer = setTimeout(send, PAUSE_MS);
}

function confirmed(field, told, sent) {
  const input = inputOf(field);
  input.dataset.revision = told.revision;
  form.elements[`revision_${field}`].value = told.revision;
  form.elements[`was_${field}`].value = told.text;
  if (waiting.get(field) === sent) waiting.delete(field);
  const other = input.closest(".g-ask").querySelector("[data-other]");
  other.hidden = told.is_saved;
  if (told.is_saved) return;
  // Somebody else's words stand; ours are kept and can be put back.
  if (input.type === "checkbox") input.checked = told.text === "yes";
  else input.value = told.text;
  const words = dataset.wrote.replace("%s", told.by || dataset.somebody).replace("%s", sent);
  const mine = document.createElement("button");
  mine.type = "button";
  mine.className = "g-plain";
  mine.textContent = dataset.mine;
  mine.addEventListener("click", () => {
    if (input.type === "checkbox") input.checked = sent === "yes";
    else input.value = sent;
    other.hidden = true;
    noted(input);
    input.focus();
  });
  other.replaceChildren(`${words} `, mine);
}

function shown(asked) {
  const matters = new Set(asked);
  for (const part of form.querySelectorAll("[data-field]")) {
    part.hidden = !matters.has(part.dataset.field);
  }
  for (const row of form.querySelectorAll("[data-row]")) {
    row.hidden = !row.querySelector("[data-field]:not([hidden])");
  }
}

/** Send what waits; true once nothing does. */
async function send() {
  clearTimeout(timer);
  if (isSending || !waiting.size) return !waiting.size;
  isSending = true;
  const sent = new Map(waiting);
  const answers = {};
  for (const [field, text] of sent) {
    answers[field] = { text, revision: Number(inputOf(field).dataset.revision) };
  }
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ answers }),
      keepalive: true,
    });
    if (answer.redirected || answer.status === 403) {
      say(dataset.signedOut, "wrong");
      timer = setTimeout(send, AGAIN_MS);
      return false;
    }
    if (answer.status === 422) {
      const { errors } = await answer.json();
      say(errors.map((one) => one.sentence).join(" "), "wrong");
      return false;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    for (const [field, one] of Object.entries(told.kept)) confirmed(field, one, sent.get(field));
    shown(told.asked);
    summary.innerHTML = told.summary;
    const now = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    say(`${dataset.saved} ${now}`);
  } catch {
    say(dataset.offline, "wrong");
    timer = setTimeout(send, AGAIN_MS);
    return false;
  } finally {
    isSending = false;
    remember();
  }
  if (waiting.size) timer = setTimeout(send, 0);
  return !waiting.size;
}

form.addEventListener("input", (event) => noted(event.target));
form.addEventListener("change", (event) => {
  if (event.target.matches("select, [type=checkbox], [type=date]")) send();
});
addEventListener("online", send);
addEventListener("pagehide", () => send());

form.addEventListener("submit", async (event) => {
  if (!waiting.size || event.submitter?.dataset.sent) return;
  event.preventDefault();
  const button = event.submitter;
  if (await send()) {
    button.dataset.sent = "yes";
    form.requestSubmit(button);
  }
});

// What an earlier visit could not send.
try {
  for (const [field, text] of JSON.parse(localStorage.getItem(kept) || "[]")) {
    const input = inputOf(field);
    if (!input || textOf(input) === text) continue;
    if (input.type === "checkbox") input.checked = text === "yes";
    else input.value = text;
    waiting.set(field, text);
  }
  if (waiting.size) send();
} catch {
  localStorage.removeItem(kept);
}

// What was typed before this script was here, or what the browser filled in by itself.
for (const part of form.querySelectorAll("[data-field]")) {
  const field = part.dataset.field;
  const text = textOf(inputOf(field));
  if (text !== form.elements[`was_${field}`].value) waiting.set(field, text);
}
if (waiting.size) send();

document.getElementById("reasons")?.focus();
