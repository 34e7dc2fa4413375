// The chat page. It talks to the gateway it was served from, in the OpenAI dialect, and to nobody else.
//
// Whatever people, bots and servers write goes into the page as text, never as markup; of markdown a few elements are
// made (markdown.js). How answers are read and put in words stands in talk.js. Where something waits for a proof, the dialog of step-up.js opens, and then it goes on.
"use strict";

const element = (id) => document.getElementById(id);
const form = element("form"), field = element("message"), log = element("log"), stopButton = element("stop");
const access = element("access"), key = element("key"), person = element("person");
const announcer = new ChatwardTalk.Announcer(element("announcer"));

// Where bots are looked for, traffic.js is there.
const watch = typeof ChatwardTraffic === "undefined" ? null : new ChatwardTraffic.Watch(field, {
  ask: (path) => fetch(path, { headers: headers(), credentials: "same-origin", cache: "no-store" }), trap: document.getElementById("more"),
});

let model = document.body.dataset.model;
let turns = [];
let running = null;

// --- the conversation on the page -------------------------------------------------------------------

function addTurn(role, text) {
  const item = document.createElement("li");
  item.className = role;
  const who = document.createElement("p");
  who.className = "who";
  who.textContent = role === "user" ? "You" : "AI";
  const body = document.createElement("div");
  body.className = "text";
  body.dir = "auto";
  body.textContent = text;
  item.append(who, body);
  log.append(item);
  follow(true);
  return { item, body, note: null };
}

function setNote(turn, text, stopped) {
  if (!text) return;
  turn.note ??= turn.item.appendChild(document.createElement("p"));
  turn.note.className = stopped ? "note stopped" : "note";
  turn.note.textContent = text;
  follow(false);
}

function follow(always) {
  const page = document.scrollingElement;
  if (always || page.scrollHeight - page.scrollTop - page.clientHeight < 160) page.scrollTop = page.scrollHeight;
}

// --- who said it: the proof of an answer, checked here --------------------------------------------------

let checking = null;

/** What checks proofs, and the manifest of this site; `null` where this browser cannot or nothing is to be had. */
async function checks() {
  const code = await import("../verify/verify.js");
  const found = await fetch("/.well-known/chatward.json", { credentials: "omit" });
  return { code, manifest: await code.verifyManifest(await found.json(), { origin: location.origin }) };
}

async function showProof(answer, line, text) {
  checking ??= checks().catch(() => { checking = null; return null; });
  const check = await checking;
  if (check === null || !answer.item.isConnected) return;
  const mark = document.createElement("p");
  try {
    const claims = await check.code.verifyProof(line, { manifest: check.manifest, text });
    const link = document.createElement("a");
    link.href = "verify";
    link.target = "_blank";
    link.textContent = "Check it yourself";
    mark.className = "genuine";
    mark.append(`Signed by ${check.manifest.name || location.host}, answer ${claims.sequence}. `, link);
    answer.item.dataset.proof = line;
  } catch (error) {
    if (error.reason === "unsupported") return;
    checking = null; // another key, perhaps: the manifest is read again
    mark.className = "note stopped";
    mark.textContent = `This answer could not be shown to come from here: ${error.message}`;
    announcer.say(mark.textContent);
  }
  answer.item.append(mark);
  follow(false);
}

// --- talking to the gateway -------------------------------------------------------------------------

function headers() {
  const all = { "content-type": "application/json" };
  if (key.value) all.authorization = `Bearer ${key.value}`;
  return all;
}

/** Posts what the page tells: that a tip was seen, that an answer is reported. */
function tell(path, body) {
  return fetch(path, { method: "POST", headers: headers(), credentials: "same-origin", body: JSON.stringify(body) });
}

function showTip(turn, told) {
  turn.item.append(ChatwardLearn.tip(told, { tell, safety: "chat/safety" }));
  announcer.say(`${told.text} ${told.next ?? ""}`);
  follow(false);
}

async function chooseModel(signal) {
  if (model) return;
  const response = await fetch("v1/models", { headers: headers(), signal, credentials: "same-origin" });
  if (response.ok) model = (await response.json())?.data?.[0]?.id ?? "";
}

/** Asks for the proof that something waits for; gives "met" or why not. */
function prove(message, challenge, signal) {
  const detail = ChatwardTalk.purpose(challenge, message);
  return ChatwardStepUp.ask(challenge, { headers, signal, detail, parent: element("main") });
}

async function ask(turn, answer, request) {
  const { signal } = request, message = turns.at(-1).content;
  await chooseModel(signal);
  const body = JSON.stringify({ model, stream: true, messages: turns });
  const view = new ChatwardMarkdown.View(answer.body);
  return ChatwardTalk.converse({
    send: async (more) => fetch("v1/chat/completions", {
      method: "POST", headers: { ...headers(), ...(await watch?.header(message)), ...more }, signal,
      credentials: "same-origin", body,
    }),
    work: watch === null ? undefined : (wanted) => work(answer, wanted, signal),
    prove: (challenge, over) => prove(message, challenge, over ? AbortSignal.any([signal, over]) : signal),
    stop: () => request.abort(),
    hid(sentence) {
      setNote(turn, sentence, false);
      announcer.say(sentence);
    },
    text(piece) {
      answer.body.classList.remove("waiting");
      view.add(piece);
      answer.said = true;
      announcer.stream(piece);
      follow(false);
    },
    notice(sentence, stopped) {
      setNote(answer, sentence, stopped);
      announcer.say(sentence);
    },
    proof: (line, text) => showProof(answer, line, text),
    tip: (told) => showTip(turn, told),
    from: (id) => { answer.request = id; },
  }).finally(() => { if (answer.said) view.end(); });
}

