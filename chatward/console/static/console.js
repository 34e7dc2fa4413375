// The console's script: what htmx may do here, the palette, the live feed, choosing all rows. It makes elements and sets
// their text.
"use strict";

// htmx reads pages of this server as markup. No other string becomes markup: `require-trusted-types-for 'script'` holds.
const PARSERS = ["DOMParser parseFromString", "Document parseHTMLUnsafe"];
globalThis.trustedTypes?.createPolicy("default", { createHTML: (text, _, sink) => (PARSERS.includes(sink) ? text : null) });

const make = (name, text, kind) => {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};

// --- tables: htmx puts the one that was asked for in place of the one before

addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event;
  const page = detail.xhr.getResponseHeader("content-type")?.startsWith("text/html");
  if (!page || new URL(detail.xhr.responseURL).pathname === "/login") {
    Object.assign(detail, { shouldSwap: false, isError: false });
    location.reload(); // signing in, or what stands in the way of it, is a page of its own
  } else if (detail.xhr.status >= 400) {
    Object.assign(detail, { shouldSwap: true, isError: false, selectOverride: "main", swapOverride: "outerHTML" });
    detail.target = document.querySelector("main");
  }
});
addEventListener("htmx:afterSettle", (event) => {
  const told = document.getElementById(event.detail.target.id)?.dataset.told;
  if (told) document.getElementById("told").textContent = told;
});

// --- the palette: pages, rules, callers, messages by a few letters

const find = document.querySelector(".find");
if (find) {
  const dialog = document.getElementById("palette");
  const input = dialog.querySelector("input");
  const list = document.getElementById("palette-list");
  dialog.querySelector("button").addEventListener("click", () => dialog.close());

  let at = 0;
  const choose = (place) => {
    const all = [...list.children];
    input.removeAttribute("aria-activedescendant");
    if (!all.length) return;
    at = (place + all.length) % all.length;
    all.forEach((one, number) => one.setAttribute("aria-selected", String(number === at)));
    input.setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  };
  const open = (event) => {
    event.preventDefault();
    input.value = "";
    dialog.showModal();
    htmx.trigger(input, "look");
  };
  list.addEventListener("htmx:afterSwap", () => choose(0));
  list.addEventListener("click", (event) => {
    const item = event.target.closest("[data-address]");
    if (item) location.assign(item.dataset.address);
  });
  find.addEventListener("click", open);
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") open(event);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && list.children[at]) {
      event.preventDefault();
      location.assign(list.children[at].dataset.address);
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

// --- the live feed: batches wait for the next frame, and the table keeps its newest rows

const table = document.getElementById("live");
if (table) {
  const KEPT = 200;
  const body = table.tBodies[0];
  const words = JSON.parse(table.dataset.words);
  const state = document.getElementById("live-state");
  const rate = document.getElementById("live-rate");
  const left = document.getElementById("live-left");
  const pause = document.getElementById("live-pause");
  const form = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: table.dataset.zone };
  const clock = new Intl.DateTimeFormat("en-GB", form);
  let waiting = [];
  let paused = false;
  let asked = false;
  let counted = 0;
  let missed = 0;

  const linked = (href, text, code) => {
    const link = make("a", code ? "" : text);
    link.href = href;
    if (code) link.append(make("code", text));
    return link;
  };
  const cell = (...content) => {
    const made = make("td");
    made.append(...content);
    return made;
  };
  const row = ([at, exchange, side, action, would, rule, route, bot, principal]) => {
    const made = make("tr");
    const when = make("time", clock.format(at));
    when.dateTime = new Date(at).toISOString();
    let first = when;
    if (exchange) {
      first = linked("/messages/" + encodeURIComponent(exchange), "");
      first.append(when);
    }
    const tag = make("span", words[action] || action, "tag " + action);
    const also = would ? [" ", make("span", words.would + " " + (words[would] || would), "soft")] : [];
    made.append(
      cell(first), cell(words["side_" + side.replaceAll(" ", "_")] || side), cell(tag, ...also),
      cell(rule ? make("code", rule) : ""), cell(route), cell(bot), cell(principal ? make("code", principal) : ""),
    );
    return made;
  };
  const draw = () => {
    asked = false;
    if (paused) return;
    const some = waiting.slice(-KEPT).reverse();
    waiting = [];
    const fragment = document.createDocumentFragment();
    fragment.append(...some.map(row));
    body.prepend(fragment);
    while (body.rows.length > KEPT) body.deleteRow(-1);
  };
  const schedule = () => {
    if (!asked) {
      asked = true;
      requestAnimationFrame(draw);
    }
  };
  let reached = table.dataset.from;
  const connect = () => {
    const query = new URLSearchParams(table.dataset.query);
    query.set("from", reached);
    const source = new EventSource("/live/feed?" + query);
    source.addEventListener("open", () => { state.textContent = table.dataset.on; });
    source.addEventListener("error", () => {
      state.textContent = table.dataset.off;
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
    });
    source.addEventListener("message", (event) => {
      const said = JSON.parse(event.data);
      reached = event.lastEventId || reached;
      counted += said.rows.length + said.left;
      if (said.left) {
        missed += said.left;
        left.hidden = false;
        left.firstElementChild.textContent = missed.toLocaleString();
      }
      waiting.push(...said.rows);
      if (waiting.length > KEPT) waiting = waiting.slice(-KEPT);
      schedule();
    });
    addEventListener("pagehide", () => source.close(), { once: true });
  };
  connect();
  let before = performance.now();
  setInterval(() => {
    const now = performance.now();
    rate.textContent = Math.round(counted / ((now - before) / 1000)).toLocaleString();
    counted = 0;
    before = now;
  }, 2000);
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? pause.dataset.go : pause.dataset.pause;
    schedule();
  });
}

