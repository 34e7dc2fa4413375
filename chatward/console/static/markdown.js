// Markdown to nodes. What bots write is somebody's text: every piece of it becomes a text node, and what stands around it
// are elements from the short list here. There is no way from text to markup.
//
// * Links lead to http, https and mailto addresses alone, and say behind their text where they really lead, unless the
//   text begins with just that. They open elsewhere, and tell nobody where from.
// * Images are not loaded: an image's address can carry a conversation out. They are links.
// * HTML is text.
// * The work is linear in the length of the text, whatever it holds; nesting ends after a few levels.
"use strict";

const ChatwardMarkdown = (() => {
  const DEPTH = 5;
  const MOST_LINK = 2000;
  const PUNCTUATION = /[!-/:-@[-`{-~]/;
  const WORD = /[\p{L}\p{N}_]/u;
  const BARE = /https?:\/\/[^\s<>"'`\\]{1,2000}/y;
  const ANGLE = /<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/y;
  const TARGET = /^\(\s*(?:<([^<>\n]*)>|((?:[^\s()<>]|\([^\s()<>]*\))+))(?:\s+"[^"\n]*"|\s+'[^'\n]*')?\s*\)/;
  const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
  const HEADING = /^ {0,3}#{1,6}\s+(.*)$/;
  const QUOTE = /^ {0,3}> ?/;
  const ITEM = /^( {0,12})([-*+]|(\d{1,9})[.)])\s+(?=\S)/;
  const DIVIDER = /^\|?(?::?-+:?\|)*:?-+:?\|?$/;

  function make(tag, ...children) {
    const made = document.createElement(tag);
    made.append(...children);
    return made;
  }

  // --- links -------------------------------------------------------------------------------------------

  function address(text) {
    try {
      const url = new URL(text);
      return ["http:", "https:", "mailto:"].includes(url.protocol) ? url : null;
    } catch {
      return null;
    }
  }

  function says(text, url) {
    const origin = url.protocol === "mailto:" ? url.href : url.origin;
    const plain = text.trim().toLowerCase();
    return plain === origin || plain === url.hostname || ["/", "?", "#"].some((end) => plain.startsWith(origin + end)) ||
      (url.protocol === "mailto:" && plain === url.pathname);
  }

  function link(children, text, url) {
    const made = make("a", make("bdi", ...children));
    made.href = url.href;
    made.target = "_blank";
    made.rel = "noopener noreferrer nofollow ugc";
    if (!says(text, url)) {
      const where = make("bdi", url.protocol === "mailto:" ? url.pathname : url.hostname);
      const host = make("span", " (", where, ")");
      host.className = "host";
      made.append(host);
    }
    return made;
  }

  // --- inside a line -----------------------------------------------------------------------------------

  function inline(text, depth = 0) {
    const out = [], missing = new Set();
    let plain = "", brackets = -2; // where the next "](" is; -1: nowhere
    const flush = () => {
      if (plain) out.push(plain);
      plain = "";
    };

    /** Where `mark` ends what began before `from`, or -1. What is not there once, is not there later. */
    const closing = (mark, from) => {
      if (missing.has(mark)) return -1;
      for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1)) {
        if (mark.length === 1 && text[at + 1] === mark) {
          at += 1; // one of two does not end one
          continue;
        }
        const word = mark[0] === "_" && WORD.test(text[at + mark.length] ?? "");
        if (/\s/.test(text[at - 1]) || at <= from || word) continue;
        return mark.length === 2 && text[at + 2] === mark[0] ? at + 1 : at; // of three the first ends what is inside
      }
      missing.add(mark);
      return -1;
    };

    let at = 0;
    while (at < text.length) {
      const character = text[at];
      if (character === "\\" && PUNCTUATION.test(text[at + 1] ?? "")) {
        plain += text[at + 1];
        at += 2;
        continue;
      }
      if (character === "\n") {
        flush();
        out.push(make("br"));
        at += 1;
        continue;
      }
      if (character === "`") {
        let run = 1;
        while (text[at + run] === "`") run += 1;
        const mark = "`".repeat(run), end = run > 9 || missing.has(mark) ? -1 : text.indexOf(mark, at + run);
        if (end < 0) missing.add(mark);
        if (end >= 0) {
          flush();
          out.push(make("code", text.slice(at + run, end).replace(/\n/g, " ")));
          at = end + run;
        } else {
          plain += mark;
          at += run;
        }
        continue;
      }
      if ((character === "*" || character === "_" || character === "~") && depth < DEPTH) {
        const double = text[at + 1] === character;
        const mark = double ? character + character : character;
        const inside = at + mark.length;
        const within = character === "_" && WORD.test(text[at - 1] ?? "");
        const opens = !/\s/.test(text[inside] ?? " ") && !within && (double || character !== "~");
        const end = opens ? closing(mark, inside) : -1;
        if (end > inside) {
          flush();
          const tag = character === "~" ? "del" : double ? "strong" : "em";
          out.push(make(tag, ...inline(text.slice(inside, end), depth + 1)));
          at = end + mark.length;
        } else {
          plain += mark;
          at = inside;
        }
        continue;
      }
      if (character === "[") {
        if (brackets !== -1 && brackets < at) brackets = text.indexOf("](", at);
        const next = text.indexOf("[", at + 1);
        const near = brackets > at && brackets - at < MOST_LINK && (next < 0 || next > brackets);
        const found = near ? TARGET.exec(text.slice(brackets + 1, brackets + MOST_LINK + 100)) : null;
        if (found) {
          const image = plain.endsWith("!");
          if (image) plain = plain.slice(0, -1);
          flush();
          const said = text.slice(at + 1, brackets), url = address(found[1] ?? found[2]);
          const children = image ? [said || "image"] : inline(said, DEPTH + 1); // no links within
          if (url === null) out.push(...children);
          else out.push(link(image ? ["Image: ", ...children] : children, said, url));
          at = brackets + 1 + found[0].length;
          continue;
        }
      }
      if (character === "<" && depth <= DEPTH) {
        ANGLE.lastIndex = at;
        const found = ANGLE.exec(text), url = found && address(found[1]);
        if (url) {
          flush();
          out.push(link([found[1]], found[1], url));
          at += found[0].length;
          continue;
        }
      }
      if (character === "h" && !WORD.test(text[at - 1] ?? "") && depth <= DEPTH) {
        BARE.lastIndex = at;
        const found = BARE.exec(text);
        const said = found && trimmed(found[0]), url = said && address(said);
        if (url) {
          flush();
          out.push(link([said], said, url));
          at += said.length;
          continue;
        }
      }
      plain += character;
      at += 1;
    }
    flush();
    return out;
  }

  /** A bare address without what ends the sentence around it. */
  function trimmed(text) {
    let end = text.length;
    while (end > 0 && /[.,;:!?*_~)\]}'"]/.test(text[end - 1])) {
      if (text[end - 1] === ")" && text.slice(0, end).includes("(")) break;
      end -= 1;
    }
    return text.slice(0, end);
  }

  // --- blocks ------------------------------------------------------------------------------------------

  function opens(line, next) {
    return FENCE.test(line) || HEADING.test(line) || isRule(line) || QUOTE.test(line) || ITEM.test(line) ||
      isTable(line, next);
  }

  function closes(line, fence) {
    const text = line.trim();
    return text.startsWith(fence) && text.replaceAll(fence[0], "") === "";
  }

  function isRule(line) {
    const text = line.replace(/[ \t]/g, "");
    return text.length >= 3 && "*-_".includes(text[0]) && text.replaceAll(text[0], "") === "";
  }

  function isTable(line, next) {
    return line.length < MOST_LINK && line.includes("|") && (next ?? "").length < MOST_LINK &&
      (next ?? "").includes("-") && DIVIDER.test((next ?? "").replace(/\s+/g, ""));
  }

  function cells(line) {
    const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
    return inner.split("|").map((cell) => cell.trim());
  }

  function blocks(text, depth = 0) {
    const lines = text.split("\n"), out = [];
    if (depth > DEPTH) return [make("p", ...inline(text, DEPTH))];
    for (let at = 0; at < lines.length;) {
      const line = lines[at];
      let found;
      if (!line.trim()) {
        at += 1;
      } else if ((found = FENCE.exec(line))) {
        const begin = at + 1, mark = found[1];
        for (at = begin; at < lines.length && !closes(lines[at], mark);) at += 1;
        const code = make("pre", make("code", lines.slice(begin, at).join("\n")));
        code.tabIndex = 0; // it scrolls
        out.push(code);
        at += 1;
      } else if ((found = HEADING.exec(line))) {
        let end = found[1].trimEnd().length;
        while (found[1][end - 1] === "#") end -= 1;
        const heading = make("p", make("strong", ...inline(found[1].slice(0, end).trim())));
        heading.className = "heading";
        out.push(heading);
        at += 1;
      } else if (isRule(line)) {
        out.push(make("hr"));
        at += 1;
      } else if (QUOTE.test(line)) {
        const inside = [];
        for (; at < lines.length && QUOTE.test(lines[at]); at += 1) inside.push(lines[at].replace(QUOTE, ""));
        out.push(make("blockquote", ...blocks(inside.join("\n"), depth + 1)));
      } else if ((found = ITEM.exec(line))) {
        const begin = at;
        for (at += 1; at < lines.length && continues(lines, at, found[3] !== undefined, found[1].length);) at += 1;
        out.push(list(lines.slice(begin, at), found, depth));
      } else if (isTable(line, lines[at + 1])) {
        const begin = at;
        for (at += 2; at < lines.length && lines[at].includes("|");) at += 1;
        out.push(table(lines.slice(begin, at)));
      } else {
        const begin = at;
        for (at += 1; at < lines.length && lines[at].trim() && !opens(lines[at], lines[at + 1]);) at += 1;
        out.push(make("p", ...inline(lines.slice(begin, at).map((one) => one.trim()).join("\n"))));
      }
    }
    return out;
  }

  /** Whether a line belongs to the list before it: another item of its kind, or indented, or a blank line before such. */
  function continues(lines, at, ordered, margin) {
    const line = lines[at].trim() ? lines[at] : (lines[at + 1] ?? "");
    const item = ITEM.exec(line);
    if (item && item[1].length <= margin) return item[1].length === margin && (item[3] !== undefined) === ordered;
    if (lines[at].trim()) return item !== null || /^\s/.test(line) || !opens(line, "");
    return /^\s/.test(line);
  }

  function list(lines, first, depth) {
    const made = make(first[3] === undefined ? "ul" : "ol"), margin = first[1].length;
    if (first[3] !== undefined && first[3] !== "1") made.setAttribute("start", String(Number(first[3])));
    let inside = [], indent = 0;
    const end = () => {
      if (inside.length === 0) return;
      const children = blocks(inside.join("\n"), depth + 1);
      const [only] = children;
      made.append(make("li", ...(only?.tagName === "P" ? [...only.childNodes, ...children.slice(1)] : children)));
      inside = [];
    };
    for (const line of lines) {
      const item = ITEM.exec(line);
      if (item && item[1].length === margin) {
        end();
        indent = item[0].length;
        inside.push(line.slice(indent));
      } else {
        const blank = /^ */.exec(line)[0].length;
        inside.push(line.slice(Math.min(blank, indent)));
      }
    }
    end();
    return made;
  }

  function table(lines) {
    const row = (line, tag) => make("tr", ...cells(line).map((cell) => {
      const made = make(tag, ...inline(cell));
      if (tag === "th") made.scope = "col";
      return made;
    }));
    const body = lines.slice(2).map((line) => row(line, "td"));
    const made = make("div", make("table", make("thead", row(lines[0], "th")), make("tbody", ...body)));
    made.className = "table";
    made.tabIndex = 0;
    return made;
  }

  // --- what streams in ---------------------------------------------------------------------------------

  /** Shows a text that grows. What ended with a blank line is not looked at again, so a long answer stays quick. */
  class View {
    #target;
    #text = "";
    #done = 0;
    #fixed = 0;
    #frame = 0;
    #took = 0; // milliseconds of the last look
    #over = false;

    constructor(target) {
      this.#target = target;
    }

    add(piece) {
      this.#text += piece;
      // Where looking takes long, most of the time is left to the person.
      this.#frame ||= this.#took > 8 ? setTimeout(() => this.#show(), 5 * this.#took) : requestAnimationFrame(() => this.#show());
    }

    /** The whole text, once no more comes. */
    end() {
      this.#over = true;
      this.#target.replaceChildren(...blocks(this.#text));
    }

    #show() {
      this.#frame = 0;
      if (this.#over) return;
      const began = performance.now();
      const boundary = this.#boundary();
      const settled = blocks(this.#text.slice(this.#done, boundary));
      while (this.#target.childNodes.length > this.#fixed) this.#target.lastChild.remove();
      this.#target.append(...settled, ...blocks(this.#text.slice(boundary)));
      this.#fixed += settled.length;
      this.#done = boundary;
      this.#took = performance.now() - began;
    }

    /** Where the last block begins that may still change. */
    #boundary() {
      let fence = "", found = this.#done, at = this.#done;
      for (const line of this.#text.slice(this.#done).split("\n")) {
        const mark = FENCE.exec(line)?.[1] ?? "";
        if (!fence && mark) fence = mark;
        else if (fence && closes(line, fence)) fence = "";
        const next = at + line.length + 1;
        // What may become the next item of a list, belongs to the list.
        if (!fence && !line.trim() && /[^\s\d*+-]/.test(this.#text[next] ?? " ")) found = next;
        at = next;
      }
      return found;
    }
  }

  return { View, blocks };
})();
