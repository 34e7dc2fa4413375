// The chat page. It talks to the gateway it was served from, in the OpenAI dialect, and to nobody else.
//
// Whatever people, bots and servers write goes into the page as text, never as markup. What the gateway hid is
// told in words: for the person's message by the header x-chatward-notice, for the answer by comment lines of the
// stream, ": chatward {"action": "...", "hidden": {"EMAIL": 1}}", which other clients skip (WHATWG HTML, 9.2.6).
"use strict";

const element = (id) => document.getElementById(id);
const form = element("form"), field = element("message"), log = element("log"), stopButton = element("stop");
const access = element("access"), key = element("key"), announcer = element("announcer");

let model = document.body.dataset.model;
let turns = [];
let running = null;

// --- what was hidden, in words ----------------------------------------------------------------------

const NAMES = {
  ACCOUNT: ["account number", "account numbers"], ADDRESS: ["postal address", "postal addresses"],
  API_KEY: ["access key", "access keys"], BANK_CODE: ["bank code", "bank codes"],
  BIRTH_DATE: ["date of birth", "dates of birth"], CARD: ["card number", "card numbers"],
  CARD_CODE: ["card security code", "card security codes"], CARD_EXPIRY: ["card expiry date", "card expiry dates"],
  CONNECTION_STRING: ["connection string", "connection strings"], COORDINATES: ["position", "positions"],
  CUSTOMER_ID: ["customer number", "customer numbers"], DEVICE_ID: ["device number", "device numbers"],
  DRIVER_LICENSE: ["driving licence number", "driving licence numbers"], EMAIL: ["e-mail address", "e-mail addresses"],
  HEALTH_ID: ["health insurance number", "health insurance numbers"], IBAN: ["bank account number", "bank account numbers"],
  IP: ["IP address", "IP addresses"], LICENSE_PLATE: ["licence plate", "licence plates"],
  MAC: ["device address", "device addresses"], NATIONAL_ID: ["national id number", "national id numbers"],
  PASSPORT: ["passport number", "passport numbers"], PASSWORD: ["password", "passwords"],
  PASSWORD_HASH: ["password hash", "password hashes"], PHONE: ["phone number", "phone numbers"],
  POSTCODE: ["postcode", "postcodes"], PRIVATE_KEY: ["private key", "private keys"],
  SEED_PHRASE: ["wallet recovery phrase", "wallet recovery phrases"], TOKEN: ["access token", "access tokens"],
  VEHICLE_ID: ["vehicle number", "vehicle numbers"], WALLET: ["wallet address", "wallet addresses"],
  WEBHOOK: ["webhook address", "webhook addresses"],
  // Categories, where a finding stands for no value.
  PII: ["personal detail", "personal details"], PHI: ["health detail", "health details"],
  SECRET: ["secret", "secrets"], LINK: ["link", "links"], MALWARE: ["unsafe part", "unsafe parts"],
  ABUSE: ["abusive part", "abusive parts"], LEAK: ["confidential part", "confidential parts"],
  INJECTION: ["hidden instruction", "hidden instructions"], JAILBREAK: ["hidden instruction", "hidden instructions"],
  INDIRECT_INJECTION: ["hidden instruction", "hidden instructions"], POLICY: ["part", "parts"],
  SOCIAL_ENGINEERING: ["unsafe request", "unsafe requests"], BOT: ["part", "parts"], ANOMALY: ["part", "parts"],
};

function kindOf(name) {
  if (/KEY|TOKEN|PASSWORD|SECRET|SEED_PHRASE|CONNECTION_STRING|WEBHOOK/.test(name)) return "secret";
  if (/LINK|MALWARE/.test(name)) return "link";
  if (/INJECTION|JAILBREAK/.test(name)) return "hidden";
  if (/ABUSE|LEAK|POLICY|SOCIAL|BOT|ANOMALY/.test(name)) return "policy";
  return "personal";
}

const REASONS = {
  message: {
    personal: "Personal data does not go to the bot.", secret: "Secrets do not go to the bot.",
    link: "The link was not safe.", hidden: "It was an attempt to give the bot orders.",
    policy: "The rules of this chat do not allow it.",
  },
  answer: {
    personal: "It may belong to somebody else.", secret: "Secrets do not belong in a chat.",
    link: "It could carry data out of this conversation.", hidden: "It was an attempt to give orders.",
    policy: "The rules of this chat do not allow it.",
  },
};

function countOf(name, count) {
  const upper = name.toUpperCase().replace(/-/g, "_");
  const plain = upper.toLowerCase().replace(/_/g, " ");
  const [one, many] = NAMES[upper] ?? [plain, plain];
  return `${count} ${count === 1 ? one : many}`;
}

function sayHidden(where, hidden) {
  const names = Object.keys(hidden).filter((name) => Number.isInteger(hidden[name]) && hidden[name] > 0);
  if (names.length === 0) return "";
  const list = names.map((name) => countOf(name, hidden[name])).join(", ");
  const kinds = new Set(names.map((name) => kindOf(name.toUpperCase().replace(/-/g, "_"))));
  const reasons = Array.from(kinds, (kind) => REASONS[where][kind]).join(" ");
  return `${where === "message" ? "Hidden from the bot" : "Hidden in this answer"}: ${list}. ${reasons}`;
}

