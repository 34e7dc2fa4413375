// What the chat page and the widget share: how the gateway is understood, and how it is told to people.
//
// What the gateway hid is told in words: for the person's message by the header x-chatward-notice, for the answer by
// comment lines of the stream, ": chatward {"action": "...", "hidden": {"EMAIL": 1}}", which other clients skip (WHATWG
// HTML, 9.2.6). A comment with "challenge" says that the stream waits for a proof; an answer of status 401 with one, that
// the same request goes through once it is met.
"use strict";

const ChatwardTalk = (() => {
  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // --- what was hidden, in words -----------------------------------------------------------------------

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

  function readObject(text) {
    try {
      const value = JSON.parse(text);
      return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
    } catch {
      return {};
    }
  }

  // --- what comes back ---------------------------------------------------------------------------------

  class Failure extends Error {
    constructor(status, body) {
      super(body?.error?.message ?? "");
      this.status = status;
      this.code = body?.error?.code ?? "";
      this.details = body?.chatward ?? body?.error?.chatward ?? {};
      this.challenge = challengeIn(this.details);
      this.tip = null;
    }
  }

  /** A proof was wanted and not given: `outcome` is "refused", "expired", "cancelled", or what `prove` says. */
  class Unproven extends Error {
    constructor(outcome) {
      super({
        refused: "This was refused, so it was not done.",
        expired: "It was not confirmed in time, so it was not done. You can send it again.",
      }[outcome] ?? "You did not confirm this, so it was not done.");
      this.outcome = outcome;
    }
  }

  /** A tip of the gateway's: what happened, and what to do next. */
  function tipIn(told) {
    return typeof told?.id === "string" && typeof told.text === "string" ? told : null;
  }

  function challengeIn(told) {
    const challenge = told?.challenge;
    return typeof challenge?.id === "string" && Array.isArray(challenge.proofs) ? challenge : null;
  }

  async function failure(response) {
    return new Failure(response.status, await response.json().catch(() => null));
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

  // --- asking ------------------------------------------------------------------------------------------

  const ENDED = new Set(["refused", "expired"]);
  const ROUNDS = 4; // a proof, another person's consent, and what may have run out meanwhile

  /** Sends until it goes through. `send(headers)` sends the very same request with more headers; `prove(challenge)`
   *  gives "met" or why not, `work(wanted)` and `consent(purpose)` whether it may be tried again. */
  async function sendProven({ send, prove, work, consent }) {
    let proven = {};
    for (let round = 0; ; round += 1) {
      const response = await send(proven);
      if (response.ok) return response;
      const error = await failure(response);
      error.tip = tipIn(readObject(response.headers.get("x-chatward-tip")));
      if (error.code === "work-needed" && work && round < ROUNDS) {
        if (await work(error.details.work)) continue;
        throw error;
      }
      if (error.code === "consent-required" && error.details.purpose && consent && round < ROUNDS) {
        if (await consent(error.details.purpose)) continue;
        throw error;
      }
      if (error.challenge === null || round === ROUNDS) throw error;
      const outcome = await prove(error.challenge);
      if (outcome !== "met") throw new Unproven(outcome);
      proven = { "x-chatward-challenge": error.challenge.id };
    }
  }

  /** One answer, streamed. `how`: `send(headers)`, `prove(challenge, signal)`, `stop()` ends the request, `work(wanted)` works for
   *  a pass and gives whether there is one, `consent(purpose)` asks the person and gives whether they agreed; and what is
   *  told meanwhile: `hid(sentence)` of the message, `tip(tip)`, `from(id)` of the request, `text(piece)`,
   *  `notice(sentence, stopped)` of the answer, and where it is signed `proof(line, text)` at its end. Gives the answer's
   *  text. */
  async function converse(how) {
    const response = await sendProven(how);
    how.hid(sayHidden("message", readObject(response.headers.get("x-chatward-notice"))));
    const learnt = (tip) => { if (tip !== null) how.tip?.(tip); };
    learnt(tipIn(readObject(response.headers.get("x-chatward-tip"))));
    how.from?.(response.headers.get("x-chatward-request-id") ?? "");
    const over = new AbortController(), tools = new Set();
    let text = "", finish = "", unproven = null, proof = "";
    try {
      for await (const event of events(response.body)) {
        if (event.comment !== undefined) {
          if (event.comment.startsWith("chatward-proof ")) proof = event.comment.slice(15);
          if (!event.comment.startsWith("chatward ")) continue;
          const told = readObject(event.comment.slice(9));
          const hidden = sayHidden("answer", told.hidden ?? {});
          if (hidden) how.notice(hidden, false);
          learnt(tipIn(told.tip));
          const challenge = challengeIn(told);
          if (challenge === null) continue;
          how.prove(challenge, over.signal).catch(() => "cancelled").then((outcome) => {
            if (outcome === "met" || over.signal.aborted) return;
            unproven ??= new Unproven(outcome);
            if (!ENDED.has(outcome)) how.stop(); // the others are told by the stream's end
          });
          continue;
        }
        if (event.data === "[DONE]") break;
        const chunk = readObject(event.data);
        if (chunk.error) throw new Failure(200, chunk);
        const choice = chunk.choices?.[0];
        const piece = choice?.delta?.content ?? "";
        finish = choice?.finish_reason ?? finish;
        for (const call of choice?.delta?.tool_calls ?? []) if (call.function?.name) tools.add(call.function.name);
        if (piece) {
          text += piece;
          how.text(piece);
        }
      }
    } catch (error) {
      throw unproven ?? error;
    } finally {
      over.abort();
    }
    if (unproven !== null) {
      how.notice(unproven.message, true);
    } else if (finish === "content_filter") {
      how.notice("The rest of this answer was stopped by a safety check. You can go on with another question.", true);
    } else if (tools.size > 0) {
      how.notice(`The bot asks for a tool that this page cannot run: ${Array.from(tools).join(", ")}.`, false);
    }
    if (proof && text && unproven === null) how.proof?.(proof, text);
    return text;
  }

  /** What a person reads when something went wrong. */
  function explain(error) {
    if (error.code === "content_filter") {
      return `This message was not sent to the bot. ${error.message || "It was stopped by a safety check."} ` +
        "You can write it differently.";
    }
    if ((error instanceof Failure || error instanceof Unproven) && error.message) return error.message;
    return "The answer did not get through. Please try again.";
  }

  /** What a proof is for, in words. */
  function purpose(challenge, message) {
    const tool = /^tool:(?!call$)(.+)$/.exec(challenge.action ?? ""); // of what a person decides, no name is told
    return tool ? `The bot is to use: ${tool[1]}` : challenge.action === "message:send" ? message : "";
  }

  // --- for screen readers ------------------------------------------------------------------------------

  const LONGEST = 1000; // characters that wait for the end of their sentence

  /** Says whole sentences into a live region, not every piece that streams in. */
  class Announcer {
    #region;
    #unsaid = "";
    #sentences = "Segmenter" in Intl ? new Intl.Segmenter(undefined, { granularity: "sentence" }) : null;

    constructor(region) {
      this.#region = region;
    }

    say(text) {
      if (!text) return;
      const line = document.createElement("p");
      line.textContent = text;
      this.#region.append(line);
      while (this.#region.childElementCount > 20) this.#region.firstElementChild.remove();
    }

    stream(piece) {
      this.#unsaid += piece;
      const parts = this.#split();
      if ((parts.at(-1) ?? "").length < LONGEST) this.#unsaid = parts.pop() ?? "";
      else this.#unsaid = "";
      for (const part of parts) this.say(part.trim());
    }

    end() {
      const parts = this.#split();
      this.#unsaid = "";
      for (const part of parts) this.say(part.trim());
    }

    clear() {
      this.#region.replaceChildren();
    }

    #split() {
      if (this.#sentences === null) return this.#unsaid.split(/(?<=[.!?\n])\s+/);
      return Array.from(this.#sentences.segment(this.#unsaid), (part) => part.segment);
    }
  }

  return { Announcer, Failure, Unproven, converse, explain, failure, make, purpose };
})();
