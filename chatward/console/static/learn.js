// What people may learn while they chat: a tip about what just happened, and a way to report an answer. Shared by the
// chat page and the widget. All words of tips come from the gateway and go into the page as text.
"use strict";

const ChatwardLearn = (() => {
  const WHYS = [
    ["wrong", "It is wrong"], ["unsafe", "It is unsafe"], ["private", "It is about somebody else"],
    ["scam", "It looks like a scam"], ["not-genuine", "It does not come from this service"], ["other", "Something else"],
  ];

  function button(words, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "quiet";
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  }

  /** A tip as an element. `tell(path, body)` posts; `safety` is where the safety page is. */
  function tip(told, { tell, safety }) {
    const count = (what) => tell("v1/tips", { tip: told.id, what }).catch(() => {}); // counting never fails a chat
    const box = document.createElement("aside");
    box.className = "tip";
    box.setAttribute("aria-label", "Tip");
    const text = document.createElement("p");
    text.dir = "auto";
    const strong = document.createElement("strong");
    strong.textContent = told.text;
    text.append(strong, told.next ? ` ${told.next}` : "");
    const more = document.createElement("a");
    more.href = safety;
    more.target = "_blank";
    more.rel = "noopener";
    more.textContent = "How this chat is kept safe";
    more.addEventListener("click", () => count("followed"));
    box.append(text, more, button("Close", () => {
      box.remove();
      count("dismissed");
    }));
    count("shown");
    return box;
  }

  /** A way to report the answer of the request `id`; `say(sentence)` reads out what came of it. */
  function report(id, { tell, say }) {
    const box = document.createElement("details");
    box.className = "report";
    const head = document.createElement("summary");
    head.textContent = "Report this answer";
    const list = document.createElement("div");
    const done = (sentence) => {
      const said = document.createElement("p");
      said.className = "note";
      said.textContent = sentence;
      box.replaceWith(said);
      say(sentence);
    };
    for (const [why, words] of WHYS) {
      list.append(button(words, () => tell("v1/reports", { request: id, why }).then(
        (response) => done(response.ok ? "Thank you. Your report was received." : "The report did not get through."),
        () => done("The report did not get through."),
      )));
    }
    box.append(head, list);
    return box;
  }

  /** What can be done about a drill: `settled(act)` is given what settles it from elsewhere, `tell(did)` gives the
   *  lesson. */
  function drill(due, { settled, tell }) {
    const box = document.createElement("div");
    box.className = "report drill";
    let over = false;
    const act = async (did) => {
      if (over) return;
      over = true;
      const lesson = await tell(did).catch(() => null);
      const said = document.createElement("p");
      said.className = did === "followed" ? "note stopped" : "note";
      said.dir = "auto";
      said.textContent = lesson === null ? "This was a drill." : `${lesson.told} ${lesson.lesson}`;
      box.replaceChildren(said);
    };
    box.append(button(due.link, () => act("followed")), button("Report this message", () => act("reported")));
    settled(act);
    return box;
  }

  return { drill, report, tip };
})();