// --- choosing all rows of a form

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-all]")) return;
  document.querySelectorAll(`input[type="checkbox"][name^="${target.dataset.all}"]`).forEach((one) => { one.checked = target.checked; });
});

// --- the editor of the policy: what the setting at the cursor is, and the line of a problem

const about = document.getElementById("setting");
if (about) {
  const area = document.getElementById("text");
  let last = null;
  let timer = 0;
  const at = () => {
    const before = area.value.slice(0, area.selectionStart);
    const start = before.lastIndexOf("\n") + 1;
    const line = area.value.slice(start).split("\n", 1)[0];
    const opened = [...(before.slice(0, start) + line).matchAll(/^\s*\[+([^\]]*)\]/gm)].at(-1);
    const key = /^\s*([\w-]+|"[^"]*")(?:\s*\.\s*(?:[\w-]+|"[^"]*"))*(?=\s*=)/.exec(line);
    return new URLSearchParams({ section: opened ? opened[1].trim() : "", key: key ? key[0].trim() : "" }).toString();
  };
  const tell = async () => {
    const query = at();
    if (query === last) return;
    last = query;
    const answer = await fetch("/api/v1/policy/setting?" + query).catch(() => null);
    if (query !== last || !answer) return;
    if (!answer.ok) {
      about.replaceChildren(make("p", about.dataset.none, "soft"));
      return;
    }
    const found = await answer.json();
    const shown = [make("h3", [found.place, found.key].filter(Boolean).join(".") || "chatward.toml"), make("p", found.meaning)];
    if (found.kind) shown.push(make("p", found.kind, "soft"));
    if (found.default) shown.push(make("p", about.dataset.default + " " + found.default, "soft"));
    if (found.keys.length) shown.push(make("p", about.dataset.keys + " " + found.keys.join(", "), "soft"));
    about.replaceChildren(...shown);
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(tell, 150);
  };
  for (const name of ["keyup", "click", "focus"]) area.addEventListener(name, soon);
  for (const link of document.querySelectorAll("[data-line]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const lines = area.value.split("\n");
      const number = Number(link.dataset.line) - 1;
      const from = lines.slice(0, number).reduce((sum, one) => sum + one.length + 1, 0);
      area.focus();
      area.setSelectionRange(from, from + (lines[number] || "").length);
      soon();
    });
  }
}