function readNotice(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

// --- the conversation on the page -------------------------------------------------------------------

function addTurn(role, text) {
  const item = document.createElement("li");
  item.className = role;
  const who = document.createElement("p");
  who.className = "who";
  who.textContent = role === "user" ? "You" : "AI";
  const body = document.createElement("p");
  body.className = "text";
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

// Screen readers get whole sentences, not every piece that streams in.
const sentences = "Segmenter" in Intl ? new Intl.Segmenter(undefined, { granularity: "sentence" }) : null;
let unsaid = "";

function split(text) {
  return sentences ? Array.from(sentences.segment(text), (part) => part.segment) : text.split(/(?<=[.!?\n])\s+/);
}

function announce(text) {
  const line = document.createElement("p");
  line.textContent = text;
  announcer.append(line);
  while (announcer.childElementCount > 20) announcer.firstElementChild.remove();
}

function announceStream(piece, last) {
  unsaid += piece;
  const parts = split(unsaid);
  unsaid = last ? "" : (parts.pop() ?? "");
  for (const part of parts) if (part.trim()) announce(part.trim());
}

// --- talking to the gateway -------------------------------------------------------------------------

function headers() {
  const all = { "content-type": "application/json" };
  if (key.value) all.authorization = `Bearer ${key.value}`;
  return all;
}

async function chooseModel(signal) {
  if (model) return;
  const response = await fetch("v1/models", { headers: headers(), signal, credentials: "omit" });
  if (response.ok) model = (await response.json())?.data?.[0]?.id ?? "";
}

class Failure extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? "");
    this.status = status;
    this.code = body?.error?.code ?? "";
  }
}

async function* events(stream) {
  // Server-sent events: lines end in LF, CRLF or CR; a line that opens with a colon is a comment.
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      rest += value ?? "";
      const held = !done && rest.endsWith("\r") ? "\r" : "";
      const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
      rest = (done ? "" : lines.pop()) + held;
      for (const line of lines) {
        if (line === "" && data.length > 0) {
          yield { data: data.join("\n") };
          data = [];
        } else if (line.startsWith(":")) {
          yield { comment: line.slice(1).trim() };
        } else if (line.startsWith("data:")) {
          data.push(line.slice(5).replace(/^ /, ""));
        }
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {}); // nobody listens any more; the connection need not stay
  }
}

async function ask(turn, answer, signal) {
  await chooseModel(signal);
  const response = await fetch("v1/chat/completions", {
    method: "POST", headers: headers(), signal, credentials: "omit",
    body: JSON.stringify({ model, stream: true, messages: turns }),
  });
  if (!response.ok) throw new Failure(response.status, await response.json().catch(() => null));
  const hidden = sayHidden("message", readNotice(response.headers.get("x-chatward-notice")));
  setNote(turn, hidden, false);
  if (hidden) announce(hidden);

  let text = "", finish = "", notice = "";
  for await (const event of events(response.body)) {
    if (event.comment !== undefined) {
      if (event.comment.startsWith("chatward ")) {
        notice = sayHidden("answer", readNotice(event.comment.slice(9)).hidden ?? {}) || notice;
        setNote(answer, notice, false);
      }
      continue;
    }
    if (event.data === "[DONE]") break;
    const chunk = JSON.parse(event.data);
    if (chunk.error) throw new Failure(200, chunk);
    const choice = chunk.choices?.[0];
    const piece = choice?.delta?.content ?? "";
    finish = choice?.finish_reason ?? finish;
    if (piece) {
      text += piece;
      answer.body.classList.remove("waiting");
      answer.body.append(piece);
      announceStream(piece, false);
      follow(false);
    }
  }
  announceStream("", true);
  if (finish === "content_filter") {
    notice = "The rest of this answer was stopped by a safety check. You can go on with another question.";
    setNote(answer, notice, true);
  }
  if (notice) announce(notice);
  return text;
}

function explain(error) {
  if (error.code === "content_filter") {
    return `This message was not sent to the bot. ${error.message || "It was stopped by a safety check."} ` +
      "You can write it differently.";
  }
  if (error.status === 401 || error.status === 403) {
    access.hidden = false;
    return "This chat needs an access key. Enter it below and send the message again.";
  }
  if (error instanceof Failure && error.message) return error.message;
  return "The answer did not get through. Please try again.";
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
    const reply = await ask(turn, answer, running.signal);
    turns.push({ role: "assistant", content: reply });
  } catch (error) {
    announceStream("", true);
    turns.pop(); // what was not answered is not sent again with the next message
    if (running.signal.aborted) {
      setNote(answer, "You stopped this answer.", false);
      announce("You stopped this answer.");
    } else {
      const sentence = explain(error);
      setNote(answer.body.textContent.trim() ? answer : turn, sentence, true);
      announce(sentence);
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
  if (event.key === "Escape") running?.abort();
});

stopButton.addEventListener("click", () => {
  running?.abort();
  field.focus();
});

element("again").addEventListener("click", () => {
  running?.abort();
  turns = [];
  log.replaceChildren();
  announcer.replaceChildren();
  announce("A new conversation.");
  field.focus();
});
