// Consent and the other rights of people, in place: a dialog when a message waits for consent, and what they have decided
// about their data, with the ways to change it. Shared by the chat page, the page of one's data and the widget.
//
// `call(method, path, body)` asks the gateway for what stands below v1/privacy/, gives the answer's object and raises an
// error with a sentence. What servers say goes into the page as text.
"use strict";

const ChatwardRights = (() => {
  const words = (text) => text.replaceAll("-", " ");
  const REFUSED = {
    "consent-required": "not allowed: you have not consented",
    "processing-objected": "stopped: you objected",
    "processing-restricted": "stopped: you asked for it",
    "opted-out": "not done: you opted out",
    "minor-refused": "not offered to you",
  };
  const KINDS = {
    access: "A copy of what is stored about me", portability: "A copy for another service",
    rectification: "That something is put right", erasure: "That it is erased",
    restriction: "That it is only kept", objection: "That something is no longer done",
  };

  /** What the notice says of one purpose. */
  function told(name, purpose) {
    const said = [purpose.summary || words(name)];
    if (purpose.lawful_basis) said.push(`Ground: ${words(purpose.lawful_basis)}${purpose.interest ? ` (${purpose.interest})` : ""}.`);
    if (purpose.special_categories.length) said.push(`About: ${purpose.special_categories.map(words).join(", ")}.`);
    if (purpose.retention_days) said.push(`Kept for ${purpose.retention_days} days.`);
    if (purpose.recipients.length) said.push(`Goes to ${purpose.recipients.join(", ")}.`);
    if (purpose.human) said.push(`A person decides anew: ${purpose.human}`);
    return said.join(" ");
  }

  function responsible(notice) {
    const who = [notice.controller, notice.contact, notice.officer].filter(Boolean).join(", ");
    return who ? `Responsible: ${who}.` : "";
  }

  const consents = (name, purpose, notice) => ({ purpose: name, notice: notice.version, explicit: purpose.explicit });

  function button(text, label, act) {
    const made = ChatwardTalk.make("button", { type: "button", class: "quiet", "aria-label": label }, text);
    made.addEventListener("click", act);
    return made;
  }

  function dialog(parent, title, ...inside) {
    const { make } = ChatwardTalk, before = parent.getRootNode().activeElement;
    const made = make("dialog", { class: "step-up", "aria-labelledby": "rights-title" },
      make("h2", { id: "rights-title" }, title), ...inside);
    made.addEventListener("close", () => {
      made.remove();
      if (before?.isConnected) before.focus();
    });
    parent.append(made);
    made.showModal();
    return made;
  }

  /** Asks for the consent that a message waits for (`purpose`: its name); gives whether it was given. */
  async function ask(purpose, { call, parent, signal }) {
    const notice = await call("GET", "notice"), asked = notice.purposes[purpose];
    if (!asked) return false;
    const { make } = ChatwardTalk;
    const said = make("p", { class: "step-up-said", role: "status" });
    return new Promise((resolve) => {
      let given = false;
      const yes = make("button", { type: "button" }, asked.explicit ? "I expressly consent" : "I consent");
      const shown = dialog(parent, "Your message waits for your consent",
        make("p", { class: "step-up-detail" }, told(purpose, asked)),
        ...[responsible(notice), notice.text].filter(Boolean).map((text) => make("p", {}, text)),
        make("p", { class: "hint" }, "You can withdraw it at any time, under Your data."),
        said, yes, make("div", { class: "row" }, button("Not now", "Not now", () => shown.close())));
      yes.addEventListener("click", () => call("POST", "consents", consents(purpose, asked, notice)).then(() => {
        given = true;
        shown.close();
      }, (error) => { said.textContent = error.message || "That did not get through. Please try again."; }));
      const leave = () => shown.close();
      signal?.addEventListener("abort", leave);
      shown.addEventListener("close", () => {
        signal?.removeEventListener("abort", leave);
        resolve(given);
      });
      yes.focus();
    });
  }

  /** One's choices and requests, as an element that fills itself by `show()`. `act(what)` does something that changes
   *  them, and shows again. */
  function panel(notice, call, act) {
    const { make } = ChatwardTalk;
    const mine = make("ul", { id: "mine" }), gpc = make("p", { class: "hint" }), asked = make("ul", { id: "asked" });
    const all = button("", "", () => act(() => call("POST", "choices", { choice: all.dataset.choice })));
    all.removeAttribute("aria-label");
    const kind = make("select", { id: "kind" }, ...Object.entries(KINDS).map(([value, text]) => make("option", { value }, text)));
    const form = make("form", {}, make("label", { for: "kind" }, "What do you ask for?"), kind,
      make("div", { class: "row" }, make("button", { type: "submit" }, "Ask")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act(() => call("POST", "requests", { kind: kind.value }));
    });

    function offers(name, purpose, own, standing) {
      const title = purpose.summary || words(name);
      const offer = (text, what, label = text) => button(text, `${label}: ${title}`, () => act(what));
      const choose = (choice) => () => call("POST", "choices", { choice, purpose: name });
      if (purpose.lawful_basis === "consent") {
        return own.consented === notice.version
          ? offer("Withdraw", () => call("DELETE", `consents/${name}`), "Withdraw consent")
          : offer(purpose.explicit ? "I expressly consent" : "Consent",
            () => call("POST", "consents", consents(name, purpose, notice)));
      }
      if (purpose.use !== "service") {
        return standing.opted_out.includes(name) ? offer("Opt in", choose("opt-in")) : offer("Opt out", choose("opt-out"));
      }
      if ([null, "public-task", "legitimate-interests"].includes(purpose.lawful_basis)) {
        return standing.objected.includes(name)
          ? offer("Object no more", choose("object-no-more")) : offer("Object", choose("object"));
      }
      return "";
    }

    async function show() {
      const standing = await call("GET", "consents");
      const at = Array.from(mine.querySelectorAll("button")).indexOf(mine.getRootNode().activeElement);
      mine.replaceChildren(...Object.entries(standing.purposes).map(([name, own]) => {
        const purpose = notice.purposes[name];
        const state = own.permitted ? "allowed" : REFUSED[own.reason] ?? "not allowed";
        return make("li", {}, make("span", {}, `${purpose.summary || words(name)} Now: ${state}.`),
          offers(name, purpose, own, standing));
      }));
      mine.querySelectorAll("button")[at]?.focus();
      const stopped = standing.restricted.includes("*");
      all.textContent = stopped ? "Allow processing again" : "Stop all processing";
      all.dataset.choice = stopped ? "restrict-no-more" : "restrict";
      gpc.textContent = standing.gpc.seen ? "Your browser sends Global Privacy Control: opt-out honoured." : "";
      const { requests } = await call("GET", "requests");
      const unknown = `, once it is known who asks. Tell ${notice.contact || notice.controller || "who runs this chat"} who you are`;
      asked.replaceChildren(...requests.map((one) => make("li", {},
        `${words(one.kind)}, asked on ${one.received}, ${one.state === "closed" ? "answered" : `answered by ${one.due}`}${
          one.state === "received" ? unknown : ""}`)));
    }

    const element = make("div", { class: "own" },
      make("section", {}, make("h2", {}, "Your choices"), mine, gpc, make("div", { class: "row" }, all)),
      make("section", {}, make("h2", {}, "Your requests"), asked, form));
    return { element, show };
  }

  /** Opens all of it as a dialog. */
  async function open({ call, parent }) {
    const notice = await call("GET", "notice"), { make } = ChatwardTalk;
    const said = make("p", { class: "note", role: "status" });
    said.hidden = true;
    const say = (text, stopped) => {
      said.className = stopped ? "note stopped" : "note";
      said.textContent = text;
      said.hidden = false;
    };
    const failed = (error) => say(error.message || "Nothing was changed. You can try again.", true);
    const act = (what) => what().then(held.show).then(() => say("Done. This is how it stands now."), failed);
    const held = panel(notice, call, act);
    await held.show();
    const shown = dialog(parent, "Your data", ...[responsible(notice), notice.text].filter(Boolean).map((text) => make("p", {}, text)),
      said, held.element, make("div", { class: "row" }, button("Close", "Close", () => shown.close())));
  }

  return { ask, open, panel, responsible, told };
})();
