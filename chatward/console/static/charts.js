// Charts over time, drawn by uPlot from what a page has in `data-chart`. Colours are those of the style sheet; every name
// becomes text. The same numbers stand in a table beside each chart.
"use strict";

(() => {
  const HEIGHT = 220;
  const DAY = 86400;
  const WHOLE = [...Array(9).keys()].flatMap((zeros) => [1, 2, 5].map((one) => one * 10 ** zeros));
  const drawn = new Map();

  const make = (name, kind) => {
    const made = document.createElement(name);
    made.className = kind;
    return made;
  };

  const draw = (figure) => {
    const { at, lines, form: kind, digits, unit, marks, zone, language } = JSON.parse(figure.dataset.chart);
    const words = figure.dataset;
    const step = at.length > 1 ? at[1] - at[0] : 3600;
    const last = at[at.length - 1];
    const colour = (name) => () => getComputedStyle(figure).getPropertyValue(name);
    const number = new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 2 });
    const form = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
    const iso = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, ...form }); // 2026-11-23 17:05, as tables have it
    const moment = (seconds) => iso.format(seconds * 1000);
    const value = (one) => (one === null ? words.unknown : number.format(one) + unit);

    // Bars upon each other: each is drawn from the ground to its own top, the highest first.
    const order = kind === "stack" ? lines.map((_, place) => lines.length - 1 - place) : lines.map((_, place) => place);
    const hidden = new Set();
    const columns = () => {
      if (kind !== "stack") return order.map((place) => lines[place].values);
      const sums = at.map(() => 0);
      const tops = lines.map((line, place) => sums.map((sum, index) => {
        if (!hidden.has(place)) sums[index] = sum + (line.values[index] || 0);
        return sums[index];
      }));
      return order.map((place) => tops[place]);
    };
    const series = order.map((place) => {
      const paint = colour("--c-" + lines[place].kind);
      if (kind === "stack") {
        return { fill: paint, stroke: paint, width: 0, paths: uPlot.paths.bars({ size: [0.85, 60], align: 1 }), points: { show: false } };
      }
      const points = kind === "points" && place === 0;
      return { stroke: paint, width: points ? 0 : 2, dash: kind === "points" && !points ? [6, 4] : undefined,
        points: { show: points || lines[place].values.length < 40, size: points ? 7 : 5, fill: paint } };
    });
    const axis = (more) => ({ stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1 }, font: "11px system-ui, sans-serif", ...more });

    const place = make("div", "canvas");
    const readout = make("p", "readout soft");
    place.tabIndex = 0;
    const label = { role: "slider", "aria-label": words.title, "aria-valuemin": 0, "aria-valuemax": at.length - 1 };
    Object.entries(label).forEach(([name, one]) => place.setAttribute(name, one));
    const tell = (index) => {
      const parts = lines.map((line, place) => (hidden.has(place) ? "" : line.title + " " + value(line.values[index])));
      const close = marks.filter(([when]) => when >= at[index] && when < at[index] + step).map(([, text]) => text);
      const text = [moment(at[index]), ...parts, ...close].filter(Boolean).join(" · ");
      readout.textContent = text;
      place.setAttribute("aria-valuenow", index);
      place.setAttribute("aria-valuetext", text);
    };
    const marked = (u) => {
      u.ctx.save();
      u.ctx.strokeStyle = colour("--bad-ink")();
      u.ctx.lineWidth = 2 * uPlot.pxRatio;
      u.ctx.setLineDash([2 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
      for (const [when] of marks) {
        const x = Math.round(u.valToPos(when, "x", true));
        if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
        u.ctx.beginPath();
        u.ctx.moveTo(x, u.bbox.top);
        u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
        u.ctx.stroke();
      }
      u.ctx.restore();
    };
    const u = new uPlot({
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
      width: figure.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { show: kind !== "stack" } },
      scales: {
        x: { time: true, range: (_, low, high) => (high >= last ? [low, last + step] : [low, high]) },
        y: { range: (_, low, high) => [0, high > 0 ? high * 1.05 : 1] },
      },
      series: [{}, ...series],
      axes: [
        axis({ space: 70, values: (_, splits, __, ___, by) => splits.map((one) => (by < DAY ? moment(one).slice(11) : moment(one).slice(5, 10))) }),
        axis({ size: 56, incrs: digits ? undefined : WHOLE, values: (_, splits) => splits.map((one) => short.format(one) + unit) }),
      ],
      hooks: {
        draw: [marked],
        setCursor: [(self) => { if (self.cursor.idx !== null && self.cursor.idx !== undefined) tell(self.cursor.idx); }],
      },
    }, [at, ...columns()], place);

    // By keyboard: arrows go from step to step, + and - zoom around it, 0 shows all.
    let here = at.length - 1;
    const show = () => u.setCursor({ left: u.valToPos(at[here] + (kind === "stack" ? step / 2 : 0), "x"), top: 0 });
    const zoom = (factor) => {
      const { min, max } = u.scales.x;
      const half = Math.max(step, ((max - min) / 2) * factor);
      u.setScale("x", { min: Math.max(at[0], at[here] - half), max: Math.min(last, at[here] + half) });
    };
    const keys = {
      ArrowLeft: () => { here = Math.max(0, here - 1); },
      ArrowRight: () => { here = Math.min(at.length - 1, here + 1); },
      Home: () => { here = 0; },
      End: () => { here = at.length - 1; },
      "+": () => zoom(0.5),
      "-": () => zoom(2),
      0: () => u.setScale("x", { min: at[0], max: last }),
    };
    place.addEventListener("keydown", (event) => {
      if (!Object.hasOwn(keys, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      here = u.cursor.idx ?? here;
      keys[event.key]();
      const { min, max } = u.scales.x;
      if (at[here] < min || at[here] > max) u.setScale("x", { min: at[0], max: last });
      queueMicrotask(show); // once the drawing has its new scale
    });
    place.addEventListener("focus", show);

    for (const [number, item] of [...figure.querySelectorAll(".legend li")].entries()) {
      const button = make("button", "");
      button.type = "button";
      button.textContent = item.textContent;
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => {
        const off = !hidden.has(number);
        hidden[off ? "add" : "delete"](number);
        button.setAttribute("aria-pressed", String(!off));
        u.setSeries(order.indexOf(number) + 1, { show: !off });
        u.setData([at, ...columns()], false);
        u.redraw();
      });
      item.replaceChildren(button);
    }
    tell(at.length - 1);
    readout.textContent = words.keys;
    figure.prepend(place, readout);
    new ResizeObserver(() => u.setSize({ width: figure.clientWidth, height: HEIGHT })).observe(figure);
    drawn.set(figure, u);
  };

  const all = (root) => root.querySelectorAll("[data-chart]").forEach((one) => { if (!drawn.has(one)) draw(one); });
  all(document);
  addEventListener("htmx:load", (event) => all(event.target.parentNode || document));
  addEventListener("htmx:beforeCleanupElement", (event) => {
    for (const [figure, u] of drawn) {
      if (event.target === figure) {
        u.destroy();
        drawn.delete(figure);
      }
    }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((u) => u.redraw()));
})();