/** Works for a pass while the person reads that it does; gives whether there is one. */
async function work(answer, wanted, signal) {
  const said = ChatwardTraffic.moment(wanted, document.baseURI);
  answer.item.append(said);
  announcer.say(said.textContent);
  try {
    return await ChatwardTraffic.pass(wanted, {
      post: (path, body) => fetch(path, { method: "POST", headers: headers(), signal, credentials: "same-origin", body }),
      page: await watch.token(), address: "chat/work.js", signal,
    });
  } finally {
    said.remove();
  }
}

function explain(error) {
  if (error.code !== "content_filter" && (error.status === 401 || (error.code === "not-permitted" && !key.value))) {
    access.hidden = false;
    if (person.dataset.signIn) showPerson();
    if (error.code === "session-ended") return "You are signed out by now. Sign in above and send the message again.";
    if (person.dataset.signIn) return "Sign in above, or enter an access key below, and send the message again.";
    return "This chat needs an access key. Enter it below and send the message again.";
  }
  return ChatwardTalk.explain(error);
}

const RIGHTS = new Set(["consent-required", "processing-objected", "processing-restricted", "opted-out"]);

/** Where people consent and decide about their data; the operator's own page is named in the sentence. */
function choices() {
  const link = document.createElement("a");
  link.href = "chat/privacy";
  link.target = "_blank";
  link.textContent = "Your data and choices";
  return link;
}

async function send(text) {
  const turn = addTurn("user", text);
  const answer = addTurn("bot", "");
  answer.body.classList.add("waiting");
  answer.body.textContent = " ";
  turns.push({ role: "user", content: text });
  running = new AbortController();
  working(true);
  try {
    const reply = await ask(turn, answer, running);
    announcer.end();
    watch?.done();
    turns.push({ role: "assistant", content: reply });
    if (answer.request) answer.item.append(ChatwardLearn.report(answer.request, { tell, say: (text) => announcer.say(text) }));
  } catch (error) {
    announcer.end();
    turns.pop(); // what was not answered is not sent again with the next message
    if (running.signal.aborted && !(error instanceof ChatwardTalk.Unproven)) {
      setNote(answer, "You stopped this answer.", false);
      announcer.say("You stopped this answer.");
    } else {
      const sentence = explain(error);
      const told = answer.body.textContent.trim() ? answer : turn;
      setNote(told, sentence, true);
      if (RIGHTS.has(error.code)) told.note.append(" ", choices());
      announcer.say(sentence);
      if (error.tip) showTip(turn, error.tip);
      if (error.code !== "content_filter" && !field.value) field.value = text;
      if (!access.hidden && !key.value) key.focus();
    }
  } finally {
    answer.body.classList.remove("waiting");
    if (!answer.body.textContent.trim()) answer.body.textContent = "";
    if (!answer.body.textContent && !answer.note) answer.item.remove();
    running = null;
    working(false);
  }
}

function working(on) {
  stopButton.hidden = !on;
  element("send").setAttribute("aria-disabled", String(on));
  log.setAttribute("aria-busy", String(on));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (running || !text) return;
  field.value = "";
  field.focus();
  send(text);
});

field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.querySelector("dialog[open]") === null) running?.abort();
});

stopButton.addEventListener("click", () => {
  running?.abort();
  field.focus();
});

element("again").addEventListener("click", () => {
  running?.abort();
  turns = [];
  log.replaceChildren();
  announcer.clear();
  announcer.say("A new conversation.");
  field.focus();
});

// --- who is signed in, where an identity provider is there to sign in by ---------------------------------------

async function showPerson() {
  const response = await fetch("v1/session", { credentials: "same-origin", cache: "no-store" });
  if (!response.ok) return;
  const who = await response.json();
  if (who.signed_in) {
    const out = document.createElement("button");
    out.type = "button";
    out.className = "quiet";
    out.textContent = "Sign out";
    out.addEventListener("click", signOut);
    person.replaceChildren(who.name ? `Signed in as ${who.name} ` : "Signed in ", out);
  } else {
    const link = document.createElement("a");
    link.href = `${person.dataset.signIn}?back=${encodeURIComponent(location.pathname)}`;
    link.textContent = "Sign in";
    person.replaceChildren(link);
  }
  person.hidden = false;
}

async function signOut() {
  const asked = { method: "POST", headers: { accept: "application/json" }, credentials: "same-origin" };
  const response = await fetch("signout", asked);
  if (response.ok) location.assign((await response.json()).next);
}

if (person.dataset.signIn) showPerson();
