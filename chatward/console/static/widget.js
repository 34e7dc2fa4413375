// The chat for other pages: <chatward-chat>. It talks to the gateway that its script came from, and to nobody else.
//
//   <script src="https://chat.example.org/widget.js" async data-launcher></script>     a button in the corner
//   <chatward-chat></chatward-chat>                                                    or a chat where this stands
//
// Attributes: `launcher` (a button that opens it), `title`, `disclosure`, `name` (tells several on one page apart),
// `theme` ("light" or "dark", in place of what the person prefers), `forgets` (nothing is kept for a reload), `gateway`.
// Property `authorization`: a function, for pages whose people are signed in: it gives the value of the header of that
// name, and no visitor's session is begun. Events, which bubble: "chatward-sent", "chatward-answered", "chatward-failed",
// without anything that was said.
// `frame`: the chat stands in a sandboxed frame of the gateway's, where the page's scripts cannot read it.
//
// The page around it is somebody else's: no style leaks in or out, no markup is made from strings, no cookie is sent, and
// nothing needs 'unsafe-inline'. What is kept for a reload, in this tab, is the conversation (sessionStorage). Who asks
// stands in visitor.js.

const HERE = document.currentScript?.src ?? "";
const KEPT = 200_000; // characters of a conversation that are kept for a reload

// --- the element -----------------------------------------------------------------------------------------

const { make } = ChatwardTalk;

const WORDS = {
  hint: "Enter sends, Shift + Enter starts a new line.", label: "Your message", send: "Send", stop: "Stop",
  again: "New conversation", close: "Close", you: "You", ai: "AI", stopped: "You stopped this answer.",
  fresh: "A new conversation.", latest: "Latest answer", conversation: "Conversation",
  insecure: "This chat works on secure pages (https) only.",
  unavailable: "The chat cannot be reached now. Please try again later.",
  notHere: "This chat is not set up for this page.",
  data: "Your data",
  noProof: "This needs a person who is signed in, so it was not done. A visitor of this page cannot prove who they are.",
};

const FRAMED = ["theme", "title", "disclosure", "name"]; // attributes that a frame is told
const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox";

const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);

class ChatwardChat extends HTMLElement {
  authorization = null;
  #root = "";
  #visitor = null;
  #parts = {};
  #exchanges = [];
  #model = "";
  #running = null;
  #session = null;
  #announcer;
  #watch = null;
  #basket = null;
  #built = false;

  connectedCallback() {
    if (this.#built) return;
    this.#built = true;
    const given = this.getAttribute("gateway") ?? HERE;
    this.#root = new URL(".", new URL(given, location.href)).href;
    if (this.hasAttribute("frame")) {
      this.#enframe();
      return;
    }
    this.#build();
    const kept = this.#read();
    this.#session = kept.visitor ?? null;
    this.#visitor = window.isSecureContext ? new Visitor(this.#root, kept.visitor, (session) => {
      this.#session = session;
      this.#save();
    }) : null;
    this.#exchanges = kept.exchanges ?? [];
    for (const exchange of this.#exchanges) this.#restore(exchange);
    if (kept.open && this.hasAttribute("launcher")) this.#toggle(true, false);
  }

  disconnectedCallback() {
    this.#running?.abort();
  }

  // --- in a frame

