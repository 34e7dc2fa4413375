// The page of lessons: the quiz, and whether one takes part in drills. It talks to the gateway it came from, and to nobody
// else. What servers say goes into the page as text.
"use strict";

const part = (id) => document.getElementById(id);
const { make } = ChatwardTalk;
let words;

// The words of the language that is asked for, put where the page has them in English.
async function speak() {
  const there = await (await fetch("lessons.json")).json();
  const asked = [document.body.dataset.language, ...navigator.languages].map((one) => one.split("-")[0]);
  const language = asked.find((one) => Object.hasOwn(there, one)) || "en";
  words = there[language];
  document.documentElement.lang = language;
  document.title = words.title;
  for (const one of document.querySelectorAll("[data-word]")) one.textContent = words[one.dataset.word];
}

async function call(path, body) {
  const headers = body ? { "content-type": "application/json" } : {};
  if (part("key").value) headers.authorization = `Bearer ${part("key").value}`;
  const response = await fetch(`../v1/${path}`, {
    method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), credentials: "same-origin", cache: "no-store",
  });
  if (!response.ok) throw await ChatwardTalk.failure(response);
  return response.json();
}

function say(sentence, stopped = false) {
  part("said").textContent = sentence;
  part("said").className = stopped ? "note stopped" : "note";
  part("said").hidden = !sentence;
}

function failed(error) {
  part("who").hidden = ![401, 403].includes(error.status);
  say(error.message || words.failed, true);
}

function question({ id, happened, case: told, answers }, at) {
  const set = make("fieldset", { id: `question-${id}` }, make("legend", {}, `${at + 1}. ${told}`), make("p", { class: "hint" }, happened));
  answers.forEach((answer, number) => set.append(make("label", {},
    make("input", { type: "radio", name: id, value: String(number), required: "" }), ` ${answer}`)));
  return set;
}

async function showQuiz() {
  const { language, questions } = await call("quiz");
  part("sheet").lang = language;
  part("sheet").replaceChildren(...questions.map(question),
    make("div", { class: "row" }, make("button", { type: "submit" }, words.mark)));
  part("quiz").hidden = false;
}

async function mark() {
  const given = Array.from(new FormData(part("sheet")), ([id, number]) => [id, Number(number)]);
  const { right, of, results } = await call("quiz", { answers: Object.fromEntries(given) });
  for (const one of results) {
    const set = part(`question-${one.id}`), choices = set.querySelectorAll("label");
    set.querySelector(".note")?.remove();
    const best = one.right ? "" : ` ${words.better} ${choices[one.answer].textContent.trim()}`;
    set.append(make("p", { class: one.right ? "note" : "note stopped" }, `${one.right ? words.right : words.wrong}${best} ${one.why}`));
  }
  say(words.result.replace("{right}", right).replace("{of}", of));
}

async function showDrills(opted) {
  const { opted_in: on } = await call("drills", opted);
  part("state").textContent = on ? words.in : words.out;
  part("opt").textContent = on ? words.leave : words.join;
  part("opt").dataset.wish = String(!on);
  part("drills").hidden = false;
}

async function show() {
  part("who").hidden = true;
  say("");
  if (document.body.dataset.quiz) await showQuiz();
  if (document.body.dataset.drills) await showDrills();
}

part("known").addEventListener("submit", (event) => {
  event.preventDefault();
  show().catch(failed);
});
part("sheet").addEventListener("submit", (event) => {
  event.preventDefault();
  mark().catch(failed);
});
part("opt").addEventListener("click", () => showDrills({ opt_in: part("opt").dataset.wish === "true" }).catch(failed));
speak().then(show).catch(failed);
