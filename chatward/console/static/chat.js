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
let turns = []; // {role, content, files, note, request}, as they were said and shown
let running = null;

const KEPT = 200_000; // characters of a conversation that are kept for a reload
const PLACE = "chatward:chat";

const most = Number(document.body.dataset.attach || 0);
const basket = most === 0 ? null : new ChatwardAttach.Basket({
  form, field, most, used: () => turns.flatMap((turn) => turn.files ?? []).reduce((sum, one) => sum + (one.url ? one.size : 0), 0),
  say: (text) => announcer.say(text),
});
if (basket) {
  field.after(...basket.elements);
  element("send").before(basket.button);
}

// --- the conversation on the page -------------------------------------------------------------------

function addTurn(role, text, files = []) {
  const item = document.createElement("li");
  item.className = role;
  const who = document.createElement("p");
  who.className = "who";
  who.textContent = role === "user" ? "You" : "AI";
  const body = document.createElement("div");
  body.className = "text";
  body.dir = "auto";
  body.textContent = text;
  item.append(who, body, ...ChatwardPreview.files(files));
  if (role === "user") item.append(...ChatwardPreview.links(text));
  log.append(item);
  follow(true);
  return { item, body, note: null };
}

// --- what is kept for a reload, in this tab -------------------------------------------------------------

function save() {
  const kept = turns.map((turn) => ({ ...turn, files: ChatwardAttach.names(turn.files) }));
  try {
    while (JSON.stringify(kept).length > KEPT) kept.splice(0, 2);
    sessionStorage.setItem(PLACE, JSON.stringify(kept));
  } catch {
    // A page without storage has no memory.
  }
}

function restore() {
  try {
    turns = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
  } catch {
    turns = [];
  }
  for (const said of turns) {
    const turn = addTurn(said.role === "user" ? "user" : "bot", said.content, said.files);
    if (said.role !== "user") {
      turn.body.replaceChildren(...ChatwardMarkdown.blocks(said.content));
      finish(turn, said);
    }
    setNote(turn, said.note, said.stopped);
  }
}

/** Below an answer that is whole: where its links lead, and a way to report it. */
function finish(turn, said) {
  turn.item.append(...ChatwardPreview.links(turn.body));
  if (said.request) turn.item.append(ChatwardLearn.report(said.request, { tell, say: (text) => announcer.say(text) }));
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

/** What stands below v1/privacy/. */
async function asked(method, path, body) {
  const response = await fetch(`v1/privacy/${path}`, {
    method, headers: headers(), credentials: "same-origin", cache: "no-store", body: body && JSON.stringify(body),
  });
  if (!response.ok) throw await ChatwardTalk.failure(response);
  return response.json();
}

async function ask(turn, answer, request) {
  const { signal } = request, message = turns.at(-1).content;
  await chooseModel(signal);
  await ChatwardAttach.read(turns.at(-1).files);
  const messages = turns.map(({ role, content, files }) => ({ role, content: ChatwardAttach.content(content, files) }));
  const body = JSON.stringify({ model, stream: true, messages });
  const view = new ChatwardMarkdown.View(answer.body);
  return ChatwardTalk.converse({
    send: async (more) => fetch("v1/chat/completions", {
      method: "POST", headers: { ...headers(), ...(await watch?.header(message)), ...more }, signal,
      credentials: "same-origin", body,
    }),
    work: watch === null ? undefined : (wanted) => work(answer, wanted, signal),
    consent: (purpose) => ChatwardRights.ask(purpose, { call: asked, parent: element("main"), signal }),
    prove: (challenge, over) => prove(message, challenge, over ? AbortSignal.any([signal, over]) : signal),
    stop: () => request.abort(),
    hid(sentence) {
      turn.said.note = sentence;
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
    proof: (line, text) => ChatwardBadge.show(answer, line, text, {
      root: document.baseURI, code: () => import("../verify/verify.js"), say: (said) => announcer.say(said),
      fetch: (path) => fetch(path, { credentials: "omit" }),
    }),
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
  const unknown = error.code === "not-permitted" || error.code === "consent-required";
  if (error.code !== "content_filter" && (error.status === 401 || (unknown && !key.value))) {
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

// --- drills, for people who opted in (docs/education.md) --------------------------------------------------

let drill = null; // settles the one that is shown

/** Shows the drill that is due, if one is: it looks like a message, and its lesson comes right after. */
async function drillDue() {
  const response = await tell("v1/drills", { model });
  const due = response.ok ? (await response.json()).drill : null;
  if (!due) return;
  const turn = addTurn("bot", due.text);
  turn.item.querySelector(".who").textContent = due.from;
  turn.item.append(ChatwardLearn.drill(due, {
    settled(act) { drill = act; },
    async tell(did) {
      drill = null;
      const told = await tell("v1/drills", { drill: due.id, did });
      if (!told.ok) return null;
      const lesson = await told.json();
      announcer.say(`${lesson.told} ${lesson.lesson}`);
      return lesson;
    },
  }));
  announcer.say(`${due.from}: ${due.text}`);
  follow(true);
}

async function send(text, given) {
  drill?.("ignored");
  const turn = addTurn("user", text, given);
  const answer = addTurn("bot", "");
  answer.body.classList.add("waiting");
  answer.body.textContent = " ";
  turn.said = { role: "user", content: text, files: given };
  turns.push(turn.said);
  running = new AbortController();
  working(true);
  try {
    const reply = await ask(turn, answer, running);
    announcer.end();
    watch?.done();
    const said = {
      role: "assistant", content: reply, request: answer.request,
      note: answer.note?.textContent, stopped: answer.note?.classList.contains("stopped"),
    };
    turns.push(said);
    finish(answer, said);
    if (document.body.dataset.drills) drillDue().catch(() => {}); // a drill that does not come is none
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
      if (error.code !== "content_filter" && !field.value) {
        field.value = text;
        basket?.put(given);
      }
      if (!access.hidden && !key.value) key.focus();
    }
  } finally {
    answer.body.classList.remove("waiting");
    if (!answer.body.textContent.trim()) answer.body.textContent = "";
    if (!answer.body.textContent && !answer.note) answer.item.remove();
    running = null;
    working(false);
    save();
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
  if (running || (!text && (basket?.empty ?? true))) return;
  field.value = "";
  field.focus();
  send(text, basket?.take() ?? []);
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
  save();
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
  if (!response.ok) return;
  sessionStorage.removeItem(PLACE);
  location.assign((await response.json()).next);
}

if (person.dataset.signIn) showPerson();
restore();