  #enframe() {
    const title = this.getAttribute("title") || SETTINGS.title, launcher = this.hasAttribute("launcher");
    const given = new URLSearchParams(FRAMED.map((name) => [name, this.getAttribute(name) ?? ""]).filter(([, value]) => value));
    this.removeAttribute("title");
    const panel = make("iframe", {
      id: "panel", title, sandbox: SANDBOX, referrerpolicy: "no-referrer", src: `${this.#root}${SETTINGS.frame}#${given}`,
    });
    const open = make("button", { type: "button", id: "open", "aria-expanded": String(!launcher), "aria-controls": "panel" }, title);
    open.hidden = !launcher;
    panel.hidden = launcher;
    open.addEventListener("click", () => {
      panel.hidden = !panel.hidden;
      open.setAttribute("aria-expanded", String(!panel.hidden));
      if (!panel.hidden) panel.focus();
    });
    const shadow = this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(make("section", { id: "box", "aria-label": title }, panel, open));
  }

  // --- what is kept for a reload

  get #place() {
    return `${PREFIX}:${this.#root}:${this.getAttribute("name") ?? ""}`;
  }

  #read() {
    if (this.hasAttribute("forgets")) return {};
    try {
      return JSON.parse(sessionStorage.getItem(this.#place) ?? "{}") ?? {};
    } catch {
      return {};
    }
  }

  #save() {
    if (this.hasAttribute("forgets")) return;
    const open = this.hasAttribute("launcher") && !this.#parts.panel.hidden;
    const exchanges = this.#exchanges.map((one) => ({ ...one, files: ChatwardAttach.names(one.files) }));
    const kept = { visitor: this.#session, open, exchanges };
    try {
      while (JSON.stringify(kept.exchanges).length > KEPT) kept.exchanges = kept.exchanges.slice(1);
      sessionStorage.setItem(this.#place, JSON.stringify(kept));
    } catch {
      // A page without storage has no memory.
    }
  }

  // --- what one sees

  #build() {
    const launcher = this.hasAttribute("launcher");
    const title = this.getAttribute("title") || SETTINGS.title;
    this.removeAttribute("title"); // it would be a tooltip over everything
    const disclosure = this.getAttribute("disclosure") || SETTINGS.disclosure;
    const button = (id, text, kind) => make("button", { type: "button", id, class: kind }, text);
    const parts = this.#parts = {
      open: make("button", { type: "button", id: "open", "aria-expanded": "false", "aria-controls": "panel" }, title),
      data: button("data", WORDS.data, "quiet"),
      again: button("again", WORDS.again, "quiet"),
      close: button("close", WORDS.close, "quiet"),
      log: make("ol", { id: "log" }),
      field: make("textarea", {
        id: "message", rows: "2", maxlength: "20000", dir: "auto", "aria-describedby": "disclosure hint",
      }),
      stop: button("stop", WORDS.stop, "quiet"),
      send: make("button", { type: "submit", id: "send" }, WORDS.send),
      announcer: make("div", { class: "unseen", role: "log", "aria-live": "polite", "aria-label": WORDS.latest }),
    };
    parts.stop.hidden = true;
    parts.data.hidden = !SETTINGS.privacy;
    parts.close.hidden = parts.open.hidden = !launcher;
    const form = parts.form = make("form", { "aria-label": WORDS.label, autocomplete: "off" },
      make("label", { for: "message" }, WORDS.label), parts.field,
      make("div", { class: "row" }, make("p", { class: "hint", id: "hint" }, WORDS.hint), parts.stop, parts.send));
    parts.scroll = make("div", { id: "scroll", tabindex: "0", role: "group", "aria-label": WORDS.conversation }, parts.log);
    parts.panel = make("div", { id: "panel", part: "panel" },
      make("div", { class: "top", part: "top" }, make("p", { class: "title", id: "title" }, title), parts.data, parts.again, parts.close),
      make("p", { class: "disclosure", id: "disclosure" }, make("strong", {}, WORDS.ai), " ", disclosure),
      parts.scroll, parts.form, parts.announcer);
    parts.panel.hidden = launcher;
    this.#announcer = new ChatwardTalk.Announcer(parts.announcer);
    if (SETTINGS.attach) {
      this.#basket = new ChatwardAttach.Basket({
        form, field: parts.field, most: SETTINGS.attach, say: (text) => this.#announcer.say(text),
        used: () => this.#exchanges.flatMap((one) => one.files ?? []).reduce((sum, one) => sum + (one.url ? one.size : 0), 0),
      });
      parts.field.after(...this.#basket.elements);
      parts.stop.before(this.#basket.button);
    }
    const shadow = this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    parts.box = make("section", { id: "box", "aria-label": title }, parts.panel, parts.open);
    shadow.append(parts.box);

    if (SETTINGS.traffic) {
      this.#watch = new ChatwardTraffic.Watch(parts.field, { ask: (path) => this.#send(path, { method: "GET", headers: {} }) });
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = parts.field.value.trim();
      if (this.#running || (!text && (this.#basket?.empty ?? true))) return;
      parts.field.value = "";
      parts.field.focus();
      this.#say(text, this.#basket?.take() ?? []);
    });
    parts.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      parts.form.requestSubmit();
    });
    parts.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.target.closest("dialog")) return;
      if (this.#running) this.#running.abort();
      else if (launcher && !parts.panel.hidden) this.#toggle(false, true);
      else return;
      event.stopPropagation();
    });
    parts.stop.addEventListener("click", () => {
      this.#running?.abort();
      parts.field.focus();
    });
    parts.again.addEventListener("click", () => {
      this.#running?.abort();
      this.#exchanges = [];
      parts.log.replaceChildren();
      this.#announcer.clear();
      this.#announcer.say(WORDS.fresh);
      this.#save();
      parts.field.focus();
    });
    parts.data.addEventListener("click", () => {
      ChatwardRights.open(this.#rights).catch((error) => this.#announcer.say(this.#explain(error)));
    });
    parts.open.addEventListener("click", () => this.#toggle(parts.panel.hidden, true));
    parts.close.addEventListener("click", () => this.#toggle(false, true));
  }

  #toggle(open, focus) {
    const { panel, open: button, field } = this.#parts;
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (focus) (open ? field : button).focus();
    if (open) this.#follow(true);
    this.#save();
  }

  #turn(role, text, files = []) {
    const body = make("div", { class: "text", dir: "auto" });
    if (role === "user") body.textContent = text;
    const item = make("li", { class: role }, make("p", { class: "who" }, role === "user" ? WORDS.you : WORDS.ai), body,
      ...ChatwardPreview.files(files), ...(role === "user" ? ChatwardPreview.links(text) : []));
    this.#parts.log.append(item);
    this.#follow(true);
    return { item, body, note: null };
  }

  #note(turn, note) {
    if (!note) return;
    turn.note ??= turn.item.appendChild(document.createElement("p"));
    turn.note.className = note.stopped ? "note stopped" : "note";
    turn.note.textContent = note.text;
    this.#follow(false);
  }

  #follow(always) {
    const { scroll } = this.#parts;
    const below = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;
    if (always || below < 120) scroll.scrollTop = scroll.scrollHeight;
  }

  #restore(exchange) {
    this.#note(this.#turn("user", exchange.asked, exchange.files), exchange.hid);
    if (!exchange.said && !exchange.note) return;
    const answer = this.#turn("bot", "");
    answer.body.append(...ChatwardMarkdown.blocks(exchange.said));
    this.#note(answer, exchange.note);
    if (exchange.done) this.#finish(answer, exchange);
  }

  // --- talking

  #posting(path, body) {
    return this.#send(path, {
      method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" },
    });
  }

  #learn(turn, told) {
    turn.item.append(ChatwardLearn.tip(told, {
      tell: (path, body) => this.#posting(path, body), safety: `${this.#root}chat/safety`,
    }));
    this.#announcer.say(`${told.text} ${told.next ?? ""}`);
    this.#follow(false);
  }

  /** Below an answer that is whole: where its links lead, and a way to report it. */
  #finish(answer, exchange) {
    answer.item.append(...ChatwardPreview.links(answer.body));
    if (!exchange.request) return;
    answer.item.append(ChatwardLearn.report(exchange.request, {
      tell: (path, body) => this.#posting(path, body), say: (text) => this.#announcer.say(text),
    }));
  }

  /** What stands below v1/privacy/, asked as who is here, and where that is wanted with a proof. */
  get #rights() {
    const how = { fetch: (url, init) => this.#send(url, init), parent: this.#parts.scroll };
    return { parent: this.#parts.box, call: (method, path, body) => ChatwardStepUp.proven(how, method, `v1/privacy/${path}`, body) };
  }

  #tell(what) {
    this.dispatchEvent(new CustomEvent(`chatward-${what}`, { bubbles: true, composed: true }));
  }

  async #send(path, init) {
    const url = `${this.#root}${path}`;
    if (this.authorization === null) {
      if (this.#visitor === null) throw new Error(WORDS.insecure);
      return this.#visitor.fetch(url, init);
    }
    const authorization = await this.authorization();
    return fetch(url, { ...init, credentials: "omit", headers: { ...init.headers, ...(authorization && { authorization }) } });
  }

  async #modelOf(signal) {
    this.#model ||= SETTINGS.model || this.#visitor?.model || "";
    if (this.#model) return this.#model;
    const response = await this.#send("v1/models", { method: "GET", signal });
    if (!response.ok) throw await ChatwardTalk.failure(response);
    this.#model = (await response.json())?.data?.[0]?.id ?? "";
    return this.#model;
  }

  /** Asks for the proof that something waits for, below what was said; gives "met" or why not. */
  #prove(message, challenge, signal) {
    if (this.authorization === null && !challenge.proofs.includes("approval")) {
      return Promise.resolve("impossible");
    }
    return ChatwardStepUp.ask(challenge, {
      fetch: (url, init) => this.#send(url, init), parent: this.#parts.scroll, signal,
      detail: ChatwardTalk.purpose(challenge, message),
    });
  }

  async #ask(exchange, shown, request) {
    const { signal } = request;
    await ChatwardAttach.read(exchange.files);
    const messages = this.#exchanges.filter((one) => one.done || one === exchange).flatMap((one) => [
      { role: "user", content: ChatwardAttach.content(one.asked, one.files) }, ...(one.done ? [{ role: "assistant", content: one.said }] : []),
    ]);
    const body = JSON.stringify({ model: await this.#modelOf(signal), stream: true, messages });
    const view = new ChatwardMarkdown.View(shown.answer.body);
    try {
      await ChatwardTalk.converse({
        send: async (more) => this.#send("v1/chat/completions", {
          method: "POST", body, signal,
          headers: { "content-type": "application/json", ...(await this.#watch?.header(exchange.asked)), ...more },
        }),
        work: this.#watch === null ? undefined : (wanted) => this.#work(shown.answer, wanted, signal),
        consent: (purpose) => ChatwardRights.ask(purpose, { ...this.#rights, signal }),
        prove: (challenge, over) => this.#prove(exchange.asked, challenge, over ? AbortSignal.any([signal, over]) : signal),
        stop: () => request.abort(),
        hid: (text) => {
          if (!text) return;
          exchange.hid = { text, stopped: false };
          this.#note(shown.turn, exchange.hid);
          this.#announcer.say(text);
        },
        text: (piece) => {
          shown.answer.body.classList.remove("waiting");
          exchange.said += piece;
          view.add(piece);
          this.#announcer.stream(piece);
          this.#follow(false);
        },
        tip: (told) => this.#learn(shown.turn, told),
        from: (id) => { exchange.request = id; },
        proof: (line, text) => ChatwardBadge.show(shown.answer, line, text, {
          root: this.#root, code: async () => ChatwardVerify, say: (said) => this.#announcer.say(said),
          fetch: (path) => fetch(`${this.#root}${path}`, { credentials: "omit" }),
        }),
        notice: (text, stopped) => {
          exchange.note = { text, stopped };
          this.#note(shown.answer, exchange.note);
          this.#announcer.say(text);
        },
      });
    } finally {
      if (exchange.said) view.end();
      this.#announcer.end();
    }
  }

  async #work(answer, wanted, signal) {
    const said = ChatwardTraffic.moment(wanted, this.#root);
    answer.item.append(said);
    this.#announcer.say(said.textContent);
    const headers = { "content-type": "application/json" };
    try {
      return await ChatwardTraffic.pass(wanted, {
        post: (path, body) => this.#send(path, { method: "POST", headers, body, signal }), signal,
      });
    } finally {
      said.remove();
    }
  }

  async #say(text, files) {
    const exchange = { asked: text, files, said: "", hid: null, note: null, request: "", done: false };
    this.#exchanges.push(exchange);
    const shown = { turn: this.#turn("user", text, files), answer: this.#turn("bot", "") };
    shown.answer.body.classList.add("waiting");
    const request = this.#running = new AbortController();
    this.#working(true);
    this.#tell("sent");
    try {
      await this.#ask(exchange, shown, request);
      exchange.done = true;
      this.#finish(shown.answer, exchange);
      this.#watch?.done();
      this.#tell("answered");
    } catch (error) {
      const aborted = request.signal.aborted && !(error instanceof ChatwardTalk.Unproven);
      const note = { text: aborted ? WORDS.stopped : this.#explain(error), stopped: !aborted };
      const where = exchange.said || aborted ? "note" : "hid";
      exchange[where] = note;
      this.#note(where === "note" ? shown.answer : shown.turn, note);
      this.#announcer.say(note.text);
      if (error.tip) this.#learn(shown.turn, error.tip);
      const { field } = this.#parts;
      if (!aborted && error.code !== "content_filter" && !field.value) {
        field.value = text;
        this.#basket?.put(files);
      }
      this.#tell("failed");
    } finally {
      shown.answer.body.classList.remove("waiting");
      if (!exchange.said && !exchange.note) shown.answer.item.remove();
      this.#running = null;
      this.#working(false);
      this.#save();
    }
  }

  #explain(error) {
    if (error instanceof ChatwardTalk.Unproven && error.outcome === "impossible") return WORDS.noProof;
    if (error.message === WORDS.insecure) return error.message;
    if (error instanceof TypeError) return WORDS.unavailable; // the network, or an origin that is not listed
    if (error.code === "origin-not-allowed" || error.code === "not-authenticated") return WORDS.notHere;
    return ChatwardTalk.explain(error);
  }

  #working(on) {
    this.#parts.stop.hidden = !on;
    this.#parts.send.setAttribute("aria-disabled", String(on));
    this.#parts.log.setAttribute("aria-busy", String(on));
  }
}

if (!customElements.get("chatward-chat")) {
  customElements.define("chatward-chat", ChatwardChat);
  if (document.currentScript?.hasAttribute("data-framed")) {
    const given = new URLSearchParams(location.hash.slice(1));
    const told = FRAMED.filter((name) => given.get(name)).map((name) => [name, given.get(name)]);
    document.querySelector("main").append(make("chatward-chat", Object.fromEntries(told)));
  }
  if (document.currentScript?.hasAttribute("data-launcher")) {
    const begin = () => document.body.append(make("chatward-chat", { launcher: "" }));
    if (document.body) begin();
    else document.addEventListener("DOMContentLoaded", begin, { once: true });
  }
}
